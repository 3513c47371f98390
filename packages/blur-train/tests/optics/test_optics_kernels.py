"""Point spread functions against what optics says of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import j1

from blur_train.optics.kernels import (
    Kernel,
    aperture,
    bent_path,
    jerked,
    joined,
    motion,
    shaken_path,
)

PIXEL = 1 / 12
"""Variance of light spread evenly over one pixel, in px²."""


def straight(length_px: float, angle: float) -> NDArray[np.float64]:
    return bent_path(length_px, angle, 0.0)


def second_moments(kernel: Kernel) -> NDArray[np.float64]:
    """Covariance ``(2, 2)`` in px² of where a point's light goes, x before y."""
    half = kernel.shape[0] // 2
    grid = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float64)
    places, weights = grid[::-1].reshape(2, -1), kernel.astype(np.float64).ravel()
    return np.asarray(np.cov(places, aweights=weights, ddof=0))


def centre(kernel: Kernel) -> tuple[float, float]:
    half = kernel.shape[0] // 2
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    return float((kernel * x).sum()), float((kernel * y).sum())


def transfer(kernel: Kernel, cycles_per_px: float) -> float:
    """Transfer function along x."""
    half = kernel.shape[0] // 2
    x = np.arange(-half, half + 1)
    return float(abs((kernel.sum(axis=0) * np.exp(-2j * np.pi * cycles_per_px * x)).sum()))


@given(
    radius=st.floats(0.3, 20),
    blades=st.none() | st.integers(3, 9),
    turn=st.floats(0, 3),
    rim=st.floats(-0.9, 2),
)
def test_an_aperture_keeps_all_light_and_moves_nothing(
    radius: float, blades: int | None, turn: float, rim: float
) -> None:
    kernel = aperture(radius, blades=blades, turn=turn, rim=rim)
    assert kernel.dtype == np.float32
    assert kernel.shape[0] == kernel.shape[1]
    assert kernel.shape[0] % 2 == 1
    assert kernel.min() >= 0
    assert kernel.sum() == pytest.approx(1, abs=1e-4)
    assert centre(kernel) == pytest.approx((0, 0), abs=0.1)


@pytest.mark.parametrize("radius", [0.8, 1.3, 2.5, 6.0, 14.0])
def test_a_disk_has_the_moments_of_a_aperture(radius: float) -> None:
    # A disk has detail finer than a pixel, which its samples cannot follow: a twentieth of a square pixel at most.
    expected = np.eye(2) * (radius**2 / 4 + PIXEL)
    assert second_moments(aperture(radius)) == pytest.approx(expected, abs=0.055 + 0.01 * radius**2 / 4)


@pytest.mark.parametrize("radius", [1.3, 3.0, 8.0])
def test_a_disk_has_the_transfer_function_of_a_aperture(radius: float) -> None:
    kernel = aperture(radius)
    for cycles in (0.02, 0.05, 0.1, 0.2):
        argument = 2 * np.pi * radius * cycles
        expected = abs(2 * j1(argument) / argument) * np.sinc(cycles)
        assert transfer(kernel, cycles) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("blades", [5, 6, 8])
def test_a_polygon_has_the_area_of_the_disk_and_the_moments_of_a_polygon(blades: int) -> None:
    radius = 9.0
    kernel = aperture(radius, blades=blades, turn=0.3)
    assert (kernel.max() * np.pi * radius**2) == pytest.approx(1, rel=0.02)
    around = radius**2 * 2 * np.pi / (blades * np.sin(2 * np.pi / blades))
    expected = around * (2 + np.cos(2 * np.pi / blades)) / 12 + PIXEL
    assert second_moments(kernel) == pytest.approx(np.eye(2) * expected, abs=0.3)


def test_a_brighter_rim_spreads_light_farther_than_a_dimmer_one() -> None:
    wide, narrow = aperture(6, rim=1.0), aperture(6, rim=-0.5)
    assert np.trace(second_moments(wide)) > np.trace(second_moments(aperture(6))) > np.trace(second_moments(narrow))


