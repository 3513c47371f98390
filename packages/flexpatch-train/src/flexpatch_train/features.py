"""The features of a track from which a tree tells whether flow still holds on to the object.

``FEATURES`` are those of FlexPatch (Yang, Yi, Lee and Lee, INFOCOM 2022), each with one definition:

===========  ===========================================================================================
min_eig      log10 of the median smaller eigenvalue at the surviving points: how well the texture can be followed
ncc          zero-mean normalised cross-correlation of the box now with the box when it was detected, in [-1, 1]
accel        change of the object's own velocity (camera motion removed), in box heights a second
flow_std     square root of the trace of the covariance of the flow vectors, in pixels
confidence   the detector's score of the detection that started the track, in [0, 1]
===========  ===========================================================================================

``EXTRA_FEATURES`` may be asked for beside them:

===========  ===========================================================================================
fb_error     median forward-backward error of the surviving points, in pixels (Kalal et al. 2010)
residual     median grey-level difference of the windows around the two ends of the surviving points
survival     share of the points the track started with that survive, in [0, 1]
inliers      share of the surviving points whose flow is within 1 px of their median flow, in [0, 1]
age_frames   frames since the detection, 1 in the frame after it
height       height of the box in frame heights
covered      share of the box that the one other followed box covering it most covers, in [0, 1]
scale        log2 of the box's height now over its height at the detection
speed        the object's own speed (camera motion removed), in box heights a second
ncc_drop     ``ncc`` of the frame before minus ``ncc``
ncc_min      smallest ``ncc`` since the detection
edge         distance to the nearest edge of the frame in box heights, below 0 past it
moved        distance from the place of the detection, camera motion removed, in box heights
===========  ===========================================================================================

A value that cannot be known is NaN, never zero and never the one of the frame before: ``accel`` on the first step of a
track, ``ncc`` of a patch without contrast.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from flexpatch_train.appearance import PATCH_SIZE, standard_patches, zncc
from flexpatch_train.geometry import covered, edge_distance, flow_std, heights_of, inliers, log_min_eig
from flexpatch_train.tracker import BackwardFlow, FlowStep, nan_median

FEATURES = ("min_eig", "ncc", "accel", "flow_std", "confidence")
EXTRA_FEATURES = (
    "fb_error",
    "residual",
    "survival",
    "inliers",
    "age_frames",
    "height",
    "covered",
    "scale",
    "speed",
    "ncc_drop",
    "ncc_min",
    "edge",
    "moved",
)
EXTENDED_FEATURES = FEATURES + EXTRA_FEATURES

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

Floats = NDArray[np.float64]
Gray = NDArray[np.uint8]


_REMEMBERED = {"velocity", "moved", "ncc", "ncc_min"}


@dataclass(slots=True)
class _Memory:
    """What is remembered of a track; the fields that change hold what the last step left."""

    patch: NDArray[np.float32]
    confidence: float
    box: Floats
    group: int
    age_frames: int = 0
    velocity: Floats = field(default_factory=lambda: np.full(2, np.nan))
    moved: Floats = field(default_factory=lambda: np.zeros(2))
    ncc: float = np.nan
    ncc_min: float = np.nan


class TrackFeatures:
    """Computes the features of every live track, step by step.

    It remembers for each track what the next step needs: the patch at detection, the detector's score, the last
    velocity and the like. Call ``start`` for new tracks, ``measure`` after every step.

    Args:
        names: which features, of ``EXTENDED_FEATURES``, in the order in which they are wanted. Nothing is computed that
            none of them needs.

    Raises:
        ValueError: a name is not known.
    """

    def __init__(self, names: Sequence[str] = FEATURES) -> None:
        unknown = [name for name in names if name not in _COLUMNS]
        if unknown:
            raise ValueError(f"no such features: {', '.join(unknown)}")
        self.names = tuple(names)
        self._memory: dict[int, _Memory] = {}

    @property
    def forward_backward(self) -> bool:
        """Whether the steps must come from a tracker that follows the points back as well."""
        return bool({"fb_error", "residual"} & set(self.names))

    def start(
        self,
        gray: Gray,
        track_ids: Iterable[int],
        boxes: NDArray[np.floating],
        confidence: NDArray[np.floating],
        *,
        group: int = 0,
    ) -> None:
        """Remember new tracks as their detector saw them.

        Args:
            gray: uint8 ``(H, W)``, the frame of the detection.
            track_ids: ``N`` ids.
            boxes: ``(N, 4)``, ``xyxy`` pixels.
            confidence: ``(N,)`` scores in [0, 1].
            group: tracks of one group are of different objects; those of other groups may be of the same.
        """
        patches = standard_patches(gray, boxes)
        rows = zip(track_ids, patches, confidence, np.asarray(boxes, np.float64), strict=True)
        for track_id, patch, score, box in rows:
            self._memory[int(track_id)] = _Memory(patch, float(score), box, group)

    def measure(self, gray: Gray, step: FlowStep, step_seconds: float) -> Floats:
        """The features of the tracks of a step.

        Args:
            gray: uint8 ``(H, W)``, the frame the step arrived at.
            step: what ``FlowTracker.step`` returned.
            step_seconds: presentation time between the two frames, more than 0.

        Returns:
            float64 ``(N, len(names))`` in the order of the names; NaN where a value is not defined.
        """
        for track_id in step.ended:
            self.stop(track_id)
        memory = [self._memory[i] for i in step.track_ids.tolist()]
        if not memory:
            return np.zeros((0, len(self.names)))
        for item in memory:
            item.age_frames += 1
        moment = _Moment(gray, step, step_seconds, memory)
        table = np.stack([_COLUMNS[name](moment) for name in self.names], axis=1)
        moment.remember()
        return table

    def stop(self, track_id: int) -> None:
        """Forget a track; an unknown one is ignored."""
        self._memory.pop(track_id, None)


class _Moment:
    """One step of all tracks; what several features need is computed once, and only if one of them is asked for."""

    def __init__(self, gray: Gray, step: FlowStep, step_seconds: float, memory: list[_Memory]) -> None:
        self.gray = gray
        self.step = step
        self.step_seconds = step_seconds
        self.memory = memory

    @cached_property
    def back(self) -> BackwardFlow:
        if self.step.back is None:
            raise ValueError("a step without backward flow: ask the tracker for it")
        return self.step.back

    @cached_property
    def own_motion(self) -> Floats:
        flow = np.where(self.step.alive[..., None], self.step.flow, np.nan)
        return nan_median(flow, axis=1) - self.step.camera_flow

    @cached_property
    def velocity(self) -> Floats:
        return self.own_motion / self.step_seconds

    @cached_property
    def moved(self) -> Floats:
        return np.array([item.moved for item in self.memory]) + self.own_motion

    @cached_property
    def patches(self) -> NDArray[np.float32]:
        return standard_patches(self.gray, self.step.boxes)

    @cached_property
    def ncc(self) -> Floats:
        return zncc(np.stack([item.patch for item in self.memory]), self.patches)

    @cached_property
    def ncc_min(self) -> Floats:
        return np.fmin(self.ncc, [item.ncc_min for item in self.memory])

    @cached_property
    def heights(self) -> Floats:
        return heights_of(self.step.boxes)

    def remember(self) -> None:
        """Hand on to the next step what was computed in this one; what was not is wanted by no feature."""
        for name in _REMEMBERED & vars(self).keys():
            for item, value in zip(self.memory, getattr(self, name), strict=True):
                setattr(item, name, value)


def _accel(now: _Moment) -> Floats:
    before = np.array([item.velocity for item in now.memory])
    return np.asarray(np.linalg.norm(now.velocity - before, axis=1) / now.heights)


def _scale(now: _Moment) -> Floats:
    return np.asarray(np.log2(now.heights / heights_of(np.array([item.box for item in now.memory]))))


def _median_alive(values: Floats, now: _Moment) -> Floats:
    return nan_median(np.where(now.step.alive, values, np.nan), axis=1)


_COLUMNS: dict[str, Callable[[_Moment], Floats]] = {
    "min_eig": lambda now: log_min_eig(now.step.min_eig, now.step.alive),
    "ncc": lambda now: now.ncc,
    "accel": _accel,
    "flow_std": lambda now: flow_std(now.step.flow, now.step.alive),
    "confidence": lambda now: np.array([item.confidence for item in now.memory]),
    "fb_error": lambda now: _median_alive(now.back.error_px, now),
    "residual": lambda now: _median_alive(now.back.residual, now),
    "survival": lambda now: now.step.survival,
    "inliers": lambda now: inliers(now.step.flow, now.step.alive),
    "age_frames": lambda now: np.array([item.age_frames for item in now.memory], np.float64),
    "height": lambda now: now.heights / now.gray.shape[0],
    "covered": lambda now: covered(now.step.boxes, np.array([item.group for item in now.memory])),
    "scale": _scale,
    "speed": lambda now: np.linalg.norm(now.velocity, axis=1) / now.heights,
    "ncc_drop": lambda now: np.array([item.ncc for item in now.memory]) - now.ncc,
    "ncc_min": lambda now: now.ncc_min,
    "edge": lambda now: edge_distance(now.step.boxes, (now.gray.shape[1], now.gray.shape[0])),
    "moved": lambda now: np.linalg.norm(now.moved, axis=1) / now.heights,
}
