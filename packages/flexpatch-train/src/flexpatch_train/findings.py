"""All that a run found, before any of it is written."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from flexpatch_train.learn import Learned
from flexpatch_train.observe import Observation
from footage.video.types import VideoInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All that a run found.

    Attributes:
        video: what the video says about itself.
        detector_reason: the detector that was taken, and why.
        labels_from: what the labels were read from, in words.
        settings: everything that decides the result.
        seen: the pass over the video.
        table: the labelled rows.
        learned: the tree and its scores.
        warnings: what limits the result, each a clause without a full stop.
    """

    video: VideoInfo
    detector_reason: str
    labels_from: str
    settings: dict[str, object]
    seen: Observation
    table: pd.DataFrame
    learned: Learned
    warnings: tuple[str, ...]

    @property
    def lead(self) -> str:
        """The result in one sentence."""
        held_out = self.learned.held_out
        rivals = ", ".join(
            f"{score.name} {_short(score.macro_f1.estimate)} and {_short(score.recall_high.estimate)}"
            for score in held_out.scores[1:]
        )
        return (
            f"On {self.learned.split.words}, the tree scores a macro-F1 of {held_out.model.macro_f1.text()} and a recall of `high` of "
            f"{held_out.model.recall_high.text()}, beside {rivals}."
        )


def _short(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f}"
