"""The tracking-failure model and the baselines it has to beat, all fitted the same way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from flexpatch_train.features import EXTENDED_FEATURES, FEATURES
from flexpatch_train.table import feature_matrix, label_array
from footage.errors import DatasetError

ModelKind = Literal["tree", "forest", "boosting"]
FeatureSet = Literal["seed", "extended"]
Classifier: TypeAlias = DecisionTreeClassifier | RandomForestClassifier | HistGradientBoostingClassifier
Predictor = Callable[[pd.DataFrame], NDArray[np.str_]]

NAMES: dict[ModelKind, str] = {"tree": "decision tree", "forest": "random forest", "boosting": "gradient boosting"}
FEATURE_SETS: dict[FeatureSet, tuple[str, ...]] = {"seed": FEATURES, "extended": EXTENDED_FEATURES}
_DEPTH: dict[ModelKind, int] = {"tree": 5, "forest": 10, "boosting": 4}
_LEAF: dict[ModelKind, int] = {"tree": 1, "forest": 5, "boosting": 20}
_FOREST_TREES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """What kind of model is fitted, on what, and how.

    Attributes:
        kind: one decision tree, which can be read; a forest of them; or gradient boosting.
        features: the seed's five, or all that are measured.
        max_depth: levels of questions, at least 1; None for 5 (tree), 10 (forest) or 4 (boosting).
        min_samples_leaf: fewest rows of a leaf, at least 1; None for 1 (tree), 5 (forest) or 20 (boosting).
        min_samples_split: fewest rows a node must hold to be split, at least 2; boosting does not know it.
        class_weight: ``balanced`` lets the rare ``high`` weigh as much as the common ``low``; ``none`` counts rows.
        random_state: seed of the order in which equally good splits are tried, and of a forest's samples.
    """

    kind: ModelKind = "tree"
    features: FeatureSet = "seed"
    max_depth: int | None = None
    min_samples_leaf: int | None = None
    min_samples_split: int = 10
    class_weight: Literal["balanced", "none"] = "balanced"
    random_state: int = 42

    @property
    def name(self) -> str:
        """The kind in words."""
        return NAMES[self.kind]

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The features, in the order of the model's columns."""
        return FEATURE_SETS[self.features]

    @property
    def depth(self) -> int:
        """Levels of questions."""
        return _DEPTH[self.kind] if self.max_depth is None else self.max_depth

    @property
    def leaf_rows(self) -> int:
        """Fewest rows of a leaf."""
        return _LEAF[self.kind] if self.min_samples_leaf is None else self.min_samples_leaf


def fit_model(train: pd.DataFrame, options: ModelOptions) -> Classifier:
    """Fit a model to a table; unknown features are sent to the side that suits the training rows.

    Args:
        train: labelled rows.
        options: what to fit.

    Raises:
        DatasetError: the table lacks a feature, or boosting is asked to learn a single label.
    """
    return _fit(feature_matrix(train, options.feature_names), label_array(train), options)


def _fit(features: NDArray[np.float64], labels: NDArray[np.str_], options: ModelOptions) -> Classifier:
    model: Classifier
    weight = None if options.class_weight == "none" else options.class_weight
    if options.kind == "boosting":
        if len(np.unique(labels)) < 2:
            raise DatasetError(f"all training boxes are {labels[0]}", remedy="train on more frames, or take a tree")
        model = HistGradientBoostingClassifier(
            max_depth=options.depth,
            min_samples_leaf=options.leaf_rows,
            class_weight=weight,
            early_stopping=False,  # it would hold rows out at random, neighbours of others
            random_state=options.random_state,
        )
    else:
        growth = {
            "max_depth": options.depth,
            "min_samples_leaf": options.leaf_rows,
            "min_samples_split": options.min_samples_split,
            "class_weight": weight,
            "random_state": options.random_state,
        }
        if options.kind == "tree":
            model = DecisionTreeClassifier(**growth)
        else:
            model = RandomForestClassifier(n_estimators=_FOREST_TREES, **growth)
    model.fit(features, labels)
    return model


def predictor(model: Classifier, options: ModelOptions) -> Predictor:
    """A model as a function of the table."""
    return lambda table: np.asarray(model.predict(feature_matrix(table, options.feature_names)), dtype=np.str_)


def failure_probability(model: Classifier, features: NDArray[np.float64]) -> NDArray[np.float64]:
    """The model's own probability that a box no longer shows its object (IoU of at most .5), not calibrated.

    Args:
        model: fitted.
        features: float64 ``(rows, columns)``.

    Returns:
        float64 ``(rows,)`` in [0, 1]: one minus the probability of ``low``.
    """
    failing = [column for column, name in enumerate(model.classes_) if str(name) != "low"]
    return np.asarray(np.clip(model.predict_proba(features)[:, failing].sum(axis=1), 0.0, 1.0))


def age_frames(table: pd.DataFrame) -> NDArray[np.float64]:
    """Frames since the detection that started the track: ``(rows,)``."""
    return (table["frame"] - table["start_frame"]).to_numpy(np.float64)


def fit_baselines(train: pd.DataFrame, options: ModelOptions) -> dict[str, Predictor]:
    """What a model must beat, fitted on the same rows.

    - ``always the majority``: the commonest label, whatever the features.
    - ``confidence only``: a tree over the detector's score.
    - ``time since detection only``: a tree over the age of the track.
    """
    labels = label_array(train)
    names, counts = np.unique(labels, return_counts=True)
    majority = names[np.argmax(counts)]
    one_tree = ModelOptions(class_weight=options.class_weight, random_state=options.random_state)
    return {
        "always the majority": lambda table: np.full(len(table), majority),
        "confidence only": _one_column(lambda t: t["confidence"].to_numpy(np.float64), train, labels, one_tree),
        "time since detection only": _one_column(age_frames, train, labels, one_tree),
    }


def _one_column(
    column: Callable[[pd.DataFrame], NDArray[np.float64]],
    train: pd.DataFrame,
    labels: NDArray[np.str_],
    options: ModelOptions,
) -> Predictor:
    tree = _fit(column(train)[:, None], labels, options)
    return lambda table: np.asarray(tree.predict(column(table)[:, None]), dtype=np.str_)
