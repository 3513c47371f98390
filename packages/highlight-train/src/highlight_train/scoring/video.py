"""A video's scores: of its frames, as the models give them, and of the whole, with its best moments."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from highlight_train.highlights import Window
from highlight_train.scoring.bands import Band, band_of
from highlight_train.scoring.pooling import Pooling, pool
from highlight_train.scoring.sampler import Samples, Way
from highlight_train.scoring.windows import best_windows


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameScores:
    """What the models say about a file.

    Attributes:
        times_seconds: of the frames, ascending.
        scores: of the frames, each in [0, 1].
        duration_seconds: the video's length.
        way: how the frames were read.
        remark: see :class:`highlight_train.scoring.sampler.Samples`.
    """

    times_seconds: tuple[float, ...]
    scores: tuple[float, ...]
    duration_seconds: float
    way: Way
    remark: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredVideo:
    """A video with its score.

    Attributes:
        path: the file.
        score: in [0, 1].
        windows: its best spans, the best first; at least one.
        duration_seconds: the video's length.
        frames: how many were scored.
        way: how they were read.
        remark: what was not as it should be; None where all was well.
    """

    path: Path
    score: float
    windows: tuple[Window, ...]
    duration_seconds: float
    frames: int
    way: Way
    remark: str | None

    @property
    def band(self) -> Band:
        """The score in words."""
        return band_of(self.score)

    @property
    def timestamp_seconds(self) -> float:
        """The middle of the best window."""
        return (self.windows[0].start_seconds + self.windows[0].end_seconds) / 2


def frame_scores(samples: Samples, scores: NDArray[np.float64]) -> FrameScores:
    """A video's pictures with what the models say about each, without the pictures."""
    return FrameScores(
        times_seconds=tuple(samples.times_seconds.tolist()),
        scores=tuple(scores.tolist()),
        duration_seconds=samples.duration_seconds,
        way=samples.way,
        remark=samples.remark,
    )


def scored_video(path: Path, frames: FrameScores, pooling: Pooling, threshold: float) -> ScoredVideo:
    """Pool a video's frame scores and find its best windows; all but the first score at least the threshold."""
    return ScoredVideo(
        path=path,
        score=pool(frames.scores, pooling),
        windows=best_windows(frames.times_seconds, frames.scores, frames.duration_seconds, at_least=threshold),
        duration_seconds=frames.duration_seconds,
        frames=len(frames.scores),
        way=frames.way,
        remark=frames.remark,
    )


def window_text(video: ScoredVideo) -> str:
    """The best window as a person says it."""
    best = video.windows[0]
    return f"{clock(best.start_seconds)} to {clock(best.end_seconds)}"


def clock(seconds: float) -> str:
    """Minutes and seconds, ``3:07.5``."""
    tenths = round(seconds * 10)
    return f"{tenths // 600}:{tenths % 600 / 10:04.1f}"
