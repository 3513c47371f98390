"""The best moments of a video: spans of 5 to 15 seconds around its highest scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

SHORTEST_SECONDS = 5.0
LONGEST_SECONDS = 15.0
MOST_WINDOWS = 3
KEPT_SHARE = 0.8
"""A window grows over a neighbouring frame whose score is at least this share of its best frame's."""


@dataclass(frozen=True, slots=True)
class Window:
    """A span of a video.

    Attributes:
        start_seconds: from the first frame.
        end_seconds: from the first frame.
        score: mean score of the frames inside.
    """

    start_seconds: float
    end_seconds: float
    score: float

    @property
    def middle_seconds(self) -> float:
        """The time half-way."""
        return (self.start_seconds + self.end_seconds) / 2


def best_windows(
    times_seconds: ArrayLike,
    scores: ArrayLike,
    duration_seconds: float,
    *,
    at_least: float = 0.0,
    most: int = MOST_WINDOWS,
) -> tuple[Window, ...]:
    """Spans to cut a video to.

    A window begins as 5 s around the highest score that no window holds yet. It grows towards each neighbouring frame
    that scores about as well, up to 15 s. Windows do not overlap, keep inside the video, and are 5 s to 15 s long, or
    as long as the video where that is shorter.

    Args:
        times_seconds: of the scored frames, ascending, shape (N,), N at least 1.
        scores: of these frames, shape (N,).
        duration_seconds: the video's length; taken as the last frame's time where that is later.
        at_least: the least highest score of a window after the first.
        most: how many at most.

    Returns:
        At least one window, the best first. The first one holds the frame with the highest score, except where a video
        has no length.

    Raises:
        ValueError: the arrays are empty, differ in length or are not ascending in time.
    """
    times, values = np.asarray(times_seconds, np.float64), np.asarray(scores, np.float64)
    if times.ndim != 1 or not times.size or times.shape != values.shape or np.any(np.diff(times) < 0):
        raise ValueError("times must ascend, with one score each, and at least one")
    end = max(duration_seconds, float(times[-1]))
    windows: list[Window] = []
    for peak in np.argsort(-values, kind="stable").tolist():
        free = _free_around(float(times[peak]), windows, end)
        if free is None:
            continue
        if windows and (len(windows) >= most or values[peak] < at_least):
            break
        if free[1] - free[0] < min(SHORTEST_SECONDS, end):
            continue
        windows.append(_grown(times, values, peak, free))
    return tuple(sorted(windows, key=lambda window: (-window.score, window.start_seconds)))


def _free_around(seconds: float, windows: list[Window], end: float) -> tuple[float, float] | None:
    """The part of the video around a time that no window holds; None where one holds the time."""
    if any(window.start_seconds <= seconds <= window.end_seconds for window in windows):
        return None
    low = max((window.end_seconds for window in windows if window.end_seconds < seconds), default=0.0)
    high = min((window.start_seconds for window in windows if window.start_seconds > seconds), default=end)
    return low, high


def _grown(times: NDArray[np.float64], values: NDArray[np.float64], peak: int, free: tuple[float, float]) -> Window:
    """The window of a peak, inside the free part around it."""
    low, high = free
    length = min(SHORTEST_SECONDS, high - low)
    start = min(max(float(times[peak]) - length / 2, low), high - length)
    stop = start + length
    good = values >= KEPT_SHARE * values[peak]
    before, after = peak, peak
    while True:
        # The better neighbour first, so that the length goes where the scores are.
        reach = []
        if before > 0 and good[before - 1]:
            reach.append((float(values[before - 1]), before - 1))
        if after + 1 < times.size and good[after + 1]:
            reach.append((float(values[after + 1]), after + 1))
        fitting = [
            (value, number)
            for value, number in reach
            if low <= times[number] <= high and max(stop, times[number]) - min(start, times[number]) <= LONGEST_SECONDS
        ]
        if not fitting:
            break
        _, number = max(fitting)
        start, stop = min(start, float(times[number])), max(stop, float(times[number]))
        before, after = min(before, number), max(after, number)
    inside = (times >= start) & (times <= stop)
    return Window(start, stop, float(values[inside].mean()))
