"""All that a training found, before any of it is written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from footage.metrics.intervals import Interval
from footage.training.loop import Fitted
from highlight_train.prepare.manifest import SkippedClip
from highlight_train.train.scores import Evaluation
from highlight_train.train.sides import Sides


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All that a training found.

    Attributes:
        backbone: the architecture.
        start: what it started from, in words.
        device: where it was computed, in words.
        settings: everything that decides the result, but for the data.
        sides: the split.
        skipped: labelled clips that could not be used.
        fitted: how training went.
        evaluation: the test side, looked at once.
        frame_scores: probability of highlight of every frame, ``(N,)``; 0 on the training side, which was not scored.
        doubts: why the scores should not be relied on, each a clause without a full stop.
    """

    backbone: str
    start: str
    device: str
    settings: dict[str, object]
    sides: Sides
    skipped: tuple[SkippedClip, ...]
    fitted: Fitted
    evaluation: Evaluation
    frame_scores: NDArray[np.float64]
    doubts: tuple[str, ...]

    @property
    def ready(self) -> bool:
        """Whether the model may be called ready: nothing speaks against its scores."""
        return not self.doubts

    @property
    def lead(self) -> str:
        """The result in one sentence."""
        scores = self.evaluation.scores
        rivals = ", ".join(f"{score.name} {_short(score.average_precision)}" for score in scores[1:])
        verdict = "" if self.ready else " This model is not ready: see the reservations."
        unseen = "clips" if self.sides.grouped_by == "clip" else "clips of flights"
        return (
            f"On {unseen} it never saw, the model ranks highlights with an average precision of "
            f"{self.text(self.evaluation.model.average_precision)}; without training: {rivals}.{verdict}"
        )

    def text(self, interval: Interval) -> str:
        """A figure with its interval, and what it rests on."""
        kind = "clip" if self.sides.grouped_by == "clip" else "folder"
        value = interval.text().split(" (n =")[0].replace("one group only", f"one {kind} only")
        count = "" if interval.groups is None or kind == "clip" else f" of {counted(interval.groups, kind)}"
        return f"{value} (n = {counted(interval.n, 'clip')}{count})"


def counted(count: int, what: str) -> str:
    """``1 clip``, ``7 clips``."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def _short(interval: Interval) -> str:
    return "none" if interval.estimate is None else f"{interval.estimate:.2f}"
