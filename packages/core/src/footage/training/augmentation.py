"""What is done to pictures and clips before a network learns from them; all frames of a clip alike."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_GREY_WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """How much is changed at random.

    Attributes:
        flip: mirror every other clip.
        turn_degrees: turn by up to so much either way.
        jitter: change brightness, contrast and saturation by up to this share.
    """

    flip: bool = True
    turn_degrees: float = 10.0
    jitter: float = 0.2


USUAL = Augmentation()


def augmented(clip: NDArray[np.uint8], rng: np.random.Generator, how: Augmentation = USUAL) -> NDArray[np.uint8]:
    """Flip, turn, and change brightness, contrast and saturation; every frame of the clip in the same way.

    Args:
        clip: RGB uint8 ``(T, H, W, 3)``.
        rng: decides all of it.
        how: how much.
    """
    flips, turn = rng.random() < 0.5, rng.uniform(-how.turn_degrees, how.turn_degrees)
    brightness, contrast, saturation = 1 + rng.uniform(-how.jitter, how.jitter, 3)
    height, width = clip.shape[1:3]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), turn, 1.0)
    # Mirrored at the edges: black corners would tell the network how far a picture was turned.
    turned = np.stack([cv2.warpAffine(i, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101) for i in clip])
    changed = np.asarray(turned[:, :, ::-1] if flips and how.flip else turned, np.float32) * np.float32(brightness)
    mean = (changed @ _GREY_WEIGHTS).mean()
    changed = mean + (changed - mean) * np.float32(contrast)
    grey = (changed @ _GREY_WEIGHTS)[..., None]
    changed = grey + (changed - grey) * np.float32(saturation)
    return np.asarray(np.clip(np.rint(changed), 0, 255), dtype=np.uint8)
