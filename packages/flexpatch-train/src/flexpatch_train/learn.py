"""From a table to a model that was measured: split, grow the tree, score it beside the baselines, judge it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier

from flexpatch_train.labels import LABELS
from flexpatch_train.scores import Evaluation, HoldOut, cross_validate, evaluate, hold_out
from flexpatch_train.table import feature_matrix, label_array
from flexpatch_train.train import TreeOptions, fit_baselines, fit_tree, tree_predictor

MIN_TEST_OBJECTS = 5
"""An interval over fewer objects says next to nothing."""
MIN_TEST_HIGH = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """A tree and what is known about it.

    Attributes:
        tree: fitted on ``train`` only; this is the model that ships.
        split: which rows of the table were on which side.
        train: the rows it was fitted on.
        test: the rows it never saw.
        held_out: its scores on ``test``.
        cross_validated: the recipe over time blocks of the whole table; None where the video does not allow it.
        doubts: why the scores should not be relied on; empty when nothing speaks against them.
    """

    tree: DecisionTreeClassifier
    split: HoldOut
    train: pd.DataFrame
    test: pd.DataFrame
    held_out: Evaluation
    cross_validated: Evaluation | None
    doubts: tuple[str, ...]


def learn(table: pd.DataFrame, options: TreeOptions, rng: np.random.Generator) -> Learned:
    """Hold out the end of the video, fit on the rest, score both ways.

    Args:
        table: labelled rows with the columns of ``flexpatch_train.table.COLUMNS``.
        options: how the tree is grown.
        rng: source of the bootstrap's resamples.

    Raises:
        DatasetError: nothing can be held out, because there is one object only.
    """
    split = hold_out(table, rng)
    train, test = table.iloc[split.train], table.iloc[split.test]
    tree = fit_tree(feature_matrix(train), label_array(train), options)
    held_out = evaluate(test, tree_predictor(tree), fit_baselines(train, options), rng)
    return Learned(
        tree=tree,
        split=split,
        train=train,
        test=test,
        held_out=held_out,
        cross_validated=cross_validate(table, options, rng),
        doubts=tuple(_doubts(split, train, test)),
    )


def _doubts(split: HoldOut, train: pd.DataFrame, test: pd.DataFrame) -> list[str]:
    doubts = []
    if not split.by_time:
        doubts.append(
            "the video is too short, or its objects stay too long, to hold out its end: the test is on other objects "
            "in the same frames, which flatters every score"
        )
    objects = test["track_id"].nunique()
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
        doubts.append(f"no training box is {' or '.join(absent)}: the tree cannot know it")
    return doubts
