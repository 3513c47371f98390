"""What a ranking catches within a budget."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def recall_at_budget(scores: ArrayLike, is_positive: ArrayLike, cost: ArrayLike | None, budget: float) -> float | None:
    """Share of the positive rows taken when rows are taken by falling score until the budget is spent.

    The row that would overrun the budget is not taken, nor is any after it. Rows with equal scores are taken in
    random order; the figure is the mean over those orders where costs are equal among them, and otherwise treats such a
    group of ties as divisible: its positives count by the part of its cost that fits.

    Args:
        scores: ``(N,)``, finite; higher is taken first.
        is_positive: bool ``(N,)``.
        cost: what taking each row costs ``(N,)``, positive (for instance its pixels); None for 1 each.
        budget: share of the total cost that may be spent, in [0, 1].

    Returns:
        In [0, 1]; None where no row is positive.

    Raises:
        ValueError: lengths differ, a score or cost is not usable, or the budget is out of range.
    """
    s = np.asarray(scores, dtype=np.float64).reshape(-1)
    positive = np.asarray(is_positive, dtype=np.bool_).reshape(-1)
    c = np.ones(len(s)) if cost is None else np.asarray(cost, dtype=np.float64).reshape(-1)
    if not len(s) == len(positive) == len(c):
        raise ValueError(f"got {len(s)} scores, {len(positive)} rows and {len(c)} costs")
    if not np.isfinite(s).all() or not (np.isfinite(c) & (c > 0)).all():
        raise ValueError("a score is not finite, or a cost is not a positive number")
    if not 0 <= budget <= 1:
        raise ValueError(f"budget is {budget}, expected a share from 0 to 1")
    if not positive.any():
        return None
    _, level = np.unique(-s, return_inverse=True)
    level_cost = np.bincount(level, weights=c)
    level_hits = np.bincount(level, weights=positive)
    level_rows = np.bincount(level)
    spendable = budget * float(c.sum())
    # A hair of tolerance, so that a budget of 3/10 takes three rows of ten in spite of rounding.
    slack = 1e-9 * float(c.sum())
    spent = np.cumsum(level_cost)
    whole = spent <= spendable + slack
    hits = float(level_hits[whole].sum())
    first = int(whole.sum())
    if first < len(level_cost) and level_rows[first] > 1:
        left = spendable - (float(spent[first - 1]) if first else 0.0)
        hits += float(level_hits[first]) * _part_taken(left + slack, c[level == first])
    return hits / int(positive.sum())


def _part_taken(left: float, costs: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    """Expected part of a group of ties that fits into what is left of the budget."""
    if np.ptp(costs) == 0:
        return float(left // costs[0]) / len(costs)
    return left / float(costs.sum())


def precision_at_k(scores: ArrayLike, is_positive: ArrayLike, k: int) -> float | None:
    """Share of positive rows among the ``k`` with the highest scores; ties across the end count by their mean.

    Args:
        scores: ``(N,)``, finite.
        is_positive: bool ``(N,)``.
        k: how many; where there are fewer rows, all of them.

    Returns:
        In [0, 1]; None where there are no rows.

    Raises:
        ValueError: lengths differ, a score is not finite, or ``k`` is below 1.
    """
    s = np.asarray(scores, dtype=np.float64).reshape(-1)
    positive = np.asarray(is_positive, dtype=np.bool_).reshape(-1)
    if len(s) != len(positive):
        raise ValueError(f"got {len(s)} scores and {len(positive)} rows")
    if not np.isfinite(s).all():
        raise ValueError("a score is not finite")
    if k < 1:
        raise ValueError(f"k is {k}, expected at least 1")
    if len(s) == 0:
        return None
    taken = min(k, len(s))
    threshold = np.sort(s)[len(s) - taken]
    above, at = s > threshold, s == threshold
    hits = positive[above].sum() + (taken - above.sum()) * positive[at].mean()
    return float(hits / taken)
