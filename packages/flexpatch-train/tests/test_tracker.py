"""The flow tracker on pictures whose motion is known to the hundredth of a pixel."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from pictures import BOXES, SIZE, moved, texture

from flexpatch_train.tracker import MIN_POINTS, FlowTracker, nan_median, pick_points


def test_sub_pixel_motion_adds_up() -> None:
    picture, tracker = texture(0), FlowTracker()
    tracker.start(moved(picture, 0, 0), BOXES)
    for t in range(1, 41):
        step = tracker.step(moved(picture, 0.3 * t, -0.2 * t))
    np.testing.assert_allclose(step.boxes, BOXES + np.tile([12.0, -8.0], 2), atol=0.35)


def test_a_still_picture_leaves_boxes_where_the_detector_put_them() -> None:
    """Boxes are corners, not corner and size: read wrongly they would cover most of the picture after one step."""
    picture, tracker = moved(texture(1), 0, 0), FlowTracker()
    ids = tracker.start(picture, BOXES)
    step = tracker.step(picture)
    np.testing.assert_array_equal(step.track_ids, ids)
    np.testing.assert_allclose(step.boxes, BOXES, atol=1e-3)


def test_a_box_grows_with_its_object() -> None:
    picture, tracker = texture(2), FlowTracker()
    tracker.start(moved(picture, 0, 0), BOXES[:1])
    for t in range(1, 11):
        step = tracker.step(moved(picture, 0, 0, scale=1.005**t))
    width, height = step.boxes[0, 2:] - step.boxes[0, :2]
    assert width / 50 == pytest.approx(1.005**10, abs=0.005)
    assert height / 90 == pytest.approx(1.005**10, abs=0.005)


def test_the_cameras_motion_is_known_at_every_box() -> None:
    picture, tracker = texture(3), FlowTracker()
    tracker.start(moved(picture, 0, 0), BOXES)
    step = tracker.step(moved(picture, 4.0, 1.5))
    np.testing.assert_allclose(step.camera_flow, np.tile([4.0, 1.5], (2, 1)), atol=0.1)


def test_a_track_without_texture_is_lost_and_forgotten() -> None:
    flat, tracker = np.full(SIZE[::-1], 90, np.uint8), FlowTracker()
    ids = tracker.start(flat, BOXES)
    step = tracker.step(flat)
    assert step.ended == {int(i): "lost" for i in ids}
    assert len(step.boxes) == len(tracker) == 0
    assert len(tracker.step(flat).track_ids) == 0


def test_a_track_that_leaves_the_frame_ends() -> None:
    picture, tracker = texture(4), FlowTracker()
    (track,) = tracker.start(moved(picture, 0, 0), np.array([[265.0, 80.0, 315.0, 160.0]])).tolist()
    ended: dict[int, str] = {}
    for t in range(1, 12):
        ended |= tracker.step(moved(picture, 6.0 * t, 0)).ended
    assert set(ended) == {track}
    assert len(tracker) == 0


def test_points_outside_the_frame_are_not_alive() -> None:
    """Lucas-Kanade's status stays 1 for points that slid out of the picture."""
    picture, tracker = texture(5), FlowTracker()
    tracker.start(moved(picture, 0, 0), np.array([[250.0, 80.0, 318.0, 160.0]]))
    step = tracker.step(moved(picture, 25.0, 0))
    assert MIN_POINTS <= step.alive.sum() < step.alive.size


def test_points_that_leave_their_box_are_followed_no_more() -> None:
    """A patch moves over a still background; what clings to the background slides out of the box."""
    background, patch = moved(texture(10), 0, 0), texture(11)[:90, :20]
    tracker, followed = FlowTracker(), []
    for x in range(0, 48, 3):
        picture = background.copy()
        picture[60:150, 75 + x : 95 + x] = patch
        if x == 0:
            tracker.start(picture, np.array([[60.0, 60.0, 110.0, 150.0]]))
        else:
            followed.append(int(tracker.step(picture).alive.sum()))
    points = tracker._points[tracker._alive]
    (x0, y0, x1, y1) = tracker.boxes[0]
    assert followed[-1] < followed[0]
    assert (points >= [x0, y0]).all()
    assert (points <= [x1, y1]).all()


def test_stopped_tracks_are_gone_and_ids_are_never_reused() -> None:
    picture, tracker = moved(texture(6), 0, 0), FlowTracker()
    first = tracker.start(picture, BOXES)
    tracker.stop(first[:1])
    assert tracker.track_ids.tolist() == first[1:].tolist()
    assert not set(tracker.start(picture, BOXES).tolist()) & set(first.tolist())


def test_one_optical_flow_call_a_frame_however_many_boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    real = cv2.calcOpticalFlowPyrLK

    def counted(*given: Any, **named: Any) -> Any:
        calls.append(1)
        return real(*given, **named)

    monkeypatch.setattr(cv2, "calcOpticalFlowPyrLK", counted)
    picture, tracker = moved(texture(7), 0, 0), FlowTracker()
    tracker.start(picture, np.repeat(BOXES, 10, axis=0))
    tracker.step(picture)
    assert len(calls) == 1


def test_no_boxes_is_no_work() -> None:
    picture, tracker = moved(texture(8), 0, 0), FlowTracker()
    assert len(tracker.start(picture, np.zeros((0, 4)))) == 0
    assert tracker.step(picture).boxes.shape == (0, 4)


def test_points_lie_inside_the_box_and_the_frame() -> None:
    picture = moved(texture(9), 0, 0)
    points = pick_points(picture, np.array([-30.0, -20.0, 40.0, 60.0]))
    assert len(points) >= MIN_POINTS
    assert (points >= 0).all()
    assert (points <= [40, 60]).all()
    assert len(pick_points(picture, np.array([-90.0, -90.0, -20.0, -20.0]))) == 0


def test_median_of_the_finite() -> None:
    rng = np.random.default_rng(0)
    values = np.where(rng.random((50, 9)) < 0.4, np.nan, rng.normal(size=(50, 9)))
    values[0] = np.nan
    np.testing.assert_allclose(nan_median(values, axis=1)[1:], np.nanmedian(values[1:], axis=1))
    assert np.isnan(nan_median(values, axis=1)[0])
