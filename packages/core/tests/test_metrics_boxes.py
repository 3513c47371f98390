from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from footage.metrics import boxes as box_metrics
from footage.metrics.boxes import (
    area,
    clip_boxes,
    cxcywh_to_xyxy,
    iou_matrix,
    iou_pairs,
    mot_to_xyxy,
    nms,
    xywh_to_xyxy,
    xyxy_to_cxcywh,
    xyxy_to_mot,
    xyxy_to_xywh,
)

Boxes = NDArray[np.float64]


def boxes(count: st.SearchStrategy[int] | None = None) -> st.SearchStrategy[Boxes]:
    """Small whole-number boxes, degenerate and turned ones among them, so that ties and touching edges occur."""
    rows = st.integers(0, 12) if count is None else count
    side = st.integers(-5, 25).map(float)
    return rows.flatmap(lambda n: arrays(np.float64, (n, 4), elements=side))


def naive_iou(a: list[float], b: list[float]) -> float:
    if a[2] <= a[0] or a[3] <= a[1] or b[2] <= b[0] or b[3] <= b[1]:
        return 0.0
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    inter = max(width, 0.0) * max(height, 0.0)
    return inter / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter)


def naive_nms(rows: Boxes, scores: NDArray[np.float64], threshold: float, classes: NDArray[np.int64]) -> list[int]:
    order = sorted(range(len(rows)), key=lambda i: (-scores[i], i))
    kept: list[int] = []
    for i in order:
        if all(classes[i] != classes[j] or naive_iou(list(rows[i]), list(rows[j])) <= threshold for j in kept):
            kept.append(i)
    return kept


@given(boxes(), boxes())
def test_overlaps_equal_a_loop_over_pairs(a: Boxes, b: Boxes) -> None:
    expected = np.array([[naive_iou(list(p), list(q)) for q in b] for p in a]).reshape(len(a), len(b))
    assert np.allclose(iou_matrix(a, b), expected, rtol=0, atol=1e-12)


@given(boxes())
def test_overlap_is_symmetric_bounded_and_one_with_itself(a: Boxes) -> None:
    matrix = iou_matrix(a, a)
    assert ((matrix >= 0) & (matrix <= 1)).all()
    assert np.array_equal(matrix, matrix.T)
    assert np.array_equal(np.diag(matrix), (area(a) > 0).astype(float))


@given(st.integers(0, 8).flatmap(lambda n: st.tuples(boxes(st.just(n)), boxes(st.just(n)))))
def test_pairs_are_the_diagonal_of_the_matrix(pair: tuple[Boxes, Boxes]) -> None:
    assert np.allclose(iou_pairs(*pair), np.diag(iou_matrix(*pair)), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "bad", [[0, 0, 0, 0], [5, 5, 5, 9], [9, 9, 1, 1], [np.nan, 0, 4, 4], [0, 0, np.inf, 4], [-np.inf, 0, np.inf, 4]]
)
def test_degenerate_boxes_overlap_nothing_and_are_never_nan(bad: list[float]) -> None:
    other = np.array([[0, 0, 10, 10], bad])
    assert iou_matrix([bad], other).tolist() == [[0.0, 0.0]]
    assert iou_pairs([bad], [bad]).tolist() == [0.0]


def test_known_overlap() -> None:
    assert iou_matrix([[0, 0, 10, 10]], [[5, 0, 15, 10], [10, 0, 20, 10], [0, 0, 10, 10]])[0].tolist() == [1 / 3, 0, 1]


def test_boxes_of_less_than_a_pixel_overlap_as_others_do() -> None:
    small, moved = [[0.25, 0.25, 0.75, 0.75]], [[0.5, 0.25, 1.0, 0.75]]
    assert iou_pairs(small, small).tolist() == iou_matrix(small, small)[0].tolist() == [1.0]
    assert iou_pairs(small, moved)[0] == iou_matrix(small, moved)[0, 0] == pytest.approx(1 / 3)


def test_boxes_of_bytes_are_computed_as_numbers() -> None:
    # In bytes, 2 - 5 would be 253.
    turned, sound = np.array([[5, 5, 2, 9]], np.uint8), np.array([[2, 5, 5, 9]], np.uint8)
    assert (area(turned).tolist(), area(sound).tolist()) == ([0.0], [12.0])
    assert xyxy_to_xywh(turned).tolist() == [[5.0, 5.0, -3.0, 4.0]]
    assert mot_to_xyxy(np.array([[0, 1, 250, 250]], np.uint8)).tolist() == [[-1.0, 0.0, 249.0, 250.0]]


