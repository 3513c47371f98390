"""The recommender: the same answers as the tree it was trained as, and patches in the right order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from flexpatch_train import TrackingFailureRecommender
from flexpatch_train.labels import LABELS
from flexpatch_train.runtime.failure import padded
from flexpatch_train.runtime.fast_tree import FastTree
from flexpatch_train.runtime.tracked import TrackedObject
from footage.errors import ModelError
from footage.persistence.sklearn import save_estimator


def rows(seed: int, count: int, unknown: float = 0.1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(count, 5))
    values[rng.random(values.shape) < unknown] = np.nan
    return values


def ncc_tree() -> DecisionTreeClassifier:
    """Low ncc is high risk, half is medium, above is low."""
    x = rows(0, 900, unknown=0.0)
    x[:, 1] = np.linspace(0, 1, 900)
    return DecisionTreeClassifier(max_depth=3).fit(x, np.repeat(np.array(LABELS), 300))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.integers(0, 1000), st.integers(0, 60))
def test_the_fast_tree_answers_as_scikit_learn(depth: int, seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    tree = DecisionTreeClassifier(max_depth=depth, random_state=0).fit(rows(seed, 300), rng.integers(0, 3, 300))
    asked = rows(seed + 1, count)
    fast = FastTree(tree)
    expected = tree.predict_proba(asked) if count else np.zeros((0, 3))
    np.testing.assert_allclose(fast.probabilities(asked), expected, atol=1e-12)


def tracked(number: int, ncc: float, *, score: float = 0.9, waiting: int = 1) -> TrackedObject:
    features = np.array([-2.0, ncc, 0.0, 0.0, score])
    return TrackedObject(number, np.array([100.0, 100, 120, 140]), score, 0, features, 5, waiting)


@pytest.fixture
def recommender(tmp_path: Path) -> TrackingFailureRecommender:
    save_estimator(ncc_tree(), tmp_path / "flexpatch_model.joblib")
    return TrackingFailureRecommender.load(tmp_path / "flexpatch_model.joblib")


def test_the_riskiest_come_first(recommender: TrackingFailureRecommender) -> None:
    objects = [tracked(1, 0.9), tracked(2, 0.1), tracked(3, 0.5, waiting=0)]
    patches = recommender.get_patches(objects, None, (640, 360))
    assert [patch.track_id for patch in patches] == [2, 3, 1], "medium and high are both failures"
    assert [patch.priority for patch in patches] == pytest.approx([1.03, 1.0, 0.03])
    assert {patch.kind for patch in patches} == {"failure"}


def test_nobody_is_forgotten(recommender: TrackingFailureRecommender) -> None:
    patches = recommender.get_patches([tracked(1, 0.1), tracked(2, 0.9, waiting=40)], None, (640, 360))
    assert [patch.track_id for patch in patches] == [2, 1]


def test_ties_go_to_the_object_the_detector_was_less_sure_of(recommender: TrackingFailureRecommender) -> None:
    patches = recommender.get_patches([tracked(1, 0.9, score=0.9), tracked(2, 0.9, score=0.4)], None, (640, 360))
    assert [patch.track_id for patch in patches] == [2, 1]


def test_a_patch_is_padded_by_the_boxs_size_and_stays_in_the_frame(recommender: TrackingFailureRecommender) -> None:
    (patch,) = recommender.get_patches([tracked(1, 0.5)], None, (640, 155))
    assert patch.box == (90.0, 80.0, 130.0, 155.0)
    assert padded(np.array([700.0, 10, 720, 30]), 1.0, (640, 360)) is None


def test_no_objects_no_patches(recommender: TrackingFailureRecommender) -> None:
    assert recommender.get_patches([], None, (640, 360)) == []


def test_other_models_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.joblib"
    x = rows(1, 60, unknown=0.0)
    save_estimator(RandomForestClassifier(3).fit(x, np.arange(60) % 3), path)
    with pytest.raises(ModelError, match="is not a decision tree and has no manifest"):
        TrackingFailureRecommender.load(path)
    save_estimator(DecisionTreeClassifier().fit(x[:, :4], np.arange(60) % 3), path)
    with pytest.raises(ModelError, match="no model over 5 features"):
        TrackingFailureRecommender.load(path)
    save_estimator(DecisionTreeClassifier().fit(x, np.arange(60) % 3), path)
    with pytest.raises(ModelError, match="knows the classes 0, 1, 2"):
        TrackingFailureRecommender.load(path)
