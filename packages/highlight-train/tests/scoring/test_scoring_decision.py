"""Which pooling and threshold a scan takes: those asked for, the model's own, or the usual ones; and it says which."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footage.metrics.classification import balanced_accuracy
from footage.persistence.bundle import ModelManifest, read_manifest
from highlight_train.scoring.decision import GIVEN, OWN, USUAL, chosen_threshold, decide
from highlight_train.scoring.pooling import Pooling


def manifest(model: Path, **details: object) -> ModelManifest:
    return replace(read_manifest(model), details=details)


def test_the_models_own_choice_is_taken_unless_another_is_asked_for(red_model: Path) -> None:
    own = manifest(red_model, pooling="max", threshold=0.4)
    chosen = decide([own])
    assert (chosen.pooling, chosen.threshold) == (Pooling.MAX, 0.4)
    assert (chosen.pooling_from, chosen.threshold_from) == (OWN, OWN)
    asked = decide([own], Pooling.MAX, 0.9)
    assert (asked.threshold, asked.pooling_from, asked.threshold_from) == (0.9, GIVEN, GIVEN)
    assert decide([own], Pooling.MAX).threshold == 0.4


def test_a_threshold_holds_for_its_pooling_and_its_model_alone(red_model: Path) -> None:
    own = manifest(red_model, pooling="max", threshold=0.4)
    other_pooling = decide([own], Pooling.MEAN)
    assert (other_pooling.threshold, other_pooling.threshold_from) == (0.7, USUAL)
    together = decide([own, own])
    assert (together.pooling, together.threshold, together.pooling_from) == (Pooling.SOFTMAX, 0.7, USUAL)


@pytest.mark.parametrize(
    "details", [{}, {"pooling": "none such", "threshold": 0.4}, {"pooling": 3}, {"threshold": 0.4}]
)
def test_a_manifest_that_says_nothing_useful_gives_the_usual(red_model: Path, details: dict[str, object]) -> None:
    chosen = decide([manifest(red_model, **details)])
    assert (chosen.pooling, chosen.threshold) == (Pooling.SOFTMAX, 0.7)
    assert "as usual" in chosen.text


def test_a_threshold_out_of_range_is_not_believed(red_model: Path) -> None:
    assert decide([manifest(red_model, pooling="softmax", threshold=7)]).threshold == 0.7


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=2, max_size=12))
def test_no_threshold_does_better_on_what_it_was_chosen_on(rows: list[tuple[bool, float]]) -> None:
    truth, scores = np.array([kind for kind, _ in rows]), np.array([score for _, score in rows])
    chosen = chosen_threshold(truth, scores)
    if truth.all() or not truth.any():
        assert chosen == 0.5
        return
    best = max(balanced_accuracy(truth, scores >= place) for place in [*scores, 2.0])
    assert balanced_accuracy(truth, scores >= chosen) == pytest.approx(best)
