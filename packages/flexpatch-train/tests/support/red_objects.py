"""A little world of red boxes before grey texture, and a detector that really finds red, on frames and canvases."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from pictures import texture
from sklearn.tree import DecisionTreeClassifier

from flexpatch_train.detections import Detections
from flexpatch_train.labels import LABELS
from footage.persistence.sklearn import save_estimator

SIZE = (320, 240)
_BACKGROUND = texture(1, SIZE)
_SKINS = [texture(seed, (60, 80)) for seed in range(20, 30)]

Box = tuple[float, float, float, float]


def draw(boxes: Sequence[Box]) -> NDArray[np.uint8]:
    """RGB uint8 (240, 320, 3): each box filled with its own red texture."""
    picture = np.repeat(_BACKGROUND[..., None], 3, axis=2)
    for number, (x0, y0, x1, y1) in enumerate(boxes):
        left, top, right, bottom = (round(side) for side in (x0, y0, x1, y1))
        skin = _SKINS[number % len(_SKINS)][: bottom - top, : right - left]
        region = picture[max(top, 0) : bottom, max(left, 0) : right]
        visible = skin[max(-top, 0) :, max(-left, 0) :][: region.shape[0], : region.shape[1]]
        region[..., 0] = 200 + visible // 5
        region[..., 1:] = (visible // 3)[..., None]
    return picture


class RedDetector:
    """Finds connected red areas; counts how often and on what it was asked."""

    name = "red"
    class_names = ("red",)
    memory_frames = 0

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def detect(self, image: NDArray[np.uint8], *, frame_index: int) -> Detections:
        """The red areas of a picture."""
        del frame_index
        self.shapes.append(image.shape)
        red = ((image[..., 0] > 180) & (image[..., 1] < 120) & (image[..., 2] < 120)).astype(np.uint8)
        count, _, stats, _ = cv2.connectedComponentsWithStats(red)
        rows = [stats[i] for i in range(1, count) if stats[i][cv2.CC_STAT_AREA] > 60]
        boxes = np.array([[r[0], r[1], r[0] + r[2], r[1] + r[3]] for r in rows], np.float32).reshape(-1, 4)
        return Detections(boxes, np.full(len(boxes), 0.9, np.float32), np.zeros(len(boxes), np.int64))

    def describe(self) -> dict[str, str | int | float | bool]:
        """Its name."""
        return {"detector": self.name}


def walkers(t: int) -> list[Box]:
    """Three boxes that walk to and fro, none over another."""
    swing = 60 * np.sin(t / 25)
    return [
        (100 + swing, 20, 124 + swing, 60),
        (180 - swing, 90, 204 - swing, 130),
        (110 + swing, 170, 134 + swing, 210),
    ]


def save_ncc_model(path: Path) -> None:
    """Save a tree for which low correlation is high risk."""
    x = np.zeros((300, 5))
    x[:, 1] = np.linspace(0, 1, 300)
    save_estimator(DecisionTreeClassifier(max_depth=3).fit(x, np.repeat(np.array(LABELS), 100)), path)
