"""Moving objects without any weights: what differs from a background laid over by the camera's motion."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from flexpatch_train.detections import Detections
from flexpatch_train.detectors.blobs import find_blobs
from flexpatch_train.detectors.camera import Break, camera_motion
from footage.errors import ModelError

_WORK_WIDTH_PX = 480
# A background sample every eighth frame, nine of them: something is background where it is seen in most of 72 frames.
_STRIDE_FRAMES = 8
_SAMPLES = 9
_RECENT_FRAMES = 6
# The longest that a camera's standing still is measured against one frame.
_ANCHOR_FRAMES = 24
_FEWEST_SAMPLES = 5
# A sample that shows less of the current picture than this helps little.
_LEAST_COVERAGE = 0.6
_NOISE_FACTOR = 5.0
_LEAST_THRESHOLD = 15.0
# Fine texture that is laid over up to a pixel off is not motion.
_TOLERANCE = np.ones((3, 3), np.uint8)


@dataclass(slots=True)
class _Sample:
    """An earlier picture and the homography from its pixels to the current one's."""

    picture: NDArray[np.uint8]
    frame_index: int
    to_current: NDArray[np.float64]

    def moved(self, motion: NDArray[np.float64]) -> _Sample:
        return _Sample(self.picture, self.frame_index, motion @ self.to_current)


@dataclass(frozen=True, slots=True)
class _Layer:
    """An earlier picture laid over the current one, and 1 where it shows something, else 0."""

    picture: NDArray[np.uint8]
    shown: NDArray[np.uint8]

    @property
    def coverage(self) -> float:
        return float(self.shown.mean())


class MotionDetector:
    """Boxes around what moves against the scene, for static and moving cameras.

    At about 480 px width, earlier pictures are laid over the current one by the camera's motion; their median is the
    background. What differs from it by more than noise (median absolute deviation) and by more than a pixel of
    misplacement explains is an object. The answer for a frame depends on that frame and the 96 before it only: after a
    pause of the run those are enough to go on exactly. What stands still for most of 72 fades into the background.

    Args:
        confidence: detections that score less are dropped, in [0, 1].
        classes: None, or the one name it has, ``"moving"``.

    Raises:
        ModelError: classes that motion cannot tell.
    """

    name = "motion"
    class_names = ("moving",)
    memory_frames = _STRIDE_FRAMES * _SAMPLES + _ANCHOR_FRAMES

    def __init__(self, *, confidence: float = 0.25, classes: tuple[str, ...] | None = None) -> None:
        if classes is not None and any(name not in self.class_names for name in classes):
            raise ModelError(
                f"motion cannot tell {', '.join(classes)} from anything else that moves",
                remedy="give the weights of a detector that knows these classes",
            )
        self._confidence = confidence
        self._samples: deque[_Sample] = deque(maxlen=_SAMPLES)
        self._recent: deque[_Sample] = deque(maxlen=_RECENT_FRAMES)
        self._anchor: NDArray[np.uint8] | None = None
        self._frame_index = 0

    def detect(self, image: NDArray[np.uint8], *, frame_index: int) -> Detections:
        """The objects that move in frame ``frame_index``; none in the first frame and the first after a cut."""
        picture = _reduced(image)
        grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
        if self._anchor is None or frame_index != self._frame_index + 1 or grey.shape != self._anchor.shape:
            self._forget()
            self._anchor = grey
        else:
            self._follow(self._anchor, grey)
        found = self._find(picture, (image.shape[1], image.shape[0]))
        sample = _Sample(picture, frame_index, np.eye(3))
        self._recent.append(sample)
        if frame_index % _STRIDE_FRAMES == 0:
            self._samples.append(sample)
        if frame_index % _ANCHOR_FRAMES == 0:
            self._anchor = grey
        self._frame_index = frame_index
        return found

    def describe(self) -> dict[str, str | int | float | bool]:
        """The settings the boxes depend on."""
        return {
            "detector": self.name,
            "confidence": self._confidence,
            "work_width_px": _WORK_WIDTH_PX,
            "background_frames": _STRIDE_FRAMES * _SAMPLES,
            "least_threshold": _LEAST_THRESHOLD,
        }

    def _forget(self) -> None:
        self._samples.clear()
        self._recent.clear()
        self._anchor = None

    def _follow(self, anchor: NDArray[np.uint8], grey: NDArray[np.uint8]) -> None:
        """Move everything remembered along with the camera, which is measured against the anchor.

        The anchor stays while the camera does: measured from frame to frame, a slow pan would pass for standing still.
        """
        motion = camera_motion(anchor, grey)
        if isinstance(motion, Break):
            self._forget()
        elif not np.array_equal(motion, np.eye(3)):
            self._samples = deque((sample.moved(motion) for sample in self._samples), _SAMPLES)
            self._recent = deque((sample.moved(motion) for sample in self._recent), _RECENT_FRAMES)
        else:
            return
        self._anchor = grey

    def _find(self, picture: NDArray[np.uint8], size: tuple[int, int]) -> Detections:
        layers = [layer for layer in map(_laid_over, self._samples) if layer.coverage >= _LEAST_COVERAGE]
        if len(layers) < _FEWEST_SAMPLES:
            # A young run and a fast pan make do with every other of the last few frames.
            recent = list(self._recent)[-2::-2]
            layers += [_laid_over(sample) for sample in recent if sample.frame_index % _STRIDE_FRAMES]
        if not layers and self._recent:
            layers = [_laid_over(self._recent[-1])]
        if not layers:
            return Detections.empty()
        difference = _difference(picture, layers)
        noise = 1.4826 * float(np.median(difference[::2, ::2]))
        threshold = max(_LEAST_THRESHOLD, _NOISE_FACTOR * noise)
        blobs = find_blobs(difference, threshold)
        if not blobs:
            return Detections.empty()
        height, width = difference.shape
        boxes = np.array([[blob.x0, blob.y0, blob.x1, blob.y1] for blob in blobs], np.float64)
        boxes *= np.array([size[0] / width, size[1] / height] * 2)
        scores = np.array([blob.score(threshold) for blob in blobs], np.float32)
        found = Detections(boxes.astype(np.float32), scores, np.zeros(len(blobs), np.int64))
        return found.select(scores >= self._confidence)


