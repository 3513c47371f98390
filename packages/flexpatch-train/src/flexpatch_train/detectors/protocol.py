"""What a detector is to the rest of the tool."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from flexpatch_train.detections import Detections


class Detector(Protocol):
    """Finds the objects of one frame.

    Frames are given in order where :attr:`memory_frames` is not 0; a detector with a memory forgets it when
    ``frame_index`` is not the last one plus one.
    """

    @property
    def name(self) -> str:
        """The kind in one word, for example ``"onnx"``."""
        ...

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names by class id."""
        ...

    @property
    def memory_frames(self) -> int:
        """How many frames just before a frame it must have seen to answer for it as in an unbroken run."""
        ...

    def detect(self, image: NDArray[np.uint8], *, frame_index: int) -> Detections:
        """Find the objects of an RGB picture ``(H, W, 3)``, the frame ``frame_index`` counted from 0.

        The boxes lie within the picture.
        """
        ...

    def describe(self) -> dict[str, str | int | float | bool]:
        """What a run's manifest needs to name exactly this detector again."""
        ...
