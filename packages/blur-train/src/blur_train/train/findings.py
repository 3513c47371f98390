"""All that a training found, before any of it is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blur_train.decision import DecisionRule
from blur_train.evaluation.measure import Measured
from blur_train.train.inputs import Inputs
from footage.metrics.intervals import Interval
from footage.training.loop import Fitted


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All that a training found.

    Attributes:
        backend: the network's kind.
        start: what it started from, in words.
        device: where it was computed, in words.
        settings: everything that decides the result, but for the photos.
        data_sha256: of the photos.
        split_sha256: of which photo is on which side.
        classes: those that were trained.
        inputs: the photos.
        fitted: how training went.
        rule: the temperature and the operating points.
        chosen_on: the side they were chosen on.
        measured: on the test side; None where it has no photos.
        logits: of all photos but those of the train side, by their rows; zeros elsewhere.
        doubts: what limits the figures.
    """

    backend: str
    start: str
    device: str
    settings: dict[str, Any]
    data_sha256: str
    split_sha256: str
    classes: tuple[str, ...]
    inputs: Inputs
    fitted: Fitted
    rule: DecisionRule
    chosen_on: str
    measured: Measured | None
    logits: NDArray[np.float64]
    doubts: tuple[str, ...]

    @property
    def ready(self) -> bool:
        """Whether nothing speaks against the figures."""
        return not self.doubts

    @property
    def lead(self) -> str:
        """The result in one sentence."""
        verdict = "" if self.ready else " This model is not ready: see the reservations."
        if self.measured is None:
            return f"A {self.backend} model was trained, and there is no test side to measure it on.{verdict}"
        return (
            f"On photos it never saw, the {self.backend} model answers "
            f"{percent(self.measured.accuracy)} right and calls "
            f"{percent(self.measured.false_positives)} of sharp photos blurred.{verdict}"
        )

    def counts(self) -> dict[str, dict[str, int]]:
        """Photos by side and class."""
        table: dict[str, dict[str, int]] = {}
        for photo in self.inputs.photos:
            side = table.setdefault(photo.side, {})
            side[photo.label.value] = side.get(photo.label.value, 0) + 1
        return table


def percent(interval: Interval) -> str:
    """``97.3 % [95.9, 98.2] (n = 812)``."""
    return interval.text(percent=True, digits=1)
