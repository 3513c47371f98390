"""Clips out of frames that come one after another, with memory for the frames of the open windows only."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from footage.training.clips import ClipSampling, clip_times


class Shown(Protocol):
    """A frame that came."""

    @property
    def pts_seconds(self) -> float:
        """When it is shown, from the first frame."""
        ...

    def squeezed(self, side_px: int) -> NDArray[np.uint8]:
        """RGB uint8 ``(side, side, 3)``."""
        ...


@dataclass(frozen=True, slots=True)
class Clip:
    """A window that is complete.

    Attributes:
        start_seconds: where it begins.
        end_seconds: where it ends.
        frames: uint8 ``(T, side, side, 3)``.
    """

    start_seconds: float
    end_seconds: float
    frames: NDArray[np.uint8]


@dataclass(slots=True)
class _Open:
    start: float
    times: NDArray[np.float64]
    pictures: list[NDArray[np.uint8]] = field(default_factory=list)


class ClipAssembler:
    """Takes frames in order and gives the clips of windows along them, as ``read_clip`` gives them of a file.

    A frame is on display from its time to that of the next, so that a clip is complete with the first frame after its
    last moment. Where nothing came for longer than a window, windows in the gap are passed over.

    Attributes:
        passed_over: windows that lay in gaps.
    """

    def __init__(self, sampling: ClipSampling, *, window_seconds: float, step_seconds: float) -> None:
        """Begin with the first frame at 0 s.

        Args:
            sampling: of a clip.
            window_seconds: length of a window.
            step_seconds: from the start of one window to the next.
        """
        if not (window_seconds > 0 and step_seconds > 0):
            raise ValueError("window and step must be positive")
        self.passed_over = 0
        self._sampling, self._window, self._step = sampling, window_seconds, step_seconds
        self._next = 0
        self._open: list[_Open] = []
        self._previous: Shown | None = None

    def feed(self, frame: Shown) -> list[Clip]:
        """The clips that this frame completes, most often none."""
        previous, self._previous = self._previous, frame
        if previous is None:
            return []
        now = frame.pts_seconds
        if now - previous.pts_seconds > self._window:
            self._skip_to(now)
            return []
        # Nothing of a window is shown before its start.
        while self._next * self._step < now:
            start = self._next * self._step
            self._open.append(_Open(start, clip_times(start, start + self._window, self._sampling, None)))
            self._next += 1
        picture: NDArray[np.uint8] | None = None
        for window in self._open:
            while len(window.pictures) < len(window.times) and window.times[len(window.pictures)] < now:
                if picture is None:
                    picture = previous.squeezed(self._sampling.size_px)
                window.pictures.append(picture)
        full = [one for one in self._open if len(one.pictures) == len(one.times)]
        self._open = [one for one in self._open if len(one.pictures) < len(one.times)]
        return [Clip(one.start, one.start + self._window, np.stack(one.pictures)) for one in full]

    def _skip_to(self, now: float) -> None:
        coming = math.ceil(now / self._step)
        self.passed_over += len(self._open) + coming - self._next
        self._open, self._next = [], coming
