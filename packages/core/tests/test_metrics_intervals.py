from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binomtest

from footage.metrics.classification import (
    confusion_matrix,
    macro_f1,
    macro_f1_of_confusion,
    recall_of_confusion,
)
from footage.metrics.intervals import Interval, group_bootstrap, group_bootstrap_of_counts, wilson


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.sampled_from([0.8, 0.95]))
def test_wilson_equals_the_reference(share: tuple[int, int], confidence: float) -> None:
    successes, n = share
    found = wilson(successes, n, confidence)
    expected = binomtest(successes, n).proportion_ci(confidence, method="wilson")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= successes / n <= found.high <= 1


def test_wilson_of_nothing_says_so() -> None:
    assert wilson(0, 0).text() == "no value: no rows (n = 0)"
    with pytest.raises(ValueError, match="3 successes of 2"):
        wilson(3, 2)
    with pytest.raises(ValueError, match="confidence"):
        wilson(1, 2, 95)
    with pytest.raises(ValueError, match="confidence is 0"):
        wilson(1, 2, 0.0)


def test_one_line() -> None:
    found = Interval(estimate=0.7216, low=0.61, high=0.8, n=813, groups=12)
    assert found.text() == "0.72 [0.61, 0.80] (n = 813 of 12 groups)"
    assert found.text(percent=True) == "72 % [61, 80] (n = 813 of 12 groups)"
    assert found.text(digits=3) == "0.722 [0.610, 0.800] (n = 813 of 12 groups)"


def test_same_seed_same_interval() -> None:
    rng = np.random.default_rng(0)
    values, groups = rng.normal(size=60), np.repeat(np.arange(12), 5)

    def statistic(rows: NDArray[np.intp]) -> float:
        return float(values[rows].mean())

    first = group_bootstrap(statistic, groups, np.random.default_rng(1), resamples=200)
    assert first == group_bootstrap(statistic, groups, np.random.default_rng(1), resamples=200)
    assert first != group_bootstrap(statistic, groups, np.random.default_rng(2), resamples=200)
    assert first.estimate == pytest.approx(values.mean())
    assert first.low is not None
    assert first.high is not None
    assert first.low < values.mean() < first.high
    assert (first.n, first.groups) == (60, 12)


@given(st.lists(st.integers(0, 5), min_size=2, max_size=30).filter(lambda g: len(set(g)) > 1), st.integers(0, 99))
def test_groups_are_drawn_whole(groups: list[int], seed: int) -> None:
    names = np.array(groups)
    sizes = {g: groups.count(g) for g in groups}
    seen: list[NDArray[np.intp]] = []

    def statistic(rows: NDArray[np.intp]) -> float:
        seen.append(rows)
        return 0.0

    group_bootstrap(statistic, names, np.random.default_rng(seed), resamples=5)
    for rows in seen[1:]:
        times = np.bincount(rows, minlength=len(groups))
        draws = 0
        for group, size in sizes.items():
            of_group = times[names == group]
            assert len(set(of_group.tolist())) == 1
            draws += int(of_group.sum()) // size
        assert draws == len(sizes)


def test_rows_that_repeat_within_groups_do_not_narrow_the_interval() -> None:
    values, groups = np.arange(10.0), np.arange(10)
    many, many_groups = np.repeat(values, 50), np.repeat(groups, 50)
    few = group_bootstrap(lambda r: float(values[r].mean()), groups, np.random.default_rng(3), resamples=300)
    more = group_bootstrap(lambda r: float(many[r].mean()), many_groups, np.random.default_rng(3), resamples=300)
    assert (few.low, few.high) == pytest.approx((more.low, more.high))


def test_one_group_has_a_value_and_no_interval() -> None:
    found = group_bootstrap(lambda _: 0.5, ["a"] * 7, np.random.default_rng(0))
    assert (found.low, found.high) == (None, None)
    assert found.text() == "0.50 [no interval: one group only] (n = 7 of 1 group)"


def test_resamples_without_a_class_are_counted() -> None:
    groups = np.arange(4)

    def needs_first(rows: NDArray[np.intp]) -> float:
        return 1.0 if (rows == 0).any() else float("nan")

    found = group_bootstrap(needs_first, groups, np.random.default_rng(0), resamples=400)
    assert (found.low, found.high) == (1.0, 1.0)
    assert found.reason is not None
    assert "of 400 resamples left out" in found.reason


