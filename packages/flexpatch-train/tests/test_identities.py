"""Linking detections into identities, and giving them the identities of human ground truth."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from flexpatch_train.detections import Detections
from flexpatch_train.identities import (
    MAX_GAP_FRAMES,
    Identities,
    Timeline,
    annotated_timelines,
    from_ground_truth,
    link,
)
from flexpatch_train.mot import MotRows


def detections(*boxes: tuple[float, float, float, float], classes: tuple[int, ...] | None = None) -> Detections:
    count = len(boxes)
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.full(count, 0.9, np.float32),
        np.array(classes if classes is not None else [0] * count, np.int64),
    )


def box(x: float, y: float = 50.0, size: float = 40.0) -> tuple[float, float, float, float]:
    return (x, y, x + size, y + 2 * size)


def ids_by_frame(identities: Identities) -> list[list[int | None]]:
    return identities.of_detection


def test_two_objects_that_pass_each_other_keep_their_identities() -> None:
    frames = [detections(box(10 + 3 * t, 50), box(130 - 3 * t, 75)) for t in range(40)]
    (first, second), *rest = ids_by_frame(link(frames))
    assert first != second
    assert all(ids == [first, second] for ids in rest)


def test_an_object_that_is_missed_for_a_moment_keeps_its_identity() -> None:
    frames = [detections() if 10 <= t < 10 + MAX_GAP_FRAMES else detections(box(10 + 2 * t)) for t in range(40)]
    assert len(link(frames).timelines) == 1


def test_an_object_that_is_missed_for_longer_is_another_one() -> None:
    frames = [detections() if 10 <= t <= 10 + MAX_GAP_FRAMES else detections(box(10 + 2 * t)) for t in range(40)]
    assert len(link(frames).timelines) == 2


def test_classes_are_never_linked() -> None:
    frames = [detections(box(10), classes=(t // 10,)) for t in range(30)]
    assert len(link(frames).timelines) == 3


def test_a_false_alarm_of_a_frame_or_two_is_no_object() -> None:
    frames = [detections(box(10 + t), *([box(400)] if t in {5, 6} else [])) for t in range(20)]
    identities = link(frames)
    assert len(identities.timelines) == 1
    assert identities.of_detection[5][1] is None


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.tuples(st.floats(0, 300), st.floats(0, 200)), max_size=6), min_size=1, max_size=12))
def test_matching_is_one_to_one(frames: list[list[tuple[float, float]]]) -> None:
    """In no frame do two detections share an identity."""
    identities = link([detections(*(box(x, y) for x, y in frame)) for frame in frames])
    for ids in identities.of_detection:
        known = [i for i in ids if i is not None]
        assert len(known) == len(set(known))


def test_gone_and_missed_are_told_apart() -> None:
    seen = [t for t in range(60) if t not in {20, 21} and t < 40]
    identities = Identities({1: Timeline(np.array(seen), np.zeros((len(seen), 4)))}, [[]] * 60, 10, 60)
    assert identities.has_left(1, 20) is False
    assert identities.has_left(1, 45) is True
    late = Identities({1: Timeline(np.arange(55), np.zeros((55, 4)))}, [[]] * 60, 10, 60)
    assert late.has_left(1, 57) is None


def test_detections_take_the_identity_they_overlap_most_one_to_one() -> None:
    truth = {
        7: Timeline(np.array([0]), np.array([box(100)], np.float64)),
        8: Timeline(np.array([0]), np.array([box(120)], np.float64)),
    }
    found = [detections(box(119), box(102), box(103), box(400))]
    assert from_ground_truth(found, truth).of_detection == [[8, 7, None, None]]


def test_annotation_counts_frames_from_one_and_is_cut_where_reading_stopped() -> None:
    rows = MotRows(
        frames=np.array([1, 1, 2, 5]),
        ids=np.array([3, 4, 3, 3]),
        boxes=np.arange(16.0).reshape(4, 4),
        confidences=np.ones(4),
    )
    timelines = annotated_timelines(rows, frame_count=4)
    assert set(timelines) == {3, 4}
    assert timelines[3].frames.tolist() == [0, 1]
    np.testing.assert_array_equal(timelines[3].box_at(1), rows.boxes[2])
    assert timelines[3].box_at(2) is None
