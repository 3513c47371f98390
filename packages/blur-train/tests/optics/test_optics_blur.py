"""Light is mixed as lenses mix it: nothing lost, no halo, the rest of the picture untouched."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from blur_train.optics.blur import Layers, compose, convolve, layers_of_photo
from blur_train.optics.kernels import aperture, bent_path, motion
from blur_train.optics.light import Linear, to_levels, to_linear


def to_srgb(light: Linear) -> NDArray[np.uint8]:
    return np.rint(to_levels(light)).astype(np.uint8)


def layers(background: float, subject: float, size: int = 120, half: int = 20) -> Layers:
    """A square subject of one tone in the middle of a background of another."""
    coverage = np.zeros((size, size), np.float32)
    middle = slice(size // 2 - half, size // 2 + half)
    coverage[middle, middle] = 1
    flat = np.ones((size, size, 3), np.float32)
    return Layers(background=flat * np.float32(background), subject=flat * np.float32(subject), coverage=coverage)


def test_every_file_value_survives_the_way_to_light_and_back() -> None:
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    light = to_linear(values)
    assert (to_srgb(light) == values).all()
    # IEC 61966-2-1: half of the light is file value 188, a fifth of it 124.
    assert to_levels(np.array([[0.5, 0.2]], np.float32)) == pytest.approx(np.array([[187.5, 123.7]]), abs=0.3)
    assert to_levels(np.array([[-1.0, 5.0]], np.float32)).tolist() == [[0.0, 255.0]]


def test_light_is_mixed_and_not_file_values() -> None:
    stripes = np.zeros((40, 40, 3), np.uint8)
    stripes[:, ::2] = 255
    mixed = to_srgb(convolve(to_linear(stripes), aperture(6.0)))[20, 20]
    assert np.abs(mixed.astype(int) - 188).max() <= 6  # half of the light, where file values would give 128


def test_a_point_becomes_the_kernel_the_right_way_round() -> None:
    kernel = motion(bent_path(9, 0.7, 1.5))
    assert not np.allclose(kernel, kernel[::-1, ::-1])
    half = kernel.shape[0] // 2
    point = np.zeros((41, 41), np.float32)
    point[20, 20] = 1
    spread = convolve(point, kernel)
    assert np.allclose(spread[20 - half : 21 + half, 20 - half : 21 + half], kernel, atol=1e-5)


@pytest.mark.parametrize("kernel", [aperture(1.3), aperture(9.0), motion(bent_path(25, 0.3, 0.0))])
def test_light_is_neither_lost_nor_made(kernel: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> None:
    rng = np.random.default_rng(0)
    light = np.zeros((150, 150, 3), np.float32)
    light[50:100, 50:100] = rng.random((50, 50, 3))
    assert convolve(light, kernel).sum() == pytest.approx(light.sum(), rel=1e-3)
    flat = np.full((60, 60, 3), 0.37, np.float32)
    assert np.allclose(convolve(flat, kernel), flat, atol=1e-4)


def test_without_blur_the_subject_lies_on_the_background() -> None:
    light = compose(layers(0.1, 0.9))
    assert light[60, 60] == pytest.approx(np.full(3, 0.9))
    assert light[0, 0] == pytest.approx(np.full(3, 0.1))


def test_outside_the_reach_of_the_subjects_blur_nothing_changes() -> None:
    scene = layers(0.1, 0.9)
    kernel = aperture(5.0)
    reach = kernel.shape[0] // 2
    blurred, sharp = compose(scene, subject=kernel), compose(scene)
    inner = slice(40 - reach, 80 + reach)
    outside = np.ones(blurred.shape[:2], bool)
    outside[inner, inner] = False
    assert (blurred[outside] == sharp[outside]).all()
    # The rim of the subject becomes a ramp through half of both.
    assert blurred[60, 40] + blurred[60, 39] == pytest.approx(np.full(3, 1.0), abs=0.01)


def test_a_sharp_subject_throws_no_halo_on_a_blurred_background() -> None:
    light = compose(layers(0.1, 0.9), background=aperture(9.0))
    assert np.allclose(light[:, :40], 0.1, atol=1e-4)  # the subject's light would be 0.9 of the way here
    assert np.allclose(light[45:75, 45:75], 0.9)


def test_a_photo_taken_apart_is_the_photo_when_put_together() -> None:
    rng = np.random.default_rng(3)
    image = rng.integers(0, 256, (90, 120, 3), dtype=np.uint8)
    mask = np.zeros((90, 120), bool)
    mask[30:60, 40:80] = True
    apart = layers_of_photo(image, mask)
    again = to_srgb(compose(apart))
    assert (again[~_rim(mask)] == image[~_rim(mask)]).all()


def test_behind_the_subject_is_what_is_around_it() -> None:
    image = np.full((90, 120, 3), 40, np.uint8)
    image[:, 60:] = 200
    mask = np.zeros((90, 120), bool)
    mask[30:60, 40:80] = True
    image[mask] = (255, 0, 0)
    behind = to_srgb(layers_of_photo(image, mask).background)
    assert behind[..., 0].max() <= 200
    assert behind[..., 1].min() >= 40
    assert behind[45, 42].mean() < behind[45, 78].mean()
    blurred = to_srgb(compose(layers_of_photo(image, mask), background=aperture(6.0)))
    near = blurred[45, 33]
    assert (near == near[0]).all(), "the red of the sharp subject has leaked into the background"


def test_a_mask_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        layers_of_photo(np.zeros((9, 9, 3), np.uint8), np.zeros((9, 8), bool))


def test_an_empty_subject_leaves_the_background() -> None:
    scene = Layers(
        background=np.ones((8, 8, 3), np.float32),
        subject=np.zeros((8, 8, 3), np.float32),
        coverage=np.zeros((8, 8), np.float32),
    )
    assert (compose(scene, subject=aperture(2.0)) == 1).all()


def _rim(mask: np.ndarray[tuple[int, int], np.dtype[np.bool_]]) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    wide = np.zeros_like(mask)
    for dy in range(-4, 5):
        for dx in range(-4, 5):
            wide |= np.roll(mask, (dy, dx), (0, 1)) != mask
    return wide
