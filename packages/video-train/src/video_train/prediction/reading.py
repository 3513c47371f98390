"""What workers read of videos that are labelled; loads no torch, so that their processes start at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from footage.training.clips import read_clip


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipsWanted:
    """Some windows of a video.

    Attributes:
        path: the file.
        moments: when the frames of each clip are shown ``(K, T)``.
        size_px: side of the squares.
    """

    path: Path
    moments: NDArray[np.float64]
    size_px: int


def read_clips(wanted: ClipsWanted) -> list[NDArray[np.uint8]]:
    """The clips, uint8 ``(T, size, size, 3)`` each.

    Raises:
        VideoError: the file cannot be read.
    """
    return [read_clip(wanted.path, times, wanted.size_px) for times in wanted.moments]
