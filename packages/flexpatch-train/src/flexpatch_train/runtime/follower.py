"""Following objects between detections, and bringing them up to date when the detector has looked.

Shared by FlexPatch and by the baselines it is compared with, so that a comparison is of what they show the detector
and of nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from flexpatch_train.detections import Detections
from flexpatch_train.features import FEATURES, TrackFeatures
from flexpatch_train.runtime.tracked import TrackedObject
from flexpatch_train.tracker import FlowTracker
from footage.metrics.boxes import iou_matrix

Floats = NDArray[np.float64]
Gray = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowOptions:
    """When an object begins, goes on and ends.

    Attributes:
        match_iou: least overlap of a detection with a followed object to be that object.
        start_score: least score of a detection to become a new object.
        misses_to_end: how often in a row an object may be looked for in vain before it is dropped.
        max_unseen_frames: an object not confirmed for this long is dropped.
    """

    match_iou: float = 0.3
    start_score: float = 0.4
    misses_to_end: int = 2
    max_unseen_frames: int = 60


class ObjectFollower:
    """The followed objects, their flow tracker and their features.

    Args:
        frame_size: width and height in pixels.
        options: when objects begin and end.
        feature_names: which features are measured; each object's ``features`` hold them in this order.
    """

    def __init__(
        self,
        frame_size: tuple[int, int],
        options: FollowOptions | None = None,
        feature_names: Sequence[str] = FEATURES,
    ) -> None:
        self._limits = np.array([*frame_size, *frame_size], np.float64)
        self._options = options if options is not None else FollowOptions()
        self._tracker = FlowTracker()
        self._features = TrackFeatures(feature_names)
        self._objects: dict[int, TrackedObject] = {}  # by the tracker's id, which changes with every detection
        self._next_object_id = 1

    @property
    def objects(self) -> list[TrackedObject]:
        """What is followed at the moment."""
        return list(self._objects.values())

    @property
    def boxes(self) -> Floats:
        """float64 ``(N, 4)``: the objects' boxes, ``xyxy`` pixels; they may reach past the frame."""
        return np.array([item.box for item in self._objects.values()]).reshape(-1, 4)

    def follow(self, gray: Gray, step_seconds: float) -> None:
        """Move every object into the next frame; those the tracker loses are dropped.

        Args:
            gray: uint8 ``(H, W)``.
            step_seconds: presentation time since the frame before.
        """
        step = self._tracker.step(gray)
        table = self._features.measure(gray, step, step_seconds)
        for track_id in step.ended:
            del self._objects[track_id]
        for track_id, box, features in zip(step.track_ids.tolist(), step.boxes, table, strict=True):
            item = self._objects[track_id]
            item.box, item.features = box, features
            item.frames_since_detection += 1
            item.frames_since_patch += 1

    def merge(self, gray: Gray, found: Detections, shown: Floats) -> None:
        """Detections to objects, one to one; objects looked for in vain and new ones.

        Args:
            gray: uint8 ``(H, W)``, the frame of the detections.
            found: what the detector saw in it.
            shown: float64 ``(S, 4)``, the parts of the frame that the detector was shown.
        """
        track_ids, boxes = list(self._objects), self.boxes
        rows, columns = self._match(found, boxes)
        confirmed = {track_ids[column]: row for row, column in zip(rows.tolist(), columns.tolist(), strict=True)}
        self._go_on(gray, found, confirmed)
        missing = np.ones(len(track_ids), bool)
        missing[columns] = False
        self._miss([track_ids[i] for i in np.flatnonzero(missing).tolist()], boxes[missing], shown)
        is_fresh = found.scores >= self._options.start_score
        is_fresh[rows] = False
        fresh = found.select(is_fresh)
        if len(fresh) and self._objects:
            fresh = fresh.select(iou_matrix(fresh.boxes, self.boxes).max(axis=1) < self._options.match_iou)
        self._start(gray, fresh)

    def _match(self, found: Detections, boxes: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Which detections are which objects: rows of ``found``, and as many places among the objects."""
        if not len(boxes) or not len(found):
            return np.zeros(0, np.intp), np.zeros(0, np.intp)
        overlap = iou_matrix(found.boxes, boxes)
        overlap[found.class_ids[:, None] != np.array([item.class_id for item in self._objects.values()])] = 0
        rows, columns = linear_sum_assignment(overlap, maximize=True)
        enough = overlap[rows, columns] >= self._options.match_iou
        return rows[enough], columns[enough]

    def _miss(self, track_ids: list[int], boxes: Floats, shown: Floats) -> None:
        """Objects that were not confirmed: count a miss where they were shown, drop those that ended."""
        visible = np.clip(boxes, 0, self._limits)[:, None]
        begins, goes_on = shown[:, :2] <= visible[..., :2] + 1, shown[:, 2:] >= visible[..., 2:] - 1
        looked_for = np.any((begins & goes_on).all(axis=2), axis=1)
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2
        outside = np.any((centres < 0) | (centres >= self._limits[:2]), axis=1)
        ended = []
        for track_id, was_looked_for, is_out in zip(track_ids, looked_for.tolist(), outside.tolist(), strict=True):
            item = self._objects[track_id]
            if was_looked_for:
                item.frames_since_patch = 0
                item.misses += 1
            unseen = item.frames_since_detection > self._options.max_unseen_frames
            if item.misses >= self._options.misses_to_end or unseen or is_out:
                ended.append(track_id)
        self._drop(ended)

    def _go_on(self, gray: Gray, found: Detections, confirmed: dict[int, int]) -> None:
        """Confirmed objects go on from where the detector saw them."""
        rows = np.array(list(confirmed.values()), np.intp)
        items = [self._objects[track_id] for track_id in confirmed]
        self._drop(list(confirmed))
        for item, row in zip(items, rows.tolist(), strict=True):
            item.score = float(found.scores[row])
            item.frames_since_detection = item.frames_since_patch = item.misses = 0
        self._enter(gray, found.select(rows), items)

    def _start(self, gray: Gray, found: Detections) -> None:
        unknown = np.full(len(self._features.names), np.nan)
        items = []
        for box, score, class_id in zip(found.boxes, found.scores.tolist(), found.class_ids.tolist(), strict=True):
            items.append(TrackedObject(self._next_object_id, box.astype(np.float64), score, class_id, unknown))
            self._next_object_id += 1
        self._enter(gray, found, items)

    def _enter(self, gray: Gray, found: Detections, items: list[TrackedObject]) -> None:
        if not items:
            return
        boxes = found.boxes.astype(np.float64)
        track_ids = self._tracker.start(gray, boxes)
        self._features.start(gray, track_ids, boxes, found.scores)
        for track_id, item, box in zip(track_ids.tolist(), items, boxes, strict=True):
            item.box, item.features = box, np.full(len(self._features.names), np.nan)
            self._objects[track_id] = item

    def _drop(self, track_ids: list[int]) -> None:
        if not track_ids:
            return
        self._tracker.stop(np.array(track_ids, np.int64))
        for track_id in track_ids:
            del self._objects[track_id]
            self._features.stop(track_id)
