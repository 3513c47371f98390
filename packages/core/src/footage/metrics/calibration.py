"""Whether predicted probabilities mean what they say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """Rows whose predicted probability lies in one range.

    Attributes:
        low: lower end of the range.
        high: upper end of the range.
        n: rows in it.
        mean_probability: their mean prediction.
        share_positive: how many of them were positive, in [0, 1].
    """

    low: float
    high: float
    n: int
    mean_probability: float
    share_positive: float


def _checked(is_positive: ArrayLike, probabilities: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    positive = np.asarray(is_positive, dtype=np.bool_).reshape(-1)
    p = np.asarray(probabilities, dtype=np.float64).reshape(-1)
    if positive.shape != p.shape:
        raise ValueError(f"got {positive.size} rows and {p.size} probabilities")
    if p.size == 0:
        raise ValueError("there are no rows")
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError("a probability is not within 0 to 1")
    return positive, p


def reliability_bins(
    is_positive: ArrayLike,
    probabilities: ArrayLike,
    *,
    bins: int = 10,
    strategy: Literal["uniform", "quantile"] = "uniform",
) -> list[ReliabilityBin]:
    """Rows by predicted probability; ranges without rows are left out.

    Args:
        is_positive: bool ``(N,)``.
        probabilities: of the positive class ``(N,)``, in [0, 1].
        bins: how many ranges.
        strategy: ``uniform`` for ranges of equal width, ``quantile`` for about equally many rows in each (tied
            probabilities stay together, so there may be fewer ranges).

    Raises:
        ValueError: there are no rows, lengths differ, a probability is out of range, or ``bins`` is below 1.
    """
    positive, p = _checked(is_positive, probabilities)
    if bins < 1:
        raise ValueError(f"bins is {bins}, expected at least 1")
    steps = np.linspace(0.0, 1.0, bins + 1)
    edges = steps if strategy == "uniform" else np.unique(np.quantile(p, steps))
    if len(edges) == 1:
        edges = np.array([edges[0], edges[0]])
    count = len(edges) - 1
    # Ranges are closed on the left; the last one also on the right.
    place = np.clip(np.searchsorted(edges, p, side="right") - 1, 0, count - 1)
    n = np.bincount(place, minlength=count)
    sum_p = np.bincount(place, weights=p, minlength=count)
    sum_positive = np.bincount(place, weights=positive, minlength=count)
    return [
        ReliabilityBin(
            low=float(edges[i]),
            high=float(edges[i + 1]),
            n=int(n[i]),
            mean_probability=float(sum_p[i] / n[i]),
            share_positive=float(sum_positive[i] / n[i]),
        )
        for i in range(count)
        if n[i]
    ]


def ece(
    is_positive: ArrayLike,
    probabilities: ArrayLike,
    *,
    bins: int = 10,
    strategy: Literal["uniform", "quantile"] = "uniform",
) -> float:
    """Expected calibration error (Naeini et al., 2015): mean distance of prediction and share, weighted by rows.

    In [0, 1], 0 is best. It depends on the number of ranges and, with few rows, is above 0 even for a perfect model.

    Raises:
        ValueError: as :func:`reliability_bins`.
    """
    found = reliability_bins(is_positive, probabilities, bins=bins, strategy=strategy)
    total = sum(b.n for b in found)
    return sum(b.n * abs(b.share_positive - b.mean_probability) for b in found) / total


def brier(is_positive: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean squared distance of the probability from what happened (Brier, 1950), in [0, 1], 0 is best.

    Raises:
        ValueError: there are no rows, lengths differ, or a probability is out of range.
    """
    positive, p = _checked(is_positive, probabilities)
    return float(np.mean((p - positive) ** 2))


def brier_multiclass(class_index: ArrayLike, probabilities: ArrayLike) -> float:
    """Brier score over classes: mean over rows of the summed squared distances, in [0, 2], 0 is best.

    Args:
        class_index: column of the true class ``(N,)``.
        probabilities: ``(N, C)``, each row sums to 1.

    Raises:
        ValueError: shapes do not fit, there are no rows, an index is out of range, or a row does not sum to 1.
    """
    index, p = np.asarray(class_index, dtype=np.intp).reshape(-1), np.asarray(probabilities, dtype=np.float64)
    if p.ndim != 2 or len(index) != len(p) or len(p) == 0:
        raise ValueError(f"got {index.size} rows and probabilities of shape {p.shape}")
    if (index < 0).any() or (index >= p.shape[1]).any():
        raise ValueError("a class index has no column")
    if not (p >= 0).all() or not np.allclose(p.sum(axis=1), 1.0, atol=1e-4):
        raise ValueError("a row of probabilities does not sum to 1")
    return float(np.mean(np.sum((p - np.eye(p.shape[1])[index]) ** 2, axis=1)))
