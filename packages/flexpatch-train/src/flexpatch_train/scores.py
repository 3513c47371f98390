"""Scores on rows the model never saw, each beside the baselines, with an interval and its n.

Rows of one object resemble each other, so intervals come from resampling whole objects.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from flexpatch_train.holding_out import folds_over_clips_or_time
from flexpatch_train.labels import LABELS
from flexpatch_train.table import label_array, object_groups
from flexpatch_train.train import ModelOptions, Predictor, fit_baselines, fit_model, predictor
from footage.dataset.splits import Fold
from footage.metrics.classification import (
    balanced_accuracy_of_confusion,
    macro_f1_of_confusion,
    recall_of_confusion,
)
from footage.metrics.intervals import Interval, group_bootstrap_of_counts

_HIGH = LABELS.index("high")

Codes = NDArray[np.intp]
Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How one predictor did.

    Attributes:
        name: the kind of model, or the baseline.
        macro_f1: mean F1 over the classes that occur or are predicted.
        recall_high: share of the ``high`` rows that were called so; its ``n`` counts those rows alone.
        balanced_accuracy: mean recall over the classes that occur.
    """

    name: str
    macro_f1: Interval
    recall_high: Interval
    balanced_accuracy: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Scores of the model and its baselines on the same rows.

    Attributes:
        scores: the model first.
        confusion: int64 ``(3, 3)``, rows the truth, columns the model's answer, in the order of ``LABELS``.
        gain: macro-F1 of the model minus that of the best baseline, paired over the same resamples.
        best_baseline: the baseline with the highest macro-F1.
        predictions: the model's answer a row.
    """

    scores: tuple[Score, ...]
    confusion: NDArray[np.int64]
    gain: Interval
    best_baseline: str
    predictions: NDArray[np.str_]

    @property
    def model(self) -> Score:
        """The model's own score."""
        return self.scores[0]


def evaluate(test: pd.DataFrame, predictors: dict[str, Predictor], rng: np.random.Generator) -> Evaluation:
    """Score a model and its baselines on test rows.

    Args:
        test: rows that none of them was fitted on.
        predictors: by name, the model first.
        rng: source of the bootstrap's resamples.
    """
    return _score(test, {name: predict(test) for name, predict in predictors.items()}, rng)


def fit_predictors(train: pd.DataFrame, options: ModelOptions) -> dict[str, Predictor]:
    """The model and its baselines, fitted on the same rows, the model first."""
    return {options.name: predictor(fit_model(train, options), options)} | fit_baselines(train, options)


def cross_validate(table: pd.DataFrame, options: ModelOptions, rng: np.random.Generator) -> Evaluation | None:
    """The same recipe fitted anew for each clip, or for each time block of one clip, and tested on that.

    Returns:
        The evaluation over the rows of all folds together; None where the one video is too short or its objects stay
        too long for blocks without an object on both sides.
    """
    folds = folds_over_clips_or_time(table)
    if folds is None:
        return None
    parts = [_fold_answers(table, fold, options) for fold in folds]
    rows = np.concatenate([fold.test for fold in folds])
    answers = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return _score(table.iloc[rows], answers, rng)


def _fold_answers(table: pd.DataFrame, fold: Fold, options: ModelOptions) -> dict[str, NDArray[np.str_]]:
    predictors = fit_predictors(table.iloc[fold.train], options)
    return {name: predict(table.iloc[fold.test]) for name, predict in predictors.items()}


def _score(test: pd.DataFrame, answers: dict[str, NDArray[np.str_]], rng: np.random.Generator) -> Evaluation:
    truth, model = label_array(test), next(iter(answers))
    tables = {name: confusions(object_groups(test), truth, answer) for name, answer in answers.items()}
    seed = int(rng.integers(2**31))

    def interval(statistic: Statistic, counts: NDArray[np.int64], n: int) -> Interval:
        # One seed for all: every predictor meets the same resamples, so differences between them are paired.
        return group_bootstrap_of_counts(statistic, counts, np.random.default_rng(seed), n=n)

    def recall_high(counts: NDArray[np.int64]) -> Interval:
        having = counts[counts[:, _HIGH].sum(axis=1) > 0]
        return interval(lambda c: recall_of_confusion(c, _HIGH), having, int(having[:, _HIGH].sum()))

    scores = tuple(
        Score(
            name=name,
            macro_f1=interval(macro_f1_of_confusion, counts, len(truth)),
            recall_high=recall_high(counts),
            balanced_accuracy=interval(balanced_accuracy_of_confusion, counts, len(truth)),
        )
        for name, counts in tables.items()
    )
    best = max(scores[1:], key=lambda one: one.macro_f1.estimate or 0.0)
    pair = np.stack([tables[model], tables[best.name]], axis=1)
    return Evaluation(
        scores=scores,
        confusion=tables[model].sum(axis=0),
        gain=interval(lambda c: macro_f1_of_confusion(c[:, 0]) - macro_f1_of_confusion(c[:, 1]), pair, len(truth)),
        best_baseline=best.name,
        predictions=answers[model],
    )


def confusions(groups: Codes, truth: NDArray[np.str_], answer: NDArray[np.str_]) -> NDArray[np.int64]:
    """A confusion matrix a group: int64 ``(groups, 3, 3)``, rows true, columns answered, in the order of ``LABELS``.

    Args:
        groups: number of each row's group ``(rows,)``, from 0.
        truth: labels ``(rows,)``.
        answer: labels ``(rows,)``.
    """
    size, count = len(LABELS), int(groups.max()) + 1
    cells = (groups * size + _codes(truth)) * size + _codes(answer)
    return np.bincount(cells, minlength=count * size * size).reshape(count, size, size)


def _codes(labels: NDArray[np.str_]) -> Codes:
    """Labels as positions in ``LABELS``."""
    order = np.argsort(LABELS)
    return order[np.searchsorted(np.array(LABELS)[order], labels)]
