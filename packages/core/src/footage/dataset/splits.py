"""Splits by group and by time, never by row.

Frames of one clip, boxes of one track and photos of one burst are near copies of each other; with copies on both sides
a test measures memory. Every function here returns row indices, sorted, and accounts for every row: it is on one side
or in ``dropped``. No group is ever on two sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from footage.errors import DatasetError

Rows = NDArray[np.intp]

# Random orders tried by by_group; the one nearest to the wanted shares wins.
_ORDERS_TRIED = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Row indices of three sides; a side whose fraction is 0 is empty."""

    train: Rows
    val: Rows
    test: Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Row indices of one fold.

    Attributes:
        train: rows to learn from.
        test: rows to measure on.
        dropped: rows on neither side.
        dropped_reasons: how many rows were dropped for each reason; sums to ``len(dropped)``.
    """

    train: Rows
    test: Rows
    dropped: Rows
    dropped_reasons: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TemporalHoldout:
    """The last part of a recording held out.

    Attributes:
        train: rows that end before ``cut_time``.
        test: rows that start at ``cut_time`` plus the purge, or later.
        dropped: rows on neither side.
        cut_time: in the unit of the times given.
        dropped_reasons: how many rows were dropped for each reason; sums to ``len(dropped)``.
    """

    train: Rows
    test: Rows
    dropped: Rows
    cut_time: float
    dropped_reasons: dict[str, int] = field(default_factory=dict)


def _group_codes(groups: ArrayLike) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Code of every row and rows of every code."""
    _, codes = np.unique(np.asarray(groups).reshape(-1), return_inverse=True)
    codes = codes.astype(np.intp)
    return codes, np.bincount(codes).astype(np.intp)


def by_group(groups: ArrayLike, fractions: tuple[float, float, float], rng: np.random.Generator) -> Split:
    """Deal whole groups into train, validation and test.

    Args:
        groups: group of every row ``(N,)``.
        fractions: wanted shares of rows for train, validation and test; they sum to 1, and a 0 leaves that side empty.
        rng: decides which group goes where.

    Returns:
        The split nearest to the wanted shares among a few random ones; every side with a positive fraction has a group.

    Raises:
        DatasetError: there are fewer groups than sides.
        ValueError: the fractions are negative or do not sum to 1.
    """
    wanted = np.asarray(fractions, dtype=np.float64)
    if wanted.shape != (3,) or (wanted < 0).any() or not np.isclose(wanted.sum(), 1.0):
        raise ValueError(f"fractions {fractions} are not three shares that sum to 1")
    codes, sizes = _group_codes(groups)
    sides = np.flatnonzero(wanted > 0)
    if len(sizes) < len(sides):
        raise DatasetError(
            f"{len(sizes)} group(s) cannot fill {len(sides)} sides of a split",
            remedy="add recordings from other clips, or hold out by time within one",
        )
    target = wanted * len(codes)
    best, best_error = _deal(sizes, target, sides, rng)
    for _ in range(_ORDERS_TRIED - 1):
        side_of, error = _deal(sizes, target, sides, rng)
        if error < best_error:
            best, best_error = side_of, error
    side = best[codes]
    train, val, test = (np.flatnonzero(side == i) for i in range(3))
    return Split(train=train, val=val, test=test)


def _deal(
    sizes: NDArray[np.intp], target: NDArray[np.float64], sides: NDArray[np.intp], rng: np.random.Generator
) -> tuple[NDArray[np.intp], float]:
    """Give each group, in random order, to the side that lacks most rows, leaving one for every side."""
    side_of = np.zeros(len(sizes), dtype=np.intp)
    have = np.zeros(3)
    empty = set(sides.tolist())
    for done, group in enumerate(rng.permutation(len(sizes))):
        open_sides = np.array(sorted(empty)) if len(sizes) - done == len(empty) else sides
        side = int(open_sides[np.argmax((target - have)[open_sides])])
        side_of[group] = side
        have[side] += sizes[group]
        empty.discard(side)
    return side_of, float(np.abs(have - target).sum())


