"""Detection and pattern matching on OpenCV: sub-pixel truth, and settings that mean what they mean in Blender."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from eztrack_tune.settings import MotionModel, TrackerSettings
from eztrack_tune.trackers.frames import ClipStills
from eztrack_tune.trackers.opencv.detect import detect, detect_enough
from eztrack_tune.trackers.opencv.ncc import follow
from eztrack_tune.trackers.opencv.warps import apply, flows, generators, grid, step
from eztrack_tune.truth import TrueCamera
from footage.synthetic.drawing import texture

SETTINGS = TrackerSettings(
    pattern_size=21, search_size=61, correlation=0.75, threshold=0.2, motion_model=MotionModel.LOC
)
POINTS = np.array([[60.5, 50.5], [100.5, 80.5], [140.5, 60.5]])
MIDDLE = np.array([100.0, 75.0])


class Drawn(Protocol):
    stills: ClipStills
    truth: TrueCamera


def picture(seed: int = 0) -> NDArray[np.uint8]:
    image = texture(np.random.default_rng(seed), (200, 150))
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def moved(image: NDArray[np.uint8], matrix: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The picture with every point p, in coordinates whose pixel centres lie at .5, brought to ``matrix @ p``."""
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
    in_indices = np.linalg.inv(half) @ matrix @ half
    size = (image.shape[1], image.shape[0])
    return np.asarray(
        cv2.warpPerspective(image, in_indices, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT), np.uint8
    )


def about_the_middle(linear: NDArray[np.float64], shift: tuple[float, float] = (3.3, -2.6)) -> NDArray[np.float64]:
    matrix = np.eye(3)
    matrix[:2, :2] = linear
    matrix[:2, 2] = MIDDLE - linear @ MIDDLE + shift
    return matrix


def rotation(degrees: float) -> NDArray[np.float64]:
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cosine, -sine], [sine, cosine]])


CHANGES = {
    MotionModel.LOC: np.eye(2),
    MotionModel.LOC_ROT: rotation(9.0),
    MotionModel.LOC_SCALE: 1.12 * np.eye(2),
    MotionModel.LOC_ROT_SCALE: 1.08 * rotation(-8.0),
    MotionModel.AFFINE: np.array([[1.1, 0.12], [-0.05, 0.93]]),
    MotionModel.PERSPECTIVE: np.array([[1.08, -0.1], [0.1, 0.95]]),
}


@pytest.mark.parametrize("model", list(MotionModel))
def test_each_motion_model_finds_its_own_motion_to_a_tenth_of_a_pixel(model: MotionModel) -> None:
    image, matrix = picture(), about_the_middle(CHANGES[model])
    frames = [moved(image, np.linalg.matrix_power(matrix, n)) for n in range(4)]
    frames[0] = image
    places, found = follow(frames, POINTS, replace(SETTINGS, motion_model=model))
    assert found.all()
    for n in range(4):
        true = np.column_stack([POINTS, np.ones(len(POINTS))]) @ np.linalg.matrix_power(matrix, n).T
        np.testing.assert_allclose(places[n], true[:, :2], atol=0.1)


def test_a_pattern_that_may_only_move_is_lost_where_the_picture_turns() -> None:
    image = picture()
    frames = [image, *(moved(image, about_the_middle(rotation(12.0 * n), (0, 0))) for n in range(1, 5))]
    lives = {}
    for model in (MotionModel.LOC, MotionModel.LOC_ROT):
        lives[model] = follow(frames, POINTS, replace(SETTINGS, motion_model=model))[1].sum()
    assert lives[MotionModel.LOC] < lives[MotionModel.LOC_ROT] == 15


def test_what_moves_farther_than_the_search_area_is_lost() -> None:
    image = picture()
    frames = [image, moved(image, about_the_middle(np.eye(2), (16.0, 0.0)))]
    assert follow(frames, POINTS, replace(SETTINGS, search_size=61))[1].all()
    assert not follow(frames, POINTS, replace(SETTINGS, search_size=41, correlation=0.95))[1][1].any()


def test_a_stricter_correlation_keeps_fewer() -> None:
    image = picture()
    noise = np.random.default_rng(0).normal(0, 40, (6, *image.shape))
    frames = [image, *(np.clip(image + one, 0, 255).astype(np.uint8) for one in noise)]
    alive = [follow(frames, POINTS, replace(SETTINGS, correlation=value))[1].sum() for value in (0.3, 0.97)]
    assert alive[0] > alive[1]


