"""All that an evaluation found, before any of it is written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from blur_train.classes import CLASSES
from blur_train.decision import Preset
from blur_train.evaluation.measure import Measured
from blur_train.evaluation.tables import claim_line
from blur_train.prepare.manifest import LeftOut, PreparedPhoto

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """All that an evaluation found.

    Attributes:
        model: the model file.
        model_sha256: of that file.
        preset: how readily photos were called blurred.
        side: of the data set.
        photos: that were measured.
        probabilities: of the model, ``(N, 4)``.
        said: its answers, ``(N,)``.
        left_out: photos that could not be read.
        ways: the figures of the model, then of its rivals.
        doubts: what limits the figures.
    """

    model: Path
    model_sha256: str
    preset: Preset
    side: str
    photos: tuple[PreparedPhoto, ...]
    probabilities: NDArray[np.float64]
    said: NDArray[np.intp]
    left_out: tuple[LeftOut, ...]
    ways: tuple[Measured, ...]
    doubts: tuple[str, ...]

    @property
    def lead(self) -> str:
        """The result in one sentence."""
        own, others = self.ways[0], self.ways[1:]
        beside = "; ".join(f"{way.name} {way.accuracy.text(percent=True, digits=1).split(' [')[0]}" for way in others)
        verdict = " These figures are not to be relied on: see the reservations." if self.doubts else ""
        return (
            f"The model answers {own.accuracy.text(percent=True, digits=1)} right and calls "
            f"{own.false_positives.text(percent=True, digits=1)} of sharp photos blurred"
            f"{f'; right without a network: {beside}' if beside else ''}.{verdict}"
        )

    def document(self) -> dict[str, object]:
        """The content of ``evaluation.json``."""
        return {
            "format_version": FORMAT_VERSION,
            "lead": self.lead,
            "claim": claim_line(self.ways[0]),
            "doubts": self.doubts,
            "model": {"path": str(self.model), "sha256": self.model_sha256},
            "preset": self.preset,
            "side": self.side,
            "photos": len(self.photos),
            "groups": len({photo.group for photo in self.photos}),
            "left_out": self.left_out,
            "classes": CLASSES,
            "ways": self.ways,
        }