def group_folds(groups: ArrayLike, k: int, rng: np.random.Generator) -> list[Fold]:
    """Deal whole groups into ``k`` test sets of about equally many rows; each fold trains on the others.

    Raises:
        DatasetError: there are fewer than ``k`` groups.
        ValueError: ``k`` is below 2.
    """
    if k < 2:
        raise ValueError(f"k is {k}, expected at least 2")
    codes, sizes = _group_codes(groups)
    if len(sizes) < k:
        raise DatasetError(f"{len(sizes)} group(s) cannot fill {k} folds", remedy="use fewer folds or add recordings")
    order = rng.permutation(len(sizes))
    fold_of = np.zeros(len(sizes), dtype=np.intp)
    have = np.zeros(k, dtype=np.intp)
    # Large groups first, so that the small ones can even out; equal sizes stay in random order.
    for group in order[np.argsort(-sizes[order], kind="stable")]:
        smallest = int(np.argmin(have))
        fold_of[group] = smallest
        have[smallest] += sizes[group]
    fold = fold_of[codes]
    nothing = np.zeros(0, dtype=np.intp)
    return [Fold(train=np.flatnonzero(fold != i), test=np.flatnonzero(fold == i), dropped=nothing) for i in range(k)]


@dataclass(frozen=True, slots=True)
class _Timeline:
    start: NDArray[np.float64]
    end: NDArray[np.float64]
    codes: NDArray[np.intp]


def _timeline(start_times: ArrayLike, end_times: ArrayLike, groups: ArrayLike, purge: float) -> _Timeline:
    start = np.asarray(start_times, dtype=np.float64).reshape(-1)
    end = np.asarray(end_times, dtype=np.float64).reshape(-1)
    codes, _ = _group_codes(groups)
    if not len(start) == len(end) == len(codes):
        raise ValueError(f"got {len(start)} start times, {len(end)} end times and {len(codes)} groups")
    if not (np.isfinite(purge) and purge >= 0):
        raise ValueError(f"purge is {purge}, expected a length of time of 0 or more")
    if len(start) == 0:
        raise DatasetError("there are no rows to split", remedy="give footage from which samples can be drawn")
    bad = ~(np.isfinite(start) & np.isfinite(end) & (end >= start))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise DatasetError(f"row {row} ends before it starts or has no time ({start[row]} to {end[row]})")
    return _Timeline(start, end, codes)


def _reasons(**counts: int) -> dict[str, int]:
    return {name.replace("_", " "): count for name, count in counts.items() if count}


def temporal_holdout(
    start_times: ArrayLike,
    end_times: ArrayLike,
    groups: ArrayLike,
    *,
    test_fraction: float,
    purge: float,
) -> TemporalHoldout:
    """Hold out the last ``test_fraction`` of the time span.

    A row tests when it starts at the cut plus the purge or later, and trains when it ends before the cut. A group with
    rows on both sides stays on the side where it has more (equally many: train); its other rows are dropped.

    Args:
        start_times: first moment each row looks at ``(N,)``, in any one unit.
        end_times: last moment each row looks at ``(N,)``, label horizon included.
        groups: group of every row ``(N,)``, for instance the identity of the tracked object.
        test_fraction: in (0, 1), of the span from the first start to the last end.
        purge: gap kept free after the cut, in the same unit.

    Raises:
        DatasetError: a side is left empty, there are no rows, or a row has no valid times.
        ValueError: the test fraction or the purge is out of range, or lengths differ.
    """
    if not 0 < test_fraction < 1:
        raise ValueError(f"test_fraction is {test_fraction}, expected a number between 0 and 1")
    line = _timeline(start_times, end_times, groups, purge)
    first, last = float(line.start.min()), float(line.end.max())
    cut = last - test_fraction * (last - first)
    train, test = line.end < cut, line.start >= cut + purge
    outside = ~(train | test)
    count = int(line.codes.max()) + 1
    in_train = np.bincount(line.codes[train], minlength=count)
    in_test = np.bincount(line.codes[test], minlength=count)
    keeps_train = (in_train >= in_test)[line.codes]
    displaced = (train & ~keeps_train) | (test & keeps_train & (in_train > 0)[line.codes])
    train, test = train & ~displaced, test & ~displaced
    for name, side in (("train", train), ("test", test)):
        if not side.any():
            raise DatasetError(
                f"holding out the last {test_fraction:.0%} of {last - first:g} leaves no {name} rows "
                f"({len(line.start)} rows, {count} groups, purge {purge:g})",
                remedy="use longer footage, another test fraction or a shorter purge",
            )
    return TemporalHoldout(
        train=np.flatnonzero(train),
        test=np.flatnonzero(test),
        dropped=np.flatnonzero(outside | displaced),
        cut_time=cut,
        dropped_reasons=_reasons(
            across_the_cut_or_in_the_purge=int(outside.sum()), group_on_the_other_side=int(displaced.sum())
        ),
    )