def _reduced(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture at no more than the working width, slightly smoothed."""
    height, width = image.shape[:2]
    if width > _WORK_WIDTH_PX:
        size = (_WORK_WIDTH_PX, max(1, round(height * _WORK_WIDTH_PX / width)))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.GaussianBlur(image, (3, 3), 0), np.uint8)


def _laid_over(sample: _Sample) -> _Layer:
    height, width = sample.picture.shape[:2]
    if np.array_equal(sample.to_current, np.eye(3)):
        return _Layer(sample.picture, np.ones((height, width), np.uint8))
    shown = cv2.warpPerspective(np.ones((height, width), np.uint8), sample.to_current, (width, height))
    picture = cv2.warpPerspective(sample.picture, sample.to_current, (width, height))
    return _Layer(np.asarray(picture, np.uint8), np.asarray(shown, np.uint8))


def _difference(picture: NDArray[np.uint8], layers: list[_Layer]) -> NDArray[np.uint8]:
    """Grey levels ``(H, W)`` between the picture and its background, in the channel where they differ most."""
    # Two pictures have no median: then only what differs from both moves.
    backgrounds = [_median(layers)] if len(layers) >= 3 else [layer.picture for layer in layers]
    differences = [_beyond_texture(picture, background) for background in backgrounds]
    lowest = np.minimum.reduce(differences)
    strongest = np.asarray(lowest.max(axis=2), np.uint8)
    seen = np.sum([layer.shown for layer in layers], axis=0, dtype=np.uint8)
    strongest[seen < (len(layers) + 1) // 2 if len(layers) >= 3 else seen < len(layers)] = 0
    return strongest


def _beyond_texture(picture: NDArray[np.uint8], background: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """How far the picture lies outside the background's range over 3 by 3 pixels."""
    above = cv2.subtract(picture, cv2.dilate(background, _TOLERANCE))
    below = cv2.subtract(cv2.erode(background, _TOLERANCE), picture)
    return np.asarray(cv2.max(above, below), np.uint8)


def _median(layers: list[_Layer]) -> NDArray[np.uint8]:
    """The median of each value over the layers, by odd-even transposition sort: ten times as fast as numpy's."""
    ordered = []
    for i, layer in enumerate(layers):
        # What a layer does not show is white in every other one and black in the rest, and leaves the median alone.
        filled = layer.picture if i % 2 else cv2.max(layer.picture, cv2.merge([(layer.shown ^ 1) * np.uint8(255)] * 3))
        ordered.append(np.asarray(filled, np.uint8))
    for turn in range(len(ordered)):
        for i in range(turn % 2, len(ordered) - 1, 2):
            low, high = cv2.min(ordered[i], ordered[i + 1]), cv2.max(ordered[i], ordered[i + 1])
            ordered[i], ordered[i + 1] = np.asarray(low, np.uint8), np.asarray(high, np.uint8)
    return ordered[len(ordered) // 2]
