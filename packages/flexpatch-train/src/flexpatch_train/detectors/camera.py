"""The camera's motion between two neighbouring frames, as a homography."""

from __future__ import annotations

from enum import Enum

import cv2
import numpy as np
from numpy.typing import NDArray

_CELL_PX = 16
# Smaller eigenvalue of a corner's mean gradient matrix, grey levels squared: noise alone stays below.
_LEAST_EIGENVALUE = 1e-4
_FEWEST_POINTS = 12
_REPROJECTION_PX = 1.0
_LEAST_INLIER_SHARE = 0.3
# A turn, a zoom and a shift are preferred to a full homography where they explain this share of its points.
_SIMILARITY_SUFFICES = 0.9
# Points that agree must span this share of the picture: on a plain wall all corners are those of what crosses it.
_LEAST_SPAN_SHARE = 0.15
# Below this the camera stands still: resampling for less would only blur, and small errors would add up.
_STILL_PX = 0.3
# Grey levels beyond this count the same, so that moving objects weigh no more than their area.
_DIFFERENCE_CAP = 40.0
# A correction has to remove this share of the difference between the frames to be believed.
_LEAST_GAIN = 0.05
_CUT_DIFFERENCE = 20.0


class Break(Enum):
    """Why two frames cannot be laid over each other."""

    CUT = "the scene changed"


def camera_motion(previous: NDArray[np.uint8], current: NDArray[np.uint8]) -> NDArray[np.float64] | Break:
    """Estimate where the static scene of ``previous`` lies in ``current``.

    Corners are followed by pyramidal Lucas-Kanade flow and a homography is fitted by RANSAC, so that objects that move
    on their own do not count. A camera that moves by less than 0.3 px anywhere stands still: the result is then exactly
    the identity, and so it is where nothing in the picture can be followed.

    Args:
        previous: grey ``(H, W)``.
        current: grey ``(H, W)``, the same size.

    Returns:
        float64 ``(3, 3)``, which maps pixels of ``previous`` to pixels of ``current``; or :attr:`Break.CUT`.
    """
    still = np.eye(3)
    before = _difference(previous, current, None)
    fitted = _fit(previous, current)
    if fitted is None:
        return Break.CUT if before > _CUT_DIFFERENCE else still
    height, width = current.shape
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], np.float64)
    moved = cv2.perspectiveTransform(corners[None], fitted)[0]
    if np.abs(moved - corners).max() < _STILL_PX:
        return still
    if not _difference(previous, current, fitted) < (1 - _LEAST_GAIN) * before:
        return still
    return fitted


def _fit(previous: NDArray[np.uint8], current: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    points = _corners(previous)
    if len(points) < _FEWEST_POINTS:
        return None
    followed, status, _ = cv2.calcOpticalFlowPyrLK(
        previous, current, points, np.zeros_like(points), winSize=(15, 15), maxLevel=3
    )
    found = status.ravel() == 1
    if np.count_nonzero(found) < _FEWEST_POINTS:
        return None
    source, target = points[found], followed[found]
    homography, inliers = cv2.findHomography(source, target, cv2.RANSAC, _REPROJECTION_PX)
    if homography is None or not np.isfinite(homography).all():
        return None
    # Four numbers err less than eight at the edges, where few points hold them, and such errors add up over the frames.
    similarity, similar = cv2.estimateAffinePartial2D(source, target, ransacReprojThreshold=_REPROJECTION_PX)
    if similarity is not None and similar.sum() >= _SIMILARITY_SUFFICES * inliers.sum():
        homography, inliers = np.vstack([similarity, [0.0, 0.0, 1.0]]), similar
    hull = cv2.convexHull(source[inliers.ravel() == 1])
    if inliers.mean() < _LEAST_INLIER_SHARE or cv2.contourArea(hull) < _LEAST_SPAN_SHARE * previous.size:
        return None
    return np.asarray(homography, np.float64)


def _corners(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The best corner of each cell of 16 by 16 pixels, float32 ``(N, 1, 2)``.

    The strongest corners of the whole picture would crowd on objects that stand out, and their motion would pass for
    the camera's; one a cell gives every part of the scene a voice by its area.
    """
    quality = cv2.cornerMinEigenVal(grey, 5)
    rows, columns = grey.shape[0] // _CELL_PX, grey.shape[1] // _CELL_PX
    whole = quality[: rows * _CELL_PX, : columns * _CELL_PX].reshape(rows, _CELL_PX, columns, _CELL_PX)
    cells = whole.transpose(0, 2, 1, 3).reshape(rows, columns, _CELL_PX**2)
    best = cells.argmax(axis=2)
    y, x = np.nonzero(cells.max(axis=2) > _LEAST_EIGENVALUE)
    inside = best[y, x]
    points = np.stack([x * _CELL_PX + inside % _CELL_PX, y * _CELL_PX + inside // _CELL_PX], axis=1)
    return points.astype(np.float32).reshape(-1, 1, 2)


def _difference(
    previous: NDArray[np.uint8], current: NDArray[np.uint8], homography: NDArray[np.float64] | None
) -> float:
    """Mean capped difference in grey levels where both frames show something."""
    if homography is None:
        return float(np.minimum(cv2.absdiff(previous, current), _DIFFERENCE_CAP).mean())
    height, width = current.shape
    warped = cv2.warpPerspective(previous, homography, (width, height))
    shown = cv2.warpPerspective(np.ones_like(previous), homography, (width, height)) > 0
    if np.count_nonzero(shown) < shown.size // 4:
        return float("inf")
    return float(np.minimum(cv2.absdiff(warped, current)[shown], _DIFFERENCE_CAP).mean())
