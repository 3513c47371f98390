"""The five features against their definitions."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pictures import BOXES, moved, texture

from flexpatch_train.appearance import standard_patches, zncc
from flexpatch_train.features import FEATURES, TrackFeatures
from flexpatch_train.geometry import flow_std, log_min_eig
from flexpatch_train.tracker import POINTS_PER_BOX, FlowTracker

COLUMN = {name: i for i, name in enumerate(FEATURES)}


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
