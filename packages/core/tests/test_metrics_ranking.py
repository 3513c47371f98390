from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footage.metrics.ranking import precision_at_k, recall_at_budget

rows = st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=6)
Rows = list[tuple[int, bool]]


def orders(pairs: Rows) -> list[tuple[tuple[int, bool], ...]]:
    """Every order by falling score, ties in all their arrangements."""
    return [p for p in permutations(pairs) if all(a[0] >= b[0] for a, b in pairwise(p))]


@given(rows, st.sampled_from([0.0, 0.2, 0.25, 0.5, 0.75, 1.0]))
def test_recall_is_the_mean_over_the_orders_of_ties(pairs: Rows, budget: float) -> None:
    found = recall_at_budget([s for s, _ in pairs], [p for _, p in pairs], None, budget)
    positives = sum(p for _, p in pairs)
    if positives == 0:
        assert found is None
        return
    take = int(budget * len(pairs) + 1e-9)
    expected = np.mean([sum(p for _, p in order[:take]) / positives for order in orders(pairs)])
    assert found == pytest.approx(float(expected))


@given(rows, st.integers(1, 8))
def test_precision_is_the_mean_over_the_orders_of_ties(pairs: Rows, k: int) -> None:
    take = min(k, len(pairs))
    expected = np.mean([sum(p for _, p in order[:take]) / take for order in orders(pairs)])
    assert precision_at_k([s for s, _ in pairs], [p for _, p in pairs], k) == pytest.approx(float(expected))


def test_a_row_that_overruns_the_budget_ends_the_taking() -> None:
    scores, positive, pixels = [0.9, 0.8, 0.7], [True, True, True], [10.0, 80.0, 10.0]
    assert recall_at_budget(scores, positive, pixels, 0.1) == pytest.approx(1 / 3)
    assert recall_at_budget(scores, positive, pixels, 0.5) == pytest.approx(1 / 3)
    assert recall_at_budget(scores, positive, pixels, 0.9) == pytest.approx(2 / 3)
    assert recall_at_budget(scores, positive, pixels, 1.0) == 1.0


def test_a_constant_score_catches_what_the_budget_is() -> None:
    positive = [i % 10 == 0 for i in range(100)]
    assert recall_at_budget([0.5] * 100, positive, None, 0.25) == pytest.approx(0.25)
    pixels = [1.0 + i % 3 for i in range(100)]
    assert recall_at_budget([0.5] * 100, positive, pixels, 0.25) == pytest.approx(0.25)


def test_bad_input_is_refused() -> None:
    assert precision_at_k([], [], 3) is None
    with pytest.raises(ValueError, match="budget"):
        recall_at_budget([1], [True], None, 1.5)
    with pytest.raises(ValueError, match=r"^a score is not finite, or a cost is not a positive number$"):
        recall_at_budget([1], [True], [0.0], 0.5)
    with pytest.raises(ValueError, match="2 scores"):
        recall_at_budget([1, 2], [True], None, 0.5)
    with pytest.raises(ValueError, match="k is 0"):
        precision_at_k([1], [True], 0)
    with pytest.raises(ValueError, match=r"^a score is not finite$"):
        precision_at_k([float("inf")], [True], 1)
    with pytest.raises(ValueError, match="1 scores and 2 rows"):
        precision_at_k([1], [True, False], 1)


def test_a_yes_or_no_and_a_column_are_scores_too() -> None:
    says, truth = np.array([True, False, True, False]), np.array([True, False, False, False])
    column = says.astype(float)[:, None]
    assert precision_at_k(says, truth, 2) == precision_at_k(column, truth[:, None], 2) == 0.5
    assert recall_at_budget(says, truth, None, 0.25) == 0.5
    assert recall_at_budget(column, truth[:, None], np.ones((4, 1)), 0.25) == 0.5


def test_three_tenths_of_any_sum_are_three_rows_of_ten() -> None:
    # Whatever a row costs, rounding takes none of them away.
    for pixels in (1e-9, 0.1, 0.7, 1e7 / 3, 1e12 / 7):
        scores = np.arange(10.0, 0.0, -1.0)
        assert recall_at_budget(scores, scores > 7, [pixels] * 10, 0.3) == 1.0
        assert recall_at_budget([1.0] * 10, scores > 9, [pixels] * 10, 0.3) == pytest.approx(0.3)
