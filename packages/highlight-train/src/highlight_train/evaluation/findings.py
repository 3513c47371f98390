"""All that an evaluation found, before any of it is written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from footage.metrics.intervals import Interval
from highlight_train.evaluation.clips import MeasuredClips
from highlight_train.evaluation.measure import Measured
from highlight_train.labels import CLASSES
from highlight_train.scoring.bands import band_of
from highlight_train.scoring.decision import Decision
from highlight_train.scoring.video import FrameScores

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredClip:
    """A clip, its truth, and what the model says.

    Attributes:
        path: the file.
        group: what it was kept on one side of the split with.
        is_highlight: its label.
        score: of the model, in [0, 1].
        frames: the scores of its pictures.
    """

    path: Path
    group: str
    is_highlight: bool
    score: float
    frames: FrameScores


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """All that an evaluation found.

    Attributes:
        model: the model file.
        model_sha256: of that file.
        decision: the pooling and the threshold.
        on: the clips it was measured on, and those it was not.
        clips: the clips with their scores.
        measured: the figures.
    """

    model: Path
    model_sha256: str
    decision: Decision
    on: MeasuredClips
    clips: tuple[MeasuredClip, ...]
    measured: Measured

    @property
    def lead(self) -> str:
        """The result in one sentence."""
        scores = self.measured.scores
        rivals = ", ".join(f"{score.name} {_short(score.average_precision)}" for score in scores[1:])
        seen, count = self.on.seen, len(self.clips)
        which = f"{count} clips it never saw" if self.on.held_out else f"{count} clips, {seen} of which it has seen,"
        verdict = " These figures are not to be relied on: see the reservations." if self.on.doubts else ""
        return (
            f"On {which} the model ranks highlights with an average precision of "
            f"{self.text(scores[0].average_precision)}; without training: {rivals}.{verdict}"
        )

    def text(self, interval: Interval) -> str:
        """A figure with its interval, and what it rests on."""
        return interval.text(group=self.on.kept_together)

    def mistakes(self, most: int) -> list[MeasuredClip]:
        """The clips on the wrong side of the threshold, the furthest from it first."""
        threshold = self.decision.threshold
        wrong = [clip for clip in self.clips if (clip.score >= threshold) != clip.is_highlight]
        return sorted(wrong, key=lambda clip: -abs(clip.score - threshold))[:most]

    def document(self) -> dict[str, object]:
        """The content of ``evaluation.json``."""
        measured = self.measured
        return {
            "format_version": FORMAT_VERSION,
            "lead": self.lead,
            "held_out": self.on.held_out,
            "doubts": self.on.doubts,
            "model": {"path": str(self.model), "sha256": self.model_sha256},
            "decision": self.decision,
            "clips": {
                "measured": len(self.clips),
                "highlights": sum(clip.is_highlight for clip in self.clips),
                "groups": len({clip.group for clip in self.clips}),
                "grouped_by": self.on.kept_together,
                "seen_in_training": self.on.seen,
                "left_out_as_seen": self.on.left_out,
                "skipped": self.on.skipped,
            },
            "scores": measured.scores,
            "gain_over_best_baseline": {"baseline": measured.best_baseline, "average_precision": measured.gain},
            "confusion": {"labels": CLASSES, "rows_true_columns_predicted": measured.confusion},
            "reliability": measured.reliability,
            "predictions": [
                {
                    "path": str(clip.path),
                    "group": clip.group,
                    "label": CLASSES[clip.is_highlight],
                    "score": clip.score,
                    "band": band_of(clip.score),
                }
                for clip in sorted(self.clips, key=lambda clip: (-clip.score, str(clip.path)))
            ],
        }


def _short(interval: Interval) -> str:
    return "none" if interval.estimate is None else f"{interval.estimate:.2f}"
