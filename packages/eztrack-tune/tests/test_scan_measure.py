"""What is measured on clips whose movement is known."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from eztrack_tune.classes import Difficulty, MotionType
from eztrack_tune.scan.judge import difficulty, motion_type
from eztrack_tune.scan.measure import measure
from footage.synthetic.drawing import texture

SIZE = (320, 180)
FRAMES = 12
Matrix = NDArray[np.float64]


@pytest.fixture(scope="module")
def ground() -> NDArray[np.uint8]:
    """A large, crisp ground to look at parts of."""
    picture = texture(np.random.default_rng(1), (900, 700))
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def looked_at(ground: NDArray[np.uint8], place: Callable[[int], tuple[float, float, float]]) -> list[NDArray[np.uint8]]:
    """Frames of a camera over the ground; ``place`` gives left, top and scale of a frame."""
    frames = []
    for number in range(FRAMES):
        left, top, scale = place(number)
        window = np.array([[scale, 0, left], [0, scale, top]], dtype=np.float64)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        frames.append(np.asarray(cv2.warpAffine(ground, window, SIZE, flags=flags), dtype=np.uint8))
    return frames


def test_a_pan_of_known_speed(ground: NDArray[np.uint8]) -> None:
    found = measure(looked_at(ground, lambda n: (100 + 2.5 * n, 200, 1)))
    assert found.displacement == pytest.approx(2.5 / SIZE[0], rel=0.02)
    assert found.displacement_high == pytest.approx(2.5 / SIZE[0], rel=0.05)
    assert found.jerk < 0.1
    assert abs(found.zoom) < 5e-4
    assert found.cuts == ()
    assert motion_type(found) is MotionType.PAN
    assert difficulty(found)[0] is not Difficulty.HARD


def test_no_movement(ground: NDArray[np.uint8]) -> None:
    found = measure(looked_at(ground, lambda _: (100, 200, 1)))
    assert found.displacement < 1e-4
    assert motion_type(found) is MotionType.STATIC


def test_a_fast_pan_is_hard(ground: NDArray[np.uint8]) -> None:
    found = measure(looked_at(ground, lambda n: (50 + 14 * n, 200, 1)))
    assert motion_type(found) is MotionType.FAST
    hard, why = difficulty(found)
    assert hard is Difficulty.HARD
    assert any("displacement 0.04" in one for one in why)


def test_a_shaking_camera(ground: NDArray[np.uint8]) -> None:
    moves = np.cumsum(np.random.default_rng(3).normal(0, 1.5, (FRAMES, 2)), axis=0)
    found = measure(looked_at(ground, lambda n: (200 + moves[n, 0], 200 + moves[n, 1], 1)))
    assert found.jerk > 0.6
    assert motion_type(found) is MotionType.HANDHELD


def test_a_zoom(ground: NDArray[np.uint8]) -> None:
    def place(number: int) -> tuple[float, float, float]:
        scale = 1.5 * 0.98**number
        return 350 - scale * SIZE[0] / 2, 300 - scale * SIZE[1] / 2, scale

    found = measure(looked_at(ground, place))
    assert found.zoom == pytest.approx(1 / 0.98 - 1, rel=0.05)
    assert motion_type(found) is MotionType.ZOOM


def test_cuts_are_found_and_lamps_are_none(ground: NDArray[np.uint8]) -> None:
    frames = looked_at(ground, lambda n: (100 + 2 * n, 200, 1))
    other = [255 - frame for frame in looked_at(ground[::-1, ::-1].copy(), lambda n: (300 + 2 * n, 100, 1))]
    assert measure([*frames[:5], *other[5:]]).cuts == (4,)
    lit = [np.clip(frame.astype(int) + (20 if n > 5 else 0), 0, 255).astype(np.uint8) for n, frame in enumerate(frames)]
    assert measure(lit).cuts == ()


def test_blur_is_measured_and_its_direction(ground: NDArray[np.uint8]) -> None:
    frames = looked_at(ground, lambda n: (100 + 2 * n, 200, 1))
    sharp = measure(frames)
    soft = measure([np.asarray(cv2.GaussianBlur(frame, (0, 0), 3), dtype=np.uint8) for frame in frames])
    smeared = measure([np.asarray(cv2.blur(frame, (15, 1)), dtype=np.uint8) for frame in frames])
    assert sharp.blur < soft.blur
    assert soft.motion_blur < smeared.motion_blur
    assert difficulty(soft)[0] is Difficulty.HARD
    assert difficulty(smeared)[0] is Difficulty.HARD


def test_a_plain_picture_has_no_texture() -> None:
    found = measure([np.full((180, 320), 90, np.uint8)] * 4)
    assert found.texture == 0
    assert difficulty(found)[0] is Difficulty.HARD
    assert found.cuts == ()


def test_a_copy_of_twice_the_size_measures_the_same(ground: NDArray[np.uint8]) -> None:
    frames = looked_at(ground, lambda n: (100 + 2.5 * n, 200, 1))
    double = [np.asarray(cv2.resize(frame, None, fx=2, fy=2), dtype=np.uint8) for frame in frames]
    assert measure(double).displacement == pytest.approx(measure(frames).displacement, rel=0.03)
