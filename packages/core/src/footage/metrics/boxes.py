"""Boxes as ``xyxy`` float pixels: conversions, overlap and non-maximum suppression.

A box is ``x0, y0, x1, y1`` in continuous pixel coordinates: the left edge of the first pixel is 0, so a box's width is
``x1 - x0`` (no ``+ 1``). A box whose width or height is not positive, or is not a
number, has area 0 and overlaps nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

_NMS_ROWS = 64


def as_boxes(boxes: ArrayLike) -> NDArray[np.float64]:
    """Return boxes as float64 ``(N, 4)``; an empty list becomes ``(0, 4)``.

    Raises:
        ValueError: the shape is not ``(N, 4)``.
    """
    array = np.asarray(boxes, dtype=np.float64)
    if array.size == 0:
        return array.reshape(0, 4)
    if array.ndim != 2 or array.shape[1] != 4:
        raise ValueError(f"boxes have shape {array.shape}, expected (N, 4)")
    return array


def area(boxes: ArrayLike) -> NDArray[np.float64]:
    """Areas ``(N,)`` of xyxy boxes in square pixels; 0 for degenerate boxes, never NaN."""
    b = as_boxes(boxes)
    with np.errstate(invalid="ignore"):
        width, height = b[:, 2] - b[:, 0], b[:, 3] - b[:, 1]
        # A comparison with NaN is False, so boxes that are not numbers end up as 0 too.
        return np.where((width > 0) & (height > 0), width * height, 0.0)


def _overlap_ratio(
    intersection: NDArray[np.float64], area_a: NDArray[np.float64], area_b: NDArray[np.float64]
) -> NDArray[np.float64]:
    union = area_a + area_b - intersection
    usable = (area_a > 0) & (area_b > 0) & np.isfinite(union) & (union > 0)
    ratio = np.zeros_like(union)
    np.divide(intersection, union, out=ratio, where=usable)
    # Rounding in the union of huge or tiny boxes may leave a ratio a last digit above 1.
    return np.minimum(ratio, 1.0)


def iou_matrix(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Intersection over union of every box of ``a`` with every box of ``b``.

    Args:
        a: xyxy boxes ``(N, 4)``.
        b: xyxy boxes ``(M, 4)``.

    Returns:
        float64 ``(N, M)`` in [0, 1]; 0 where either box is degenerate.
    """
    first, second = as_boxes(a), as_boxes(b)
    with np.errstate(invalid="ignore"):
        low = np.maximum(first[:, None, :2], second[None, :, :2])
        high = np.minimum(first[:, None, 2:], second[None, :, 2:])
        sides = high - low
        sides = np.where(sides > 0, sides, 0.0)
        return _overlap_ratio(sides[..., 0] * sides[..., 1], area(first)[:, None], area(second)[None, :])


