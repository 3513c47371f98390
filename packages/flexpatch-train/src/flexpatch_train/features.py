"""The features of a track from which a model tells whether flow still holds on to the object.

``FEATURES`` are those of FlexPatch (Yang, Yi, Lee and Lee, INFOCOM 2022), each with one definition:

===========  ===========================================================================================
min_eig      log10 of the median smaller eigenvalue at the surviving points: how well the texture can be followed
ncc          zero-mean normalised cross-correlation of the box now with the box when it was detected, in [-1, 1]
accel        change of the object's own velocity (camera motion removed), in box heights a second
flow_std     square root of the trace of the covariance of the flow vectors, in pixels
confidence   the detector's score of the detection that started the track, in [0, 1]
===========  ===========================================================================================

``EXTRA_FEATURES`` may be asked for beside them. Together they cost next to nothing:

===========  ===========================================================================================
survival     share of the points the track started with that survive, in [0, 1]
covered      share of the box that lies under the one other followed box that covers most of it, in [0, 1]
covered_max  largest ``covered`` since the detection, in [0, 1]
ncc_min      smallest ``ncc`` since the detection, in [-1, 1]
ncc_drop     ``ncc`` of the frame before minus ``ncc``, in [-2, 2]
moved        distance from the place of the detection (camera motion removed), in box heights
age_frames   frames since the detection, 1 in the frame after it
===========  ===========================================================================================

A value that cannot be known is NaN, never zero and never the one of the frame before: ``accel`` and ``ncc_drop`` on the
first step of a track, ``ncc`` of a patch without contrast.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from flexpatch_train.appearance import PATCH_SIZE, standard_patches, zncc
from flexpatch_train.tracker import FlowStep, nan_median

FEATURES = ("min_eig", "ncc", "accel", "flow_std", "confidence")
EXTRA_FEATURES = ("survival", "covered", "covered_max", "ncc_min", "ncc_drop", "moved", "age_frames")
EXTENDED_FEATURES = FEATURES + EXTRA_FEATURES
_COMPARING = frozenset({"ncc", "ncc_min", "ncc_drop"})  # need the patch at the detection

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

_MIN_EIG_FLOOR = 1e-6

Floats = NDArray[np.float64]
Gray = NDArray[np.uint8]


@dataclass(slots=True)
class _Memory:
    """What is remembered of a track: its detection, and those values of the last step that the next one needs."""

    patch: NDArray[np.float32]
    confidence: float
    group: int
    age_frames: int = 0
    velocity: Floats = field(default_factory=lambda: np.full(2, np.nan))
    moved_px: Floats = field(default_factory=lambda: np.zeros(2))
    ncc: float = np.nan
    ncc_min: float = np.nan
    covered_max: float = 0.0


_REMEMBERED = {"velocity", "moved_px", "ncc", "ncc_min", "covered_max"}


class TrackFeatures:
    """Computes the features of every live track, step by step.

    It remembers for each track what the next step needs: the patch at detection, the detector's score, the last
    velocity and the like. Call ``start`` for new tracks, ``measure`` after every step.

    Args:
        names: which of ``EXTENDED_FEATURES``, in the order in which they are wanted; may be empty. What none of them
            needs is not computed.

    Raises:
        ValueError: there is no feature of a name.
    """

    def __init__(self, names: Sequence[str] = FEATURES) -> None:
        unknown = [name for name in names if name not in _COLUMNS]
        if unknown:
            raise ValueError(f"no such features: {', '.join(unknown)} (known: {', '.join(EXTENDED_FEATURES)})")
        self.names = tuple(names)
        self._compares = not _COMPARING.isdisjoint(names)
        self._memory: dict[int, _Memory] = {}

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
            group: tracks of one group are of different objects, and only they cover each other; those of another group
                may be of the same objects.
        """
        patches = standard_patches(gray, boxes) if self._compares else np.zeros((len(boxes), 0, 0), np.float32)
        for track_id, patch, score in zip(track_ids, patches, confidence, strict=True):
            self._memory[int(track_id)] = _Memory(patch, float(score), group)

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
        memory = [self._memory[track_id] for track_id in step.track_ids.tolist()]
        if not memory or not self.names:
            return np.zeros((len(memory), len(self.names)))
        for item in memory:
            item.age_frames += 1
        now = _Moment(gray, step, step_seconds, memory)
        table = np.stack([_COLUMNS[name](now) for name in self.names], axis=1)
        now.remember()
        return table

    def stop(self, track_id: int) -> None:
        """Forget a track; an unknown one is ignored."""
        self._memory.pop(track_id, None)


