"""Tracks set out on detections and followed without any help: where training rows come from.

Every ``stride_frames`` frames a track starts on each detection and is followed by optical flow alone, for at most
``horizon_frames`` frames. So the rows show what a box looks like 1, 2, ... 30 frames after it was last detected, which
is what the runtime will ask about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flexpatch_train.detections import Detections
from flexpatch_train.features import EXTENDED_FEATURES, TrackFeatures
from flexpatch_train.identities import Identities
from flexpatch_train.labels import Outcome, outcome
from flexpatch_train.tracker import FlowTracker
from footage.video.types import Frame

HORIZON_FRAMES = 30
STRIDE_FRAMES = 10
FOLLOW_GONE_FRAMES = 5
"""A track whose object has left is followed this much longer, then it ends: no ghosts."""

MIN_BOX_PX = 8.0
"""Narrower or lower detections hold too few pixels to correlate or to follow."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One box of one track in one frame.

    Attributes:
        start_frame: index of the frame whose detection the track started on.
        detection: row of that detection in its frame.
        frame: index of the frame the box is in, after ``start_frame``.
        time_seconds: presentation time of that frame.
        features: float64, in the order of ``flexpatch_train.features.EXTENDED_FEATURES``.
        box: float64 ``(4,)``, ``xyxy`` pixels.
    """

    start_frame: int
    detection: int
    frame: int
    time_seconds: float
    features: NDArray[np.float64]
    box: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LabelledSample:
    """A sample, the object it set out on, and what became of it."""

    sample: Sample
    object_id: int
    outcome: Outcome


class Rollouts:
    """Feeds frames and detections to a flow tracker and collects the samples."""

    def __init__(self, *, stride_frames: int = STRIDE_FRAMES, horizon_frames: int = HORIZON_FRAMES) -> None:
        self.samples: list[Sample] = []
        self.lost_tracks = 0
        self.started_tracks = 0
        self._stride = stride_frames
        self._horizon = horizon_frames
        self._tracker = FlowTracker()
        self._features = TrackFeatures(EXTENDED_FEATURES)
        self._origin: dict[int, tuple[int, int]] = {}
        self._last_seconds: float | None = None

    def feed(self, frame: Frame, found: Detections) -> None:
        """Follow the live tracks into ``frame``, then start new ones if it is their turn.

        Args:
            frame: the next frame; frames come in order, none left out.
            found: the detections in it.
        """
        if self._last_seconds is not None:
            self._follow(frame, frame.pts_seconds - self._last_seconds)
        self._last_seconds = frame.pts_seconds
        if frame.index % self._stride == 0:
            self._start(frame, found)

    def _follow(self, frame: Frame, step_seconds: float) -> None:
        step = self._tracker.step(frame.gray)
        table = self._features.measure(frame.gray, step, step_seconds)
        self.lost_tracks += len(step.ended)
        expired = []
        for track_id, features, box in zip(step.track_ids.tolist(), table, step.boxes, strict=True):
            start_frame, detection = self._origin[track_id]
            self.samples.append(Sample(start_frame, detection, frame.index, frame.pts_seconds, features, box))
            if frame.index - start_frame >= self._horizon:
                expired.append(track_id)
        self._tracker.stop(np.array(expired, np.int64))
        for track_id in expired:
            self._features.stop(track_id)
        for track_id in [*expired, *step.ended]:
            del self._origin[track_id]

    def _start(self, frame: Frame, found: Detections) -> None:
        sides = found.boxes[:, 2:] - found.boxes[:, :2]
        rows = np.flatnonzero((sides >= MIN_BOX_PX).all(axis=1))
        boxes = found.boxes[rows].astype(np.float64)
        track_ids = self._tracker.start(frame.gray, boxes)
        # Tracks that started on earlier detections of the same objects lie over these: they are no neighbours.
        self._features.start(frame.gray, track_ids, boxes, found.scores[rows], group=frame.index)
        self.started_tracks += len(rows)
        for track_id, row in zip(track_ids.tolist(), rows.tolist(), strict=True):
            self._origin[track_id] = (frame.index, row)


def label_samples(samples: Sequence[Sample], identities: Identities) -> list[LabelledSample]:
    """Label the samples whose outcome is known; the others are left out.

    Left out are samples that started on no known object, those in a moment when the object was missed, and those more
    than ``FOLLOW_GONE_FRAMES`` after the object left.

    Args:
        samples: as ``Rollouts`` collected them.
        identities: who was where, over the same frames.

    Returns:
        The labelled samples, ordered by object, start and frame.
    """
    labelled = []
    for sample in samples:
        object_id = identities.of_detection[sample.start_frame][sample.detection]
        if object_id is None:
            continue
        if sample.frame > identities.timelines[object_id].last_frame + FOLLOW_GONE_FRAMES:
            continue
        result = outcome(identities, object_id, sample.frame, sample.box)
        if result is not None:
            labelled.append(LabelledSample(sample, object_id, result))
    return sorted(labelled, key=lambda item: (item.object_id, item.sample.start_frame, item.sample.frame))
