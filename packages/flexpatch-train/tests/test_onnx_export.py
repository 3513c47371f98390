"""The ONNX form answers as scikit-learn does, on every row: unknown values, two classes, one class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from flexpatch_train.features import FEATURES
from flexpatch_train.labels import LABELS
from flexpatch_train.model import CLASSES
from flexpatch_train.onnx_export import to_onnx
from flexpatch_train.table import feature_matrix
from flexpatch_train.train import ModelKind, ModelOptions, fit_model
from footage.errors import DatasetError
from footage.persistence.onnx import open_session

KINDS: tuple[ModelKind, ...] = ("tree", "forest", "boosting")


def made(rng: np.random.Generator, rows: int, labels: tuple[str, ...], unknown: float) -> pd.DataFrame:
    features = rng.normal(size=(rows, len(FEATURES)))
    lean = (features[:, 0] + rng.normal(size=rows) > 0).astype(int) + (features[:, 1] > 1)
    features[rng.random(features.shape) < unknown] = np.nan
    table = pd.DataFrame(features, columns=list(FEATURES))
    table["iou_label"] = np.array(labels)[lean % len(labels)]
    return table


def answers(content: bytes, features: NDArray[np.float64], tmp_path: Path) -> list[NDArray[Any]]:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    return open_session(path, threads=1).run(features)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("labels", [LABELS, ("high", "low"), ("medium", "low")])
@pytest.mark.parametrize("unknown", [0.0, 0.2])
def test_every_row_is_answered_alike(kind: ModelKind, labels: tuple[str, ...], unknown: float, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    model = fit_model(made(rng, 600, labels, unknown), ModelOptions(kind=kind, max_depth=4))
    features = feature_matrix(made(rng, 2000, labels, unknown))
    said, probabilities = answers(to_onnx(model, FEATURES), features, tmp_path)
    np.testing.assert_array_equal(said.astype(np.str_), model.predict(features))
    columns = [CLASSES.index(name) for name in model.classes_]
    np.testing.assert_allclose(probabilities[:, columns], model.predict_proba(features), atol=1e-6)
    others = [column for column in range(len(CLASSES)) if column not in columns]
    assert (probabilities[:, others] == 0).all()


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), decimals=st.integers(0, 2))
def test_values_that_lie_on_a_threshold_go_the_same_way(
    seed: int, decimals: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Coarse values meet thresholds exactly, and leaves tie."""
    rng = np.random.default_rng(seed)
    table = made(rng, 120, LABELS, 0.1)
    table[list(FEATURES)] = table[list(FEATURES)].round(decimals)
    model = fit_model(table, ModelOptions(max_depth=6, min_samples_split=2))
    features = feature_matrix(table)
    thresholds = model.tree_.threshold[np.isfinite(model.tree_.threshold)]
    on_thresholds = np.where(rng.random(features.shape) < 0.5, features, rng.choice(thresholds, features.shape))
    rounded = on_thresholds.astype(np.float32).astype(np.float64)
    said, _ = answers(to_onnx(model, FEATURES), rounded, tmp_path_factory.mktemp("onnx"))
    np.testing.assert_array_equal(said.astype(np.str_), model.predict(rounded))


def test_a_tree_that_knows_one_label_says_it(tmp_path: Path) -> None:
    table = made(np.random.default_rng(2), 100, ("low",), 0.1)
    model = fit_model(table, ModelOptions())
    said, probabilities = answers(to_onnx(model, FEATURES), feature_matrix(table), tmp_path)
    assert set(said) == {"low"}
    assert (probabilities == np.array([name == "low" for name in CLASSES])).all()
    with pytest.raises(DatasetError, match="all training boxes are low"):
        fit_model(table, ModelOptions(kind="boosting"))


def test_the_same_model_gives_the_same_bytes() -> None:
    table = made(np.random.default_rng(3), 300, LABELS, 0.1)
    for kind in KINDS:
        one, two = (to_onnx(fit_model(table, ModelOptions(kind=kind)), FEATURES) for _ in range(2))
        assert one == two