def iou_pairs(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Intersection over union of box ``i`` of ``a`` with box ``i`` of ``b``: float64 ``(N,)`` in [0, 1].

    Raises:
        ValueError: the two have different lengths.
    """
    first, second = as_boxes(a), as_boxes(b)
    if len(first) != len(second):
        raise ValueError(f"iou_pairs needs as many boxes on both sides, got {len(first)} and {len(second)}")
    with np.errstate(invalid="ignore"):
        sides = np.minimum(first[:, 2:], second[:, 2:]) - np.maximum(first[:, :2], second[:, :2])
        sides = np.where(sides > 0, sides, 0.0)
        return _overlap_ratio(sides[:, 0] * sides[:, 1], area(first), area(second))


def xywh_to_xyxy(boxes: ArrayLike) -> NDArray[np.float64]:
    """Convert top-left corner and size ``x, y, w, h`` (0-based pixels) to xyxy."""
    b = as_boxes(boxes)
    return np.concatenate([b[:, :2], b[:, :2] + b[:, 2:]], axis=1)


def xyxy_to_xywh(boxes: ArrayLike) -> NDArray[np.float64]:
    """Convert xyxy to top-left corner and size ``x, y, w, h`` (0-based pixels)."""
    b = as_boxes(boxes)
    return np.concatenate([b[:, :2], b[:, 2:] - b[:, :2]], axis=1)


def cxcywh_to_xyxy(boxes: ArrayLike) -> NDArray[np.float64]:
    """Convert centre and size ``cx, cy, w, h`` (the raw output of YOLO heads) to xyxy."""
    b = as_boxes(boxes)
    half = b[:, 2:] / 2
    return np.concatenate([b[:, :2] - half, b[:, :2] + half], axis=1)


def xyxy_to_cxcywh(boxes: ArrayLike) -> NDArray[np.float64]:
    """Convert xyxy to centre and size ``cx, cy, w, h``."""
    b = as_boxes(boxes)
    return np.concatenate([(b[:, :2] + b[:, 2:]) / 2, b[:, 2:] - b[:, :2]], axis=1)


def mot_to_xyxy(boxes: ArrayLike) -> NDArray[np.float64]:
    """Convert MOTChallenge boxes (top-left pixel counted from 1, and size) to xyxy.

    The pixel ``(1, 1)`` of the MOT format is the top-left pixel of the image, whose left and top edges are 0 here.
    """
    b = as_boxes(boxes)
    corner = b[:, :2] - 1
    return np.concatenate([corner, corner + b[:, 2:]], axis=1)


def xyxy_to_mot(boxes: ArrayLike) -> NDArray[np.float64]:
    """Convert xyxy to MOTChallenge boxes (top-left pixel counted from 1, and size)."""
    b = as_boxes(boxes)
    return np.concatenate([b[:, :2] + 1, b[:, 2:] - b[:, :2]], axis=1)


def clip_boxes(boxes: ArrayLike, size: tuple[int, int]) -> NDArray[np.float64]:
    """Cut xyxy boxes at the image's edges.

    Args:
        boxes: xyxy ``(N, 4)``.
        size: image ``(width, height)`` in pixels.

    Returns:
        float64 ``(N, 4)``; a box wholly outside becomes degenerate (zero width or height), it is not removed.
    """
    width, height = size
    return np.clip(as_boxes(boxes), 0.0, np.array([width, height, width, height], dtype=np.float64))


def nms(
    boxes: ArrayLike, scores: ArrayLike, iou_threshold: float, class_ids: ArrayLike | None = None
) -> NDArray[np.intp]:
    """Greedy non-maximum suppression.

    Boxes are taken by falling score, equal scores in the order given; a box is dropped when its overlap with a box
    already kept is greater than the threshold. With ``class_ids``, only boxes of the same class suppress each other.

    Args:
        boxes: xyxy ``(N, 4)``.
        scores: ``(N,)``, finite.
        iou_threshold: in [0, 1].
        class_ids: ``(N,)`` integers, or None to let every box suppress every other.

    Returns:
        Indices of the kept boxes, by falling score.

    Raises:
        ValueError: lengths differ, a score is not finite, or the threshold is outside [0, 1].
    """
    b, s = as_boxes(boxes), np.asarray(scores, dtype=np.float64).reshape(-1)
    classes = np.zeros(len(b), dtype=np.int64) if class_ids is None else np.asarray(class_ids).reshape(-1)
    if not len(b) == len(s) == len(classes):
        raise ValueError(f"nms got {len(b)} boxes, {len(s)} scores and {len(classes)} class ids")
    if not np.isfinite(s).all():
        raise ValueError("nms got a score that is not finite")
    if not 0 <= iou_threshold <= 1:
        raise ValueError(f"iou_threshold is {iou_threshold}, expected a number from 0 to 1")
    order = np.argsort(-s, kind="stable")
    b, classes = b[order], classes[order]
    alive = np.ones(len(b), dtype=np.bool_)
    # Some rows of overlaps at a time: the full matrix of 8400 candidates would take half a gigabyte.
    for start in range(0, len(b), _NMS_ROWS):
        block = np.arange(start, min(start + _NMS_ROWS, len(b)))
        block = block[alive[block]]
        suppresses = (iou_matrix(b[block], b[start:]) > iou_threshold) & (classes[block, None] == classes[start:])
        for i, row in zip(block.tolist(), suppresses, strict=True):
            if alive[i]:
                alive[i + 1 :] &= ~row[i + 1 - start :]
    return order[alive]
