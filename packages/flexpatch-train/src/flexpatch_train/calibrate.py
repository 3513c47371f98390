"""Learning how a model's probability of failure is to be read.

Class weights make a model call failures more often than they happen, and its training rows flatter it. So the map from
its probability to the share that really failed is learned from training rows that the model did not see: each part of
the objects is predicted by a model fitted to the others.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.isotonic import IsotonicRegression

from flexpatch_train.holding_out import folds_over_objects
from flexpatch_train.runtime.calibration import Calibration
from flexpatch_train.table import feature_matrix, label_array
from flexpatch_train.train import ModelOptions, failure_probability, fit_model


def fit_calibration(train: pd.DataFrame, options: ModelOptions, rng: np.random.Generator) -> Calibration | None:
    """Learn the map on held-out parts of the training rows: centred isotonic regression (Oron and Flournoy 2017).

    Args:
        train: the rows that the model itself is fitted to.
        options: of the model.
        rng: deals objects into parts.

    Returns:
        The map; None where there is one object only, or all boxes or none failed.

    Raises:
        DatasetError: the table lacks a feature.
    """
    failed = label_array(train) != "low"
    folds = folds_over_objects(train, rng)
    if folds is None or failed.all() or not failed.any():
        return None
    raw = np.zeros(len(train))
    for fold in folds:
        model = fit_model(train.iloc[fold.train], options)
        raw[fold.test] = failure_probability(model, feature_matrix(train.iloc[fold.test], options.feature_names))
    heights = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit_transform(raw, failed)
    # The middle of each step, joined by lines: unlike steps, that keeps apart what the model keeps apart.
    steps, step_of = np.unique(heights, return_inverse=True)
    middles = np.bincount(step_of, weights=raw) / np.bincount(step_of)
    # Sums of many small numbers can end a hair above 1.
    return Calibration(tuple(np.clip(middles, 0, 1).tolist()), tuple(np.clip(steps, 0, 1).tolist()))
