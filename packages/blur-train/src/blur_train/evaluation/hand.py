"""Measures of focus that need no learning of features: what a classifier of blur has to beat.

Variance of the Laplacian (Pech-Pacheco et al., 2000) and Tenengrad (Krotkov, 1987), over the whole photo and over nine
parts of it, beside how much one direction outweighs the other.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

PARTS = 3
"""Parts of a photo along each side."""
MEASURES = 3
FEATURES = MEASURES * (1 + PARTS * PARTS)
LAPLACIAN, TENENGRAD = 0, 1
"""Where in the features the two measures of the whole photo stand."""
_FLOOR = 1e-2


def focus_features(image: NDArray[np.uint8], *, long_side_px: int) -> NDArray[np.float32]:
    """Logarithms of three measures, for the whole photo and then for its parts by rows: ``(FEATURES,)``.

    The measures are the variance of the Laplacian, Tenengrad (mean squared Sobel gradient), and the ratio of the
    gradient's power across to that along.

    Args:
        image: luma uint8 ``(H, W)``, or RGB ``(H, W, 3)``.
        long_side_px: larger photos are averaged down to it.
    """
    luma = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    scale = long_side_px / max(luma.shape)
    if scale < 1:
        size = (max(round(luma.shape[1] * scale), PARTS), max(round(luma.shape[0] * scale), PARTS))
        luma = cv2.resize(luma, size, interpolation=cv2.INTER_AREA)
    laplacian = cv2.Laplacian(luma, cv2.CV_32F)
    across, along = cv2.Sobel(luma, cv2.CV_32F, 1, 0), cv2.Sobel(luma, cv2.CV_32F, 0, 1)
    rows = np.linspace(0, luma.shape[0], PARTS + 1).astype(int)
    columns = np.linspace(0, luma.shape[1], PARTS + 1).astype(int)
    whole = (slice(None), slice(None))
    parts = [whole] + [
        (slice(rows[i], rows[i + 1]), slice(columns[j], columns[j + 1])) for i in range(PARTS) for j in range(PARTS)
    ]
    found = []
    for part in parts:
        x, y = float(np.square(across[part]).mean()), float(np.square(along[part]).mean())
        found += [float(laplacian[part].var()) + _FLOOR, x + y + _FLOOR, (x + _FLOOR) / (y + _FLOOR)]
    return np.asarray(np.log(found), dtype=np.float32)
