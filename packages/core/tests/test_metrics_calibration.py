from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference
from sklearn.calibration import calibration_curve

from footage.metrics.calibration import brier, brier_multiclass, ece, reliability_bins

probability = st.integers(0, 100).map(lambda i: i / 100)
rows = st.lists(st.tuples(st.booleans(), probability), min_size=1, max_size=60)
Rows = list[tuple[bool, float]]


@given(rows)
def test_brier_equals_the_reference(pairs: Rows) -> None:
    truth, p = [t for t, _ in pairs], [q for _, q in pairs]
    expected = reference.brier_score_loss(np.array(truth), p, labels=[False, True])
    assert brier(truth, p) == pytest.approx(expected, abs=1e-12)


@given(rows)
def test_bins_hold_every_row_once(pairs: Rows) -> None:
    truth, p = [t for t, _ in pairs], [q for _, q in pairs]
    for strategy in ("uniform", "quantile"):
        bins = reliability_bins(truth, p, bins=7, strategy=strategy)
        assert sum(b.n for b in bins) == len(pairs)
        assert sum(b.n * b.share_positive for b in bins) == pytest.approx(sum(truth))
        assert sum(b.n * b.mean_probability for b in bins) == pytest.approx(sum(p))
        assert all(b.low - 1e-9 <= b.mean_probability <= b.high + 1e-9 for b in bins)


def test_bins_equal_the_reference_away_from_edges() -> None:
    rng = np.random.default_rng(0)
    p = rng.random(500)
    truth = rng.random(500) < p**2
    share, mean = calibration_curve(truth, p, n_bins=10)
    bins = reliability_bins(truth, p, bins=10)
    assert [b.share_positive for b in bins] == pytest.approx(share.tolist())
    assert [b.mean_probability for b in bins] == pytest.approx(mean.tolist())


def test_ece_of_known_cases() -> None:
    assert ece([True, False], [1.0, 0.0]) == 0.0
    assert ece([False, True], [1.0, 0.0]) == 1.0
    # Two rows at .8, one positive: off by .3; two rows at .1, none positive: off by .1.
    assert ece([True, False, False, False], [0.8, 0.8, 0.1, 0.1]) == pytest.approx(0.2)
    assert ece([True] * 3, [0.5] * 3, strategy="quantile") == pytest.approx(0.5)


def test_brier_over_classes_equals_the_reference() -> None:
    rng = np.random.default_rng(1)
    p = rng.dirichlet([1, 1, 1], size=50)
    truth = rng.integers(3, size=50)
    expected = reference.brier_score_loss(truth, p, scale_by_half=False)
    assert brier_multiclass(truth, p) == pytest.approx(expected)


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^there are no rows$"):
        brier([], [])
    with pytest.raises(ValueError, match=r"^a probability is not within 0 to 1$"):
        ece([True], [1.2])
    with pytest.raises(ValueError, match="within 0 to 1"):
        brier([True], [float("nan")])
    with pytest.raises(ValueError, match="2 probabilities"):
        brier([True], [0.1, 0.2])
    with pytest.raises(ValueError, match="bins"):
        ece([True], [0.2], bins=0)
    with pytest.raises(ValueError, match=r"^a row of probabilities does not sum to 1$"):
        brier_multiclass([0], [[3.0, -2.0]])
    with pytest.raises(ValueError, match=r"^a class index has no column$"):
        brier_multiclass([2], [[0.5, 0.5]])
    with pytest.raises(ValueError, match="shape"):
        brier_multiclass([0, 1], [[0.5, 0.5]])


def test_an_edge_belongs_to_the_range_above_it() -> None:
    (found,) = reliability_bins([True], [0.5])
    assert (found.low, found.high) == pytest.approx((0.5, 0.6))
    (found,) = reliability_bins([True], [1.0])
    assert (found.low, found.high) == pytest.approx((0.9, 1.0))
    (found,) = reliability_bins([True, False], [0.0, 1.0], bins=1)
    assert (found.low, found.high, found.n, found.share_positive) == (0.0, 1.0, 2, 0.5)


def test_ece_takes_ten_ranges_of_equal_width() -> None:
    rng = np.random.default_rng(4)
    p = rng.random(300)
    truth = rng.random(300) < 0.5
    assert ece(truth, p) == ece(truth, p, bins=10, strategy="uniform")
    assert len({ece(truth, p), ece(truth, p, bins=11), ece(truth, p, strategy="quantile")}) == 3


def test_rows_of_probabilities_may_hold_zeros_and_be_rounded_but_must_sum_to_one() -> None:
    assert brier_multiclass([0, 1], [[1.0, 0.0], [0.0, 1.0]]) == 0.0
    assert brier_multiclass([0], [[0.33333, 0.33333, 0.33329]]) == pytest.approx(2 / 3, abs=1e-4)
    with pytest.raises(ValueError, match="sum to 1"):
        brier_multiclass([0], [[0.9, 0.9]])


def test_quantile_bins_hold_about_equally_many_rows() -> None:
    p = np.linspace(0, 1, 100) ** 3
    found = reliability_bins(p > 0.5, p, bins=4, strategy="quantile")
    assert [one.n for one in found] == [25, 25, 25, 25]
    assert [one.n for one in reliability_bins(p > 0.5, p, bins=4)] != [25, 25, 25, 25]
    assert found[0].low == 0
    assert found[-1].high == 1
    (tied,) = reliability_bins([True, False, True], [0.4, 0.4, 0.4], bins=4, strategy="quantile")
    assert (tied.n, 3 * tied.share_positive) == (3, 2)
    positive = np.random.default_rng(0).random(100) < p
    by_hand = sum(one.n / 100 * abs(one.mean_probability - one.share_positive) for one in found)
    assert ece(p > 0.5, p, bins=4, strategy="quantile") == pytest.approx(by_hand)
    assert ece(positive, p, bins=4, strategy="quantile") != pytest.approx(ece(positive, p, bins=4))


def test_one_bin_compares_the_means() -> None:
    (one,) = reliability_bins([True, False, False, True], [0.1, 0.2, 0.3, 0.8], bins=1)
    assert (one.n, one.share_positive) == (4, 0.5)
    assert one.mean_probability == pytest.approx(0.35)
    assert len(reliability_bins(np.arange(100) > 50, np.arange(100) / 100)) == 10


def test_probabilities_of_classes_must_sum_to_one_and_may_be_nothing() -> None:
    assert brier_multiclass([0, 1], [[1.0, 0.0], [0.0, 1.0]]) == 0
    with pytest.raises(ValueError, match="sum"):
        brier_multiclass([0, 1], [[1.0, 0.5], [0.5, 0.5]])
