"""Which frames of a clip are taken, and how they are decoded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from footage.sampling import PerSecond
from footage.video.keyframes import KeyframeReader
from footage.video.probe import probe
from footage.video.reader import open_video
from footage.video.types import Frame

Way = Literal["keyframes", "every frame"]

_KEYFRAMES_AT_ONCE = 64
"""What bounds memory on a clip of an hour."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A frame that was taken.

    Attributes:
        seconds: its presentation time, from the clip's first frame.
        image: RGB uint8 ``(H, W, 3)``, scaled down.
    """

    seconds: float
    image: NDArray[np.uint8]


@dataclass(slots=True)
class Sampling:
    """Frames of a clip at a steady rate. Iterate once; then the other attributes are complete.

    Where the file has a keyframe within half an interval of every wanted time, the keyframes are taken: only their
    packets are read. Otherwise the clip is decoded frame by frame, and each frame is the one on display at its time.

    Attributes:
        path: the clip.
        rate: frames a second.
        longest_side_px: larger frames are scaled down to it.
        way: how the frames are found.
        duration_seconds: of the clip; None where the file does not say.
        note: what the user should know about the clip, such as where it is cut short; None where it is sound.
    """

    path: Path
    rate: float
    longest_side_px: int
    way: Way = "every frame"
    duration_seconds: float | None = None
    note: str | None = None

    def __iter__(self) -> Iterator[Taken]:
        """The frames in the order of time.

        Raises:
            VideoError: the clip is missing, unreadable, or holds no frame that can be decoded.
        """
        info = probe(self.path)
        self.duration_seconds = info.duration_seconds
        size = scaled_size(info.width, info.height, self.longest_side_px)
        with KeyframeReader(self.path) as reader:
            wanted = self._near_keyframes(reader)
            if wanted is not None:
                self.way = "keyframes"
                yield from _by_keyframes(reader, wanted, size)
        if wanted is None:
            yield from self._frame_by_frame(size)

    def _near_keyframes(self, reader: KeyframeReader) -> NDArray[np.float64] | None:
        """The wanted times, if there is a keyframe near enough to each of them."""
        if not reader.indexed or not reader.duration_seconds or reader.cut_short is not None:
            return None
        there = reader.times_seconds
        if len(there) == 0:
            return None
        wanted = PerSecond(Fraction(self.rate)).times(reader.duration_seconds)
        after = np.searchsorted(there, wanted)
        before, after = np.maximum(after - 1, 0), np.minimum(after, len(there) - 1)
        distance = np.minimum(np.abs(wanted - there[before]), np.abs(there[after] - wanted))
        return wanted if float(distance.max()) <= 0.5 / self.rate else None

    def _frame_by_frame(self, size: tuple[int, int]) -> Iterator[Taken]:
        with open_video(self.path, threads=1, accurate_colours=True) as reader:
            for frame in _on_display(reader.frames(), self.rate):
                shrunk = frame.image
                if shrunk.shape[1::-1] != size:
                    shrunk = np.asarray(cv2.resize(shrunk, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
                yield Taken(frame.pts_seconds, shrunk)
            if reader.ending is not None and reader.ending.cut_short:
                self.note = f"used up to where it is damaged: {reader.ending.reason}"


def _by_keyframes(reader: KeyframeReader, wanted: NDArray[np.float64], size: tuple[int, int]) -> Iterator[Taken]:
    last = -np.inf
    for start in range(0, len(wanted), _KEYFRAMES_AT_ONCE):
        for frame in reader.nearest(wanted[start : start + _KEYFRAMES_AT_ONCE], size=size):
            if frame.pts_seconds > last:  # one keyframe may be the nearest to two times
                last = frame.pts_seconds
                yield Taken(frame.pts_seconds, frame.image)


def scaled_size(width: int, height: int, longest_side_px: int) -> tuple[int, int]:
    """(width, height) with the longest side at most so long; the shape is kept, nothing is enlarged."""
    scale = min(1.0, longest_side_px / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _on_display(frames: Iterator[Frame], rate: float) -> Iterator[Frame]:
    """The frame on display at 0, 1/rate, 2/rate ... seconds, each frame once."""
    step, number = 1 / Fraction(rate), 0
    shown: Frame | None = None
    given: Frame | None = None
    for frame in frames:
        # A hair is added so that a time that rounding put just before a frame still finds it.
        while shown is not None and float(number * step) + 1e-9 < frame.pts_seconds:
            if shown is not given:
                yield shown
                given = shown
            number += 1
        shown = frame
    if shown is not None and shown is not given and float(number * step) <= shown.pts_seconds + 1e-9:
        yield shown
