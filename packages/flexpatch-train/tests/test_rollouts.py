"""Rollouts: how samples come about, and which of them are labelled."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import BOXES, moved, texture

from flexpatch_train.detections import Detections
from flexpatch_train.identities import Timeline, from_ground_truth
from flexpatch_train.rollouts import FOLLOW_GONE_FRAMES, Rollouts, label_samples
from footage.video.types import Frame

PICTURE = texture(0)


def frame(index: int, dx: float = 0.0, rate: float = 25.0) -> Frame:
    gray = moved(PICTURE, dx, 0)
    return Frame(index, index / rate, image=np.repeat(gray[..., None], 3, axis=2), gray=gray)


def found(dx: float = 0.0, boxes: np.ndarray = BOXES) -> Detections:
    shifted = (boxes + np.array([dx, 0, dx, 0])).astype(np.float32)
    return Detections(shifted, np.linspace(0.9, 0.5, len(boxes)).astype(np.float32), np.zeros(len(boxes), np.int64))


def test_tracks_start_every_stride_and_end_at_the_horizon() -> None:
    rollouts = Rollouts(stride_frames=4, horizon_frames=6)
    for t in range(20):
        rollouts.feed(frame(t), found())
    ages = {(s.start_frame, s.detection): 0 for s in rollouts.samples}
    for s in rollouts.samples:
        ages[s.start_frame, s.detection] = max(ages[s.start_frame, s.detection], s.frame - s.start_frame)
    assert {start for start, _ in ages} == {0, 4, 8, 12, 16}
    assert {age for (start, _), age in ages.items() if start <= 12} == {6}
    assert rollouts.started_tracks == 10


def test_boxes_stay_where_the_detector_put_them() -> None:
    """Corners read as corner and size would cover most of the picture."""
    rollouts = Rollouts()
    for t in range(3):
        rollouts.feed(frame(t), found())
    for sample in rollouts.samples:
        np.testing.assert_allclose(sample.box, BOXES[sample.detection], atol=0.01)


def test_perfect_tracking_is_labelled_low_throughout() -> None:
    """A texture that only slides is followed to a fraction of a pixel; every label must be low."""
    rollouts = Rollouts(stride_frames=5, horizon_frames=15)
    detections = [found(1.3 * t) for t in range(30)]
    for t, seen in enumerate(detections):
        rollouts.feed(frame(t, 1.3 * t), seen)
    truth = {
        i + 1: Timeline(np.arange(30), np.array([BOXES[i] + [1.3 * t, 0, 1.3 * t, 0] for t in range(30)]))
        for i in range(2)
    }
    labelled = label_samples(rollouts.samples, from_ground_truth(detections, truth))
    assert len(labelled) == len(rollouts.samples) > 100
    assert {item.outcome.label for item in labelled} == {"low"}
    assert min(item.outcome.iou or 0.0 for item in labelled) > 0.95


def test_tracks_of_an_object_that_left_end_soon() -> None:
    """Ghosts that stay for ever were most of the original's tracks."""
    rollouts = Rollouts(stride_frames=10, horizon_frames=30)
    detections = [found() if t < 12 else Detections.empty() for t in range(40)]
    for t, seen in enumerate(detections):
        rollouts.feed(frame(t), seen)
    truth = {i + 1: Timeline(np.arange(12), np.tile(BOXES[i], (12, 1))) for i in range(2)}
    labelled = label_samples(rollouts.samples, from_ground_truth(detections, truth))
    assert max(item.sample.frame for item in labelled) == 11 + FOLLOW_GONE_FRAMES
    gone = [item for item in labelled if item.sample.frame > 11]
    assert gone
    assert all(item.outcome.left and item.outcome.label == "high" for item in gone)


def test_detections_of_nothing_known_are_not_learned_from() -> None:
    rollouts = Rollouts()
    for t in range(5):
        rollouts.feed(frame(t), found())
    labelled = label_samples(rollouts.samples, from_ground_truth([found()] * 5, {}))
    assert labelled == []


def test_tiny_detections_start_no_track() -> None:
    rollouts = Rollouts()
    rollouts.feed(frame(0), found(boxes=np.array([[10.0, 10.0, 14.0, 60.0]])))
    assert rollouts.started_tracks == 0


@pytest.mark.parametrize("rate", [10.0, 50.0])
def test_time_is_presentation_time(rate: float) -> None:
    rollouts = Rollouts()
    for t in range(4):
        rollouts.feed(frame(t, rate=rate), found())
    assert {round(s.time_seconds * rate) for s in rollouts.samples} == {1, 2, 3}
