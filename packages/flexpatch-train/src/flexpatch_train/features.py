"""The five features of a track from which a tree tells whether flow still holds on to the object.

They are the features of FlexPatch (Yang, Yi, Lee and Lee, INFOCOM 2022), each with one definition:

===========  ===========================================================================================
min_eig      log10 of the median smaller eigenvalue at the surviving points: how well the texture can be followed
ncc          zero-mean normalised cross-correlation of the box now with the box when it was detected, in [-1, 1]
accel        change of the object's own velocity (camera motion removed), in box heights a second
flow_std     square root of the trace of the covariance of the flow vectors, in pixels
confidence   the detector's score of the detection that started the track, in [0, 1]
===========  ===========================================================================================

A value that cannot be known is NaN, never zero and never the one of the frame before: ``accel`` on the first step of a
track, ``ncc`` of a patch without contrast.
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from flexpatch_train.tracker import FlowStep, nan_median

FEATURES = ("min_eig", "ncc", "accel", "flow_std", "confidence")

PATCH_SIZE = (32, 64)
"""Width and height in pixels to which boxes are scaled before they are correlated."""

PREPROCESSING = {
    "grey": "full-range BT.601 luma",
    "patch_width_px": PATCH_SIZE[0],
    "patch_height_px": PATCH_SIZE[1],
    "patch_filter": "bilinear cut at sub-pixel position, then area average",
    "accel": "box heights a second",
    "min_eig": "log10",
    "unknown": "NaN",
}
"""How frames become features; it stands in the manifest of every model."""

_MIN_CONTRAST = 2.0  # grey levels of standard deviation; below it a correlation measures noise
_MIN_EIG_FLOOR = 1e-6

Floats = NDArray[np.float64]
Gray = NDArray[np.uint8]


class TrackFeatures:
    """Computes the features of every live track, step by step.

    It remembers for each track what the next step needs: the patch at detection, the detector's score and the last
    velocity. Call ``start`` for new tracks, ``measure`` after every step.
    """

    def __init__(self) -> None:
        self._patches: dict[int, NDArray[np.float32]] = {}
        self._confidence: dict[int, float] = {}
        self._velocity: dict[int, Floats] = {}

    def start(
        self, gray: Gray, track_ids: Iterable[int], boxes: NDArray[np.floating], confidence: NDArray[np.floating]
    ) -> None:
        """Remember new tracks as their detector saw them.

        Args:
            gray: uint8 ``(H, W)``, the frame of the detection.
            track_ids: ``N`` ids.
            boxes: ``(N, 4)``, ``xyxy`` pixels.
            confidence: ``(N,)`` scores in [0, 1].
        """
        patches = standard_patches(gray, boxes)
        for track_id, patch, score in zip(track_ids, patches, confidence, strict=True):
            self._patches[int(track_id)] = patch
            self._confidence[int(track_id)] = float(score)

    def measure(self, gray: Gray, step: FlowStep, step_seconds: float) -> Floats:
        """The features of the tracks of a step.

        Args:
            gray: uint8 ``(H, W)``, the frame the step arrived at.
            step: what ``FlowTracker.step`` returned.
            step_seconds: presentation time between the two frames, more than 0.

        Returns:
            float64 ``(N, 5)`` in the order of ``FEATURES``; NaN where a value is not defined.
        """
        ids = [int(i) for i in step.track_ids]
        flow = np.where(step.alive[..., None], step.flow, np.nan)
        table = np.full((len(ids), len(FEATURES)), np.nan)
        if ids:
            table[:, 0] = log_min_eig(step.min_eig, step.alive)
            table[:, 1] = zncc(np.stack([self._patches[i] for i in ids]), standard_patches(gray, step.boxes))
            velocity = (nan_median(flow, axis=1) - step.camera_flow) / step_seconds
            before = np.array([self._velocity.get(i, (np.nan, np.nan)) for i in ids])
            heights = np.maximum(step.boxes[:, 3] - step.boxes[:, 1], 1.0)
            table[:, 2] = np.linalg.norm(velocity - before, axis=1) / heights
            table[:, 3] = flow_std(step.flow, step.alive)
            table[:, 4] = [self._confidence[i] for i in ids]
            self._velocity.update(zip(ids, velocity, strict=True))
        for track_id in step.ended:
            self.stop(track_id)
        return table

    def stop(self, track_id: int) -> None:
        """Forget a track; an unknown one is ignored."""
        for memory in (self._patches, self._confidence, self._velocity):
            memory.pop(track_id, None)


def log_min_eig(min_eig: Floats, alive: NDArray[np.bool_]) -> Floats:
    """log10 of the median smaller eigenvalue over the surviving points: ``(N, P)`` to ``(N,)``, NaN without points."""
    median = nan_median(np.where(alive, min_eig, np.nan), axis=1)
    return np.asarray(np.log10(np.maximum(median, _MIN_EIG_FLOOR)))


def flow_std(flow: Floats, alive: NDArray[np.bool_]) -> Floats:
    """Spread of the flow vectors: sqrt(trace(cov(dx, dy))) over the surviving points, in pixels.

    A movement shared by all points, however large, gives 0.

    Args:
        flow: float64 ``(N, P, 2)``.
        alive: bool ``(N, P)``.

    Returns:
        float64 ``(N,)``; NaN with fewer than two surviving points.
    """
    weight = alive[..., None].astype(np.float64)
    count = weight.sum(axis=1)
    safe = np.maximum(count, 1)
    mean = (flow * weight).sum(axis=1) / safe
    variance = (((flow - mean[:, None]) ** 2) * weight).sum(axis=1) / safe
    spread = np.sqrt(variance.sum(axis=1))
    return np.where(count[:, 0] >= 2, spread, np.nan)


def standard_patches(gray: Gray, boxes: NDArray[np.floating]) -> NDArray[np.float32]:
    """Every box cut out at its sub-pixel position and scaled to ``PATCH_SIZE``.

    Args:
        gray: uint8 ``(H, W)``.
        boxes: ``(N, 4)``, ``xyxy`` pixels; the frame's edge is repeated outwards where a box reaches past it.

    Returns:
        float32 ``(N, 64, 32)``.
    """
    width, height = PATCH_SIZE
    patches = np.empty((len(boxes), height, width), np.float32)
    limit = (gray.shape[1], gray.shape[0])
    for patch, (x0, y0, x1, y1) in zip(patches, boxes, strict=True):
        size = (min(max(round(x1 - x0), 1), limit[0]), min(max(round(y1 - y0), 1), limit[1]))
        # Pixel i covers [i, i + 1), so a box's centre lies half a pixel past the centre that OpenCV counts from.
        cut = cv2.getRectSubPix(gray, size, ((x0 + x1 - 1) / 2, (y0 + y1 - 1) / 2))
        patch[:] = cv2.resize(cut, PATCH_SIZE, interpolation=cv2.INTER_AREA)
    return patches


def zncc(first: NDArray[np.float32], second: NDArray[np.float32]) -> Floats:
    """Zero-mean normalised cross-correlation of pairs of patches.

    Args:
        first: float32 ``(N, h, w)``.
        second: float32 ``(N, h, w)``.

    Returns:
        float64 ``(N,)`` in [-1, 1]; NaN where either patch has too little contrast to be told from another.
    """
    a = first.reshape(len(first), -1).astype(np.float64)
    b = second.reshape(len(second), -1).astype(np.float64)
    a -= a.mean(axis=1, keepdims=True)
    b -= b.mean(axis=1, keepdims=True)
    norm_a, norm_b = np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1)
    floor = _MIN_CONTRAST * np.sqrt(a.shape[1])
    usable = (norm_a > floor) & (norm_b > floor)
    dot = np.einsum("nk,nk->n", a, b)
    return np.where(usable, np.clip(dot / np.where(usable, norm_a * norm_b, 1), -1, 1), np.nan)
