"""The features against their definitions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pictures import BOXES, moved, texture

from flexpatch_train.appearance import standard_patches, zncc
from flexpatch_train.features import EXTENDED_FEATURES, FEATURES, TrackFeatures, covered, flow_std, log_min_eig
from flexpatch_train.tracker import POINTS_PER_BOX, FlowTracker

COLUMN = {name: i for i, name in enumerate(EXTENDED_FEATURES)}


@given(arrays(np.float64, (3, 8, 2), elements=st.floats(-50, 50)), st.floats(-200, 200), st.floats(-200, 200))
def test_flow_std_ignores_what_all_points_share(flow: np.ndarray, dx: float, dy: float) -> None:
    alive = np.ones((3, 8), bool)
    np.testing.assert_allclose(flow_std(flow + np.array([dx, dy]), alive), flow_std(flow, alive), atol=1e-6)


def test_flow_std_of_a_pure_pan_is_zero() -> None:
    pan = np.tile([10.0, 0.0], (2, POINTS_PER_BOX, 1))
    np.testing.assert_array_equal(flow_std(pan, np.ones((2, POINTS_PER_BOX), bool)), [0.0, 0.0])


@given(arrays(np.float64, (4, 10, 2), elements=st.floats(-50, 50)), arrays(np.bool_, (4, 10)))
def test_flow_std_is_the_root_of_the_covariances_trace(flow: np.ndarray, alive: np.ndarray) -> None:
    for spread, vectors, use in zip(flow_std(flow, alive), flow, alive, strict=True):
        if use.sum() < 2:
            assert np.isnan(spread)
        else:
            assert spread == pytest.approx(np.sqrt(np.trace(np.cov(vectors[use].T, ddof=0))), abs=1e-6)


def test_flow_std_on_real_pictures_of_a_pan_is_nearly_zero() -> None:
    picture, tracker = texture(0), FlowTracker()
    tracker.start(moved(picture, 0, 0), BOXES)
    step = tracker.step(moved(picture, 10, 0))
    assert (flow_std(step.flow, step.alive) < 0.1).all()


def test_zncc_of_a_patch_with_itself_is_one_whatever_the_exposure() -> None:
    patches = standard_patches(moved(texture(1), 0, 0), BOXES)
    np.testing.assert_allclose(zncc(patches, patches * 0.5 + 40), 1.0, atol=1e-6)
    np.testing.assert_allclose(zncc(patches, 255 - patches), -1.0, atol=1e-6)


def test_zncc_of_unrelated_noise_is_near_zero() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.integers(0, 256, (2, 200, 64, 32)).astype(np.float32)
    values = zncc(a, b)
    assert abs(values.mean()) < 0.01
    assert np.abs(values).max() < 0.1


def test_zncc_equals_opencvs_template_matching() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.integers(0, 256, (2, 1, 64, 32)).astype(np.float32)
    (expected,) = cv2.matchTemplate(a[0], b[0], cv2.TM_CCOEFF_NORMED).ravel()
    assert zncc(a, b)[0] == pytest.approx(expected, abs=1e-5)


def test_zncc_of_a_flat_patch_is_unknown_rather_than_perfect() -> None:
    flat = np.full((1, 64, 32), 128, np.float32)
    assert np.isnan(zncc(flat, flat)[0])


def test_patches_are_cut_at_sub_pixel_positions() -> None:
    ramp = np.tile(np.arange(0, 200, 2, dtype=np.uint8), (150, 1))
    a, b = standard_patches(ramp, np.array([[50.0, 40.0, 82.0, 104.0], [50.5, 40.0, 82.5, 104.0]]))
    assert a.mean() == pytest.approx(2 * 65.5)  # pixels 50 to 81
    assert b.mean() == pytest.approx(2 * 66.0)


def test_patches_at_the_frames_edge_repeat_it() -> None:
    grey = np.full((100, 100), 77, np.uint8)
    np.testing.assert_allclose(standard_patches(grey, np.array([[-40.0, -40.0, 300.0, 20.0]])), 77)


def test_min_eig_is_measured_at_the_points_not_over_the_box() -> None:
    """A few strong corners in a flat box are easy to follow; averaged over the box they would vanish."""
    eig = np.array([[1e-2, 1e-2, 1e-2, 0.0, 0.0, 0.0]])
    alive = np.array([[True, True, True, False, False, False]])
    assert log_min_eig(eig, alive)[0] == pytest.approx(-2)
    assert np.isnan(log_min_eig(eig, np.zeros_like(alive))[0])


def test_ncc_compares_with_the_detection_not_with_the_frame_before() -> None:
    """A picture that dissolves into another by small steps resembles the last frame all the way."""
    first, last = moved(texture(4), 0, 0), moved(texture(5), 0, 0)
    tracker, features = FlowTracker(), TrackFeatures()
    features.start(first, tracker.start(first, BOXES), BOXES, np.ones(2))
    still = tracker.step(first)
    table = features.measure(first, still, 0.04)
    assert (table[:, COLUMN["ncc"]] > 0.999).all()
    assert (np.abs(features.measure(last, still, 0.04)[:, COLUMN["ncc"]]) < 0.5).all()


def test_accel_is_unknown_at_first_and_zero_at_constant_speed() -> None:
    picture, tracker, features = texture(6), FlowTracker(), TrackFeatures()
    start = moved(picture, 0, 0)
    features.start(start, tracker.start(start, BOXES), BOXES, np.ones(2))
    accels = []
    for t in range(1, 6):
        gray = moved(picture, 3.0 * t, 0)
        accels.append(features.measure(gray, tracker.step(gray), 0.04)[:, COLUMN["accel"]])
    assert np.isnan(accels[0]).all()
    assert (np.array(accels[1:]) < 0.05).all()


def test_accel_is_a_change_of_velocity_in_box_heights_a_second() -> None:
    background, patch = moved(texture(7), 0, 0), texture(8)[:90, :50]

    def scene(x: int) -> np.ndarray:
        picture = background.copy()
        picture[60:150, 60 + x : 110 + x] = patch
        return picture

    tracker, features = FlowTracker(), TrackFeatures()
    box = BOXES[:1]
    features.start(scene(0), tracker.start(scene(0), box), box, np.ones(1))
    features.measure(scene(2), tracker.step(scene(2)), 0.1)
    accel = features.measure(scene(7), tracker.step(scene(7)), 0.1)[0, COLUMN["accel"]]
    assert accel == pytest.approx((5 - 2) / 0.1 / 90, rel=0.05)


def test_nothing_of_an_ended_track_is_kept() -> None:
    picture, flat = moved(texture(9), 0, 0), np.full((240, 320), 90, np.uint8)
    tracker, features = FlowTracker(), TrackFeatures()
    features.start(picture, tracker.start(picture, BOXES), BOXES, np.array([0.9, 0.8]))
    features.measure(flat, tracker.step(flat), 0.04)  # corners of the old picture are still looked for in the new one
    assert features.measure(flat, tracker.step(flat), 0.04).shape == (0, len(FEATURES))
    assert not features._memory


def test_confidence_is_the_detectors() -> None:
    picture, tracker, features = moved(texture(10), 0, 0), FlowTracker(), TrackFeatures()
    features.start(picture, tracker.start(picture, BOXES), BOXES, np.array([0.9, 0.35]))
    table = features.measure(picture, tracker.step(picture), 0.04)
    np.testing.assert_allclose(table[:, COLUMN["confidence"]], [0.9, 0.35])


def test_survival_counts_from_the_points_a_track_started_with() -> None:
    """A narrow patch moves over a still background; points that cling to the background slide out of the box."""
    background, patch = moved(texture(11), 0, 0), texture(12)[:90, :20]
    tracker, features, survival = FlowTracker(), TrackFeatures(("survival",)), []
    for x in range(0, 48, 3):
        picture = background.copy()
        picture[60:150, 75 + x : 95 + x] = patch
        if x == 0:
            features.start(picture, tracker.start(picture, BOXES[:1]), BOXES[:1], np.ones(1))
            picked = int(tracker._alive.sum())
        else:
            step = tracker.step(picture)
            survival.append(features.measure(picture, step, 0.04)[0, 0])
            assert survival[-1] == pytest.approx(step.alive.sum() / picked)
    assert survival == sorted(survival, reverse=True)
    assert 0 < survival[-1] < 0.9


def test_a_box_is_covered_by_the_one_other_that_covers_most_of_it() -> None:
    boxes = np.array([[0, 0, 10, 10], [5, 0, 25, 10], [0, 8, 10, 28], [100, 100, 110, 110.0]])
    np.testing.assert_allclose(covered(boxes, np.zeros(4, np.int64)), [0.5, 0.25, 0.1, 0.0])
    np.testing.assert_allclose(covered(boxes, np.array([0, 1, 0, 1])), [0.2, 0.0, 0.1, 0.0])
    np.testing.assert_array_equal(covered(boxes[:1], np.zeros(1, np.int64)), [0.0])


@given(arrays(np.float64, (5, 4), elements=st.floats(0, 100)), arrays(np.int64, 5, elements=st.integers(0, 1)))
def test_covered_is_the_largest_share_in_common(corners: np.ndarray, groups: np.ndarray) -> None:
    boxes = np.concatenate([corners[:, :2], corners[:, :2] + corners[:, 2:] + 1], axis=1)
    for i, share in enumerate(covered(boxes, groups)):
        expected = 0.0
        for j in range(5):
            width = min(boxes[i, 2], boxes[j, 2]) - max(boxes[i, 0], boxes[j, 0])
            height = min(boxes[i, 3], boxes[j, 3]) - max(boxes[i, 1], boxes[j, 1])
            if i != j and groups[i] == groups[j] and width > 0 and height > 0:
                expected = max(expected, width * height / ((boxes[i, 2:] - boxes[i, :2]).prod()))
        assert share == pytest.approx(expected)


def test_covered_max_remembers_a_crossing() -> None:
    picture, tracker, features = moved(texture(13), 0, 0), FlowTracker(), TrackFeatures(("covered", "covered_max"))
    features.start(picture, tracker.start(picture, BOXES), BOXES, np.ones(2))
    step = tracker.step(picture)
    apart = features.measure(picture, step, 0.04)
    crossing = features.measure(picture, replace(step, boxes=BOXES[[0, 0]]), 0.04)
    after = features.measure(picture, step, 0.04)
    np.testing.assert_allclose(apart, 0.0)
    np.testing.assert_allclose(crossing, 1.0)
    np.testing.assert_allclose(after, [[0.0, 1.0], [0.0, 1.0]])


def test_tracks_of_another_group_cover_nothing() -> None:
    picture, tracker, features = moved(texture(14), 0, 0), FlowTracker(), TrackFeatures(("covered",))
    for group in range(2):
        features.start(picture, tracker.start(picture, BOXES), BOXES, np.ones(2), group=group)
    np.testing.assert_array_equal(features.measure(picture, tracker.step(picture), 0.04), np.zeros((4, 1)))


def test_ncc_min_remembers_and_ncc_drop_forgets() -> None:
    first, other = moved(texture(15), 0, 0), moved(texture(16), 0, 0)
    tracker, features = FlowTracker(), TrackFeatures(("ncc", "ncc_min", "ncc_drop"))
    features.start(first, tracker.start(first, BOXES), BOXES, np.ones(2))
    step = tracker.step(first)
    same, different, same_again = (features.measure(gray, step, 0.04) for gray in (first, other, first))
    assert np.isnan(same[:, 2]).all()
    np.testing.assert_allclose(different[:, 1], different[:, 0])
    np.testing.assert_allclose(different[:, 2], same[:, 0] - different[:, 0])
    np.testing.assert_allclose(same_again[:, 1], different[:, 0])
    np.testing.assert_allclose(same_again[:, 2], different[:, 0] - same_again[:, 0])


def test_a_flat_picture_on_the_way_does_not_erase_the_smallest_ncc() -> None:
    first, flat = moved(texture(17), 0, 0), np.full((240, 320), 90, np.uint8)
    tracker, features = FlowTracker(), TrackFeatures(("ncc", "ncc_min"))
    features.start(first, tracker.start(first, BOXES), BOXES, np.ones(2))
    step = tracker.step(first)
    before = features.measure(first, step, 0.04)
    hidden = features.measure(flat, step, 0.04)
    assert np.isnan(hidden[:, 0]).all()
    np.testing.assert_array_equal(hidden[:, 1], before[:, 1])


def test_moved_is_the_objects_own_way_in_box_heights() -> None:
    background, patch = texture(18), texture(19)[:90, :50]
    tracker, features = FlowTracker(), TrackFeatures(("moved", "age_frames"))
    boxes = np.array([[60.0, 60.0, 110.0, 150.0], [200.0, 60.0, 250.0, 150.0]])
    for t in range(7):
        picture = moved(background, 2.0 * t, 0)  # the camera pans; the second box holds nothing but background
        picture[60:150, 60 + 5 * t : 110 + 5 * t] = patch
        if t == 0:
            features.start(picture, tracker.start(picture, boxes), boxes, np.ones(2))
        else:
            table = features.measure(picture, tracker.step(picture), 0.04)
            np.testing.assert_allclose(table[:, 0], [3 * t / 90, 0.0], atol=0.01)
            assert table[:, 1].tolist() == [t, t]


@given(st.lists(st.sampled_from(EXTENDED_FEATURES), min_size=1, unique=True))
@settings(max_examples=20)
def test_a_feature_is_the_same_whatever_else_is_asked_for(names: list[str]) -> None:
    pictures = [moved(texture(20), 2.5 * t, 0.2 * t) for t in range(4)]

    def measured(asked: Sequence[str]) -> np.ndarray:
        tracker, features = FlowTracker(), TrackFeatures(asked)
        features.start(pictures[0], tracker.start(pictures[0], BOXES), BOXES, np.array([0.9, 0.6]))
        return np.stack([features.measure(gray, tracker.step(gray), 0.04) for gray in pictures[1:]])

    np.testing.assert_array_equal(measured(names), measured(EXTENDED_FEATURES)[..., [COLUMN[name] for name in names]])


def test_what_no_feature_needs_is_not_computed() -> None:
    picture, tracker, features = moved(texture(21), 0, 0), FlowTracker(), TrackFeatures(("survival", "confidence"))
    features.start(picture, tracker.start(picture, BOXES), BOXES, np.ones(2))
    features.measure(picture, tracker.step(picture), 0.04)
    for item in features._memory.values():
        assert np.isnan([item.ncc, item.ncc_min, *item.velocity]).all()


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no such features: sharpness \(known: min_eig, "):
        TrackFeatures(("ncc", "sharpness"))


def test_where_nothing_is_asked_for_nothing_is_measured() -> None:
    tracker, features = FlowTracker(), TrackFeatures(())
    gray = np.random.default_rng(0).integers(0, 256, (120, 160), dtype=np.uint8)
    boxes = np.array([[20.0, 20, 60, 80], [90.0, 30, 120, 90]])
    features.start(gray, tracker.start(gray, boxes), boxes, np.array([0.9, 0.8]))
    assert features.measure(gray, tracker.step(gray), 0.04).shape == (2, 0)