@pytest.mark.parametrize("length", [2.6, 7.0, 28.0])
@pytest.mark.parametrize("angle", [0.0, 0.6, np.pi / 2])
def test_even_motion_has_the_moments_of_a_line(length: float, angle: float) -> None:
    along = np.array([np.cos(angle), np.sin(angle)])
    found = second_moments(motion(straight(length, angle)))
    # A position between pixels is shared among four of them, which adds at most a quarter of a square pixel.
    assert along @ found @ along == pytest.approx(length**2 / 12, abs=0.26 + 0.03 * length)
    across = np.array([-along[1], along[0]])
    assert 0 <= across @ found @ across <= 0.26


def test_even_motion_loses_the_detail_that_is_as_long_as_it() -> None:
    kernel = motion(straight(10, 0.0))
    assert transfer(kernel, 0.1) < 0.02
    assert transfer(kernel, 0.05) == pytest.approx(np.sinc(0.5), abs=0.02)


@given(length=st.floats(1, 40), angle=st.floats(-4, 4), bend=st.floats(-2, 2))
def test_an_arc_is_as_long_as_it_was_asked_to_be(length: float, angle: float, bend: float) -> None:
    path = bent_path(length, angle, bend)
    steps = np.diff(path, axis=0)
    assert np.hypot(*steps.T).sum() == pytest.approx(length, rel=0.01)
    chord = path[-1] - path[0]
    turned = np.angle(np.exp(1j * (np.arctan2(chord[1], chord[0]) - angle)))
    assert turned == pytest.approx(0, abs=0.02)
    kernel = motion(path)
    assert kernel.sum() == pytest.approx(1, abs=1e-4)
    assert centre(kernel) == pytest.approx((0, 0), abs=1e-3)


@given(length=st.floats(1, 40), unrest=st.floats(0, 2), seed=st.integers(0, 99))
def test_a_shaken_path_reaches_as_far_as_it_was_asked_to(length: float, unrest: float, seed: int) -> None:
    path = shaken_path(length, np.random.default_rng(seed), unrest=unrest)
    far = max(float(np.hypot(*(path - point).T).max()) for point in path)
    assert far == pytest.approx(length, rel=0.02)
    assert np.hypot(*np.diff(path, axis=0).T).max() < 0.75


@given(length=st.floats(3, 60), cycles=st.floats(2, 15), strength=st.floats(0, 2), phase=st.floats(0, 6.3))
def test_jerks_change_when_it_is_where_and_not_where_it_goes(
    length: float, cycles: float, strength: float, phase: float
) -> None:
    even = bent_path(length, 0.3, 0.0)
    path = jerked(even, cycles=cycles, strength=strength, phase=phase)
    assert np.hypot(*np.ptp(path, axis=0)) == pytest.approx(np.hypot(*np.ptp(even, axis=0)), rel=0.01)
    assert np.hypot(*np.diff(path, axis=0).T).max() <= 0.75
    along, (x, y) = even[-1] - even[0], (path - even[0]).T
    assert along[0] * y - along[1] * x == pytest.approx(0, abs=1e-6)


def test_where_a_jerked_motion_is_slow_its_streak_is_bright() -> None:
    even = bent_path(40, 0.0, 0.0)
    jerks = motion(jerked(even, cycles=4, strength=1.0, phase=0.0)).max(axis=0)
    bright = jerks > 2 * motion(even).max()
    assert 3 <= np.count_nonzero(bright[1:] & ~bright[:-1]) <= 5


def test_blurs_add_up_in_their_moments() -> None:
    first, second = aperture(3.0), motion(straight(9, 0.4))
    both = joined(first, second)
    assert both.sum() == pytest.approx(1, abs=1e-4)
    assert second_moments(both) == pytest.approx(second_moments(first) + second_moments(second), abs=1e-3)


@pytest.mark.parametrize("radius", [0.0, -1.0, float("nan")])
def test_no_disk_has_such_a_radius(radius: float) -> None:
    with pytest.raises(ValueError, match="radius"):
        aperture(radius)


def test_paths_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        straight(0.0, 0.0)
    with pytest.raises(ValueError, match="positions"):
        motion(np.array([[0.0, np.nan]]))
    with pytest.raises(ValueError, match="blades"):
        aperture(2.0, blades=2)
