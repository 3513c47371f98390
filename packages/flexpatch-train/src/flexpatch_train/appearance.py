"""How much a box still looks as it did: patches of one size, and their correlation."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

PATCH_SIZE = (32, 64)
"""Width and height in pixels to which boxes are scaled before they are correlated."""

_MIN_CONTRAST = 2.0  # grey levels of standard deviation; below it a correlation measures noise

Floats = NDArray[np.float64]
Gray = NDArray[np.uint8]


def standard_patches(gray: Gray, boxes: NDArray[np.floating]) -> NDArray[np.float32]:
    """Every box cut out at its sub-pixel position and scaled to ``PATCH_SIZE``.

    Args:
        gray: uint8 ``(H, W)``.
        boxes: ``(N, 4)``, ``xyxy`` pixels; the frame's edge is repeated outwards where a box reaches past it.

    Returns:
        float32 ``(N, 64, 32)``.
    """
    width, height = PATCH_SIZE
    patches = np.empty((len(boxes), height, width), np.float32)
    limit = (gray.shape[1], gray.shape[0])
    for patch, (x0, y0, x1, y1) in zip(patches, boxes.tolist(), strict=True):
        size = (min(max(round(x1 - x0), 1), limit[0]), min(max(round(y1 - y0), 1), limit[1]))
        # Pixel i covers [i, i + 1), so a box's centre lies half a pixel past the centre that OpenCV counts from.
        cut = cv2.getRectSubPix(gray, size, ((x0 + x1 - 1) / 2, (y0 + y1 - 1) / 2))
        patch[:] = cv2.resize(cut, PATCH_SIZE, interpolation=cv2.INTER_AREA)
    return patches


def zncc(first: NDArray[np.float32], second: NDArray[np.float32]) -> Floats:
    """Zero-mean normalised cross-correlation of pairs of patches.

    Args:
        first: float32 ``(N, h, w)``.
        second: float32 ``(N, h, w)``.

    Returns:
        float64 ``(N,)`` in [-1, 1]; NaN where either patch has too little contrast to be told from another.
    """
    a = first.reshape(len(first), -1).astype(np.float64)
    b = second.reshape(len(second), -1).astype(np.float64)
    a -= a.mean(axis=1, keepdims=True)
    b -= b.mean(axis=1, keepdims=True)
    norm_a, norm_b = (np.sqrt(np.einsum("nk,nk->n", each, each)) for each in (a, b))
    floor = _MIN_CONTRAST * np.sqrt(a.shape[1])
    usable = (norm_a > floor) & (norm_b > floor)
    dot = np.einsum("nk,nk->n", a, b)
    return np.where(usable, np.clip(dot / np.where(usable, norm_a * norm_b, 1), -1, 1), np.nan)
