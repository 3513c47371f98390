"""Sampling policies: sorted, in range, as many as asked for, decided by the seed alone."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from footage.sampling import Keyframes, PerSecond, Policy, Random, Uniform

counts = st.integers(1, 64)
seeds = st.integers(0, 2**32 - 1)
durations = st.floats(0.001, 100_000)
frame_times = st.lists(st.floats(0, 10_000), min_size=1, max_size=300, unique=True).map(
    lambda times: np.array(sorted(times))
)
policies = st.one_of(
    counts.map(Uniform),
    counts.map(Random),
    counts.map(Keyframes),
    st.floats(0.01, 3).map(PerSecond),
)


@given(policies, st.floats(0.001, 3000), seeds)
def test_times_are_sorted_and_inside_the_video(policy: Policy, duration: float, seed: int) -> None:
    times = policy.times(duration, np.random.default_rng(seed))
    assert len(times) >= 1
    assert np.all(np.diff(times) >= 0)
    assert times[0] >= 0
    assert times[-1] < duration


@given(policies, frame_times, seeds)
def test_indices_are_sorted_distinct_and_valid(policy: Policy, times: NDArray[np.float64], seed: int) -> None:
    chosen = policy.indices(times, np.random.default_rng(seed))
    assert len(chosen) >= 1
    assert np.all(np.diff(chosen) > 0)
    assert chosen[0] >= 0
    assert chosen[-1] < len(times)


@given(policies, frame_times, durations.filter(lambda d: d < 3000), seeds)
def test_the_seed_decides(policy: Policy, times: NDArray[np.float64], duration: float, seed: int) -> None:
    first, second = np.random.default_rng(seed), np.random.default_rng(seed)
    assert np.array_equal(policy.times(duration, first), policy.times(duration, second))
    assert np.array_equal(policy.indices(times, first), policy.indices(times, second))


@given(counts, frame_times, durations, seeds)
def test_the_count_is_kept(count: int, times: NDArray[np.float64], duration: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for policy in (Uniform(count), Random(count)):
        assert len(policy.times(duration, rng)) == count
        assert len(policy.indices(times, rng)) == min(count, len(times))
    assert len(Keyframes(count).indices(times)) <= min(count, len(times))


@given(counts, durations, seeds)
def test_each_part_of_the_video_gets_one_sample(count: int, duration: float, seed: int) -> None:
    edges = np.linspace(0, duration, count + 1)
    for times in (Uniform(count).times(duration), Random(count).times(duration, np.random.default_rng(seed))):
        assert np.all(times >= edges[:-1] - 1e-9 * duration)
        assert np.all(times <= edges[1:] + 1e-9 * duration)


@given(frame_times, st.floats(0.01, 3))
def test_per_second_takes_the_frame_on_display(times: NDArray[np.float64], rate: float) -> None:
    chosen = set(PerSecond(rate).indices(times).tolist())
    expected = set()
    for step in range(int((times[-1] - times[0]) * rate) + 1):
        wanted = times[0] + step / rate
        expected.add(max(i for i in range(len(times)) if times[i] <= wanted + 1e-9))
    assert chosen == expected


@given(counts, frame_times)
def test_keyframes_are_the_nearest(count: int, times: NDArray[np.float64]) -> None:
    chosen = Keyframes(count).indices(times)
    if len(times) <= count:
        assert len(chosen) == len(times)
        return
    span = times[-1] - times[0]
    for step in range(count):
        wanted = times[0] + (step + 0.5) * span / count
        assert np.abs(times[chosen] - wanted).min() == pytest.approx(np.abs(times - wanted).min(), abs=1e-6)


def test_known_answers() -> None:
    assert Uniform(4).times(8.0).tolist() == [1, 3, 5, 7]
    assert Uniform(3).indices(np.arange(9) / 25).tolist() == [1, 4, 7]
    assert PerSecond(2).times(2.0).tolist() == [0, 0.5, 1.0, 1.5]
    assert PerSecond(Fraction(30000, 1001)).times(3600.0)[-1] < 3600
    assert len(PerSecond(Fraction(30000, 1001)).times(1001.0)) == 30000
    assert PerSecond(1).indices(np.arange(100) / 25).tolist() == [0, 25, 50, 75]
    # One keyframe every two seconds, sampled at about four and twelve seconds.
    assert Keyframes(2).indices(np.arange(0.0, 17.0, 2.0)).tolist() == [2, 6]
    # Recordings whose clock does not begin at 0.
    assert Keyframes(2).indices(np.arange(100.0, 117.0, 2.0)).tolist() == [2, 6]
    # The middle of 0 to 30 s is as far from 10 s as from 20 s.
    assert Keyframes(1).indices(np.arange(0.0, 31.0, 10.0)).tolist() == [1]


def test_frames_at_one_and_the_same_time_are_frames() -> None:
    stopped = np.full(5, 7.0)
    assert Uniform(2).indices(stopped).tolist() == [1, 3]
    assert Keyframes(2).indices(stopped).tolist() == [0]
    assert PerSecond(1).indices(stopped).tolist() == [4]


def test_a_sample_that_rounding_would_put_at_the_end_is_left_out() -> None:
    # As a float, 0.1 is a hair more than 1/10: the second sample at ten a second would be the duration itself.
    assert PerSecond(10).times(0.1).tolist() == [0.0]


def test_a_random_moment_is_below_the_duration_whatever_is_drawn() -> None:
    class Highest(np.random.Generator):
        def random(self, size: int) -> NDArray[np.float64]:  # type: ignore[override]
            return np.full(size, np.nextafter(1.0, 0.0))

    for duration in (0.3, 0.5, 7.0):
        times = Random(3).times(duration, Highest(np.random.PCG64(0)))
        assert times[-1] < duration


def test_random_differs_between_seeds() -> None:
    draws = {tuple(Random(5).times(100.0, np.random.default_rng(seed))) for seed in range(20)}
    assert len(draws) == 20


@pytest.mark.parametrize("policy", [Uniform, Random, Keyframes])
def test_a_count_below_one_is_refused(policy: type[Uniform]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        policy(0)


@pytest.mark.parametrize("duration", [0.0, -1.0, float("nan"), float("inf")])
def test_an_impossible_duration_is_refused(duration: float) -> None:
    rng = np.random.default_rng(0)
    for policy in (Uniform(2), Random(2), PerSecond(1), Keyframes(2)):
        with pytest.raises(ValueError, match="duration must be positive"):
            policy.times(duration, rng)


def test_impossible_rates_times_and_missing_generators_are_refused() -> None:
    for rate in (0, -1, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="rate must be positive"):
            PerSecond(rate)
    for times in (np.array([]), np.array([[1.0]]), np.array([2.0, 1.0]), np.array([float("nan")])):
        with pytest.raises(ValueError, match=r"^frame times "):
            Uniform(2).indices(times)
    with pytest.raises(ValueError, match=r"^random sampling needs a numpy Generator$"):
        Random(2).times(1.0)


def test_keyframes_of_a_recording_that_begins_late_are_spread_over_it() -> None:
    times = 1000.0 + np.arange(0.0, 100.0)
    assert Keyframes(4).indices(times).tolist() == [12, 37, 62, 87]
    assert Keyframes(4).indices(times[:3]).tolist() == [0, 1, 2]
    assert Keyframes(2).indices(np.array([0.0, 1.0, 2.0, 3.0, 100.0])).tolist() == [3, 4]


def test_each_part_is_drawn_by_itself() -> None:
    offsets = Random(6).times(6.0, np.random.default_rng(0)) - np.arange(6)
    assert len(set(offsets.round(9))) == 6
    places = Random(5).indices(np.arange(500.0), np.random.default_rng(0)) - 100 * np.arange(5)
    assert len(set(places.tolist())) > 1
    assert places.min() >= 0
    assert places.max() < 100
