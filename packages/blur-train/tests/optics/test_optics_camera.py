"""A camera's noise has the size it was given, and its file is a JPEG."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from blur_train.classes import EdgeCase
from blur_train.optics.camera import Camera, decode_jpeg, develop, draw_camera, encode_jpeg
from blur_train.photos import read_photo

PLAIN = Camera(
    exposure=1.0,
    vignetting=0.0,
    lens_sigma_px=0.3,
    shot_noise=1e-8,
    read_noise=1e-5,
    grain_px=0.3,
    sharpening=0.0,
    jpeg_quality=100,
)


def shot(camera: Camera, tone: float = 0.3, seed: int = 0) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    light = np.full((128, 160, 3), tone, np.float32)
    return decode_jpeg(develop(light, camera, np.random.default_rng(seed)))


def test_a_file_is_a_jpeg_that_reads_as_any_photo() -> None:
    data = develop(np.full((128, 160, 3), 0.3, np.float32), PLAIN, np.random.default_rng(0))
    photo = read_photo(data)
    assert (photo.width, photo.height, photo.format) == (160, 128, "JPEG")
    assert (photo.image == decode_jpeg(data)).all()


def test_half_the_light_is_file_value_188() -> None:
    assert shot(PLAIN, 0.5).mean() == pytest.approx(188, abs=1)
    assert shot(replace(PLAIN, exposure=0.5), 1.0).mean() == pytest.approx(188, abs=1)


def test_noise_grows_with_the_root_of_the_light() -> None:
    noisy = replace(PLAIN, shot_noise=4e-4, grain_px=0.6)
    for tone in (0.1, 0.4):
        # One step of the sRGB curve at this tone: d(value)/d(light) = 255 * 1.055 / 2.4 * light ** (1 / 2.4 - 1).
        slope = 255 * 1.055 / 2.4 * tone ** (1 / 2.4 - 1)
        assert shot(noisy, tone)[..., 1].std() == pytest.approx(slope * np.sqrt(4e-4 * tone), rel=0.15)


def test_corners_lose_what_vignetting_takes() -> None:
    seen = shot(replace(PLAIN, vignetting=0.6), 0.5).astype(float)
    assert seen[:6, :6].mean() < seen[60:68, 76:84].mean() - 40


def test_dark_photos_are_dark_and_noisy_ones_noisy() -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        seed = int(rng.integers(2**31))
        plain, dark, noisy = (
            draw_camera(np.random.default_rng(seed), case) for case in (None, EdgeCase.LOW_LIGHT, EdgeCase.NOISE)
        )
        assert dark.exposure < 0.25 * plain.exposure
        assert noisy.shot_noise > 3 * plain.shot_noise
        # What is not the point of the edge case is drawn alike.
        assert dark.jpeg_quality == plain.jpeg_quality == noisy.jpeg_quality
        assert dark.lens_sigma_px == plain.lens_sigma_px == noisy.lens_sigma_px


def test_a_picture_that_jpeg_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="JPEG"):
        encode_jpeg(np.zeros((70000, 2, 3), np.uint8), 90)
