"""Where new objects are looked for: counts, priorities, the best windows, and that no part of a frame is forgotten."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from flexpatch_train.runtime.new_objects import NewObjectRecommender, best_windows, count_edge_pixels

NO_BOXES = np.zeros((0, 4))
SIZES = st.tuples(st.integers(1, 200), st.integers(1, 200))


def flat(size: tuple[int, int]) -> np.ndarray:
    return np.full(size[::-1], 100, np.uint8)


@given(st.integers(1, 15), st.integers(1, 40), st.integers(1, 40), st.floats(0, 1), st.integers(0, 99))
def test_counts_equal_the_naive_loop(cell_px: int, width: int, height: int, density: float, seed: int) -> None:
    edges = (np.random.default_rng(seed).random((height, width)) < density).astype(np.uint8) * 255
    rows, columns = -(-height // cell_px), -(-width // cell_px)
    counts = count_edge_pixels(edges, cell_px, (rows, columns))
    assert counts.shape == (rows, columns)
    for row in range(rows):
        for column in range(columns):
            block = edges[row * cell_px : (row + 1) * cell_px, column * cell_px : (column + 1) * cell_px]
            assert counts[row, column] == np.count_nonzero(block)


def test_cells_too_large_to_count_are_refused() -> None:
    with pytest.raises(ValueError, match="cells of 16 pixels"):
        count_edge_pixels(np.zeros((32, 32), np.uint8), 16, (2, 2))


@given(
    SIZES,
    st.lists(st.tuples(*[st.floats(-50, 250)] * 4), max_size=5),
    st.integers(1, 120),
)
def test_priority_is_the_time_waited_and_nothing_in_tracked_boxes(
    size: tuple[int, int], corners: list[tuple[float, float, float, float]], waited: int
) -> None:
    boxes = np.array([(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in corners]).reshape(-1, 4)
    recommender = NewObjectRecommender(size)
    recommender.looked_at([[0, 0, *size]])
    recommender.recommend(flat(size), NO_BOXES, 0, frames_passed=waited)
    priority = recommender.cell_priorities(flat(size), boxes)
    assert priority.shape == (-(-size[1] // 8), -(-size[0] // 8))
    for (row, column), value in np.ndenumerate(priority):
        x, y = column * 8 + 4, row * 8 + 4
        inside = any(x0 <= x <= x1 and y0 <= y <= y1 for x0, y0, x1, y1 in boxes)
        assert value == (0 if inside else min(waited, 50) + max(waited - 50, 0) / 64)


@pytest.mark.parametrize("reduction", [1, 2, 4, 8])
def test_edges_add_their_weight_where_they_are(reduction: int) -> None:
    size = (320, 240)
    picture = flat(size)
    cv2.rectangle(picture, (96, 64), (167, 135), (220,), -1)
    recommender = NewObjectRecommender(size, edge_weight=30, reduction=reduction)
    extra = recommender.cell_priorities(picture, NO_BOXES) - 50
    assert set(np.unique(extra)) == {0, 30}
    rows, columns = np.nonzero(extra)
    # The rim of cells 12..20 by 8..16, with a cell of slack for where an edge between two cells is drawn.
    assert (rows.min(), rows.max()) in {(r, q) for r in (7, 8) for q in (16, 17)}
    assert (columns.min(), columns.max()) in {(c, q) for c in (11, 12) for q in (20, 21)}
    assert (extra[10:15, 14:19] == 0).all()
    assert (extra[12, 11:13] > 0).any()


def naive_windows(priority: np.ndarray, window: tuple[int, int], limit: int) -> list[tuple[int, int, float]]:
    left, found = priority.astype(np.float64), []
    for _ in range(limit):
        best = (0.0, 0, 0)
        for row in range(left.shape[0] - window[1] + 1):
            for column in range(left.shape[1] - window[0] + 1):
                total = left[row : row + window[1], column : column + window[0]].sum()
                if total > best[0]:
                    best = (total, column, row)
        total, column, row = best
        if total == 0:
            break
        found.append((column, row, total / (window[0] * window[1])))
        left[row : row + window[1], column : column + window[0]] = 0
    return found


@given(
    arrays(np.float32, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 9)),
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
    st.integers(0, 5),
)
def test_the_best_windows_equal_the_naive_search(priority: np.ndarray, window: tuple[int, int], limit: int) -> None:
    window = (min(window[0], priority.shape[1]), min(window[1], priority.shape[0]))
    assert best_windows(priority, window, limit) == naive_windows(priority, window, limit)


@given(SIZES, st.integers(0, 4))
def test_patches_lie_in_the_frame_and_are_no_more_than_asked_for(size: tuple[int, int], limit: int) -> None:
    recommender = NewObjectRecommender(size, patch_cells=(5, 4))
    found = recommender.recommend(flat(size), NO_BOXES, limit)
    assert min(limit, 1) <= len(found) <= limit
    assert [item.priority for item in found] == sorted((item.priority for item in found), reverse=True)
    for item in found:
        x0, y0, x1, y1 = item.box
        assert 0 <= x0 < x1 <= size[0]
        assert 0 <= y0 < y1 <= size[1]
        assert (item.kind, item.track_id) == ("new", None)


def test_patches_are_160_by_176_pixels() -> None:
    recommender = NewObjectRecommender((1920, 1080))
    for item in recommender.recommend(flat((1920, 1080)), NO_BOXES, 6):
        x0, y0, x1, y1 = item.box
        assert (x1 - x0, y1 - y0) == (160, 176)


def test_no_patches_where_everything_is_tracked() -> None:
    recommender = NewObjectRecommender((320, 240))
    assert recommender.recommend(flat((320, 240)), [[-5, -5, 400, 300]], 4) == []


def test_patches_go_to_edges_and_keep_off_tracked_boxes() -> None:
    picture = flat((640, 360))
    picture[100:200, 400:500] = np.random.default_rng(3).integers(0, 256, (100, 100))
    recommender = NewObjectRecommender((640, 360))
    recommender.looked_at([[0, 0, 640, 360]])
    (best,) = recommender.recommend(picture, NO_BOXES, 1)
    assert best.box[0] <= 400
    assert best.box[1] <= 100
    assert best.box[2] >= 500
    assert best.box[3] >= 200
    (other,) = recommender.recommend(picture, [[390, 90, 510, 210]], 1)
    assert other.priority < best.priority


@settings(max_examples=30)
@given(st.tuples(st.integers(1, 700), st.integers(1, 500)), st.integers(1, 5))
def test_without_edges_every_cell_is_looked_at_soon(size: tuple[int, int], limit: int) -> None:
    recommender = NewObjectRecommender(size)
    recommender.looked_at([[0, 0, *size]])
    patches = -(-size[0] // 160) * -(-size[1] // 176)
    # A sliver of one cell at the edge of a frame waits longest: five times as long as the patches need to cover it.
    calls = 6 * -(-patches // limit)
    for _ in range(calls):
        recommender.looked_at([item.box for item in recommender.recommend(flat(size), NO_BOXES, limit)])
    assert recommender.waiting_frames.max() < calls


def test_no_cell_starves_past_the_cap() -> None:
    """More patches than the cap has frames: cells that all wait at the cap still take turns."""
    size, cap = (1600, 16), 5
    recommender = NewObjectRecommender(size, patch_cells=(10, 2), waiting_cap_frames=cap)
    for _ in range(60):
        recommender.looked_at([item.box for item in recommender.recommend(flat(size), NO_BOXES, 1)])
    assert recommender.waiting_frames.max() < 30


def test_edges_cannot_starve_the_rest() -> None:
    size = (800, 16)
    picture = flat(size)
    picture[:, :640] = np.random.default_rng(4).integers(0, 256, (16, 640))
    recommender = NewObjectRecommender(size, patch_cells=(10, 2), waiting_cap_frames=4, edge_weight=2)
    recommender.looked_at([[0, 0, *size]])
    waited = []
    for _ in range(400):
        recommender.looked_at([item.box for item in recommender.recommend(picture, NO_BOXES, 1)])
        waited.append(recommender.waiting_frames)
    longest = np.max(waited, axis=0)
    assert longest[:, :60].max() < longest[:, 90:].max() < 200


def test_only_cells_that_were_seen_whole_are_fresh() -> None:
    recommender = NewObjectRecommender((100, 44))
    recommender.looked_at([[7.0, 8.0, 33.0, 23.9], [88.0, 32.0, 100.0, 44.0]])
    fresh = np.zeros((6, 13), bool)
    fresh[1, 1:4] = True
    fresh[4:, 11:] = True  # the last cells reach past the frame, of which nothing is left to see
    np.testing.assert_array_equal(recommender.waiting_frames == 0, fresh)


def test_a_frame_of_another_size_is_refused() -> None:
    recommender = NewObjectRecommender((64, 48))
    with pytest.raises(ValueError, match="the frame is 48x64, expected"):
        recommender.recommend(flat((48, 64)), NO_BOXES, 1)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"cell_px": 0}, "must all be at least 1"),
        ({"patch_cells": (0, 3)}, "must all be at least 1"),
        ({"reduction": 3}, "does not suit"),
        ({"reduction": 0}, "does not suit"),
        ({"cell_px": 16, "reduction": 1}, "does not suit"),
    ],
)
def test_sizes_that_make_no_grid(options: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        NewObjectRecommender((64, 48), **options)  # type: ignore[arg-type]  # of several types, each tried alone
