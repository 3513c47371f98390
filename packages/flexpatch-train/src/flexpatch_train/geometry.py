"""What the flow of a track's points and the place of its box say: arithmetic over all tracks at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from flexpatch_train.tracker import nan_median

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

INLIER_PX = 1.0
_MIN_EIG_FLOOR = 1e-6


def log_min_eig(min_eig: Floats, alive: Mask) -> Floats:
    """log10 of the median smaller eigenvalue over the surviving points: ``(N, P)`` to ``(N,)``, NaN without points."""
    median = nan_median(np.where(alive, min_eig, np.nan), axis=1)
    return np.asarray(np.log10(np.maximum(median, _MIN_EIG_FLOOR)))


def flow_std(flow: Floats, alive: Mask) -> Floats:
    """Spread of the flow vectors: sqrt(trace(cov(dx, dy))) over the surviving points, in pixels.

    A movement shared by all points, however large, gives 0.

    Args:
        flow: float64 ``(N, P, 2)``.
        alive: bool ``(N, P)``.

    Returns:
        float64 ``(N,)``; NaN with fewer than two surviving points.
    """
    weight = alive[..., None].astype(np.float64)
    count = weight.sum(axis=1)
    safe = np.maximum(count, 1)
    mean = (flow * weight).sum(axis=1) / safe
    variance = (((flow - mean[:, None]) ** 2) * weight).sum(axis=1) / safe
    spread = np.sqrt(variance.sum(axis=1))
    return np.where(count[:, 0] >= 2, spread, np.nan)


def inliers(flow: Floats, alive: Mask) -> Floats:
    """Share of the surviving points whose flow lies within ``INLIER_PX`` of their median flow, in [0, 1].

    Args:
        flow: float64 ``(N, P, 2)``, pixels.
        alive: bool ``(N, P)``.

    Returns:
        float64 ``(N,)``; NaN without surviving points.
    """
    moved = np.where(alive[..., None], flow, np.nan)
    off = np.linalg.norm(moved - nan_median(moved, axis=1)[:, None], axis=2)
    count = alive.sum(axis=1)
    close = ((off <= INLIER_PX) & alive).sum(axis=1)
    return np.where(count > 0, close / np.maximum(count, 1), np.nan)


def covered(boxes: Floats, groups: NDArray[np.int64]) -> Floats:
    """Share of each box that the one other box of its group covers most, in [0, 1]; 0 for a box alone.

    Args:
        boxes: float64 ``(N, 4)``, ``xyxy`` pixels.
        groups: int64 ``(N,)``.

    Returns:
        float64 ``(N,)``.
    """
    corner = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:]) - np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    common = np.clip(corner, 0, None).prod(axis=2)
    common[groups[:, None] != groups[None]] = 0
    np.fill_diagonal(common, 0)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return np.asarray(common.max(axis=1, initial=0) / np.maximum(area, 1e-9))


def edge_distance(boxes: Floats, frame_size: tuple[int, int]) -> Floats:
    """Distance of each box to the nearest edge of the frame in box heights; below 0 where the box reaches past it.

    Args:
        boxes: float64 ``(N, 4)``, ``xyxy`` pixels.
        frame_size: width and height in pixels.

    Returns:
        float64 ``(N,)``.
    """
    gaps = np.concatenate([boxes[:, :2], np.array(frame_size) - boxes[:, 2:]], axis=1)
    return np.asarray(gaps.min(axis=1) / heights_of(boxes))


def heights_of(boxes: Floats) -> Floats:
    """Heights in pixels ``(N,)``, at least 1."""
    return np.maximum(boxes[:, 3] - boxes[:, 1], 1.0)
