"""The camera's motion between two neighbouring frames, as a homography."""

from __future__ import annotations

from enum import Enum

import cv2
import numpy as np
from numpy.typing import NDArray

_CORNERS = 400
_FEWEST_POINTS = 12
_REPROJECTION_PX = 1.0
_LEAST_INLIER_SHARE = 0.3
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
    # Where the background is plain the only corners are those of moving objects: their motion explains nothing else.
    if not _difference(previous, current, fitted) < (1 - _LEAST_GAIN) * before:
        return still
    return fitted


def _fit(previous: NDArray[np.uint8], current: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    points = cv2.goodFeaturesToTrack(previous, _CORNERS, 0.01, 8)
    if points is None or len(points) < _FEWEST_POINTS:
        return None
    points = points.astype(np.float32).reshape(-1, 1, 2)
    followed, status, _ = cv2.calcOpticalFlowPyrLK(
        previous, current, points, np.zeros_like(points), winSize=(15, 15), maxLevel=3
    )
    found = status.ravel() == 1
    if np.count_nonzero(found) < _FEWEST_POINTS:
        return None
    homography, inliers = cv2.findHomography(points[found], followed[found], cv2.RANSAC, _REPROJECTION_PX)
    if homography is None or not np.isfinite(homography).all() or inliers.mean() < _LEAST_INLIER_SHARE:
        return None
    return np.asarray(homography, np.float64)


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