def test_a_figure_that_mostly_does_not_exist_has_no_interval() -> None:
    def needs_all(rows: NDArray[np.intp]) -> float | None:
        return 1.0 if len(set(rows.tolist())) == 6 else None

    found = group_bootstrap(needs_all, np.arange(6), np.random.default_rng(0), resamples=100)
    assert (found.estimate, found.low, found.high) == (1.0, None, None)
    assert "cannot be computed in" in found.text()


def test_a_figure_that_does_not_exist_at_all_says_so() -> None:
    found = group_bootstrap(lambda _: None, [1, 2], np.random.default_rng(0))
    assert found.text() == "no value: it cannot be computed from these rows (n = 2 of 2 groups)"
    assert (
        group_bootstrap(lambda _: 1.0, [], np.random.default_rng(0)).text() == "no value: no rows (n = 0 of 0 groups)"
    )


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="resamples"):
        group_bootstrap(lambda _: 1.0, [1, 2], np.random.default_rng(0), resamples=0)
    with pytest.raises(ValueError, match="confidence"):
        group_bootstrap(lambda _: 1.0, [1, 2], np.random.default_rng(0), confidence=1.0)


def test_bootstrap_of_counts_equals_the_bootstrap_over_rows() -> None:
    """Same draws, same figures: the sum of the groups' confusion matrices is the matrix of their rows."""
    rng = np.random.default_rng(5)
    groups = rng.integers(0, 9, 400)
    truth, answer = rng.integers(0, 3, 400), rng.integers(0, 3, 400)
    counts = np.stack([confusion_matrix(truth[groups == g], answer[groups == g], [0, 1, 2]) for g in range(9)])
    by_rows = group_bootstrap(
        lambda at: macro_f1(truth[at], answer[at]), groups, np.random.default_rng(1), resamples=200
    )
    by_counts = group_bootstrap_of_counts(macro_f1_of_confusion, counts, np.random.default_rng(1), n=400, resamples=200)
    assert by_counts.estimate == pytest.approx(by_rows.estimate, abs=1e-12)
    assert by_counts.low == pytest.approx(by_rows.low, abs=1e-12)
    assert by_counts.high == pytest.approx(by_rows.high, abs=1e-12)
    assert (by_counts.n, by_counts.groups) == (by_rows.n, by_rows.groups)


def test_bootstrap_of_counts_says_what_it_cannot_do() -> None:
    one = np.array([[[3, 1], [0, 2]]])
    assert group_bootstrap_of_counts(macro_f1_of_confusion, one, np.random.default_rng(0), n=6).low is None
    nothing = group_bootstrap_of_counts(macro_f1_of_confusion, np.zeros((0, 2, 2)), np.random.default_rng(0), n=0)
    assert nothing.estimate is None
    assert nothing.reason == "no rows"
    rare = np.zeros((20, 2, 2))
    rare[:, 0, 0] = 5
    rare[0, 1, 1] = 5
    found = group_bootstrap_of_counts(
        lambda c: recall_of_confusion(c, 1), rare, np.random.default_rng(0), n=105, resamples=400
    )
    assert found.estimate == 1.0
    assert found.reason is not None
    assert "left out" in found.reason


def test_the_ends_are_percentiles_of_the_resamples() -> None:
    values = np.arange(12.0) ** 2
    seen: list[float] = []

    def mean(rows: NDArray[np.intp]) -> float:
        seen.append(float(values[rows].mean()))
        return seen[-1]

    found = group_bootstrap(mean, np.arange(12), np.random.default_rng(0), confidence=0.8)
    assert len(seen) == 1 + 1000
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(seen[1:], [0.1, 0.9])))
    assert (found.confidence, found.reason) == (0.8, None)

    drawn: list[NDArray[np.float64]] = []

    def mean_of_counts(counts: NDArray[np.float64]) -> NDArray[np.float64]:
        drawn.append(counts[:, 0] / counts[:, 1])
        return drawn[-1]

    counts = np.stack([values, np.ones(12)], axis=1)
    found = group_bootstrap_of_counts(mean_of_counts, counts, np.random.default_rng(0), n=12, confidence=0.8)
    assert [len(part) for part in drawn] == [1, 1000]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(drawn[1], [0.1, 0.9])))
    assert (found.confidence, found.reason) == (0.8, None)


