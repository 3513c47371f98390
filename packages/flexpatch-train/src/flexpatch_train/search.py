"""How deep to grow and how small a leaf may be: tried on the training rows alone, object by object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from flexpatch_train.holding_out import folds_over_objects
from flexpatch_train.scores import confusions
from flexpatch_train.table import label_array
from flexpatch_train.train import ModelKind, ModelOptions, fit_model, predictor
from footage.metrics.classification import macro_f1_of_confusion

DEPTHS: dict[ModelKind, tuple[int, ...]] = {"tree": (3, 4, 5, 6, 8), "forest": (5, 8, 12), "boosting": (2, 3, 5)}
LEAF_ROWS = (1, 5, 20, 50, 100)


@dataclass(frozen=True, slots=True)
class Trial:
    """One setting that was tried.

    Attributes:
        max_depth: levels of questions.
        min_samples_leaf: fewest rows of a leaf.
        macro_f1: over all training rows, each predicted by a model that saw no row of its object.
    """

    max_depth: int
    min_samples_leaf: int
    macro_f1: float


@dataclass(frozen=True, slots=True)
class Searched:
    """What a search found.

    Attributes:
        options: the best.
        trials: all that was tried, in order.
    """

    options: ModelOptions
    trials: tuple[Trial, ...]


def search(
    train: pd.DataFrame,
    options: ModelOptions,
    rng: np.random.Generator,
    on_trial: Callable[[], None] = lambda: None,
) -> Searched:
    """Try every depth with every leaf size by cross-validation over the training rows' objects.

    The test rows take no part. Of settings that do equally well the smaller model is taken: less depth, larger leaves.

    Args:
        train: the rows to learn from.
        options: everything else about the model.
        rng: deals objects into folds.
        on_trial: called after each setting.

    Returns:
        The best setting; with a single object, which cannot be cross-validated, the options as given and no trials.

    Raises:
        DatasetError: the table lacks a feature.
    """
    folds = folds_over_objects(train, rng)
    if folds is None:
        return Searched(options, ())
    truth = label_array(train)
    trials = []
    for depth in DEPTHS[options.kind]:
        for leaf in reversed(LEAF_ROWS):
            tried = replace(options, max_depth=depth, min_samples_leaf=leaf)
            answers = truth.copy()
            for fold in folds:
                model = predictor(fit_model(train.iloc[fold.train], tried), tried)
                answers[fold.test] = model(train.iloc[fold.test])
            table = confusions(np.zeros(len(train), np.intp), truth, answers)
            trials.append(Trial(depth, leaf, float(macro_f1_of_confusion(table.astype(np.float64))[0])))
            on_trial()
    best = max(trials, key=lambda trial: trial.macro_f1)
    return Searched(replace(options, max_depth=best.max_depth, min_samples_leaf=best.min_samples_leaf), tuple(trials))