class _Moment:
    """One step of all tracks: what more than one value comes from is computed once, and only when it is asked for."""

    def __init__(self, gray: Gray, step: FlowStep, step_seconds: float, memory: list[_Memory]) -> None:
        self.step = step
        self.memory = memory
        self._gray = gray
        self._step_seconds = step_seconds

    @cached_property
    def heights_px(self) -> Floats:
        return np.maximum(self.step.boxes[:, 3] - self.step.boxes[:, 1], 1.0)

    @cached_property
    def own_flow(self) -> Floats:
        """``(N, 2)``: the median flow without the camera's part, pixels."""
        flow = np.where(self.step.alive[..., None], self.step.flow, np.nan)
        return nan_median(flow, axis=1) - self.step.camera_flow

    @cached_property
    def velocity(self) -> Floats:
        return self.own_flow / self._step_seconds

    @cached_property
    def moved_px(self) -> Floats:
        return np.array([item.moved_px for item in self.memory]) + self.own_flow

    @cached_property
    def ncc(self) -> Floats:
        return zncc(np.stack([item.patch for item in self.memory]), standard_patches(self._gray, self.step.boxes))

    @cached_property
    def ncc_min(self) -> Floats:
        return np.fmin(self.ncc, self.last("ncc_min"))

    @cached_property
    def covered(self) -> Floats:
        return covered(self.step.boxes, np.array([item.group for item in self.memory]))

    @cached_property
    def covered_max(self) -> Floats:
        return np.maximum(self.covered, self.last("covered_max"))

    def last(self, name: str) -> Floats:
        """What the memory of each track holds under a name."""
        return np.array([getattr(item, name) for item in self.memory], np.float64)

    def remember(self) -> None:
        """Hand on what was computed; what was not, no feature wants."""
        for name in _REMEMBERED & vars(self).keys():
            for item, value in zip(self.memory, getattr(self, name), strict=True):
                setattr(item, name, value)


def _accel(now: _Moment) -> Floats:
    return np.asarray(np.linalg.norm(now.velocity - now.last("velocity"), axis=1) / now.heights_px)


_COLUMNS: dict[str, Callable[[_Moment], Floats]] = {
    "min_eig": lambda now: log_min_eig(now.step.min_eig, now.step.alive),
    "ncc": lambda now: now.ncc,
    "accel": _accel,
    "flow_std": lambda now: flow_std(now.step.flow, now.step.alive),
    "confidence": lambda now: now.last("confidence"),
    "survival": lambda now: now.step.survival,
    "covered": lambda now: now.covered,
    "covered_max": lambda now: now.covered_max,
    "ncc_min": lambda now: now.ncc_min,
    "ncc_drop": lambda now: now.last("ncc") - now.ncc,
    "moved": lambda now: np.asarray(np.linalg.norm(now.moved_px, axis=1) / now.heights_px),
    "age_frames": lambda now: now.last("age_frames"),
}


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


def covered(boxes: Floats, groups: NDArray[np.int64]) -> Floats:
    """Share of each box that the one other box of its group covers most, in [0, 1]; 0 for a box alone.

    Args:
        boxes: float64 ``(N, 4)``, ``xyxy`` pixels.
        groups: int64 ``(N,)``.

    Returns:
        float64 ``(N,)``.
    """
    corner = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:]) - np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    common = np.clip(corner, 0, None).prod(axis=2)
    common[groups[:, None] != groups[None]] = 0
    np.fill_diagonal(common, 0)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return np.asarray(common.max(axis=1, initial=0) / np.maximum(area, 1e-9))
