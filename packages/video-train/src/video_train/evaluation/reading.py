"""What workers read of a part of a video; loads no torch, so that their processes start at once."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from footage.training.clips import read_clip
from video_train.evaluation.quality import Quality, quality_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a worker is asked to do.

    Attributes:
        number: of the part.
        path: the video.
        start_seconds: where the part begins.
        end_seconds: where it ends.
        readings: for each model, when the frames of each clip are shown ``(clips, T)`` and the side of the squares.
    """

    number: int
    path: Path
    start_seconds: float
    end_seconds: float
    readings: tuple[tuple[NDArray[np.float64], int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a worker found.

    Attributes:
        clips: for each model, uint8 ``(clips, T, size, size, 3)``.
        quality: of the part.
        decode_ms: time to read one clip of the first model, the median.
    """

    clips: tuple[NDArray[np.uint8], ...]
    quality: Quality
    decode_ms: float


def look(order: Order) -> Look:
    """Read the clips of a part, and look at its quality.

    Raises:
        VideoError: the video cannot be read.
    """
    spent: list[float] = []
    clips = []
    for moments, size_px in order.readings:
        read = []
        for times in moments:
            started = time.perf_counter()
            read.append(read_clip(order.path, times, size_px))
            spent.append(time.perf_counter() - started)
        clips.append(np.stack(read))
    return Look(
        clips=tuple(clips),
        quality=quality_of(order.path, order.start_seconds, order.end_seconds),
        decode_ms=1000 * float(np.median(spent[: len(order.readings[0][0])])),
    )
