"""The product curve of a model on disk: on the rows of the table beside it that its training held out."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from flexpatch_train.held_out_rows import held_out_rows
from flexpatch_train.outputs import TABLE_FILE
from flexpatch_train.product_curve import ProductCurve, product_curve
from flexpatch_train.runtime.failure import TrackingFailureRecommender
from flexpatch_train.table import feature_matrix, label_array, object_groups
from footage.errors import DatasetError
from footage.persistence.bundle import ModelManifest


def held_out_curve(model: Path, manifest: ModelManifest, rng: np.random.Generator) -> ProductCurve:
    """The curve on the held-out rows of the table beside a model.

    Args:
        model: a ``flexpatch_model.joblib`` with ``training_data.csv`` beside it.
        manifest: the model's.
        rng: source of the bootstrap's resamples.

    Raises:
        DatasetError: the table is missing or is not a table, or no held-out box failed.
        ModelError: the table or its split is not the one the model was made from.
    """
    path = model.with_name(TABLE_FILE)
    test, split = held_out_rows(model, manifest, path)
    failed = label_array(test) != "low"
    if not failed.any():
        raise DatasetError("no held-out box failed: there is nothing to catch", where=path)
    recommender = TrackingFailureRecommender(model)
    risk = recommender.risks(feature_matrix(test, recommender.feature_names))
    return product_curve(test, failed, risk, risk, groups=object_groups(test), held_out=split.words, rng=rng)
