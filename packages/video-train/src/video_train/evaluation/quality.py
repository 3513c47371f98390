"""How good a video is as a recording: sharpness, exposure, frames that are missing or shown twice."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from footage.sampling import Uniform
from footage.video.moments import read_moments
from footage.video.reader import open_video
from footage.video.timing import frame_times

_MOMENTS = 5
_DARK, _BRIGHT = 5, 250
"""Of 255: at or below is black, at or above is white, whatever was there."""
_CODING = 3
"""Of 255: so much a picture's pixels change where a codec repeats it."""
_GAP = 1.5
"""So many times the usual time between frames means that frames are missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """A part of a video as a recording, from some frames at full size and from its frames' times.

    Attributes:
        sharpness: variance of the Laplacian of luma (levels squared), the median over the frames; depends on what is
            seen and on the size of the picture.
        brightness: mean luma, in [0, 1].
        dark_share: share of pixels that are black.
        bright_share: share of pixels that are white.
        frames: how many frames the file has there.
        dropped: how many are missing where the time between two frames is longer than usual.
        repeated: of the frames looked at, the share that is followed by the same picture again.
    """

    sharpness: float
    brightness: float
    dark_share: float
    bright_share: float
    frames: int
    dropped: int
    repeated: float

    def document(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def quality_of(path: Path, start_seconds: float, end_seconds: float) -> Quality:
    """Look at a part of a video.

    Raises:
        VideoError: the file cannot be read.
    """
    times = frame_times(path)
    inside = times[(times >= start_seconds) & (times < end_seconds)]
    if not len(inside):
        inside = times[np.searchsorted(times, start_seconds, side="right") - 1 :][:1]
    chosen = Uniform(_MOMENTS).indices(inside)
    following = np.minimum(chosen + 1, len(inside) - 1)
    wanted, places = np.unique(np.concatenate([inside[chosen], inside[following]]), return_inverse=True)
    with open_video(path, threads=1) as video:
        size = (video.info.width, video.info.height)
    pictures = [_luma(frame.image) for frame in read_moments(path, wanted, size=size)]
    firsts, seconds = places[: len(chosen)].tolist(), places[len(chosen) :].tolist()
    looked = [pictures[place] for place in firsts]
    same = [_alike(pictures[a], pictures[b]) for a, b in zip(firsts, seconds, strict=True) if a != b]
    return Quality(
        sharpness=float(np.median([cv2.Laplacian(luma, cv2.CV_64F).var() for luma in looked])),
        brightness=float(np.mean([luma.mean() for luma in looked]) / 255),
        dark_share=float(np.mean([(luma <= _DARK).mean() for luma in looked])),
        bright_share=float(np.mean([(luma >= _BRIGHT).mean() for luma in looked])),
        frames=len(inside),
        dropped=missing_frames(inside),
        repeated=float(np.mean(same)) if same else 0.0,
    )


def missing_frames(times_seconds: NDArray[np.float64]) -> int:
    """How many frames would fill the gaps between frames whose times are given, ascending ``(N,)``."""
    gaps = np.diff(times_seconds)
    gaps = gaps[gaps > 0]
    if not len(gaps):
        return 0
    usual = float(np.median(gaps))
    wide = gaps[gaps > _GAP * usual]
    return int((np.rint(wide / usual) - 1).sum())


def _alike(luma: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    """Whether two pictures differ by no more than coding the same one twice leaves."""
    return int(cv2.absdiff(luma, other).max()) <= _CODING


def _luma(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
