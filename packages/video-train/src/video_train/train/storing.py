"""The clips of one part of a video, decoded and kept; loads no torch, so that worker processes start at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from footage.runs.files import atomic_write_array
from footage.training.clips import ClipSampling, read_clip, read_drawn_clip


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a worker is asked to do.

    Attributes:
        number: of the part.
        path: the video.
        moments: when the frames of each clip are shown, ``(clips, T)``.
        even: so many of them, the first, are at even times; the others were drawn.
        sampling: how.
        file: where the array goes.
    """

    number: int
    path: Path
    moments: NDArray[np.float64]
    even: int
    sampling: ClipSampling
    file: Path


def store(order: Order) -> None:
    """Decode the clips of a part and write them as one array, uint8 ``(clips, T, size, size, 3)``.

    Raises:
        VideoError: the video cannot be read.
    """
    clips = [read_clip(order.path, times, order.sampling.size_px) for times in order.moments[: order.even]]
    clips += [read_drawn_clip(order.path, times, order.sampling) for times in order.moments[order.even :]]
    atomic_write_array(order.file, np.stack(clips))