def test_brightness_and_contrast_do_not_matter() -> None:
    image = picture()
    dimmed = np.clip(0.5 * image.astype(float) + 60, 0, 255).astype(np.uint8)
    places, found = follow([image, dimmed], POINTS, replace(SETTINGS, correlation=0.95))
    assert found.all()
    np.testing.assert_allclose(places[1], POINTS, atol=0.05)


def test_the_last_look_follows_slow_changes_that_the_first_does_not() -> None:
    image = picture()
    frames = [image, *(moved(image, about_the_middle(rotation(6.0 * n), (0, 0))) for n in range(1, 9))]
    alive = [follow(frames, POINTS, SETTINGS, follow_previous=previous)[1][-1].sum() for previous in (False, True)]
    assert alive[0] < alive[1]


def test_what_is_flat_or_at_the_edge_has_no_track() -> None:
    flat = np.full((100, 100), 90, np.uint8)
    found = follow([flat, flat], np.array([[50.0, 50.0], [3.0, 50.0]]), SETTINGS)[1]
    assert found[0].tolist() == [True, False]
    assert not found[1].any()


@given(st.sampled_from(MotionModel), st.integers(0, 1000))
def test_a_step_stays_within_its_model(model: MotionModel, seed: int) -> None:
    rng = np.random.default_rng(seed)
    directions = generators(model, 10.0)
    warps = np.repeat(np.eye(3)[None], 4, axis=0)
    for _ in range(3):
        warps = step(warps, directions, rng.uniform(-1, 1, (4, len(directions))))
    linear = warps[:, :2, :2]
    if model is MotionModel.LOC:
        np.testing.assert_allclose(linear, np.broadcast_to(np.eye(2), (4, 2, 2)), atol=1e-9)
    if model is MotionModel.LOC_ROT:
        np.testing.assert_allclose(linear @ linear.transpose(0, 2, 1), np.broadcast_to(np.eye(2), (4, 2, 2)), atol=1e-3)
    if model is MotionModel.LOC_SCALE:
        np.testing.assert_allclose(linear[:, 0, 1], 0, atol=1e-9)
        np.testing.assert_allclose(linear[:, 0, 0], linear[:, 1, 1], atol=1e-9)
    if model is not MotionModel.PERSPECTIVE:
        np.testing.assert_allclose(warps[:, 2], [[0, 0, 1]] * 4, atol=1e-9)


@pytest.mark.parametrize("model", list(MotionModel))
def test_flows_are_the_derivatives_of_steps(model: MotionModel) -> None:
    directions, points = generators(model, 10.0), grid(21)
    small = 1e-5
    for index, flow in enumerate(flows(directions, points)):
        amounts = np.zeros((1, len(directions)))
        amounts[0, index] = small
        after = apply(step(np.eye(3)[None], directions, amounts), points)[0]
        np.testing.assert_allclose((after - points) / small, flow, atol=1e-3)


def test_corners_are_found_where_they_are_strongest_first_and_apart() -> None:
    image = np.full((120, 160), 60, np.uint8)
    for (row, column), level in {(30, 40): 250, (30, 100): 160, (80, 70): 200}.items():
        image[row - 6 : row + 7, column - 6 : column + 7] = level
    found = detect(image, 0.1, min_distance_px=20, margin_px=5)
    assert len(found) == 3
    np.testing.assert_allclose(found[0], (40.5, 30.5), atol=8)
    for first in range(3):
        for second in range(first):
            assert np.linalg.norm(found[first] - found[second]) >= 20
    assert len(detect(image, 0.1, min_distance_px=3, margin_px=5)) == 12
    assert len(detect(image, 0.1, min_distance_px=3, margin_px=60)) == 0


def test_a_higher_threshold_finds_fewer_and_is_halved_when_too_few() -> None:
    image = picture()
    counts = [len(detect(image, value, min_distance_px=10, margin_px=5)) for value in (0.05, 0.3, 3.0)]
    assert counts[0] > counts[1] > counts[2]
    used, found = detect_enough(
        image, 50.0, min_distance_px=10, margin_px=5, least_features=30, least_threshold=0.01, most_features=40
    )
    assert used in {50.0 / 2**n for n in range(1, 14)}
    assert 20 <= len(found) <= 40
    nothing = np.zeros((80, 80), np.uint8)
    used, found = detect_enough(
        nothing, 0.5, min_distance_px=10, margin_px=5, least_features=8, least_threshold=0.01, most_features=40
    )
    assert used < 0.01
    assert len(found) == 0


def test_a_drawn_clips_points_are_followed(drawn: Drawn) -> None:
    grays = [drawn.stills.gray(frame) for frame in range(6)]
    xy = detect(grays[0], 0.2, min_distance_px=40, margin_px=15)
    _, found = follow(grays, xy, SETTINGS)
    assert found[-1].mean() > 0.7
