"""The best moments of a video: spans of 5 to 15 seconds around its highest scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from highlight_train.highlights import Window

SHORTEST_SECONDS = 5.0
LONGEST_SECONDS = 15.0
MOST_WINDOWS = 3
KEPT_SHARE = 0.8
"""A window grows over a neighbouring frame whose score is at least this share of its best frame's."""


def best_windows(
    times_seconds: ArrayLike,
    scores: ArrayLike,
    duration_seconds: float,
    *,
    at_least: float = 0.0,
    most: int = MOST_WINDOWS,
) -> tuple[Window, ...]:
    """Spans to cut a video to.

    A window reaches from the highest score that no window holds yet to the frames beside it that score about as well,
    up to 15 s. One shorter than 5 s is widened to that. Windows do not overlap, keep inside the video, and are 5 s to
    15 s long, or as long as the video where that is shorter.

    Args:
        times_seconds: of the scored frames, ascending, shape (N,), N at least 1.
        scores: of these frames, shape (N,).
        duration_seconds: the video's length, positive; taken as the last frame's time where that is later.
        at_least: the least highest score of a window after the first.
        most: how many at most.

    Returns:
        At least one window, the best first. A window's score is the highest of the frames inside, so that the first
        one holds the best moment of the video.

    Raises:
        ValueError: the arrays are empty, differ in length or are not ascending in time, or the video has no length.
    """
    times, values = np.asarray(times_seconds, np.float64), np.asarray(scores, np.float64)
    if times.ndim != 1 or not times.size or times.shape != values.shape or np.any(np.diff(times) < 0):
        raise ValueError("times must ascend, with one score each, and at least one")
    end = max(duration_seconds, float(times[-1]))
    if not end > 0:
        raise ValueError("a video without length has no windows")
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
    return tuple(windows)


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
    first = last = peak
    while True:
        neighbours = [
            number
            for number in (first - 1, last + 1)
            if 0 <= number < times.size
            and values[number] >= KEPT_SHARE * values[peak]
            and low <= times[number] <= high
            and max(times[number], times[last]) - min(times[number], times[first]) <= LONGEST_SECONDS
        ]
        if not neighbours:
            break
        better = max(neighbours, key=lambda number: values[number])
        first, last = min(first, better), max(last, better)
    # Half of what is missing to the shortest length on either side, moved where the video or another window ends.
    length = max(float(times[last] - times[first]), min(SHORTEST_SECONDS, high - low))
    start = float(times[first] + times[last] - length) / 2
    start = min(max(start, low), high - length)
    return Window(start, min(start + length, high), float(values[peak]))