def test_as_many_groups_are_drawn_as_there_are() -> None:
    for groups in (2, 5):
        total = group_bootstrap_of_counts(
            lambda counts: counts[:, 0], np.ones((groups, 1)), np.random.default_rng(0), n=groups, resamples=1
        )
        assert (total.estimate, total.low, total.high) == (groups, groups, groups)
        size = group_bootstrap(lambda rows: float(len(rows)), range(groups), np.random.default_rng(0), resamples=1)
        assert (size.estimate, size.low, size.high) == (groups, groups, groups)


@pytest.mark.parametrize(
    ("missing", "has_interval", "reason"),
    [
        (0, True, None),
        (3, True, "3 of 10 resamples left out: it cannot be computed there"),
        (5, True, "5 of 10 resamples left out: it cannot be computed there"),
        (6, False, "it cannot be computed in 6 of 10 resamples"),
    ],
)
def test_an_interval_needs_half_of_the_resamples(missing: int, has_interval: bool, reason: str | None) -> None:
    answers = iter([1.0] + [None] * missing + [1.0] * (10 - missing))
    found = group_bootstrap(lambda _: next(answers), range(3), np.random.default_rng(0), resamples=10)
    assert (found.estimate, found.reason) == (1.0, reason)
    assert (found.low, found.high) == ((1.0, 1.0) if has_interval else (None, None))


def test_bootstrap_of_counts_says_why_there_is_nothing() -> None:
    def value(counts: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(counts.sum(axis=1))

    rng = np.random.default_rng(0)
    nothing = group_bootstrap_of_counts(value, np.zeros((3, 1)), rng, n=0)
    assert nothing.text() == "no value: no rows (n = 0 of 3 groups)"
    unknown = group_bootstrap_of_counts(lambda counts: np.full(len(counts), np.nan), np.ones((3, 1)), rng, n=3)
    assert unknown.text() == "no value: it cannot be computed from these rows (n = 3 of 3 groups)"
    alone = group_bootstrap_of_counts(value, np.ones((1, 1)), rng, n=1)
    assert alone.text() == "1.00 [no interval: one group only] (n = 1 of 1 group)"
    with pytest.raises(ValueError, match=r"^resamples is 0, expected at least 1$"):
        group_bootstrap_of_counts(value, np.ones((2, 1)), rng, n=2, resamples=0)


def test_a_line_shows_no_minus_zero_and_no_half_of_an_interval() -> None:
    assert Interval(estimate=-0.001, low=-0.004, high=0.1, n=9, groups=None).text() == "0.00 [0.00, 0.10] (n = 9)"
    half = Interval(estimate=0.5, low=None, high=0.6, n=9, groups=None, reason="why")
    assert half.text() == "0.50 [no interval: why] (n = 9)"


def test_a_share_has_its_estimate_its_n_and_no_groups() -> None:
    one = wilson(3, 12, 0.9)
    assert (one.estimate, one.n, one.groups, one.confidence) == (0.25, 12, None, 0.9)
    nothing = wilson(0, 0, 0.9)
    assert (nothing.confidence, nothing.groups, nothing.n) == (0.9, None, 0)
    for confidence in (0.0, 1.0):
        with pytest.raises(ValueError, match="confidence"):
            wilson(1, 2, confidence)


def test_two_groups_and_one_resample_are_enough_for_an_interval() -> None:
    values, groups = np.array([0.0, 1.0, 1.0, 1.0]), [0, 0, 1, 1]
    one = group_bootstrap(
        lambda rows: float(values[rows].mean()), groups, np.random.default_rng(0), resamples=200, confidence=0.8
    )
    assert (one.estimate, one.n, one.groups, one.confidence) == (0.75, 4, 2, 0.8)
    assert (one.low, one.high) == (0.5, 1.0)
    single = group_bootstrap(lambda rows: float(values[rows].mean()), groups, np.random.default_rng(0), resamples=1)
    assert single.low == single.high
