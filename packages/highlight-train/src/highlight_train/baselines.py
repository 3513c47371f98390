"""What needs no training: how much a clip moves, and how colourful it is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

ALWAYS_NORMAL = "always normal"


def motion(images: Sequence[NDArray[np.uint8]]) -> float:
    """How much changes from one sampled picture to the next: mean absolute difference of grey, 0 to 255.

    Args:
        images: RGB uint8 ``(H, W, 3)`` each, in the order of time; a single one has no motion.
    """
    greys = [image.mean(axis=2, dtype=np.float32) for image in images]
    return float(np.mean([np.abs(b - a).mean() for a, b in pairwise(greys)] or [0.0]))


def colourfulness(images: Sequence[NDArray[np.uint8]]) -> float:
    """Mean colourfulness of the pictures, by Hasler and Suesstrunk (2003): spread and strength of opponent colours."""
    return float(np.mean([_colourfulness(image) for image in images]))


def _colourfulness(image: NDArray[np.uint8]) -> float:
    red, green, blue = np.moveaxis(image.astype(np.float32), 2, 0)
    red_green, yellow_blue = red - green, (red + green) / 2 - blue
    spread = np.hypot(red_green.std(), yellow_blue.std())
    return float(spread + 0.3 * np.hypot(red_green.mean(), yellow_blue.mean()))
