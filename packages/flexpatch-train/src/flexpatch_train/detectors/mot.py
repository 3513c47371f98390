"""Detections read from a MOT text file instead of computed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flexpatch_train.detections import Detections
from flexpatch_train.detectors.names import wanted_ids
from flexpatch_train.mot import MotRows, check_fits, ground_truth, read_mot
from footage.dataset.manifest import content_sha256
from footage.errors import DatasetError
from footage.metrics.boxes import clip_boxes

# MOT16 and MOT17 count their classes from 1 in this order.
MOT16_CLASSES = (
    "pedestrian",
    "person on vehicle",
    "car",
    "bicycle",
    "motorbike",
    "non-motorized vehicle",
    "static person",
    "distractor",
    "occluder",
    "occluder on the ground",
    "occluder full",
    "reflection",
)

_LARGEST_CLASS = 10_000


class MotDetector:
    """The boxes that a MOT file holds for each frame.

    A file with identities whose seventh column is only 0 and 1 is ground truth, and its benchmark's rules say which
    rows count. Any other is a list of detections: its scores are used as they are where they lie in [0, 1] and else
    stretched over that range, which keeps their order (detectors of MOT15 and MOT17 score below 0 and above 100).
    """

    name = "mot"
    memory_frames = 0

    def __init__(self, path: Path, *, confidence: float = 0.0, classes: tuple[str, ...] | None = None) -> None:
        rows = read_mot(path)
        self._path = path
        self._sha256 = content_sha256(path)
        self._confidence = confidence
        self._is_ground_truth = rows.ids is not None and bool(np.isin(rows.confidences, (0, 1)).all())
        if self._is_ground_truth:
            rows = ground_truth(rows, where=path).objects
        self._scores, self._is_rescaled = _scores(rows.confidences)
        self.class_names, class_ids = _classes(rows, path)
        kept = self._scores >= confidence
        wanted = wanted_ids(classes, self.class_names, where=str(path))
        if wanted is not None:
            kept &= np.isin(class_ids, wanted)
        self._rows = rows.select(kept)
        self._scores, self._class_ids = self._scores[kept], class_ids[kept]
        self._checked_size: tuple[int, int] | None = None

    def detect(self, image: NDArray[np.uint8], *, frame_index: int) -> Detections:
        """The boxes of line frame ``frame_index + 1``, cut at the picture's edges; none after the file's last frame.

        Raises:
            DatasetError: the file's boxes do not fit pictures of this size.
        """
        size = (image.shape[1], image.shape[0])
        if size != self._checked_size and len(self._rows):
            try:
                check_fits(self._rows, *size, frame_count=int(self._rows.frames[-1]))
            except DatasetError as error:
                raise DatasetError(error.what, where=self._path, remedy=error.remedy) from error
            self._checked_size = size
        first, last = np.searchsorted(self._rows.frames, [frame_index + 1, frame_index + 2])
        boxes = clip_boxes(self._rows.boxes[first:last], size).astype(np.float32)
        inside = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        return Detections(boxes, self._scores[first:last], self._class_ids[first:last]).select(inside)

    def describe(self) -> dict[str, str | int | float | bool]:
        """File, hash, and how its scores were read."""
        return {
            "detector": self.name,
            "file": self._path.name,
            "sha256": self._sha256,
            "boxes": len(self._rows),
            "is_ground_truth": self._is_ground_truth,
            "scores_rescaled": self._is_rescaled,
            "confidence": self._confidence,
        }


def _scores(confidences: NDArray[np.float64]) -> tuple[NDArray[np.float32], bool]:
    low, high = float(confidences.min()), float(confidences.max())
    if low >= 0 and high <= 1:
        return confidences.astype(np.float32), False
    if low == high:
        return np.ones(len(confidences), np.float32), True
    return ((confidences - low) / (high - low)).astype(np.float32), True


def _classes(rows: MotRows, path: Path) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    if rows.class_ids is None:
        return ("object",), np.zeros(len(rows), np.int64)
    low, high = int(rows.class_ids.min()), int(rows.class_ids.max())
    if low >= 1 and high <= len(MOT16_CLASSES):
        return MOT16_CLASSES, rows.class_ids - 1
    if low < 0 or high > _LARGEST_CLASS:
        raise DatasetError(f"classes from {low} to {high} in column 8", where=path, remedy="classes count from 0 or 1")
    return tuple(f"class_{i}" for i in range(high + 1)), rows.class_ids
