"""All that a run found, before any of it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from flexpatch_train.clip import Clip
from flexpatch_train.curve_report import curve_sentence
from flexpatch_train.features import FEATURES
from flexpatch_train.labels import LABELS
from flexpatch_train.learn import Learned
from footage.metrics.intervals import Interval

MEDIUM_WARNING = 0.4
GHOST_WARNING = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All that a run found.

    Attributes:
        clips: the videos, as they were watched.
        settings: everything that decides the result.
        table: the labelled rows.
        learned: the model and its scores.
        warnings: what limits the result, each a clause without a full stop.
    """

    clips: tuple[Clip, ...]
    settings: dict[str, object]
    table: pd.DataFrame
    learned: Learned
    warnings: tuple[str, ...]

    @property
    def lead(self) -> str:
        """The result in one sentence: what the model is for; its scores where no held-out box failed."""
        curve = self.learned.curve
        return self.scores if curve is None else curve_sentence(curve)

    @property
    def scores(self) -> str:
        """How the model scores, beside its baselines, in one sentence."""
        learned, held_out = self.learned, self.learned.held_out
        rivals = ", ".join(
            f"{score.name} {_short(score.macro_f1.estimate)} and {_short(score.recall_high.estimate)}"
            for score in held_out.scores[1:]
        )
        macro_f1, recall_high = _figure(held_out.model.macro_f1), _figure(held_out.model.recall_high)
        return (
            f"On {learned.split.words}, the {learned.options.name} scores a macro-F1 of {macro_f1} and a "
            f"recall of high risk of {recall_high}; the baselines score, by the same two figures: {rivals}."
        )


def _figure(interval: Interval) -> str:
    """A figure with its interval, and what it rests on."""
    value = interval.text().split(" (n =")[0].replace("one group only", "one object only")
    return f"{value} (n = {interval.n} boxes of {objects(interval.groups)})"


def objects(count: int | None) -> str:
    """``1 object``, ``7 objects``."""
    return f"{count} object{'' if count == 1 else 's'}"


def _short(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f}"


def what_limits(clips: Sequence[Clip], table: pd.DataFrame, learned: Learned) -> list[str]:
    """What a reader must know before trusting the scores; empty when all is well."""
    warnings = list(learned.doubts)
    for clip in clips:
        prefix = f"{clip.source.name}: " if len(clips) > 1 else ""
        rows = table[table["clip"] == clip.source.name]
        warnings.extend(f"{prefix}{text}" for text in _limits_of_clip(clip, rows))
    unknown = int(np.isnan(table[list(FEATURES)].to_numpy(np.float64)).any(axis=1).sum())
    if unknown > len(table) / 2:
        warnings.append(f"{unknown} of {len(table)} rows lack a feature: the objects have hardly any contrast")
    return warnings


def _limits_of_clip(clip: Clip, rows: pd.DataFrame) -> list[str]:
    warnings = []
    ending = clip.seen.ending
    if ending is not None and ending.cut_short:
        warnings.append(f"the video is damaged and was used up to the cut: {ending.reason}")
    medium = float((rows["iou_label"] == LABELS[1]).mean())
    if medium > MEDIUM_WARNING:
        warnings.append(
            f"{medium:.0%} of the labels are medium, which is usually a sign of unsteady detections or boxes"
        )
    per_frame = len(rows) / len(rows.drop_duplicates(["start_frame", "frame"]))
    detections_per_frame = clip.detections / len(clip.seen.detections)
    if per_frame > GHOST_WARNING * detections_per_frame:
        warnings.append(
            f"{per_frame:.1f} boxes are followed a frame for {detections_per_frame:.1f} detections: "
            "tracks outlive objects"
        )
    return warnings
