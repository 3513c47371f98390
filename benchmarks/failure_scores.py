"""How well predictions of tracking failure come true: every predictor on the same rows, by the same measures.

A failure is a box that overlaps its own object by .5 or less (labels ``high`` and ``medium``). Rows of one object are
alike, so every interval comes from resampling whole objects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from flexpatch_train.labels import LABELS
from footage.metrics.calibration import ece
from footage.metrics.classification import (
    average_precision,
    balanced_accuracy_of_confusion,
    confusion_matrix,
    macro_f1_of_confusion,
)
from footage.metrics.intervals import Interval, group_bootstrap, group_bootstrap_of_counts
from footage.metrics.ranking import recall_at_budget

BUDGETS = (0.25, 0.5)
SEED = 7
"""Every predictor on the same rows meets the same resamples."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a predictor says of some boxes.

    Attributes:
        labels: ``(N,)``, of ``LABELS``.
        risk: float64 ``(N,)``, higher is detected again sooner.
        failure_probability: float64 ``(N,)`` in [0, 1]; None from a predictor that gives none.
    """

    labels: NDArray[np.str_]
    risk: Floats
    failure_probability: Floats | None


Predict = Callable[[pd.DataFrame], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """How one predictor did on the boxes of one tracker.

    Attributes:
        name: the predictor.
        prevalence: share of the boxes that failed.
        balanced_accuracy: mean recall over the classes that occur.
        macro_f1: mean F1 over the classes that occur or are predicted.
        recall: share of the failures found when boxes are taken by falling risk, by the share of pixels spent.
        average_precision: of failure; a random order scores the prevalence.
        calibration_error: of the probability of failure; None where there is none.
    """

    name: str
    prevalence: float
    balanced_accuracy: Interval
    macro_f1: Interval
    recall: dict[float, Interval]
    average_precision: Interval
    calibration_error: float | None


def failed(labels: pd.Series) -> NDArray[np.bool_]:
    """Which labels are failures."""
    return labels.isin(LABELS[:2]).to_numpy()


def score(name: str, test: pd.DataFrame, predict: Predict, resamples: int) -> Scored:
    """Judge a predictor by ``true_label`` on rows it was not fitted on.

    Args:
        name: the predictor's.
        test: rows with ``true_label``, ``track_id`` (the object) and the box ``x1, y1, x2, y2``.
        predict: the predictor.
        resamples: of whole objects, for every interval.
    """
    answer = predict(test)
    objects, failure = test["track_id"].to_numpy(), failed(test["true_label"])
    sides = (test[["x2", "y2"]].to_numpy() - test[["x1", "y1"]].to_numpy()).clip(1.0)
    pixels = sides[:, 0] * sides[:, 1]

    def recall(budget: float, rows: NDArray[np.intp]) -> float | None:
        return recall_at_budget(answer.risk[rows], failure[rows], pixels[rows], budget)

    def precision(rows: NDArray[np.intp]) -> float | None:
        return average_precision(failure[rows], answer.risk[rows]).value

    def ranked(statistic: Callable[[NDArray[np.intp]], float | None]) -> Interval:
        return group_bootstrap(statistic, objects, np.random.default_rng(SEED), resamples=resamples)

    counts = confusions(test, answer.labels)
    probability = answer.failure_probability
    return Scored(
        name=name,
        prevalence=float(failure.mean()),
        balanced_accuracy=_counted(balanced_accuracy_of_confusion, counts, resamples),
        macro_f1=_counted(macro_f1_of_confusion, counts, resamples),
        recall={budget: ranked(partial(recall, budget)) for budget in BUDGETS},
        average_precision=ranked(precision),
        calibration_error=None if probability is None else ece(failure, probability),
    )


def macro_f1_gain(ours: tuple[pd.DataFrame, Predict], theirs: tuple[pd.DataFrame, Predict], resamples: int) -> Interval:
    """Macro-F1 of one predictor minus that of another on the same boxes (features may differ), paired by resample."""
    pair = np.stack([confusions(test, predict(test).labels) for test, predict in (ours, theirs)], axis=1)
    return _counted(lambda c: macro_f1_of_confusion(c[:, 0]) - macro_f1_of_confusion(c[:, 1]), pair, resamples)


def confusions(test: pd.DataFrame, answer: NDArray[np.str_]) -> NDArray[np.int64]:
    """A confusion matrix an object, rows true: ``(objects, 3, 3)``."""
    truth, objects = test["true_label"].to_numpy(np.str_), test["track_id"].to_numpy()
    return np.stack([confusion_matrix(truth[objects == i], answer[objects == i], LABELS) for i in np.unique(objects)])


def _counted(statistic: Callable[[Floats], Floats], counts: NDArray[np.int64], resamples: int) -> Interval:
    boxes = int((counts if counts.ndim == 3 else counts[:, 0]).sum())
    return group_bootstrap_of_counts(statistic, counts, np.random.default_rng(SEED), n=boxes, resamples=resamples)


def print_scores(heading: str, test: pd.DataFrame, scored: Sequence[Scored]) -> None:
    """One line a predictor."""
    first = scored[0]
    print(
        f"{heading}: n = {first.macro_f1.n} boxes of {first.macro_f1.groups} objects in "
        f"{test['frame'].nunique()} frames, {first.prevalence:.0%} failed"
    )
    columns = ("balanced accuracy", "macro-F1", *(f"recall at {b:.0%}" for b in BUDGETS), "average precision")
    print(f"  {'':<52}" + "".join(f"{column:>19}" for column in columns) + f"{'calib. error':>14}")
    for one in scored:
        figures = (one.balanced_accuracy, one.macro_f1, *one.recall.values(), one.average_precision)
        error = "" if one.calibration_error is None else f"{one.calibration_error:.2f}"
        print(f"  {one.name:<52}" + "".join(f"{_short(figure):>19}" for figure in figures) + f"{error:>14}")
    print()


def _short(figure: Interval) -> str:
    return figure.text().split(" (n =")[0] if figure.low is not None else f"{figure.estimate:.2f} [none]"
