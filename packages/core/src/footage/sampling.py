"""Which moments of a video to look at: policies as arithmetic over durations and frame times, without any decoding.

A policy answers two questions. :meth:`Policy.times` chooses seconds from a duration, for readers that seek.
:meth:`Policy.indices` chooses positions in a sorted array of frame times, for readers that have them; the times need
not be regular. Answers are sorted; indices are never repeated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Policy(Protocol):
    """What every sampling policy can do."""

    def times(self, duration_seconds: float, rng: np.random.Generator | None = None) -> NDArray[np.float64]:
        """Chosen times in seconds, ascending, each in [0, duration)."""
        ...

    def indices(
        self, frame_times_seconds: NDArray[np.float64], rng: np.random.Generator | None = None
    ) -> NDArray[np.intp]:
        """Chosen positions in ``frame_times_seconds``, ascending and distinct."""
        ...


@dataclass(frozen=True, slots=True)
class Uniform:
    """The middles of ``count`` equal parts: no sample sits on the very first or last frame."""

    count: int

    def __post_init__(self) -> None:
        _check_count(self.count)

    def times(self, duration_seconds: float, rng: np.random.Generator | None = None) -> NDArray[np.float64]:
        """The middle of each part, (count,); ``rng`` is not used.

        Raises:
            ValueError: The duration is not positive and finite.
        """
        del rng
        _check_duration(duration_seconds)
        return np.asarray((np.arange(self.count) + 0.5) * (duration_seconds / self.count))

    def indices(
        self, frame_times_seconds: NDArray[np.float64], rng: np.random.Generator | None = None
    ) -> NDArray[np.intp]:
        """The middle frame of each of ``count`` parts with equally many frames; all frames where there are fewer."""
        del rng
        frames = _check_times(frame_times_seconds)
        if frames <= self.count:
            return np.arange(frames, dtype=np.intp)
        # In integers, so that the parts are the same on every machine.
        return np.asarray((2 * np.arange(self.count) + 1) * frames // (2 * self.count), dtype=np.intp)


@dataclass(frozen=True, slots=True)
class Random:
    """One moment at random in each of ``count`` equal parts: spread like :class:`Uniform`, different every time."""

    count: int

    def __post_init__(self) -> None:
        _check_count(self.count)

    def times(self, duration_seconds: float, rng: np.random.Generator | None = None) -> NDArray[np.float64]:
        """A random time in each part, (count,).

        Raises:
            ValueError: The duration is not positive and finite, or ``rng`` is missing.
        """
        _check_duration(duration_seconds)
        part = duration_seconds / self.count
        times = (np.arange(self.count) + _needed(rng).random(self.count)) * part
        return np.asarray(np.minimum(times, np.nextafter(duration_seconds, 0.0)))

    def indices(
        self, frame_times_seconds: NDArray[np.float64], rng: np.random.Generator | None = None
    ) -> NDArray[np.intp]:
        """A random frame from each of ``count`` parts with equally many frames; all frames where there are fewer.

        Raises:
            ValueError: ``rng`` is missing.
        """
        generator = _needed(rng)
        frames = _check_times(frame_times_seconds)
        if frames <= self.count:
            return np.arange(frames, dtype=np.intp)
        edges = np.arange(self.count + 1) * frames // self.count
        return np.asarray(generator.integers(edges[:-1], edges[1:]), dtype=np.intp)


@dataclass(frozen=True, slots=True)
class PerSecond:
    """A steady rate, from the first frame on.

    Attributes:
        rate: samples a second; a Fraction keeps times exact over hours.
    """

    rate: Fraction | float

    def __post_init__(self) -> None:
        if not (self.rate > 0 and math.isfinite(self.rate)):
            raise ValueError(f"the rate must be positive, not {self.rate}")

    def times(self, duration_seconds: float, rng: np.random.Generator | None = None) -> NDArray[np.float64]:
        """0, 1/rate, 2/rate ... below the duration; ``rng`` is not used.

        Raises:
            ValueError: The duration is not positive and finite.
        """
        del rng
        _check_duration(duration_seconds)
        count = max(1, math.ceil(Fraction(duration_seconds) * Fraction(self.rate)))
        times = np.arange(count) / float(self.rate)
        return np.asarray(times[times < duration_seconds])

    def indices(
        self, frame_times_seconds: NDArray[np.float64], rng: np.random.Generator | None = None
    ) -> NDArray[np.intp]:
        """The frame on display at each of the times, each frame once: a slow video is not sampled twice."""
        del rng
        _check_times(frame_times_seconds)
        first, last = float(frame_times_seconds[0]), float(frame_times_seconds[-1])
        wanted = first + np.arange(math.floor((last - first) * float(self.rate)) + 1) / float(self.rate)
        # A hair is added so that a time that rounding put just before a frame still finds it.
        shown = np.searchsorted(frame_times_seconds, wanted + 1e-9, side="right") - 1
        return np.asarray(np.unique(shown), dtype=np.intp)


@dataclass(frozen=True, slots=True)
class Keyframes:
    """The keyframes nearest to ``count`` evenly spread times, each keyframe once.

    ``indices`` takes the times of the keyframes themselves, as :func:`footage.video.keyframes.keyframe_times` gives
    them, and spreads by time rather than by number: encoders put more keyframes where more happens.
    """

    count: int

    def __post_init__(self) -> None:
        _check_count(self.count)

    def times(self, duration_seconds: float, rng: np.random.Generator | None = None) -> NDArray[np.float64]:
        """The times to look for keyframes near: those of :class:`Uniform`."""
        return Uniform(self.count).times(duration_seconds, rng)

    def indices(
        self, frame_times_seconds: NDArray[np.float64], rng: np.random.Generator | None = None
    ) -> NDArray[np.intp]:
        """Positions in the array of keyframe times; fewer than ``count`` where keyframes are few or bunched."""
        del rng
        keyframes = _check_times(frame_times_seconds)
        if keyframes <= self.count:
            return np.arange(keyframes, dtype=np.intp)
        first, last = float(frame_times_seconds[0]), float(frame_times_seconds[-1])
        wanted = first + (np.arange(self.count) + 0.5) * ((last - first) / self.count)
        after = np.clip(np.searchsorted(frame_times_seconds, wanted), 1, keyframes - 1)
        nearer_before = wanted - frame_times_seconds[after - 1] <= frame_times_seconds[after] - wanted
        return np.asarray(np.unique(np.where(nearer_before, after - 1, after)), dtype=np.intp)


def _check_count(count: int) -> None:
    if count < 1:
        raise ValueError(f"the number of samples must be at least 1, not {count}")


def _check_duration(duration_seconds: float) -> None:
    if not (duration_seconds > 0 and math.isfinite(duration_seconds)):
        raise ValueError(f"the duration must be positive, not {duration_seconds} s")


def _check_times(frame_times_seconds: NDArray[np.float64]) -> int:
    if frame_times_seconds.ndim != 1 or len(frame_times_seconds) == 0:
        raise ValueError(f"frame times must be one row of at least one time, not of shape {frame_times_seconds.shape}")
    if not np.all(np.isfinite(frame_times_seconds)) or np.any(np.diff(frame_times_seconds) < 0):
        raise ValueError("frame times must be finite and ascending")
    return len(frame_times_seconds)


def _needed(rng: np.random.Generator | None) -> np.random.Generator:
    if rng is None:
        raise ValueError("random sampling needs a numpy Generator")
    return rng
