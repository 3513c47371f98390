"""The objects that the runtime follows between detections."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(slots=True)
class TrackedObject:
    """One followed object; the runtime updates it in place.

    Attributes:
        object_id: never used twice in a run.
        box: float64 ``(4,)``, ``xyxy`` pixels in the current frame.
        score: the detector's score when it was last seen by it, in [0, 1].
        class_id: the detector's class.
        features: float64, the features that the follower was asked for in their order; NaN where unknown, which is all
            of them in the frame of a detection.
        frames_since_detection: 0 in the frame in which the detector saw it.
        frames_since_patch: frames since its surroundings were last shown to the detector.
        misses: how often in a row its surroundings were shown and it was not found.
    """

    object_id: int
    box: NDArray[np.float64]
    score: float
    class_id: int
    features: NDArray[np.float64]
    frames_since_detection: int = 0
    frames_since_patch: int = 0
    misses: int = 0


@dataclass(frozen=True, slots=True)
class Tracks:
    """The runtime's answer for one frame: detections of this frame united with the boxes followed into it.

    Attributes:
        boxes: float32 ``(N, 4)``, ``xyxy`` pixels, clipped to the frame.
        scores: float32 ``(N,)`` in [0, 1], the detector's when it last saw the object.
        class_ids: int64 ``(N,)``.
        object_ids: int64 ``(N,)``, the same object from frame to frame.
        risks: float32 ``(N,)`` in [0, 1], how likely the box no longer shows its object; 0 in the frame of a detection.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int64]
    object_ids: NDArray[np.int64]
    risks: NDArray[np.float32]

    def __len__(self) -> int:
        """The number of objects."""
        return len(self.boxes)
