"""The decision rule: what it promises on sharp photos, how it is written down, and how certain a claim is."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from blur_train.classes import CLASSES
from blur_train.decision import (
    Preset,
    allowed_errors,
    best_temperature,
    choose,
    needed_without_error,
    probabilities_of,
    rule_of,
)
from footage.errors import DatasetError, ModelError
from footage.metrics.intervals import wilson

SHARP = CLASSES.index("sharp")


def photos(count: int, seed: int, skill: float = 2.0) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Logits that are somewhat right."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, count)
    return rng.normal(size=(count, 4)) + skill * np.eye(4)[labels], labels


@given(seed=st.integers(0, 10_000), share=st.sampled_from([0.002, 0.005, 0.02, 0.1]))
@settings(max_examples=25)
def test_no_more_sharp_photos_are_called_blurred_than_allowed(seed: int, share: float) -> None:
    logits, labels = photos(800, seed)
    rule = choose(logits, labels, false_positives=share)
    p = probabilities_of(logits, rule.temperature)
    sharp = labels == SHARP
    wrong = {preset: int((rule.predict(p, preset)[sharp] != SHARP).sum()) for preset in Preset}
    assert wrong[Preset.MODERATE] <= share * sharp.sum()
    assert wrong[Preset.STRICT] <= wrong[Preset.MODERATE] <= wrong[Preset.LENIENT] <= 4 * share * sharp.sum() + 1e-9


def test_the_allowed_share_is_used_but_for_what_chance_may_add() -> None:
    logits, labels = photos(4000, 1)
    rule = choose(logits, labels, false_positives=0.02)
    said = rule.predict(probabilities_of(logits, rule.temperature))
    sharp = labels == SHARP
    assert 0.009 < float((said[sharp] != SHARP).mean()) <= 0.02
    assert float((said[~sharp] != SHARP).mean()) > 0.3


def test_other_photos_like_them_keep_the_share_19_times_of_20() -> None:
    others, truth = photos(60_000, 1_000)
    sharp = truth == SHARP
    broken = 0
    for seed in range(100):
        rule = choose(*photos(2_000, seed), false_positives=0.02)
        said = rule.predict(probabilities_of(others[sharp], rule.temperature))
        broken += float((said != SHARP).mean()) > 0.02
    assert 1 <= broken <= 11  # 5 are expected, of a binomial distribution's 99 %


@pytest.mark.parametrize(("share", "n"), [(0.005, 598), (0.005, 1520), (0.02, 684), (0.5, 40), (0.3, 3), (1.0, 10)])
def test_as_many_errors_are_allowed_as_the_exact_bound_shows(share: float, n: int) -> None:
    from scipy.stats import binomtest

    def bound(errors: int) -> float:
        test = binomtest(errors, n, alternative="less")
        return float(test.proportion_ci(confidence_level=0.95, method="exact").high)

    allowed = allowed_errors(share, n)
    assert allowed == 0 or bound(allowed) <= share + 1e-9
    assert allowed == n - 1 or bound(allowed + 1) > share


def test_too_few_photos_allow_no_error() -> None:
    assert allowed_errors(0.005, 597) == allowed_errors(0.005, 1) == 0


def test_a_type_is_detected_exactly_where_the_chance_of_not_sharp_reaches_its_point() -> None:
    logits, labels = photos(500, 2)
    rule = choose(logits, labels)
    point = rule.points[Preset.MODERATE].at_least[0]
    for chance, wanted in ((point + 1e-4, 0), (point - 1e-4, SHARP)):
        p = np.array([[chance, 0.0, 0.0, 1 - chance]])
        assert rule.predict(p)[0] == wanted


def test_a_photo_that_is_more_probably_sharp_is_never_called_blurred() -> None:
    logits, labels = photos(400, 3, skill=30.0)
    rule = choose(logits, labels)
    assert all(point >= 0.5 for points in rule.points.values() for point in points.at_least)


def test_the_temperature_is_that_of_the_least_loss() -> None:
    logits, labels = photos(3000, 4)
    found = best_temperature(logits, labels)

    def loss(temperature: float) -> float:
        return float(-np.log(probabilities_of(logits, temperature)[np.arange(len(labels)), labels]).mean())

    assert loss(found) <= min(loss(found * 0.97), loss(found * 1.03))
    assert best_temperature(logits * 3, labels) == pytest.approx(3 * found, rel=0.01)


def test_softmax_is_scipys() -> None:
    from scipy.special import softmax

    logits = np.random.default_rng(0).normal(0, 400, (50, 4))
    assert np.allclose(probabilities_of(logits, 1.7), softmax(logits / 1.7, axis=1))


def test_a_rule_survives_its_manifest() -> None:
    rule = choose(*photos(600, 5))
    assert rule_of(json.loads(json.dumps(rule.document()))) == rule


@pytest.mark.parametrize("document", [None, [], {}, {"temperature": "warm"}, {"temperature": 1.0}])
def test_a_manifest_without_a_rule_is_refused(document: object) -> None:
    with pytest.raises(ModelError, match="no rule to decide by"):
        rule_of(document)


def test_photos_of_one_kind_choose_nothing() -> None:
    logits, labels = photos(100, 6)
    for only in (labels == SHARP, labels != SHARP):
        with pytest.raises(DatasetError, match="all sharp or all blurred"):
            choose(logits[only], labels[only])
    with pytest.raises(ValueError, match="between 0 and 1"):
        choose(logits, labels, false_positives=0.0)


def test_what_a_claim_takes() -> None:
    assert needed_without_error(0.005) == 598
    assert wilson(0, 598).high == pytest.approx(0.0064, abs=2e-4)  # two-sided, so a little wider
    assert choose(*photos(300, 7)).doubts
    assert not choose(*photos(4000, 7)).doubts
