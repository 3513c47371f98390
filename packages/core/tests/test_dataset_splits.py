from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from footage.dataset.splits import (
    Fold,
    Rows,
    TemporalHoldout,
    by_group,
    count_groups,
    group_folds,
    temporal_holdout,
    time_blocks,
)
from footage.errors import DatasetError

group_names = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=60)
fractions = st.sampled_from([(0.7, 0.15, 0.15), (0.5, 0.0, 0.5), (0.8, 0.2, 0.0), (1.0, 0.0, 0.0)])
# Start, length and group of rows; whole numbers, so that rows begin and end exactly on edges.
timed_rows = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 6), st.sampled_from("abcdefghij")), min_size=1, max_size=60
)
Timed = list[tuple[int, int, str]]


def assert_partition(n: int, *sides: Rows) -> None:
    assert sorted(int(i) for side in sides for i in side) == list(range(n))
    assert all((np.diff(side) > 0).all() for side in sides)


def assert_no_group_on_both(groups: list[str], *sides: Rows) -> None:
    seen = [{groups[i] for i in side} for side in sides]
    for i, first in enumerate(seen):
        for second in seen[i + 1 :]:
            assert not first & second


@given(group_names, fractions, st.integers(0, 99))
def test_every_row_is_on_one_side_and_no_group_on_two(
    groups: list[str], shares: tuple[float, float, float], seed: int
) -> None:
    wanted_sides = sum(share > 0 for share in shares)
    if len(set(groups)) < wanted_sides:
        with pytest.raises(DatasetError, match="cannot fill"):
            by_group(groups, shares, np.random.default_rng(seed))
        return
    split = by_group(groups, shares, np.random.default_rng(seed))
    sides = (split.train, split.val, split.test)
    assert_partition(len(groups), *sides)
    assert_no_group_on_both(groups, *sides)
    assert [len(side) > 0 for side in sides] == [share > 0 for share in shares]


def test_shares_are_near_what_was_asked_and_the_seed_decides() -> None:
    groups = np.repeat(np.arange(40), 5)
    split = by_group(groups, (0.7, 0.15, 0.15), np.random.default_rng(0))
    assert (len(split.train), len(split.val), len(split.test)) == (140, 30, 30)
    again = by_group(groups, (0.7, 0.15, 0.15), np.random.default_rng(0))
    assert np.array_equal(split.test, again.test)
    other = by_group(groups, (0.7, 0.15, 0.15), np.random.default_rng(1))
    assert not np.array_equal(split.test, other.test)


@pytest.mark.parametrize("bad", [(0.5, 0.5, 0.5), (1.2, -0.2, 0.0), (0.0, 0.0, 0.0)])
def test_impossible_shares_are_refused(bad: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="sum to 1"):
        by_group(["a", "b", "c"], bad, np.random.default_rng(0))


@given(group_names, st.integers(2, 5), st.integers(0, 99))
def test_folds_test_every_row_once(groups: list[str], k: int, seed: int) -> None:
    if len(set(groups)) < k:
        with pytest.raises(DatasetError, match="fewer folds"):
            group_folds(groups, k, np.random.default_rng(seed))
        return
    folds = group_folds(groups, k, np.random.default_rng(seed))
    assert_partition(len(groups), *(fold.test for fold in folds))
    for fold in folds:
        assert len(fold.test)
        assert_partition(len(groups), fold.train, fold.test, fold.dropped)
        assert_no_group_on_both(groups, fold.train, fold.test)


def holdout(rows: Timed, fraction: float, purge: float) -> TemporalHoldout:
    return temporal_holdout(
        [s for s, _, _ in rows],
        [s + n for s, n, _ in rows],
        [g for _, _, g in rows],
        test_fraction=fraction,
        purge=purge,
    )


@given(timed_rows, st.sampled_from([0.2, 0.25, 0.5]), st.sampled_from([0.0, 1.0, 4.0]))
def test_holdout_keeps_its_promises(rows: Timed, fraction: float, purge: float) -> None:
    try:
        found = holdout(rows, fraction, purge)
    except DatasetError:
        assume(False)
    groups = [g for _, _, g in rows]
    assert_partition(len(rows), found.train, found.test, found.dropped)
    assert_no_group_on_both(groups, found.train, found.test)
    assert all(rows[i][0] + rows[i][1] < found.cut_time for i in found.train)
    assert all(rows[i][0] >= found.cut_time + purge for i in found.test)
    assert sum(found.dropped_reasons.values()) == len(found.dropped)
    for i in found.dropped:
        start, end = rows[i][0], rows[i][0] + rows[i][1]
        in_train, in_test = end < found.cut_time, start >= found.cut_time + purge
        kept = found.test if in_train else found.train
        assert not (in_train or in_test) or any(groups[j] == groups[i] for j in kept)


