"""Figures about answers: against sums by hand, beside chance, and honest where all answers are alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from footage.metrics.intervals import wilson
from video_train.measure import consistency, difference, fused, measured


def test_accuracy_chance_and_gain() -> None:
    truth, said = [0, 0, 1, 1, 2, 2, 2, 2], [0, 1, 1, 1, 2, 2, 0, 2]
    found = measured(truth, said, range(8), frequent=2, classes=3, seed=0)
    assert found.accuracy.estimate == 0.75
    assert found.chance == 0.5
    assert found.gain.estimate == 0.25
    assert found.confusion.tolist() == [[1, 1, 0], [0, 2, 0], [1, 0, 3]]
    assert not found.beats_chance
    many = measured(truth * 30, said * 30, range(240), frequent=2, classes=3, seed=0)
    assert many.beats_chance
    assert many.accuracy.groups == 240


def test_all_right_is_not_certain() -> None:
    found = measured([0, 1] * 8, [0, 1] * 8, range(16), frequent=0, classes=2, seed=0)
    assert (found.accuracy.low, found.accuracy.high) == (wilson(16, 16).low, 1.0)
    assert found.accuracy.low is not None
    assert 0.75 < found.accuracy.low < 0.85
    grouped = measured([0, 1] * 8, [0, 1] * 8, np.arange(16) // 8, frequent=0, classes=2, seed=0)
    assert grouped.accuracy.low == wilson(2, 2).low
    assert (grouped.accuracy.n, grouped.accuracy.groups) == (16, 2)


def test_a_paired_difference_over_runs() -> None:
    ours = np.array([[1, 1, 1, 0], [1, 1, 0, 1]], bool)
    theirs = np.array([[1, 0, 0, 0], [0, 1, 0, 0]], bool)
    assert difference(ours, theirs, range(4), seed=1).estimate == pytest.approx(0.5)
    assert difference(ours[0], theirs[0], range(4), seed=1).estimate == pytest.approx(0.5)


@given(
    logits=arrays(np.float64, (7, 3), elements=st.floats(-50, 50)),
    events=st.lists(st.integers(0, 3), min_size=7, max_size=7),
)
def test_views_are_fused_by_the_mean_of_their_logits(logits: np.ndarray, events: list[int]) -> None:
    names, means = fused(logits, np.array(events))
    assert names.tolist() == sorted(set(events))
    for name, mean in zip(names.tolist(), means, strict=True):
        rows = [row for row, event in zip(logits, events, strict=True) if event == name]
        np.testing.assert_allclose(mean, np.mean(rows, axis=0), atol=1e-9)


def test_consistency_counts_pairs_within_videos() -> None:
    one = np.array([[2.0, 0], [2.0, 0], [0, 2.0]])
    assert consistency([one]) == pytest.approx(1 / 3)
    assert consistency([one, one[:2]]) == pytest.approx((2 + 2) / (6 + 2))
    assert consistency([one[:1]]) is None
