"""Labels: what became of a box, read from the same object and no other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flexpatch_train.identities import Identities, Timeline
from flexpatch_train.labels import label_of_iou, outcome

FRAMES = np.arange(30)


def moving(x: float, step: float) -> Timeline:
    left = x + step * FRAMES
    return Timeline(FRAMES, np.stack([left, np.full(30, 40.0), left + 30, np.full(30, 100.0)], axis=1))


@pytest.fixture
def two_people() -> Identities:
    """Object 1 walks right, object 2 stands."""
    return Identities({1: moving(0, 4), 2: moving(200, 0)}, [[1, 2]] * 60, gone_after_frames=10, frame_count=60)


def test_the_paper_s_thresholds() -> None:
    assert [label_of_iou(iou) for iou in (0.0, 0.01, 0.5, 0.51, 1.0)] == ["high", "medium", "medium", "low", "low"]


@given(st.integers(0, 29), st.sampled_from([1, 2]))
def test_perfect_tracking_is_low_risk_throughout(frame: int, object_id: int) -> None:
    people = Identities({1: moving(0, 4), 2: moving(200, 0)}, [[1, 2]] * 60, gone_after_frames=10, frame_count=60)
    box = people.timelines[object_id].box_at(frame)
    assert box is not None
    found = outcome(people, object_id, frame, box)
    assert found is not None
    assert (found.label, found.iou, found.left) == ("low", 1.0, False)


def test_a_box_that_jumped_to_its_neighbour_has_failed(two_people: Identities) -> None:
    neighbour = two_people.timelines[2].box_at(10)
    assert neighbour is not None
    found = outcome(two_people, 1, 10, neighbour)
    assert found is not None
    assert (found.label, found.iou) == ("high", 0.0)


def test_an_object_that_has_left_is_high_and_flagged(two_people: Identities) -> None:
    found = outcome(two_people, 1, 45, np.array([0.0, 0.0, 30.0, 60.0]))
    assert found is not None
    assert (found.label, found.iou, found.left) == ("high", None, True)


def test_a_moment_in_which_the_detector_missed_the_object_is_unknown() -> None:
    seen = np.array([t for t in range(30) if t != 12])
    people = Identities({1: Timeline(seen, np.tile([0.0, 0.0, 9.0, 9.0], (29, 1)))}, [[1]] * 60, 10, 60)
    assert outcome(people, 1, 12, np.array([0.0, 0.0, 9.0, 9.0])) is None


def test_the_end_of_the_video_does_not_make_objects_leave() -> None:
    people = Identities({1: moving(0, 4)}, [[1]] * 32, gone_after_frames=10, frame_count=32)
    assert outcome(people, 1, 31, np.array([0.0, 0.0, 9.0, 9.0])) is None
