"""Between the numbers of a file and light: IEC 61966-2-1 (sRGB) in both directions.

Lenses and shutters mix light, not file values: a blur of file values makes highlights too dim and dark rims too wide.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Linear = NDArray[np.float32]
"""Linear light ``(H, W, 3)`` or ``(H, W)``, 0 black, 1 the brightest value of a file; highlights may be above 1."""

_STEPS = 1 << 14


def _decode(value: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def _encode(light: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


_TO_LIGHT = _decode(np.arange(256) / 255.0).astype(np.float32)
# Indexed by the square root of light, which spends the steps where file values lie close together.
_FROM_ROOT = (255 * _encode((np.arange(_STEPS + 1) / _STEPS) ** 2)).astype(np.float32)


def to_linear(image: NDArray[np.uint8]) -> Linear:
    """Light of sRGB values.

    Args:
        image: uint8 ``(H, W, 3)`` or ``(H, W)``.

    Returns:
        float32 of the same shape, 0 to 1.
    """
    return np.asarray(cv2.LUT(image, _TO_LIGHT), dtype=np.float32).reshape(image.shape)


def to_levels(light: Linear) -> NDArray[np.float32]:
    """SRGB values of light, not yet rounded: float32 of the same shape, 0 to 255; light outside 0 to 1 is clipped."""
    root = np.sqrt(np.clip(light, 0.0, 1.0, dtype=np.float32))
    root *= _STEPS
    root += 0.5
    return np.asarray(_FROM_ROOT[root.astype(np.int16)], dtype=np.float32)
