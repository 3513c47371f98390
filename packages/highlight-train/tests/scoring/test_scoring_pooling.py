"""From frame scores to a video's score, its band and its best windows."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from highlight_train.scoring.bands import LOWER_ENDS, Band, band_of
from highlight_train.scoring.pooling import Pooling, pool
from highlight_train.scoring.windows import LONGEST_SECONDS, MOST_WINDOWS, SHORTEST_SECONDS, best_windows

scores = st.lists(st.floats(0, 1), min_size=1, max_size=40)


@given(scores)
def test_pooled_scores_lie_between_mean_and_maximum_and_forget_the_order(values: list[float]) -> None:
    for how in Pooling:
        pooled = pool(values, how)
        assert np.mean(values) - 1e-12 <= pooled <= max(values)
        assert pool(values[::-1], how) == pytest.approx(pooled, abs=1e-12)


@given(scores, st.floats(0, 1))
def test_a_higher_frame_never_lowers_the_maximum_the_mean_or_the_top(values: list[float], raised: float) -> None:
    higher = [max(values[0], raised), *values[1:]]
    for how in (Pooling.MAX, Pooling.MEAN, Pooling.TOP):
        assert pool(higher, how) >= pool(values, how) - 1e-12


def test_a_short_highlight_in_a_long_video_is_not_diluted() -> None:
    dive = [0.1] * 15 + [0.95]
    assert pool(dive, Pooling.MEAN) < 0.2
    assert pool(dive, Pooling.MAX) == 0.95
    assert pool(dive, Pooling.SOFTMAX) > 0.9
    assert pool([0.1] * 14 + [0.95, 0.91], Pooling.TOP) == pytest.approx(0.93)


def test_softmax_pooling_is_what_the_formula_says() -> None:
    values = np.array([0.2, 0.7, 0.4])
    weights = np.exp(10 * values)
    assert pool(values, Pooling.SOFTMAX) == pytest.approx(float((weights * values).sum() / weights.sum()), rel=1e-12)


@pytest.mark.parametrize("bad", [[], [[0.1]], [1.2], [float("nan")], [-0.1]])
def test_what_are_no_scores_is_refused(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="scores must be"):
        pool(bad)


def test_bands_meet_without_a_gap() -> None:
    assert [band_of(score) for score in (1, 0.9, 0.899, 0.7, 0.699, 0.5, 0.3, 0.299, 0)] == [
        Band.SURE_HIGHLIGHT,
        Band.SURE_HIGHLIGHT,
        Band.LIKELY_HIGHLIGHT,
        Band.LIKELY_HIGHLIGHT,
        Band.UNCERTAIN,
        Band.UNCERTAIN,
        Band.LIKELY_NORMAL,
        Band.SURE_NORMAL,
        Band.SURE_NORMAL,
    ]
    assert list(LOWER_ENDS) == list(Band)
    with pytest.raises(ValueError, match="no score"):
        band_of(1.01)


@st.composite
def sampled_videos(draw: st.DrawFn) -> tuple[list[float], list[float], float]:
    duration = draw(st.floats(0.05, 600))
    times = sorted(draw(st.lists(st.floats(0, duration), min_size=1, max_size=30, unique=True)))
    return times, draw(st.lists(st.floats(0, 1), min_size=len(times), max_size=len(times))), duration


@given(sampled_videos(), st.floats(0, 1))
def test_windows_keep_inside_the_video_apart_and_within_their_lengths(
    video: tuple[list[float], list[float], float], at_least: float
) -> None:
    times, values, duration = video
    windows = best_windows(times, values, duration, at_least=at_least)
    assert 1 <= len(windows) <= MOST_WINDOWS
    for window in windows:
        assert -1e-9 <= window.start_seconds < window.end_seconds <= duration + 1e-9
        length = window.end_seconds - window.start_seconds
        assert min(SHORTEST_SECONDS, duration) - 1e-6 <= length <= LONGEST_SECONDS + 1e-6
    ordered = sorted(windows, key=lambda window: window.start_seconds)
    assert all(a.end_seconds <= b.start_seconds + 1e-6 for a, b in pairwise(ordered))
    assert [window.score for window in windows] == sorted((window.score for window in windows), reverse=True)
    best = times[int(np.argmax(values))]
    assert windows[0].score == max(values)
    assert windows[0].start_seconds - 1e-6 <= best <= windows[0].end_seconds + 1e-6
    assert all(window.score >= at_least for window in windows[1:])


def test_a_lone_moment_gets_five_seconds_around_it() -> None:
    (window,) = best_windows([10, 30, 50], [0.1, 0.9, 0.1], 60, at_least=0.7)
    assert (window.start_seconds, window.end_seconds) == (27.5, 32.5)


def test_a_window_grows_over_frames_that_score_about_as_well() -> None:
    times = np.arange(0, 60, 2.0)
    values = np.where((times >= 20) & (times <= 30), 0.9, 0.2)
    values[12] = 0.95
    (window,) = best_windows(times, values, 60, at_least=0.7)
    assert (window.start_seconds, window.end_seconds, window.score) == (20, 30, 0.95)


def test_a_highlight_that_never_ends_is_cut_into_windows_of_at_most_fifteen_seconds() -> None:
    times = np.arange(0.5, 60)
    windows = best_windows(times, np.full(60, 0.8), 60, at_least=0.7)
    assert len(windows) == 3
    assert all(window.end_seconds - window.start_seconds <= 15 for window in windows)


def test_at_the_ends_of_a_video_windows_move_inward() -> None:
    (first,) = best_windows([0.2, 30, 59], [0.9, 0.1, 0.2], 60, at_least=0.7)
    assert (first.start_seconds, first.end_seconds) == (0, 5)
    (last,) = best_windows([0.2, 30, 59], [0.1, 0.1, 0.9], 60, at_least=0.7)
    assert (last.start_seconds, last.end_seconds) == (55, 60)


def test_a_video_shorter_than_a_window_is_one() -> None:
    (window,) = best_windows([0.0], [0.9], 0.04)
    assert (window.start_seconds, window.end_seconds) == (0, 0.04)


@pytest.mark.parametrize(
    ("times", "values", "duration"), [([], [], 5), ([1.0], [0.1, 0.2], 5), ([2, 1], [0.1, 0.2], 5), ([0], [0.5], 0)]
)
def test_windows_of_nonsense_are_refused(times: list[float], values: list[float], duration: float) -> None:
    with pytest.raises(ValueError, match=r"times must ascend|without length"):
        best_windows(times, values, duration)
