"""Scores of a classifier, equal to scikit-learn's (tests hold them to it) without importing it.

Labels may be integers or strings. "Classes" below are the classes that occur in the truth or in the prediction, unless
``labels`` says otherwise; a class that occurs in neither has no score, so it never counts as 0 (or 1) in a mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassScores:
    """Scores of one class.

    Attributes:
        label: the class, as it stands in the labels.
        precision: right predictions over all predictions of the class; None where it was never predicted.
        recall: right predictions over all rows of the class; None where it never occurs.
        f1: ``2 tp / (2 tp + fp + fn)``; None where the class neither occurs nor is predicted.
        support: rows of the class in the truth.
        predicted: rows predicted as the class.
    """

    label: str | int
    precision: float | None
    recall: float | None
    f1: float | None
    support: int
    predicted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AveragePrecision:
    """Area under the precision-recall curve beside the prevalence, which is what a random order would score.

    Attributes:
        value: in [0, 1]; None where there is no positive row, see ``reason``.
        prevalence: share of positive rows; None without rows.
        n: rows.
        positives: positive rows.
        reason: why ``value`` is None, else None.
    """

    value: float | None
    prevalence: float | None
    n: int
    positives: int
    reason: str | None = None

    def text(self) -> str:
        """One line, such as ``0.81 (prevalence 0.12, n = 340)``."""
        if self.value is None:
            return f"no value: {self.reason} (n = {self.n})"
        return f"{self.value:.2f} (prevalence {self.prevalence:.2f}, n = {self.n})"


def _pair(truth: ArrayLike, predicted: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    t, p = np.asarray(truth), np.asarray(predicted)
    if t.ndim != 1 or t.shape != p.shape:
        raise ValueError(f"truth and prediction must be two equally long rows of labels, got {t.shape} and {p.shape}")
    return t, p


def _classes(t: NDArray[Any], p: NDArray[Any], labels: ArrayLike | None) -> NDArray[Any]:
    if labels is None:
        return np.unique(np.concatenate([t, p]))
    chosen = np.asarray(labels)
    if len(np.unique(chosen)) != len(chosen):
        raise ValueError("labels name a class twice")
    return chosen


def _codes(values: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.intp]:
    """Position of every value in ``classes``."""
    if values.size == 0:
        return np.zeros(0, dtype=np.intp)
    if classes.size == 0:
        raise ValueError(f"label {values.tolist()[0]!r} is not among the classes (there are none)")
    order = np.argsort(classes, kind="stable")
    ranked = classes[order]
    place = np.minimum(np.searchsorted(ranked, values), len(ranked) - 1)
    unknown = ranked[place] != values
    if unknown.any():
        raise ValueError(f"label {values[unknown].tolist()[0]!r} is not among the classes {classes.tolist()}")
    return order[place]


def confusion_matrix(truth: ArrayLike, predicted: ArrayLike, labels: ArrayLike | None = None) -> NDArray[np.int64]:
    """Counts ``(C, C)``: row = true class, column = predicted class, in the order of ``labels`` (default: sorted).

    Raises:
        ValueError: lengths differ, or a label is not among ``labels`` (scikit-learn would leave it out silently).
    """
    t, p = _pair(truth, predicted)
    classes = _classes(t, p, labels)
    size = len(classes)
    cells = _codes(t, classes) * size + _codes(p, classes)
    return np.bincount(cells, minlength=size * size).reshape(size, size).astype(np.int64)


def _ratio(numerator: int, denominator: int) -> float | None:
    return None if denominator == 0 else numerator / denominator


def class_scores(truth: ArrayLike, predicted: ArrayLike, labels: ArrayLike | None = None) -> list[ClassScores]:
    """Precision, recall and F1 of every class, in the order of ``labels`` (default: sorted)."""
    t, p = _pair(truth, predicted)
    classes = _classes(t, p, labels)
    matrix = confusion_matrix(t, p, classes)
    hits, support, guessed = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    return [
        ClassScores(
            label=label,
            precision=_ratio(int(hit), int(g)),
            recall=_ratio(int(hit), int(s)),
            f1=_ratio(2 * int(hit), int(s) + int(g)),
            support=int(s),
            predicted=int(g),
        )
        for label, hit, s, g in zip(classes.tolist(), hits, support, guessed, strict=True)
    ]


def accuracy(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Share of rows predicted right. Never report it alone: the commonest class scores its own share.

    Raises:
        ValueError: there are no rows, or lengths differ.
    """
    t, p = _pair(truth, predicted)
    if t.size == 0:
        raise ValueError("accuracy of no rows")
    return float(np.mean(t == p))


