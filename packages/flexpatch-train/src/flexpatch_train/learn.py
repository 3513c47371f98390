"""From a table to a model that was measured: split, choose, fit, calibrate, score beside the baselines, judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from flexpatch_train.calibrate import fit_calibration
from flexpatch_train.holding_out import HoldOut, hold_out
from flexpatch_train.importance import Importance, permutation_importance
from flexpatch_train.labels import LABELS
from flexpatch_train.product_curve import ProductCurve, product_curve
from flexpatch_train.runtime.calibration import Calibration
from flexpatch_train.scores import Evaluation, confusions, cross_validate, evaluate
from flexpatch_train.search import Trial, search
from flexpatch_train.table import feature_matrix, label_array, object_groups
from flexpatch_train.train import Classifier, ModelOptions, failure_probability, fit_baselines, fit_model, predictor

MIN_TEST_OBJECTS = 5
"""An interval over fewer objects says next to nothing."""
MIN_TEST_HIGH = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """A model and what is known about it.

    Attributes:
        model: fitted on ``train`` only; this is what ships.
        options: how it was fitted, depth and leaf size as a search chose them.
        trials: what the search tried; empty without a search.
        calibration: of its probability of failure; None where the training rows allow none.
        split: which rows of the table were on which side.
        train: the rows it was fitted on.
        test: the rows it never saw.
        held_out: its scores on ``test``.
        by_clip: confusion on ``test`` by clip, int64 ``(3, 3)``, rows true, in the order of ``LABELS``.
        cross_validated: the recipe over clips, or over time blocks of one; None where the video does not allow it.
        importance: what each feature is worth on ``test``.
        curve: failures caught against boxes detected again on ``test``; None where no test box failed.
        doubts: why the scores should not be relied on; empty when nothing speaks against them.
    """

    model: Classifier
    options: ModelOptions
    trials: tuple[Trial, ...]
    calibration: Calibration | None
    split: HoldOut
    train: pd.DataFrame
    test: pd.DataFrame
    held_out: Evaluation
    by_clip: dict[str, NDArray[np.int64]]
    cross_validated: Evaluation | None
    importance: tuple[Importance, ...]
    curve: ProductCurve | None
    doubts: tuple[str, ...]


def learn(
    table: pd.DataFrame,
    options: ModelOptions,
    rng: np.random.Generator,
    *,
    whole: Sequence[str] = (),
    searching: bool = False,
) -> Learned:
    """Hold rows out, fit on the rest, score on what was held out.

    Args:
        table: labelled rows with the columns of ``flexpatch_train.table.COLUMNS``.
        options: what is fitted, and how.
        rng: source of the bootstrap's resamples.
        whole: clips that are held out whole.
        searching: whether depth and leaf size are searched for on the training rows, in place of those given.

    Raises:
        DatasetError: nothing can be held out, or nothing is left to learn from.
    """
    # Boosting would spread its thousands of tiny loops over all cores, and wait for each on a busy machine.
    with threadpool_limits(1, user_api="openmp"):
        return _learn(table, options, rng, whole=whole, searching=searching)


def _learn(
    table: pd.DataFrame, options: ModelOptions, rng: np.random.Generator, *, whole: Sequence[str], searching: bool
) -> Learned:
    split = hold_out(table, rng, whole=whole)
    train, test = table.iloc[split.train], table.iloc[split.test]
    found = search(train, options, rng) if searching else None
    chosen = options if found is None else found.options
    model = fit_model(train, chosen)
    predictors = {chosen.name: predictor(model, chosen)} | fit_baselines(train, chosen)
    held_out = evaluate(test, predictors, rng)
    calibration = fit_calibration(train, chosen, rng)
    own = failure_probability(model, feature_matrix(test, chosen.feature_names))
    risks = own if calibration is None else calibration(own)
    return Learned(
        model=model,
        options=chosen,
        trials=() if found is None else found.trials,
        calibration=calibration,
        split=split,
        train=train,
        test=test,
        held_out=held_out,
        by_clip=_by_clip(test, held_out.predictions),
        cross_validated=cross_validate(table, chosen, rng),
        importance=permutation_importance(model, test, chosen, rng),
        curve=_curve(test, risks, split, rng),
        doubts=tuple(_doubts(split, train, test)),
    )


def _by_clip(test: pd.DataFrame, predictions: NDArray[np.str_]) -> dict[str, NDArray[np.int64]]:
    names, codes = np.unique(test["clip"].to_numpy(dtype=np.str_), return_inverse=True)
    return dict(zip(names.tolist(), confusions(codes, label_array(test), predictions), strict=True))


def _curve(
    test: pd.DataFrame, risks: NDArray[np.float64], split: HoldOut, rng: np.random.Generator
) -> ProductCurve | None:
    failed = label_array(test) != "low"
    if not failed.any():
        return None
    return product_curve(test, failed, risks, risks, groups=object_groups(test), held_out=split.words, rng=rng)


def _doubts(split: HoldOut, train: pd.DataFrame, test: pd.DataFrame) -> list[str]:
    doubts = []
    if not split.by_time:
        doubts.append(
            "the video is too short, or its objects stay too long, to hold out its end: the test is on other objects "
            "in the same frames, which flatters every score"
        )
    objects = int(object_groups(test).max()) + 1
    if objects < MIN_TEST_OBJECTS:
        doubts.append(
            f"the held-out part shows {objects} object{'' if objects == 1 else 's'} and at least {MIN_TEST_OBJECTS} "
            "are needed for an interval to mean something: train on more frames or a busier video"
        )
    high = int((test["iou_label"] == "high").sum())
    if high < MIN_TEST_HIGH:
        doubts.append(
            f"{high} of the held-out boxes are at high risk and at least {MIN_TEST_HIGH} are needed to say how many "
            "are caught: train on more frames"
        )
    absent = [label for label in LABELS if not (train["iou_label"] == label).any()]
    if absent:
        doubts.append(f"no training box is {' or '.join(absent)}: the model cannot know it")
    return doubts
