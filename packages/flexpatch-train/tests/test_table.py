"""``training_data.csv``: its columns, and tables from before there were extra features."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flexpatch_train.features import EXTENDED_FEATURES, EXTRA_FEATURES, FEATURES
from flexpatch_train.labels import Outcome
from flexpatch_train.rollouts import LabelledSample, Sample
from flexpatch_train.table import COLUMNS, feature_matrix, read_table, to_table, write_table
from footage.errors import DatasetError

SEED_HEADER = ("min_eig", "ncc", "accel", "flow_std", "confidence", "iou_label")


@pytest.fixture
def table() -> pd.DataFrame:
    """Three rows whose features are 0 to 11, 100 to 111 and unknown."""
    count = len(EXTENDED_FEATURES)
    features = [np.arange(count, dtype=np.float64), np.arange(count) + 100.0, np.full(count, np.nan)]
    samples = [Sample(0, 0, t + 1, (t + 1) / 25, row, np.array([1.0, 2, 3, 4])) for t, row in enumerate(features)]
    return to_table([LabelledSample(sample, 1, Outcome("low", 0.9, left=False)) for sample in samples], "clip.mp4")


def test_the_first_six_columns_are_those_of_the_first_trainers_and_the_extra_ones_come_last(
    table: pd.DataFrame,
) -> None:
    assert tuple(table.columns) == COLUMNS
    assert COLUMNS[:6] == SEED_HEADER
    assert COLUMNS[-len(EXTRA_FEATURES) :] == EXTRA_FEATURES


def test_every_feature_stands_under_its_name(table: pd.DataFrame, tmp_path: Path) -> None:
    write_table(table, tmp_path / "table.csv")
    read = read_table(tmp_path / "table.csv")
    names = ("age_frames", *FEATURES[::-1], "survival")
    expected = [EXTENDED_FEATURES.index(name) for name in names]
    np.testing.assert_array_equal(feature_matrix(read, names)[:2], [expected, np.array(expected) + 100])
    assert np.isnan(feature_matrix(read, names)[2]).all()
    assert feature_matrix(read).shape == (3, len(FEATURES))


def test_a_table_without_extra_features_serves_the_five(table: pd.DataFrame, tmp_path: Path) -> None:
    write_table(table.drop(columns=list(EXTRA_FEATURES)), tmp_path / "old.csv")
    old = read_table(tmp_path / "old.csv")
    np.testing.assert_array_equal(feature_matrix(old), feature_matrix(table))
    with pytest.raises(DatasetError, match=f"lacks the features {', '.join(EXTRA_FEATURES)}"):
        feature_matrix(old, EXTENDED_FEATURES)


def test_a_table_without_anything_else_is_refused(table: pd.DataFrame, tmp_path: Path) -> None:
    write_table(table[list(SEED_HEADER)], tmp_path / "seed.csv")
    with pytest.raises(DatasetError, match="lacks the columns clip, track_id"):
        read_table(tmp_path / "seed.csv")
