"""Does the camera stand or only turn? Then there is no path to find, and a solver that looks for one finds junk.

Points are followed through the clip, and one rotation of the camera is fitted to how they moved. What a rotation
explains to two pixels (in a picture of 1280) needs Blender's tripod solver. A flat scene seen by a camera that travels
is no rotation, though it is a homography.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Gray = NDArray[np.uint8]
Points = NDArray[np.float32]
LARGEST_RESIDUAL = 2.0 / 1280
"""Of the picture's width."""
LEAST_MOTION = 0.02
"""Of the picture's width, from first to last frame: below it a turn cannot be told from a path."""
MOTION_OF_NONE = 0.002
"""Of the picture's width: below it the camera stands."""
_LEAST_POINTS = 20
_MOST_POINTS = 300
_LARGEST_RETURN_PX = 0.5
_FOCAL_WIDTHS = (0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.35, 1.5)
"""Through a longer lens a turn looks like travel along something flat."""


class CameraMotion(StrEnum):
    """What a camera does."""

    STANDS = "stands"
    TURNS = "turns"
    TRAVELS = "travels"


def camera_motion(grays: Sequence[Gray]) -> CameraMotion:
    """What a camera does; where that cannot be told, it is taken to travel.

    Args:
        grays: frames in their order, uint8 (H, W); a dozen spread over the clip are enough where they overlap.
    """
    pair = _followed(grays)
    if pair is None:
        return CameraMotion.TRAVELS
    height, width = grays[0].shape
    first, last = ((points - (width / 2, height / 2)) / width for points in pair)
    moved = np.median(np.linalg.norm(last - first, axis=1))
    if moved < MOTION_OF_NONE:
        return CameraMotion.STANDS
    if moved < LEAST_MOTION:
        return CameraMotion.TRAVELS  # too little to tell a turn by
    turns = min(_residual(first, last, focal) for focal in _FOCAL_WIDTHS) < LARGEST_RESIDUAL
    return CameraMotion.TURNS if turns else CameraMotion.TRAVELS


def _followed(grays: Sequence[Gray]) -> tuple[Array, Array] | None:
    """Where points were in the first frame and in the last one that enough of them reach."""
    corners = cv2.goodFeaturesToTrack(grays[0], _MOST_POINTS, 0.01, 8)
    if corners is None or len(corners) < _LEAST_POINTS:
        return None
    first = here = np.asarray(corners, dtype=np.float32)
    for before, after in pairwise(grays):
        there, found = _flow(before, after, here)
        back, again = _flow(after, before, there)
        good = found & again & (np.linalg.norm(back - here, axis=2)[:, 0] < _LARGEST_RETURN_PX)
        if good.sum() < _LEAST_POINTS:
            break
        first, here = first[good], there[good]
    return first[:, 0].astype(np.float64), here[:, 0].astype(np.float64)


def _flow(before: Gray, after: Gray, points: Points) -> tuple[Points, NDArray[np.bool_]]:
    moved, found, _ = cv2.calcOpticalFlowPyrLK(before, after, points, points.copy(), winSize=(21, 21), maxLevel=4)
    return np.asarray(moved, dtype=np.float32), np.asarray(found, dtype=bool)[:, 0]


def _residual(first: Array, last: Array, focal: float) -> float:
    """Median distance, in widths, from where the best rotation takes points (Kabsch 1976, on their rays)."""
    rays = [np.column_stack([points, np.full(len(points), focal)]) for points in (first, last)]
    unit = [ray / np.linalg.norm(ray, axis=1, keepdims=True) for ray in rays]
    left, _, right = np.linalg.svd(unit[1].T @ unit[0])
    signs = np.diag([1.0, 1.0, float(np.sign(np.linalg.det(left) * np.linalg.det(right)))])
    turned = rays[0] @ (left @ signs @ right).T
    return float(np.median(np.linalg.norm(turned[:, :2] / turned[:, 2:] * focal - last, axis=1)))
