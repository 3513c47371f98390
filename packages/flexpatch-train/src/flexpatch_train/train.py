"""The tracking-failure tree and the baselines it has to beat, all fitted the same way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier

from flexpatch_train.table import feature_matrix, label_array

Predictor = Callable[[pd.DataFrame], NDArray[np.str_]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeOptions:
    """How a decision tree is grown.

    Attributes:
        max_depth: levels of questions, at least 1.
        min_samples_split: fewest rows a node must hold to be split, at least 2.
        class_weight: ``balanced`` lets the rare ``high`` weigh as much as the common ``low``; ``none`` counts rows.
        random_state: seed of the order in which equally good splits are tried.
    """

    max_depth: int = 5
    min_samples_split: int = 10
    class_weight: Literal["balanced", "none"] = "balanced"
    random_state: int = 42


def fit_tree(features: NDArray[np.float64], labels: NDArray[np.str_], options: TreeOptions) -> DecisionTreeClassifier:
    """Grow a tree; NaN features are sent to the side that suits the training rows.

    Args:
        features: float64 ``(rows, columns)``.
        labels: ``(rows,)``.
        options: how to grow it.
    """
    tree = DecisionTreeClassifier(
        max_depth=options.max_depth,
        min_samples_split=options.min_samples_split,
        class_weight=None if options.class_weight == "none" else options.class_weight,
        random_state=options.random_state,
    )
    tree.fit(features, labels)
    return tree


def tree_predictor(tree: DecisionTreeClassifier) -> Predictor:
    """A tree over the five features as a function of the table."""
    return lambda table: np.asarray(tree.predict(feature_matrix(table)), dtype=np.str_)


def age_frames(table: pd.DataFrame) -> NDArray[np.float64]:
    """Frames since the detection that started the track: ``(rows,)``."""
    return (table["frame"] - table["start_frame"]).to_numpy(np.float64)


def fit_baselines(train: pd.DataFrame, options: TreeOptions) -> dict[str, Predictor]:
    """What a model must beat, fitted on the same rows with the same options.

    - ``always the majority``: the commonest label, whatever the features.
    - ``confidence only``: a tree over the detector's score.
    - ``time since detection only``: a tree over the age of the track.
    """
    labels = label_array(train)
    names, counts = np.unique(labels, return_counts=True)
    majority = names[np.argmax(counts)]
    return {
        "always the majority": lambda table: np.full(len(table), majority),
        "confidence only": _one_column(lambda t: t["confidence"].to_numpy(np.float64), train, labels, options),
        "time since detection only": _one_column(age_frames, train, labels, options),
    }


def _one_column(
    column: Callable[[pd.DataFrame], NDArray[np.float64]],
    train: pd.DataFrame,
    labels: NDArray[np.str_],
    options: TreeOptions,
) -> Predictor:
    tree = fit_tree(column(train)[:, None], labels, options)
    return lambda table: np.asarray(tree.predict(column(table)[:, None]), dtype=np.str_)