def test_boxes_that_are_no_numbers_raise_no_warning() -> None:
    odd: list[list[float]] = [[np.inf, 0, np.inf, 1], [np.nan, 0, 1, 1], [-np.inf, 0, np.inf, 1], [0, 0, 1, 1]]
    with np.errstate(all="raise"):
        assert area(odd).tolist() == [0.0, 0.0, np.inf, 1.0]
        assert iou_pairs(odd, odd).tolist() == np.diag(iou_matrix(odd, odd)).tolist() == [0.0, 0.0, 0.0, 1.0]


def test_no_boxes_give_empty_results() -> None:
    assert iou_matrix([], [[0, 0, 1, 1]]).shape == (0, 1)
    assert nms([], [], 0.5).tolist() == []
    assert mot_to_xyxy([]).shape == (0, 4)


def test_mot_boxes_count_pixels_from_one() -> None:
    assert mot_to_xyxy([[1, 1, 20, 30]]).tolist() == [[0, 0, 20, 30]]
    assert mot_to_xyxy([[912, 484, 97, 109]]).tolist() == [[911, 483, 1008, 592]]


@given(boxes())
def test_conversions_come_back(a: Boxes) -> None:
    assert np.array_equal(xywh_to_xyxy(xyxy_to_xywh(a)), a)
    assert np.array_equal(mot_to_xyxy(xyxy_to_mot(a)), a)
    assert np.allclose(cxcywh_to_xyxy(xyxy_to_cxcywh(a)), a)


def test_centre_boxes() -> None:
    assert cxcywh_to_xyxy([[10, 20, 4, 6]]).tolist() == [[8, 17, 12, 23]]


def test_clipping_keeps_every_box() -> None:
    cut = clip_boxes([[-5, -5, 5, 5], [90, 40, 200, 200], [300, 300, 400, 400]], (100, 50))
    assert cut.tolist() == [[0, 0, 5, 5], [90, 40, 100, 50], [100, 50, 100, 50]]


@given(
    boxes(st.just(10)),
    arrays(np.float64, 10, elements=st.integers(0, 3).map(float)),
    arrays(np.int64, 10, elements=st.integers(0, 2)),
    st.sampled_from([0.0, 0.3, 0.5, 1.0]),
    st.booleans(),
)
def test_nms_equals_a_loop(
    rows: Boxes, scores: NDArray[np.float64], classes: NDArray[np.int64], threshold: float, by_class: bool
) -> None:
    expected = naive_nms(rows, scores, threshold, classes if by_class else np.zeros(10, dtype=np.int64))
    assert nms(rows, scores, threshold, classes if by_class else None).tolist() == expected


def test_nms_takes_columns() -> None:
    same = [[0, 0, 10, 10], [0, 0, 10, 10], [50, 50, 60, 60]]
    assert nms(same, [[0.5], [0.7], [0.6]], 0.5, [[0], [0], [0]]).tolist() == [1, 2]


def test_nms_takes_equal_scores_in_the_order_given() -> None:
    same = [[0, 0, 10, 10], [0, 0, 10, 10], [50, 50, 60, 60]]
    assert nms(same, [0.5, 0.5, 0.5], 0.5).tolist() == [0, 2]
    assert nms(same, [0.5, 0.5, 0.5], 0.5, [0, 1, 0]).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (([[0, 0, 1]], [0.5], 0.5), "shape"),
        (([[0, 0, 1, 1]], [0.5, 0.6], 0.5), "2 scores"),
        (([[0, 0, 1, 1]], [np.nan], 0.5), "^nms got a score that is not finite$"),
        (([[0, 0, 1, 1]], [0.5], 1.5), "iou_threshold"),
    ],
)
def test_nms_refuses_what_it_cannot_use(arguments: tuple[list[list[float]], list[float], float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        nms(*arguments)


def test_pairs_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="1 and 2"):
        iou_pairs([[0, 0, 1, 1]], [[0, 0, 1, 1]] * 2)


@given(st.integers(0, 2**32 - 1))
def test_many_boxes_are_taken_in_blocks_with_the_same_answer(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 60, (40, 2))
    rows, scores = np.hstack([corners, corners + rng.uniform(5, 30, (40, 2))]), rng.permutation(40) / 40
    classes = rng.integers(0, 2, 40)
    whole = nms(rows, scores, 0.3, class_ids=classes).tolist()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(box_metrics, "_NMS_ROWS", 7)
        assert nms(rows, scores, 0.3, class_ids=classes).tolist() == whole
    assert whole == naive_nms(rows, scores, 0.3, classes)