def macro_f1(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Mean F1 over the classes that occur in the truth or in the prediction, each class weighing the same.

    A class that occurs only in the prediction, or is never predicted, scores 0 and counts. This is scikit-learn's
    ``f1_score(average="macro", zero_division=0)`` without ``labels``.

    Raises:
        ValueError: there are no rows, or lengths differ.
    """
    scores = [s.f1 for s in class_scores(truth, predicted) if s.f1 is not None]
    if not scores:
        raise ValueError("macro F1 of no rows")
    return float(np.mean(scores))


def balanced_accuracy(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Mean recall over the classes that occur in the truth.

    Raises:
        ValueError: there are no rows, or lengths differ.
    """
    recalls = [s.recall for s in class_scores(truth, predicted) if s.recall is not None]
    if not recalls:
        raise ValueError("balanced accuracy of no rows")
    return float(np.mean(recalls))


def macro_f1_of_confusion(confusion: ArrayLike) -> NDArray[np.float64]:
    """:func:`macro_f1` from confusion matrices ``(..., C, C)``, rows true: ``(...)``, NaN for an empty matrix."""
    matrix = np.asarray(confusion, dtype=np.float64)
    hits = np.diagonal(matrix, axis1=-2, axis2=-1)
    weight = matrix.sum(axis=-1) + matrix.sum(axis=-2)
    return _mean_where(2 * hits / np.where(weight > 0, weight, 1), weight > 0)


def balanced_accuracy_of_confusion(confusion: ArrayLike) -> NDArray[np.float64]:
    """:func:`balanced_accuracy` from confusion matrices ``(..., C, C)``, rows true: ``(...)``, NaN for an empty one."""
    matrix = np.asarray(confusion, dtype=np.float64)
    support = matrix.sum(axis=-1)
    recall = np.diagonal(matrix, axis1=-2, axis2=-1) / np.where(support > 0, support, 1)
    return _mean_where(recall, support > 0)


def recall_of_confusion(confusion: ArrayLike, index: int) -> NDArray[np.float64]:
    """Recall of the class at ``index`` from confusion matrices ``(..., C, C)``, rows true; NaN where it is absent."""
    row = np.asarray(confusion, dtype=np.float64)[..., index, :]
    support = row.sum(axis=-1)
    return np.where(support > 0, row[..., index] / np.where(support > 0, support, 1), np.nan)


def _mean_where(values: NDArray[np.float64], counts: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mean over the last axis of the entries that count; NaN where none does."""
    number = counts.sum(axis=-1)
    total = np.where(counts, values, 0.0).sum(axis=-1)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def average_precision(is_positive: ArrayLike, scores: ArrayLike) -> AveragePrecision:
    """Step-wise area under the precision-recall curve, ``sum (R_k - R_{k-1}) P_k``.

    Rows with equal scores enter together, so the order of ties does not matter. Equals scikit-learn's
    ``average_precision_score``.

    Args:
        is_positive: bool ``(N,)``.
        scores: ``(N,)``, finite; higher means more likely positive.

    Raises:
        ValueError: lengths differ or a score is not finite.
    """
    positive = np.asarray(is_positive, dtype=np.bool_).reshape(-1)
    s = np.asarray(scores, dtype=np.float64).reshape(-1)
    if positive.shape != s.shape:
        raise ValueError(f"average_precision got {positive.size} rows and {s.size} scores")
    if not np.isfinite(s).all():
        raise ValueError("average_precision got a score that is not finite")
    n, positives = len(s), int(positive.sum())
    if positives == 0:
        reason = "no rows" if n == 0 else "no positive row"
        return AveragePrecision(value=None, prevalence=None if n == 0 else 0.0, n=n, positives=0, reason=reason)
    order = np.argsort(-s, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(s[order])), n - 1)
    hits = np.cumsum(positive[order])[ends]
    precision = hits / (ends + 1)
    recall_steps = np.diff(hits, prepend=0) / positives
    return AveragePrecision(
        value=float(np.sum(recall_steps * precision)), prevalence=positives / n, n=n, positives=positives
    )
