"""What a ranking of rows catches, over many resamples of the groups that the rows belong to.

A bootstrap of recall at a budget that ranks the rows anew in every resample takes minutes on a table of some ten
thousand rows. The order of the rows is the same in all resamples: here they are ranked once, and a resample is how many
times each group was drawn.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_SLACK = 1e-9
"""Of the whole cost: a budget of 3/10 takes three rows of ten in spite of rounding."""


class RankedRows:
    """Rows in falling order of a score.

    Args:
        scores: float64 ``(N,)``, finite; higher is taken first.
        is_positive: bool ``(N,)``.
        cost: what taking each row costs ``(N,)``, positive; None for 1 each.
        groups: number of each row's group ``(N,)``, from 0.
    """

    def __init__(
        self, scores: Floats, is_positive: NDArray[np.bool_], cost: Floats | None, groups: NDArray[np.intp]
    ) -> None:
        order = np.argsort(-scores, kind="stable")
        ranked = scores[order]
        self._groups = groups[order]
        self._positive = is_positive[order].astype(np.float64)
        self._cost = None if cost is None else cost[order]
        # Rows with equal scores are one level: they are taken together.
        self._starts = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))
        self._ends = np.append(self._starts[1:], len(ranked))

    def recalls(self, times: Floats, budgets: Floats) -> Floats:
        """``footage.metrics.ranking.recall_at_budget`` where each group's rows are there so many times.

        Args:
            times: float64 ``(R, G)``, whole numbers: how often each group occurs, one resample a row.
            budgets: shares of the whole cost ``(B,)``, in [0, 1].

        Returns:
            float64 ``(R, B)`` in [0, 1]; NaN where no row is positive.
        """
        return np.stack([self._recalls(row[self._groups], budgets) for row in times])

    def average_precisions(self, times: Floats) -> Floats:
        """``footage.metrics.classification.average_precision`` where each group's rows are there so many times.

        Args:
            times: as for ``recalls``.

        Returns:
            float64 ``(R,)`` in [0, 1]; NaN where no row is positive.
        """
        return np.array([self._average_precision(row[self._groups]) for row in times])

    def _recalls(self, times: Floats, budgets: Floats) -> Floats:
        hits = np.cumsum(self._by_level(times * self._positive))
        if hits[-1] == 0:
            return np.full(len(budgets), np.nan)
        costs = times if self._cost is None else times * self._cost
        spent = np.cumsum(self._by_level(costs))
        slack = _SLACK * spent[-1]
        spendable = budgets * spent[-1]
        whole = np.searchsorted(spent, spendable + slack, side="right")
        caught = np.append(0.0, hits)[whole]
        spent_before = np.append(0.0, spent)
        for at, level in enumerate(whole.tolist()):
            if level < len(spent):
                part = self._part_taken(level, times, float(spendable[at] - spent_before[level] + slack))
                caught[at] += part * (hits[level] - (hits[level - 1] if level else 0.0))
        return np.asarray(caught / hits[-1])

    def _by_level(self, values: Floats) -> Floats:
        return values if len(self._starts) == len(values) else np.add.reduceat(values, self._starts)

    def _part_taken(self, level: int, times: Floats, left: float) -> float:
        """Expected part of a level that fits into what is left of the budget."""
        rows = slice(self._starts[level], self._ends[level])
        count = times[rows]
        cost = np.ones(len(count)) if self._cost is None else self._cost[rows]
        there = cost[count > 0]
        if np.ptp(there) == 0:
            return float(left // there[0]) / float(count.sum())
        return left / float((cost * count).sum())

    def _average_precision(self, times: Floats) -> float:
        hits = self._by_level(times * self._positive)
        rows = np.cumsum(self._by_level(times))
        found = np.cumsum(hits)
        if found[-1] == 0:
            return np.nan
        precision = np.divide(found, rows, out=np.zeros_like(found), where=rows > 0)
        return float((hits * precision).sum() / found[-1])
