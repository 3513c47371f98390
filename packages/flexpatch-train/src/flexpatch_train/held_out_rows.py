"""The rows that a saved model never saw, found again from its table and its manifest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from flexpatch_train.holding_out import HoldOut, hold_out
from flexpatch_train.table import read_table
from footage.dataset.manifest import content_sha256
from footage.errors import ModelError
from footage.persistence.bundle import ModelManifest


def held_out_rows(model: Path, manifest: ModelManifest, table: Path) -> tuple[pd.DataFrame, HoldOut]:
    """Make the split of a training anew.

    Args:
        model: the model file.
        manifest: the model's.
        table: the ``training_data.csv`` it was made from.

    Returns:
        The test rows, and how they were held out.

    Raises:
        DatasetError: the table is missing or is not a table.
        ModelError: the table or its split is not the one the model was made from.
    """
    rows = read_table(table)
    if content_sha256(table) != manifest.training_data_sha256:
        raise ModelError("was made from another table: its SHA-256 differs from the manifest's", where=table)
    settings = manifest.details.get("settings")
    seed, whole = (settings.get("seed"), settings.get("hold_out")) if isinstance(settings, dict) else (None, None)
    if not isinstance(seed, int) or not isinstance(whole, list):
        raise ModelError(
            "its manifest does not say how rows were held out", where=model, remedy="train it anew with this version"
        )
    split = hold_out(rows, np.random.default_rng(seed), whole=[str(clip) for clip in whole])
    if split.sha256 != manifest.split_sha256:
        raise ModelError(
            "was held out differently: the split's SHA-256 differs from the manifest's",
            where=model,
            remedy="train it anew with this version",
        )
    return rows.iloc[split.test], split
