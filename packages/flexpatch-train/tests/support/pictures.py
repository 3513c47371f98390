"""Pictures whose motion is known to the hundredth of a pixel."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SIZE = (320, 240)
BOXES = np.array([[60.0, 60.0, 110.0, 150.0], [180.5, 40.25, 230.5, 120.25]])


def texture(seed: int, size: tuple[int, int] = (600, 500)) -> NDArray[np.uint8]:
    """A soft random texture of full contrast."""
    noise = np.random.default_rng(seed).normal(size=size[::-1]).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 2.5)
    return np.asarray(255 * (soft - soft.min()) / np.ptp(soft), np.uint8)


def moved(picture: NDArray[np.uint8], dx: float, dy: float, scale: float = 1.0) -> NDArray[np.uint8]:
    """The picture shifted by (dx, dy) and scaled about the centre of the first box."""
    centre = (BOXES[0, :2] + BOXES[0, 2:]) / 2
    matrix = np.array([[scale, 0, dx + (1 - scale) * centre[0]], [0, scale, dy + (1 - scale) * centre[1]]])
    return np.asarray(cv2.warpAffine(picture, matrix, SIZE, flags=cv2.INTER_CUBIC), np.uint8)