def time_blocks(
    start_times: ArrayLike, end_times: ArrayLike, groups: ArrayLike, *, blocks: int, purge: float
) -> list[Fold]:
    """Cut the time span into equally long blocks; each is the test side of one fold.

    Test rows lie wholly inside the block. Train rows lie wholly outside the block widened by the purge on both sides,
    and belong to no group that has a row in the fold's test side.

    Args:
        start_times: first moment each row looks at ``(N,)``, in any one unit.
        end_times: last moment each row looks at ``(N,)``.
        groups: group of every row ``(N,)``.
        blocks: how many, at least 2.
        purge: gap kept free on both sides of the block, in the same unit.

    Raises:
        DatasetError: a fold would have an empty side, there are no rows, or a row has no valid times.
        ValueError: ``blocks`` or ``purge`` is out of range, or lengths differ.
    """
    if blocks < 2:
        raise ValueError(f"blocks is {blocks}, expected at least 2")
    line = _timeline(start_times, end_times, groups, purge)
    edges = np.linspace(line.start.min(), line.end.max(), blocks + 1)
    return [_block(line, edges, i, purge) for i in range(blocks)]


def _block(line: _Timeline, edges: NDArray[np.float64], index: int, purge: float) -> Fold:
    low, high = float(edges[index]), float(edges[index + 1])
    # Blocks are half open, so that a moment on an edge is in one block only; the last one has nothing after it.
    last = index == len(edges) - 2
    test = (line.start >= low) & ((line.end <= high) if last else (line.end < high))
    far = (line.end < low - purge) | ((line.start >= high + purge) & (not last))
    tested = np.zeros(int(line.codes.max()) + 1, dtype=np.bool_)
    tested[line.codes[test]] = True
    shared = far & tested[line.codes]
    train = far & ~shared
    near = ~(test | far)
    for name, side in (("train", train), ("test", test)):
        if not side.any():
            raise DatasetError(
                f"time block {index + 1} of {len(edges) - 1} ({low:g} to {high:g}, purge {purge:g}) has no {name} rows",
                remedy="use fewer blocks, a shorter purge, or longer footage",
            )
    return Fold(
        train=np.flatnonzero(train),
        test=np.flatnonzero(test),
        dropped=np.flatnonzero(near | shared),
        dropped_reasons=_reasons(
            across_an_edge_or_in_the_purge=int(near.sum()), group_in_the_test_block=int(shared.sum())
        ),
    )


def count_groups(groups: ArrayLike, rows: Sequence[int] | Rows) -> int:
    """How many different groups the chosen rows come from."""
    return len(np.unique(np.asarray(groups).reshape(-1)[np.asarray(rows, dtype=np.intp)]))
