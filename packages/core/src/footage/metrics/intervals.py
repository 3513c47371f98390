"""Intervals that say how far a figure can be trusted.

Rows of one clip, track or flight are alike, so an interval from rows is far too narrow; :func:`group_bootstrap` draws
whole groups instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A figure, its interval, and what it rests on.

    Attributes:
        estimate: the figure on all rows; None where it cannot be computed there, see ``reason``.
        low: lower end; None where no honest interval exists, see ``reason``.
        high: upper end, likewise.
        n: rows.
        groups: independent groups the rows come from; None where rows are independent.
        confidence: of the interval, in (0, 1).
        reason: why an end is missing, or what weakens the interval; else None.
    """

    estimate: float | None
    low: float | None
    high: float | None
    n: int
    groups: int | None
    confidence: float = 0.95
    reason: str | None = None

    def text(self, *, percent: bool = False, digits: int | None = None, group: str = "group") -> str:
        """One line, such as ``0.72 [0.61, 0.80] (n = 813 of 12 groups)``.

        Args:
            percent: show ``72 % [61, 80]`` instead.
            digits: after the point; default 2, or 0 with ``percent``.
            group: what a group is, in the singular: ``object``, ``clip``.
        """
        places = digits if digits is not None else (0 if percent else 2)

        def show(value: float) -> str:
            # Adding 0 turns a rounded -0.00 into 0.00.
            return f"{round(100 * value if percent else value, places) + 0.0:.{places}f}"

        count = f"n = {self.n}"
        if self.groups is not None:
            count += f" of {self.groups} {group}{'' if self.groups == 1 else 's'}"
        if self.estimate is None:
            return f"no value: {self.reason} ({count})"
        value = show(self.estimate) + (" %" if percent else "")
        if self.low is None or self.high is None:
            return f"{value} [no interval: {self.reason}] ({count})"
        return f"{value} [{show(self.low)}, {show(self.high)}] ({count})"


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}, expected a number between 0 and 1")


def wilson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Wilson score interval of a share (E. B. Wilson, 1927), for independent rows.

    Raises:
        ValueError: ``successes`` is not within 0 to ``n``, or the confidence is not between 0 and 1.
    """
    _check_confidence(confidence)
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n}")
    if n == 0:
        return Interval(estimate=None, low=None, high=None, n=0, groups=None, confidence=confidence, reason="no rows")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = successes / n
    centre = share + z * z / (2 * n)
    spread = z * float(np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)))
    scale = 1 + z * z / n
    # At the ends the formula gives exactly 0 and 1; rounding would leave a last digit.
    low = 0.0 if successes == 0 else (centre - spread) / scale
    high = 1.0 if successes == n else (centre + spread) / scale
    return Interval(estimate=share, low=low, high=high, n=n, groups=None, confidence=confidence)


def _value(statistic: Callable[[NDArray[np.intp]], float | None], rows: NDArray[np.intp]) -> float | None:
    value = statistic(rows)
    return None if value is None or not np.isfinite(value) else float(value)


def group_bootstrap(
    statistic: Callable[[NDArray[np.intp]], float | None],
    groups: ArrayLike,
    rng: np.random.Generator,
    *,
    resamples: int = 1000,
    confidence: float = 0.95,
) -> Interval:
    """Percentile interval of a statistic from resampling whole groups with replacement.

    Args:
        statistic: takes row indices (a row may repeat) and returns the figure; None or NaN where it cannot be computed,
            for instance because a class is missing from the resample.
        groups: group of every row ``(N,)``: clip, track, flight. Rows that belong together carry the same value.
        rng: source of the resamples.
        resamples: how many.
        confidence: of the interval.

    Returns:
        The figure on all rows with its interval. Without an interval where there is one group only, or where the
        statistic exists in less than half of the resamples; where it is missing in fewer, the interval is of the
        others and ``reason`` says how many were left out.

    Raises:
        ValueError: ``resamples`` is below 1 or the confidence is not between 0 and 1.
    """
    _check_confidence(confidence)
    if resamples < 1:
        raise ValueError(f"resamples is {resamples}, expected at least 1")
    names, codes = np.unique(np.asarray(groups).reshape(-1), return_inverse=True)
    n, count = len(codes), len(names)

    def result(low: float | None = None, high: float | None = None, reason: str | None = None) -> Interval:
        return Interval(estimate=estimate, low=low, high=high, n=n, groups=count, confidence=confidence, reason=reason)

    estimate = _value(statistic, np.arange(n, dtype=np.intp)) if n else None
    if estimate is None:
        return result(reason="no rows" if n == 0 else "it cannot be computed from these rows")
    if count < 2:
        return result(reason="one group only")
    by_group = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    values: list[float] = []
    for _ in range(resamples):
        drawn = rng.integers(count, size=count)
        value = _value(statistic, np.concatenate([by_group[g] for g in drawn]))
        if value is not None:
            values.append(value)
    return result(*_percentiles(np.array(values), resamples, confidence))


def group_bootstrap_of_counts(
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    counts: ArrayLike,
    rng: np.random.Generator,
    *,
    n: int,
    resamples: int = 1000,
    confidence: float = 0.95,
) -> Interval:
    """:func:`group_bootstrap` for a statistic of counts that add up over groups, hundreds of times faster.

    Scores of a classifier depend on the rows only through the confusion matrix, and the matrix of a resample is the sum
    of its groups' matrices: all resamples are one matrix product.

    Args:
        statistic: takes counts ``(R, ...)``, one resample a row, and returns the figures ``(R,)``; NaN where a figure
            cannot be computed.
        counts: ``(G, ...)``, one entry a group, for instance its confusion matrix.
        rng: source of the resamples.
        n: rows counted, for the record.
        resamples: how many.
        confidence: of the interval.

    Returns:
        As :func:`group_bootstrap`.

    Raises:
        ValueError: ``resamples`` is below 1 or the confidence is not between 0 and 1.
    """
    _check_confidence(confidence)
    if resamples < 1:
        raise ValueError(f"resamples is {resamples}, expected at least 1")
    table = np.asarray(counts, dtype=np.float64)
    groups = len(table)
    estimate = float(statistic(table.sum(axis=0, keepdims=True))[0]) if n else np.nan

    def result(low: float | None = None, high: float | None = None, reason: str | None = None) -> Interval:
        figure = None if np.isnan(estimate) else estimate
        return Interval(estimate=figure, low=low, high=high, n=n, groups=groups, confidence=confidence, reason=reason)

    if np.isnan(estimate):
        return result(reason="no rows" if n == 0 else "it cannot be computed from these rows")
    if groups < 2:
        return result(reason="one group only")
    drawn = rng.integers(groups, size=(resamples, groups))
    times = np.zeros((resamples, groups))
    np.add.at(times, (np.arange(resamples)[:, None], drawn), 1.0)
    values = statistic(np.tensordot(times, table, axes=1))
    return result(*_percentiles(values[np.isfinite(values)], resamples, confidence))


def _percentiles(
    values: NDArray[np.float64], resamples: int, confidence: float
) -> tuple[float | None, float | None, str | None]:
    """Low, high and what weakens them, from the resamples in which the statistic exists."""
    missing = resamples - len(values)
    if len(values) * 2 < resamples:
        return None, None, f"it cannot be computed in {missing} of {resamples} resamples"
    tail = (1 - confidence) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    reason = f"{missing} of {resamples} resamples left out: it cannot be computed there" if missing else None
    return float(low), float(high), reason
