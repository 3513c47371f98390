"""Scores on rows the model never saw, each beside the baselines, with an interval and its n.

Rows of one object resemble each other, so intervals come from resampling whole objects (``track_id``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from flexpatch_train.labels import LABELS
from flexpatch_train.table import feature_matrix, label_array
from flexpatch_train.train import Predictor, TreeOptions, fit_baselines, fit_tree, tree_predictor
from footage.dataset.splits import Fold, by_group, temporal_holdout, time_blocks
from footage.errors import DatasetError
from footage.metrics.classification import (
    balanced_accuracy_of_confusion,
    macro_f1_of_confusion,
    recall_of_confusion,
)
from footage.metrics.intervals import Interval, group_bootstrap_of_counts

TEST_FRACTION = 0.3
PURGE_FRAMES = 15
"""Frames left out between training and test: neighbours in time are near copies."""
BLOCKS = 5
MODEL = "decision tree"
_HIGH = LABELS.index("high")

Codes = NDArray[np.intp]
Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldOut:
    """Which rows are learned from and which are kept for the test.

    Attributes:
        train: row indices.
        test: row indices, of other objects than ``train``.
        dropped_reasons: how many rows are on neither side, by reason.
        by_time: whether the test rows also come from later frames.
    """

    train: NDArray[np.intp]
    test: NDArray[np.intp]
    dropped_reasons: dict[str, int]
    by_time: bool

    @property
    def words(self) -> str:
        """What is held out, in words."""
        if self.by_time:
            return f"the last {TEST_FRACTION * 100:.0f} % of the video and objects not seen before"
        return f"{TEST_FRACTION * 100:.0f} % of the objects, in the same frames as the others"


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How one predictor did.

    Attributes:
        name: ``MODEL`` or a baseline's.
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


def hold_out(table: pd.DataFrame, rng: np.random.Generator) -> HoldOut:
    """Set rows aside for the test, no object on both sides.

    The end of the video where that leaves something on both sides. Where it does not (a short video whose objects stay
    from beginning to end) a share of the objects, which is weaker: background and light are the same.

    Args:
        table: labelled rows.
        rng: decides which objects are held out where time cannot decide.

    Raises:
        DatasetError: there is one object only.
    """
    groups = table["track_id"].to_numpy()
    try:
        split = temporal_holdout(
            table["start_frame"].to_numpy(),
            table["frame"].to_numpy(),
            groups,
            test_fraction=TEST_FRACTION,
            purge=PURGE_FRAMES,
        )
    except DatasetError:
        by_object = by_group(groups, (1 - TEST_FRACTION, 0.0, TEST_FRACTION), rng)
        return HoldOut(train=by_object.train, test=by_object.test, dropped_reasons={}, by_time=False)
    return HoldOut(train=split.train, test=split.test, dropped_reasons=split.dropped_reasons, by_time=True)


def evaluate(
    test: pd.DataFrame, model: Predictor, baselines: dict[str, Predictor], rng: np.random.Generator
) -> Evaluation:
    """Score the model and the baselines on test rows.

    Args:
        test: rows that neither the model nor the baselines were fitted on.
        model: the model's predictor.
        baselines: by name.
        rng: source of the bootstrap's resamples.
    """
    answers = {MODEL: model(test)} | {name: predict(test) for name, predict in baselines.items()}
    return _score(test, answers, rng)


def cross_validate(table: pd.DataFrame, options: TreeOptions, rng: np.random.Generator) -> Evaluation | None:
    """The same recipe fitted anew for each of ``BLOCKS`` time blocks and tested on that block.

    Returns:
        The evaluation over the rows of all blocks together; None where the video is too short or its objects stay too
        long for blocks without an object on both sides.
    """
    try:
        folds = time_blocks(
            table["start_frame"].to_numpy(),
            table["frame"].to_numpy(),
            table["track_id"].to_numpy(),
            blocks=BLOCKS,
            purge=PURGE_FRAMES,
        )
    except DatasetError:
        return None
    parts = [_fold_answers(table, fold, options) for fold in folds]
    rows = np.concatenate([fold.test for fold in folds])
    answers = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return _score(table.iloc[rows], answers, rng)


def _fold_answers(table: pd.DataFrame, fold: Fold, options: TreeOptions) -> dict[str, NDArray[np.str_]]:
    train, test = table.iloc[fold.train], table.iloc[fold.test]
    model = tree_predictor(fit_tree(feature_matrix(train), label_array(train), options))
    predictors = {MODEL: model} | fit_baselines(train, options)
    return {name: predict(test) for name, predict in predictors.items()}


def _score(test: pd.DataFrame, answers: dict[str, NDArray[np.str_]], rng: np.random.Generator) -> Evaluation:
    truth = _codes(label_array(test))
    names, objects = np.unique(test["track_id"].to_numpy(), return_inverse=True)
    tables = {name: _confusions(objects, len(names), truth, _codes(answer)) for name, answer in answers.items()}
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
    pair = np.stack([tables[MODEL], tables[best.name]], axis=1)
    return Evaluation(
        scores=scores,
        confusion=tables[MODEL].sum(axis=0),
        gain=interval(lambda c: macro_f1_of_confusion(c[:, 0]) - macro_f1_of_confusion(c[:, 1]), pair, len(truth)),
        best_baseline=best.name,
        predictions=answers[MODEL],
    )


def _confusions(objects: Codes, count: int, truth: Codes, answer: Codes) -> NDArray[np.int64]:
    """A confusion matrix an object: ``(objects, 3, 3)``, rows true."""
    size = len(LABELS)
    cells = (objects * size + truth) * size + answer
    return np.bincount(cells, minlength=count * size * size).reshape(count, size, size)


def _codes(labels: NDArray[np.str_]) -> Codes:
    """Labels as positions in ``LABELS``."""
    order = np.argsort(LABELS)
    return order[np.searchsorted(np.array(LABELS)[order], labels)]
