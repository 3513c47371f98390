"""A detector whose calls are counted and timed, and which looks at each whole frame once for all who ask."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flexpatch_train.detections import Detections
from flexpatch_train.detectors.layouts import STRIDES
from flexpatch_train.detectors.protocol import Detector
from footage.errors import ModelError

Picture = NDArray[np.uint8]
PixelCount = Callable[[int, int], int]


@dataclass(frozen=True, slots=True)
class Look:
    """One call of a detector.

    Attributes:
        pixels: of the picture it was given.
        network_pixels: of the picture that its network computed on.
        seconds: wall time.
        cpu_seconds: time of all threads.
    """

    pixels: int
    network_pixels: int
    seconds: float
    cpu_seconds: float


def network_pixels(detector: Detector) -> PixelCount:
    """How many pixels a detector's network computes on for a picture of a width and height.

    A network of one size scales every picture to it, so a small picture costs as much as a large one.
    """
    said = detector.describe()
    width, height = said.get("input_width"), said.get("input_height")
    if not isinstance(width, int) or not isinstance(height, int):
        return lambda w, h: w * h
    if said.get("native_size"):
        return lambda w, h: _rounded_up(w) * _rounded_up(h)
    return lambda _w, _h: width * height


def _rounded_up(side: int) -> int:
    return -(-side // STRIDES[-1]) * STRIDES[-1]


class FrameLooks:
    """What a detector finds in the frame at hand; it looks at the whole frame once, however many ask.

    Args:
        detector: the detector.
    """

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        self._pixels = network_pixels(detector)
        self._frame: Picture | None = None
        self._whole: tuple[Detections, Look] | None = None

    def next_frame(self, frame: Picture) -> None:
        """Forget the last frame and take the next."""
        self._frame, self._whole = frame, None

    def look(self, picture: Picture, frame_index: int) -> tuple[Detections, Look]:
        """The detections in a picture, and what finding them cost, whether now or before."""
        # A canvas may have the frame's size: only the frame itself is the frame.
        is_whole = picture is self._frame
        if is_whole and self._whole is not None:
            return self._whole
        height, width = picture.shape[:2]
        cpu, started = time.process_time(), time.perf_counter()
        found = self.detector.detect(picture, frame_index=frame_index)
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
        answer = found, Look(width * height, self._pixels(width, height), seconds, cpu_seconds)
        if is_whole:
            self._whole = answer
        return answer


class MeteredDetector:
    """A detector for one pipeline: it answers through the shared looks and keeps account.

    Args:
        looks: shared by all pipelines that see the same frames.

    Attributes:
        calls: one entry a call since the last ``take``.
        lookup_seconds: wall time spent on the calls since then, as the pipeline saw it.
        lookup_cpu_seconds: the same of all threads.
    """

    def __init__(self, looks: FrameLooks) -> None:
        self._looks = looks
        self.name = looks.detector.name
        self.class_names = looks.detector.class_names
        self.memory_frames = looks.detector.memory_frames
        self.calls: list[Look] = []
        self.lookup_seconds = 0.0
        self.lookup_cpu_seconds = 0.0

    def detect(self, image: Picture, *, frame_index: int) -> Detections:
        """The objects in a picture."""
        cpu, started = time.process_time(), time.perf_counter()
        found, look = self._looks.look(image, frame_index)
        self.lookup_seconds += time.perf_counter() - started
        self.lookup_cpu_seconds += time.process_time() - cpu
        self.calls.append(look)
        return found

    def describe(self) -> dict[str, str | int | float | bool]:
        """What the detector says of itself."""
        return self._looks.detector.describe()

    def take(self) -> list[Look]:
        """The calls since the last time, and begin anew."""
        calls, self.calls = self.calls, []
        self.lookup_seconds = self.lookup_cpu_seconds = 0.0
        return calls


def require_memoryless(detector: Detector) -> None:
    """Refuse a detector that compares frames: it cannot be shown patches.

    Raises:
        ModelError: it has a memory.
    """
    if detector.memory_frames:
        raise ModelError(
            f"the {detector.name} detector compares frames and cannot look at patches", remedy="give a network"
        )
