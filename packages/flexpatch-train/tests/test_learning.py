"""Calibration, importance and search: on tables whose truth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexpatch_train.calibrate import fit_calibration
from flexpatch_train.features import FEATURES
from flexpatch_train.importance import permutation_importance
from flexpatch_train.labels import LABELS
from flexpatch_train.runtime.calibration import Calibration
from flexpatch_train.search import DEPTHS, LEAF_ROWS, search
from flexpatch_train.table import feature_matrix
from flexpatch_train.train import ModelKind, ModelOptions, failure_probability, fit_model
from footage.metrics.calibration import ece


def made(rng: np.random.Generator, *, objects: int = 60, rows: int = 40) -> pd.DataFrame:
    """``ncc`` tells how likely a box fails, the other features tell nothing; one box in five fails."""
    count = objects * rows
    table = pd.DataFrame(rng.normal(size=(count, len(FEATURES))), columns=list(FEATURES))
    failing = rng.random(count) < 1 / (1 + np.exp(2 + 2 * table["ncc"].to_numpy()))
    table["iou_label"] = np.where(failing, rng.choice(["high", "medium"], count), "low")
    table["clip"], table["track_id"] = "clip", np.repeat(np.arange(objects), rows)
    return table


@pytest.mark.parametrize("kind", ["tree", "forest"])
def test_calibrated_probabilities_mean_what_they_say(kind: ModelKind) -> None:
    rng = np.random.default_rng(0)
    train, test = made(rng), made(rng)
    options = ModelOptions(kind=kind)
    raw = failure_probability(fit_model(train, options), feature_matrix(test))
    calibrated = fit_calibration(train, options, rng)
    assert calibrated is not None
    failed = (test["iou_label"] != "low").to_numpy()
    assert ece(failed, raw) > 0.1, "balanced class weights call failures more often than they happen"
    assert ece(failed, calibrated(raw)) < 0.05
    assert (np.diff(calibrated(np.sort(raw))) >= 0).all(), "what was likelier stays likelier"


def test_where_nothing_fails_nothing_is_calibrated() -> None:
    rng = np.random.default_rng(1)
    assert fit_calibration(made(rng).assign(iou_label="low"), ModelOptions(), rng) is None
    assert fit_calibration(made(rng, objects=1), ModelOptions(), rng) is None


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=8, unique=True), st.lists(st.floats(0, 1), min_size=8, max_size=8)
)
def test_a_calibration_survives_its_json_and_never_falls(raw: list[float], heights: list[float]) -> None:
    line = Calibration(tuple(sorted(raw)), tuple(sorted(heights[: len(raw)])))
    assert Calibration.from_json(line.to_json()) == line
    values = line(np.linspace(0, 1, 50))
    assert (np.diff(values) >= -1e-12).all()
    assert ((values >= 0) & (values <= 1)).all()


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"raw": [0.1, 0.1], "calibrated": [0.1, 0.2]},
        {"raw": [0.1, 0.2], "calibrated": [0.3, 0.2]},
        {"raw": [0.1], "calibrated": [1.5]},
        {"raw": [], "calibrated": []},
        {"raw": ["x"], "calibrated": [0.5]},
        {"raw": [float("nan")], "calibrated": [0.5]},
        "text",
    ],
)
def test_what_is_no_calibration_is_refused(document: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        Calibration.from_json(document)


def test_shuffling_costs_only_where_a_feature_tells_something() -> None:
    rng = np.random.default_rng(2)
    train, test = made(rng), made(rng)
    options = ModelOptions()
    found = {one.feature: one.loss for one in permutation_importance(fit_model(train, options), test, options, rng)}
    assert next(iter(found)) == "ncc"
    assert found["ncc"].low is not None
    assert found["ncc"].low > 0.05
    for feature in set(FEATURES) - {"ncc"}:
        assert abs(found[feature].estimate or 0.0) < 0.03


def test_a_search_tries_the_grid_and_prefers_small_trees_where_labels_are_noise() -> None:
    rng = np.random.default_rng(3)
    table = made(rng)
    found = search(table, ModelOptions(), np.random.default_rng(0))
    tried = {(trial.max_depth, trial.min_samples_leaf) for trial in found.trials}
    assert tried == {(depth, leaf) for depth in DEPTHS["tree"] for leaf in LEAF_ROWS}
    best = max(trial.macro_f1 for trial in found.trials)
    chosen = next(
        t
        for t in found.trials
        if (t.max_depth, t.min_samples_leaf) == (found.options.max_depth, found.options.min_samples_leaf)
    )
    assert chosen.macro_f1 == best
    again = search(table, ModelOptions(), np.random.default_rng(0))
    assert again == found


def test_a_search_does_not_see_the_labels_of_its_own_fold() -> None:
    """Labels that only an object's own rows could tell score no better than chance."""
    rng = np.random.default_rng(4)
    table = made(rng)
    per_object = rng.choice(LABELS, 60)
    table["iou_label"] = per_object[table["track_id"]]
    table["min_eig"] = table["track_id"].astype(float)
    found = search(table, ModelOptions(), np.random.default_rng(0))
    assert max(trial.macro_f1 for trial in found.trials) < 0.5


def test_one_object_cannot_be_searched_over() -> None:
    table = made(np.random.default_rng(5), objects=1)
    assert search(table, ModelOptions(), np.random.default_rng(0)).trials == ()
