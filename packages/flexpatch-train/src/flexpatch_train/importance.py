"""What the model loses on held-out rows when one feature is shuffled (permutation importance, Breiman 2001).

Unlike a tree's own importances, which count what happened on training rows, this says what a feature is worth where it
matters. Two features that tell the same hide each other: shuffling one costs little while the other is there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from flexpatch_train.scores import confusions
from flexpatch_train.table import feature_matrix, label_array, object_groups
from flexpatch_train.train import Classifier, ModelOptions
from footage.metrics.classification import macro_f1_of_confusion
from footage.metrics.intervals import Interval, group_bootstrap_of_counts

SHUFFLES = 10


@dataclass(frozen=True, slots=True)
class Importance:
    """What one feature is worth.

    Attributes:
        feature: its name.
        loss: macro-F1 with all features minus the mean macro-F1 with this one shuffled; the interval resamples objects.
    """

    feature: str
    loss: Interval


def permutation_importance(
    model: Classifier, test: pd.DataFrame, options: ModelOptions, rng: np.random.Generator
) -> tuple[Importance, ...]:
    """Shuffle each feature ``SHUFFLES`` times and count what that costs; the dearest feature first.

    Args:
        model: fitted.
        test: rows it never saw.
        options: of the model.
        rng: shuffles, and draws the bootstrap's resamples.
    """
    features, truth, groups = feature_matrix(test, options.feature_names), label_array(test), object_groups(test)
    whole = confusions(groups, truth, model.predict(features).astype(np.str_))
    seed = int(rng.integers(2**31))
    found = []
    for column, name in enumerate(options.feature_names):
        tables = [whole]
        shuffled = features.copy()
        for _ in range(SHUFFLES):
            shuffled[:, column] = rng.permutation(features[:, column])
            tables.append(confusions(groups, truth, model.predict(shuffled).astype(np.str_)))
        loss = group_bootstrap_of_counts(
            lambda counts: (
                macro_f1_of_confusion(counts[:, 0])
                - np.mean([macro_f1_of_confusion(counts[:, one]) for one in range(1, SHUFFLES + 1)], axis=0)
            ),
            np.stack(tables, axis=1),
            # One seed for all: every feature meets the same resamples.
            np.random.default_rng(seed),
            n=len(test),
        )
        found.append(Importance(name, loss))
    return tuple(sorted(found, key=lambda one: -(one.loss.estimate or 0.0)))