def test_a_group_across_the_cut_stays_where_it_has_more_rows() -> None:
    start = [0, 1, 2, 3, 6, 7, 8, 9, 10]
    end = [s + 0.5 for s in start]
    groups = ["a", "b", "b", "c", "c", "c", "b", "d", "d"]
    found = temporal_holdout(start, end, groups, test_fraction=0.5, purge=0)
    assert found.cut_time == pytest.approx(5.25)
    assert found.train.tolist() == [0, 1, 2]
    assert found.test.tolist() == [4, 5, 7, 8]
    assert found.dropped_reasons == {"group on the other side": 2}


def test_a_group_with_equally_many_rows_on_both_sides_trains() -> None:
    found = temporal_holdout([0, 1, 8, 9], [0, 1, 8, 9], ["a", "x", "x", "b"], test_fraction=0.5, purge=0)
    assert (found.train.tolist(), found.test.tolist(), found.dropped.tolist()) == ([0, 1], [3], [2])


def test_the_purge_and_the_cut_drop_rows() -> None:
    found = temporal_holdout([0, 3, 5, 6, 9], [1, 6, 6, 7, 10], list("abcde"), test_fraction=0.5, purge=2)
    assert found.train.tolist() == [0]
    assert found.test.tolist() == [4]
    assert found.dropped_reasons == {"across the cut or in the purge": 3}


def test_an_empty_side_is_an_error_that_says_which() -> None:
    with pytest.raises(DatasetError, match=r"no test rows .*1 groups.*shorter purge"):
        temporal_holdout([0, 1, 2, 9], [0, 1, 2, 9], ["a"] * 4, test_fraction=0.2, purge=0)
    with pytest.raises(DatasetError, match="no test rows"):
        temporal_holdout([0, 9], [0, 9], ["a", "b"], test_fraction=0.5, purge=100)
    with pytest.raises(DatasetError, match="no train rows"):
        temporal_holdout([5, 5], [5, 5], ["a", "b"], test_fraction=0.5, purge=0)
    with pytest.raises(DatasetError, match="no rows to split"):
        temporal_holdout([], [], [], test_fraction=0.5, purge=0)


@given(timed_rows, st.integers(2, 5), st.sampled_from([0.0, 1.0, 3.0]))
def test_blocks_keep_their_promises(rows: Timed, blocks: int, purge: float) -> None:
    start, end = np.array([s for s, _, _ in rows]), np.array([s + n for s, n, _ in rows])
    groups = [g for _, _, g in rows]
    try:
        folds = time_blocks(start, end, groups, blocks=blocks, purge=purge)
    except DatasetError:
        assume(False)
    edges = np.linspace(start.min(), end.max(), blocks + 1)
    tested: list[int] = []
    for fold, low, high in zip(folds, edges[:-1], edges[1:], strict=True):
        assert_partition(len(rows), fold.train, fold.test, fold.dropped)
        assert_no_group_on_both(groups, fold.train, fold.test)
        assert sum(fold.dropped_reasons.values()) == len(fold.dropped)
        assert (start[fold.test] >= low).all()
        assert (end[fold.test] <= high).all()
        for i in fold.train:
            assert end[i] < low - purge or start[i] >= high + purge
        tested += fold.test.tolist()
    assert len(tested) == len(set(tested))


def test_moments_on_an_edge_are_tested_exactly_once() -> None:
    times = np.arange(13.0)
    folds = time_blocks(times, times, np.arange(13), blocks=4, purge=0)
    assert [fold.test.tolist() for fold in folds] == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11, 12]]
    assert all(len(fold.dropped) == 0 for fold in folds)


def test_the_purge_clears_both_sides_of_a_block() -> None:
    times = np.arange(12.0)
    fold: Fold = time_blocks(times, times, np.arange(12), blocks=3, purge=1)[1]
    assert fold.test.tolist() == [4, 5, 6, 7]
    assert fold.train.tolist() == [0, 1, 2, 9, 10, 11]
    assert fold.dropped_reasons == {"across an edge or in the purge": 2}


def test_a_block_that_would_be_empty_is_an_error() -> None:
    with pytest.raises(DatasetError, match=r"time block 2 of 4 .* no test rows"):
        time_blocks([0, 1, 12], [0, 1, 12], list("abc"), blocks=4, purge=0)
    with pytest.raises(DatasetError, match="no train rows"):
        time_blocks([0, 5, 9], [0, 5, 9], ["a", "a", "a"], blocks=2, purge=0)


