"""How the seed's hyperparameters vary a small picture: colour, rotation, translation, scale, mirror, an erased part.

Every one is applied here, whatever the trainer of the seed did with it. None is a filter; turning and scaling resample
the picture once, with Lanczos weights, which keep its detail.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedVariation:
    """The seed's hyperparameters of augmentation.

    Attributes:
        hue: greatest change as a share of the circle.
        saturation: greatest change as a share.
        value: likewise.
        degrees: greatest rotation either way.
        translate: greatest shift as a share of the side.
        scale: greatest change of size as a share.
        mirror: how often it is mirrored.
        erase: how often a part is erased.
    """

    hue: float = 0.015
    saturation: float = 0.4
    value: float = 0.3
    degrees: float = 15.0
    translate: float = 0.1
    scale: float = 0.3
    mirror: float = 0.5
    erase: float = 0.1

    def __call__(self, image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        """A picture, RGB uint8 ``(H, W, 3)``, varied by ``rng``."""
        height, width = image.shape[:2]
        turn, size = rng.uniform(-self.degrees, self.degrees), 1 + rng.uniform(-self.scale, self.scale)
        matrix = np.asarray(cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), turn, size), np.float64)
        matrix[:, 2] += rng.uniform(-self.translate, self.translate, 2) * (width, height)
        varied = cv2.warpAffine(
            image, matrix, (width, height), flags=cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REFLECT_101
        )
        if rng.random() < self.mirror:
            varied = varied[:, ::-1]
        coloured = self._coloured(np.ascontiguousarray(varied), rng)
        if rng.random() < self.erase:
            _erase(coloured, rng)
        return coloured

    def _coloured(self, image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        hue, saturation, value = rng.uniform(-1, 1, 3) * (self.hue, self.saturation, self.value)
        levels = np.arange(256)
        tables = [
            (np.arange(256) + round(180 * hue)) % 180,
            np.clip(levels * (1 + saturation), 0, 255),
            np.clip(levels * (1 + value), 0, 255),
        ]
        hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
        changed = np.stack([table.astype(np.uint8)[hsv[..., i]] for i, table in enumerate(tables)], axis=-1)
        return np.asarray(cv2.cvtColor(changed, cv2.COLOR_HSV2RGB), dtype=np.uint8)


def _erase(image: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Cover a part of 2 to 15 % with the picture's mean (Zhong et al., 2017)."""
    height, width = image.shape[:2]
    side = np.sqrt(rng.uniform(0.02, 0.15))
    tall, wide = max(1, round(side * height)), max(1, round(side * width))
    top, left = rng.integers(0, height - tall + 1), rng.integers(0, width - wide + 1)
    image[top : top + tall, left : left + wide] = image.mean(axis=(0, 1))
