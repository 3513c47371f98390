"""The product curve of a model on disk: on the rows of the table beside it that its training held out."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd

from flexpatch_train.outputs import TABLE_FILE
from flexpatch_train.product_curve import ProductCurve, object_groups, product_curve
from flexpatch_train.ranked_rows import Floats
from flexpatch_train.runtime.failure import TrackingFailureRecommender
from flexpatch_train.scores import hold_out
from flexpatch_train.table import feature_matrix, label_array, read_table
from footage.dataset.manifest import content_sha256
from footage.errors import DatasetError, ModelError
from footage.persistence.bundle import ModelManifest
from footage.persistence.sklearn import load_estimator


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
    test, words = _held_out(model, manifest)
    failed = label_array(test) != "low"
    if not failed.any():
        raise DatasetError("no held-out box failed: there is nothing to catch", where=model.with_name(TABLE_FILE))
    return product_curve(
        test,
        failed,
        TrackingFailureRecommender(model).risks(feature_matrix(test)),
        _probability(model, test),
        groups=object_groups(test),
        held_out=words,
        rng=rng,
    )


def _held_out(model: Path, manifest: ModelManifest) -> tuple[pd.DataFrame, str]:
    path = model.with_name(TABLE_FILE)
    rows = read_table(path)
    if content_sha256(path) != manifest.training_data_sha256:
        raise ModelError("was made from another table: its SHA-256 differs from the manifest's", where=path)
    settings = manifest.details.get("settings")
    seed = settings.get("seed") if isinstance(settings, dict) else None
    if not isinstance(seed, int):
        raise ModelError("its manifest names no seed, so the held-out rows are unknown", where=model)
    split = hold_out(rows, np.random.default_rng(seed))
    if sha256(json.dumps([split.train.tolist(), split.test.tolist()]).encode("ascii")).hexdigest() != (
        manifest.split_sha256
    ):
        raise ModelError(
            "was held out differently: the split's SHA-256 differs from the manifest's",
            where=model,
            remedy="train it anew with this version",
        )
    return rows.iloc[split.test], split.words


def _probability(model: Path, test: pd.DataFrame) -> Floats:
    """P(IoU of at most .5) of every row."""
    tree = load_estimator(model)
    failing = [column for column, name in enumerate(tree.classes_) if str(name) != "low"]
    return np.asarray(np.clip(tree.predict_proba(feature_matrix(test))[:, failing].sum(axis=1), 0.0, 1.0))