@pytest.mark.parametrize(
    ("start", "end", "said"), [([3.0], [2.0], "ends before it starts"), ([float("nan")], [1.0], "has no time")]
)
def test_rows_without_sound_times_are_refused(start: list[float], end: list[float], said: str) -> None:
    with pytest.raises(DatasetError, match=said):
        temporal_holdout(start, end, ["a"], test_fraction=0.5, purge=0)


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="test_fraction"):
        temporal_holdout([0], [1], ["a"], test_fraction=1.0, purge=0)
    with pytest.raises(ValueError, match="test_fraction is 0"):
        temporal_holdout([0, 9], [0, 9], ["a", "b"], test_fraction=0.0, purge=0)
    with pytest.raises(ValueError, match="purge"):
        temporal_holdout([0], [1], ["a"], test_fraction=0.5, purge=-1)
    with pytest.raises(ValueError, match="blocks"):
        time_blocks([0], [1], ["a"], blocks=1, purge=0)
    with pytest.raises(ValueError, match="2 groups"):
        time_blocks([0], [1], ["a", "b"], blocks=2, purge=0)
    with pytest.raises(ValueError, match="k is 1"):
        group_folds(["a"], 1, np.random.default_rng(0))


def test_groups_among_rows_are_counted() -> None:
    assert count_groups(["a", "a", "b", "c"], [0, 1, 3]) == 2


def test_of_the_orders_tried_the_nearest_to_the_shares_wins() -> None:
    # One order in six gives each side just what it wants.
    groups = np.repeat(np.arange(3), [6, 3, 1])
    for seed in range(8):
        split = by_group(groups, (0.6, 0.3, 0.1), np.random.default_rng(seed))
        assert (len(split.train), len(split.val), len(split.test)) == (6, 3, 1)


@given(timed_rows, st.sampled_from([-40, 64, 1000]))
def test_when_a_recording_began_does_not_matter(rows: Timed, offset: int) -> None:
    try:
        found = holdout(rows, 0.25, 1.0)
    except DatasetError:
        assume(False)
    later = holdout([(start + offset, length, group) for start, length, group in rows], 0.25, 1.0)
    assert later.cut_time == found.cut_time + offset
    assert (later.train.tolist(), later.test.tolist()) == (found.train.tolist(), found.test.tolist())


@pytest.mark.parametrize(
    ("split", "said"),
    [
        (
            lambda: by_group(["a", "a"], (0.7, 0.2, 0.1), np.random.default_rng(0)),
            (
                "1 group(s) cannot fill 3 sides of a split; "
                "add recordings from other clips, or hold out by time within one"
            ),
        ),
        (
            lambda: group_folds(["a", "b"], 3, np.random.default_rng(0)),
            "2 group(s) cannot fill 3 folds; use fewer folds or add recordings",
        ),
        (
            lambda: temporal_holdout([], [], [], test_fraction=0.5, purge=0),
            "there are no rows to split; give footage from which samples can be drawn",
        ),
        (
            lambda: temporal_holdout([1, 3], [2, 2.5], ["a", "b"], test_fraction=0.5, purge=0),
            "row 1 ends before it starts or has no time (3.0 to 2.5)",
        ),
        (
            lambda: temporal_holdout([5, 9], [5, 9], ["a", "a"], test_fraction=0.5, purge=0.5),
            (
                "holding out the last 50% of 4 leaves no test rows (2 rows, 1 groups, purge 0.5); "
                "use longer footage, another test fraction or a shorter purge"
            ),
        ),
        (
            lambda: time_blocks([0, 1, 12], [0, 1, 12], list("abc"), blocks=4, purge=0),
            (
                "time block 2 of 4 (3 to 6, purge 0) has no test rows; "
                "use fewer blocks, a shorter purge, or longer footage"
            ),
        ),
    ],
)
def test_what_cannot_be_split_is_told_in_one_line_with_a_remedy(split: Callable[[], object], said: str) -> None:
    with pytest.raises(DatasetError) as caught:
        split()
    assert str(caught.value) == said


def test_folds_are_evened_out_by_dealing_large_groups_first() -> None:
    groups = [f"group {size}" for size in (9, 8, 7, 6, 5, 4, 3, 2, 1) for _ in range(size)]
    for seed in range(5):
        folds = group_folds(groups, 3, np.random.default_rng(seed))
        assert sorted(len(fold.test) for fold in folds) == [14, 15, 16]
    lopsided = ["long"] * 10 + [f"short {number}" for number in range(10)]
    sizes = sorted(len(fold.test) for fold in group_folds(lopsided, 2, np.random.default_rng(0)))
    assert sizes == [10, 10]
