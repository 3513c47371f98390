"""Detections: what every detector returns and every later stage reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Detections:
    """The objects found in one frame.

    Attributes:
        boxes: float32 ``(N, 4)``, ``xyxy`` in pixels of the frame given to the detector.
        scores: float32 ``(N,)`` in [0, 1].
        class_ids: int64 ``(N,)``, indices into the detector's class names.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int64]

    def __post_init__(self) -> None:
        count = len(self.boxes)
        if self.boxes.shape != (count, 4) or self.scores.shape != (count,) or self.class_ids.shape != (count,):
            msg = (
                f"boxes {self.boxes.shape}, scores {self.scores.shape} and classes {self.class_ids.shape} do not match"
            )
            raise ValueError(msg)

    def __len__(self) -> int:
        """The number of objects."""
        return len(self.boxes)

    @classmethod
    def empty(cls) -> Detections:
        """No objects."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))

    def select(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> Detections:
        """The detections at a boolean mask or at indices, in that order."""
        return Detections(self.boxes[which], self.scores[which], self.class_ids[which])
