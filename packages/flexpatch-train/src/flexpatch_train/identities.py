"""Which boxes belong to the same object: the timelines that labels are read from.

Pseudo ground truth links the detections of all frames into identities; human ground truth brings its own. Either way
the result is an ``Identities``: for each object the frames it was seen in and its box there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from flexpatch_train.detections import Detections
from flexpatch_train.mot import MotRows
from footage.metrics.boxes import iou_matrix

Floats = NDArray[np.float64]

LINK_IOU = 0.3
"""Two detections overlapping less than this are not the same object one frame later (SORT, Bewley et al. 2016)."""
MAX_GAP_FRAMES = 10
"""A detector may miss an object for this long before its identity counts as gone."""
MIN_SIGHTINGS = 3
"""Identities seen less often are taken for false alarms of the detector."""
START_IOU = 0.5
"""A detection is an object of the human ground truth when it overlaps that object by at least this much."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """One object's sightings.

    Attributes:
        frames: int64 ``(S,)``, ascending frame indices.
        boxes: float64 ``(S, 4)``, ``xyxy`` pixels.
    """

    frames: NDArray[np.int64]
    boxes: Floats

    def box_at(self, frame: int) -> Floats | None:
        """The box in a frame, or None where the object was not seen."""
        at = int(np.searchsorted(self.frames, frame))
        if at < len(self.frames) and self.frames[at] == frame:
            return np.asarray(self.boxes[at])
        return None

    @property
    def last_frame(self) -> int:
        """The last frame the object was seen in."""
        return int(self.frames[-1])


@dataclass(frozen=True, slots=True)
class Identities:
    """Every object's timeline, and which object each detection shows.

    Attributes:
        timelines: by object id.
        of_detection: for each frame an object id a detection, None for a detection that shows no known object.
        gone_after_frames: how long an object must have been out of sight to count as gone rather than missed.
        frame_count: the number of frames looked at; nothing is known after the last.
    """

    timelines: dict[int, Timeline]
    of_detection: list[list[int | None]]
    gone_after_frames: int
    frame_count: int

    def has_left(self, object_id: int, frame: int) -> bool | None:
        """Whether an object that is not seen in ``frame`` is gone for good.

        Returns:
            True when it is gone; False when it is seen again later; None when the frames end too early to tell.
        """
        last = self.timelines[object_id].last_frame
        if frame <= last:
            return False
        return True if self.frame_count - 1 - last >= self.gone_after_frames else None


@dataclass(slots=True)
class _Chain:
    """An identity under construction."""

    class_id: int
    frames: list[int] = field(default_factory=list)
    boxes: list[Floats] = field(default_factory=list)
    members: list[tuple[int, int]] = field(default_factory=list)

    def predict(self, frame: int) -> Floats:
        """The last box, moved on with the speed over the last few sightings."""
        box = self.boxes[-1]
        back = min(4, len(self.boxes) - 1)
        if back == 0:
            return box
        velocity = (box - self.boxes[-1 - back]) / (self.frames[-1] - self.frames[-1 - back])
        centre_velocity = (velocity[:2] + velocity[2:]) / 2
        return np.asarray(box + np.tile(centre_velocity, 2) * (frame - self.frames[-1]))


def link(detections: Sequence[Detections], *, max_gap_frames: int = MAX_GAP_FRAMES) -> Identities:
    """Link the detections of consecutive frames into identities: class-aware Hungarian assignment on IoU.

    Args:
        detections: one entry a frame.
        max_gap_frames: how many frames an object may be missed and still be the same object.

    Returns:
        The identities; those with fewer than ``MIN_SIGHTINGS`` sightings are left out.
    """
    chains: list[_Chain] = []
    open_chains: list[_Chain] = []
    for frame, found in enumerate(detections):
        open_chains = [c for c in open_chains if frame - c.frames[-1] <= max_gap_frames + 1]
        for row, chain in _assign(open_chains, found, frame).items():
            _extend(chain, frame, row, found)
        taken = {row for chain in open_chains for at, row in chain.members[-1:] if at == frame}
        for row in range(len(found)):
            if row not in taken:
                chain = _Chain(int(found.class_ids[row]))
                _extend(chain, frame, row, found)
                chains.append(chain)
                open_chains.append(chain)
    of_detection: list[list[int | None]] = [[None] * len(found) for found in detections]
    timelines: dict[int, Timeline] = {}
    for chain in chains:
        if len(chain.frames) >= MIN_SIGHTINGS:
            object_id = len(timelines) + 1
            timelines[object_id] = Timeline(np.array(chain.frames, np.int64), np.array(chain.boxes))
            for frame, row in chain.members:
                of_detection[frame][row] = object_id
    return Identities(timelines, of_detection, max_gap_frames, len(detections))


def from_ground_truth(
    detections: Sequence[Detections], timelines: dict[int, Timeline], *, start_iou: float = START_IOU
) -> Identities:
    """Give detections the identities of human ground truth, one to one.

    Args:
        detections: one entry a frame.
        timelines: the annotated objects, by id.
        start_iou: the least overlap at which a detection shows an annotated object.

    Returns:
        The identities; a detection that overlaps no annotated object has none. Annotation is continuous, so an object
        without a box is gone at once.
    """
    of_detection: list[list[int | None]] = []
    for frame, found in enumerate(detections):
        present = [(object_id, box) for object_id, t in timelines.items() if (box := t.box_at(frame)) is not None]
        row_ids: list[int | None] = [None] * len(found)
        if present and len(found):
            overlap = iou_matrix(found.boxes, np.array([box for _, box in present]))
            for row, column in zip(*linear_sum_assignment(-overlap), strict=True):
                if overlap[row, column] >= start_iou:
                    row_ids[row] = present[column][0]
        of_detection.append(row_ids)
    return Identities(timelines, of_detection, 1, len(detections))


def annotated_timelines(objects: MotRows, frame_count: int) -> dict[int, Timeline]:
    """The timelines of human ground truth within the first ``frame_count`` frames of the video.

    Args:
        objects: ground-truth rows; their frames count from 1 as MOT files do.
        frame_count: the number of frames looked at.
    """
    if objects.ids is None:
        raise ValueError("ground truth without identities")
    frames = objects.frames - 1
    within = frames < frame_count
    timelines = {}
    for object_id in np.unique(objects.ids[within]).tolist():
        rows = np.flatnonzero(within & (objects.ids == object_id))
        timelines[int(object_id)] = Timeline(frames[rows], objects.boxes[rows])
    return timelines


def _assign(chains: list[_Chain], found: Detections, frame: int) -> dict[int, _Chain]:
    """Detections (by row) to the chains they continue."""
    if not chains or not len(found):
        return {}
    overlap = iou_matrix(found.boxes, np.array([c.predict(frame) for c in chains]))
    same_class = found.class_ids[:, None] == np.array([c.class_id for c in chains])[None]
    overlap = np.where(same_class, overlap, 0.0)
    rows, columns = linear_sum_assignment(-overlap)
    return {int(r): chains[c] for r, c in zip(rows, columns, strict=True) if overlap[r, c] >= LINK_IOU}


def _extend(chain: _Chain, frame: int, row: int, found: Detections) -> None:
    chain.frames.append(frame)
    chain.boxes.append(found.boxes[row].astype(np.float64))
    chain.members.append((frame, row))
