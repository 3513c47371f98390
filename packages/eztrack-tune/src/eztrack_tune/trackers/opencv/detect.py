"""Corners as Blender finds them: Harris and Stephens (1988) on Gaussian derivatives, strongest first, kept apart.

The threshold has Blender's unit, so that a value means about the same number of features in both trackers.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_SIGMA = 0.9
_ALPHA = 0.06
_THRESHOLD_UNIT = 1e-5
"""Blender's threshold is in hundred-thousandths of the response on grey levels from 0 to 1."""


def detect(gray: NDArray[np.uint8], threshold: float, *, min_distance_px: int, margin_px: int) -> NDArray[np.float64]:
    """Corners of a picture.

    Args:
        gray: uint8 (H, W).
        threshold: least strength, as in the add-on's settings.
        min_distance_px: between two corners; of two that are nearer the stronger one stays.
        margin_px: from the picture's edge, without corners.

    Returns:
        float64 (N, 2), pixels from the top left corner (a pixel's centre lies at .5), strongest first.
    """
    strength = _harris(np.asarray(gray / 255, dtype=np.float32))
    peak = (strength >= cv2.dilate(strength, np.ones((3, 3), np.uint8))) & (strength > threshold * _THRESHOLD_UNIT)
    edge = max(1, margin_px)
    peak[:edge] = peak[-edge:] = False
    peak[:, :edge] = peak[:, -edge:] = False
    rows, columns = np.nonzero(peak)
    order = np.argsort(-strength[rows, columns], kind="stable")
    found = np.column_stack([columns, rows])[order].astype(np.float64)
    return _apart(found, min_distance_px) + 0.5


def detect_enough(
    gray: NDArray[np.uint8],
    threshold: float,
    *,
    min_distance_px: int,
    margin_px: int,
    least_features: int,
    least_threshold: float,
    most_features: int,
) -> tuple[float, NDArray[np.float64]]:
    """Corners, with the threshold halved until there are enough, and the threshold that was used.

    Args:
        gray: uint8 (H, W).
        threshold: what to start with.
        min_distance_px: see ``detect``.
        margin_px: see ``detect``.
        least_features: enough.
        least_threshold: below this it is halved no more.
        most_features: more are thinned out evenly.
    """
    while True:
        found = detect(gray, threshold, min_distance_px=min_distance_px, margin_px=margin_px)
        if len(found) >= least_features or threshold < least_threshold:
            return threshold, found[:: max(1, -(-len(found) // most_features))]
        threshold /= 2


def _harris(image: NDArray[np.float32]) -> NDArray[np.float32]:
    radius = int(np.ceil(3 * _SIGMA))
    x = np.arange(-radius, radius + 1)
    smooth = np.exp(-(x**2) / (2 * _SIGMA**2))
    smooth = smooth / smooth.sum()
    slope = x * smooth
    slope = slope / (x * slope).sum()  # a ramp of one grey level a pixel has the slope 1
    along_x = cv2.sepFilter2D(image, cv2.CV_32F, slope, smooth)
    along_y = cv2.sepFilter2D(image, cv2.CV_32F, smooth, slope)
    xx, yy, xy = (
        cv2.sepFilter2D(product, cv2.CV_32F, smooth, smooth)
        for product in (along_x * along_x, along_y * along_y, along_x * along_y)
    )
    return np.asarray(xx * yy - xy * xy - _ALPHA * (xx + yy) ** 2, dtype=np.float32)


def _apart(found: NDArray[np.float64], distance: int) -> NDArray[np.float64]:
    """Points in their order, without those too near to an earlier one."""
    kept = np.empty((0, 2))
    for point in found:
        if not len(kept) or ((kept - point) ** 2).sum(axis=1).min() >= distance**2:
            kept = np.vstack([kept, point])
    return kept
