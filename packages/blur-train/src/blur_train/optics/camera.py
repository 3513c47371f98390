"""From light to a file: lens, exposure, sensor noise, tone, the camera's own sharpening, and JPEG, in that order."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from blur_train.classes import EdgeCase
from blur_train.optics.light import Linear, to_levels

_SAVED_AGAIN = 95


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """The settings of one shot; none of them depends on the photo's class.

    Attributes:
        exposure: factor on the light.
        vignetting: loss of light in the corners, 0 to 1.
        lens_sigma_px: standard deviation of the blur that even a focused lens and its sensor have.
        shot_noise: variance of the noise per unit of light, at light 1.
        read_noise: standard deviation of the noise without light.
        grain_px: standard deviation of the smoothing that demosaicing gives the noise.
        sharpening: share of the finest detail that the camera adds again.
        sharpening_px: standard deviation of the blur that tells what is finest.
        smearing: share of what a camera's noise reduction does to it: weak texture goes, edges stay.
        jpeg_quality: 1 to 100.
        resized: factor by which the photo was larger when it was first saved; 1 for one that was saved once.
    """

    exposure: float
    vignetting: float
    lens_sigma_px: float
    shot_noise: float
    read_noise: float
    grain_px: float
    sharpening: float
    jpeg_quality: int
    sharpening_px: float = 0.9
    smearing: float = 0.0
    resized: float = 1.0


def draw_camera(rng: np.random.Generator, edge_case: EdgeCase | None = None) -> Camera:
    """A camera's settings for an ordinary shot, for high sensitivity (noise) or for little light.

    Args:
        rng: draws everything; as many numbers whatever the edge case.
        edge_case: ``NOISE`` and ``LOW_LIGHT`` change the settings, the others do not.
    """
    strength, darkness = rng.random(2)
    vignetting, lens, grain, sharpening = rng.uniform([0.0, 0.3, 0.3, 0.0], [0.35, 0.5, 0.7, 0.5])
    exposure = float(np.exp(rng.uniform(-0.35, 0.2)))
    quality = int(rng.integers(75, 97))
    variance = 1.5e-4 * 6.0**strength
    if edge_case is EdgeCase.NOISE:
        variance = 3e-3 * 3.5**strength
    elif edge_case is EdgeCase.LOW_LIGHT:
        # Exposed too little and brightened less than it lacks: darker and noisier than the others.
        exposure *= 0.08 + 0.14 * darkness
        variance = 6e-4 * 3.0**strength
    return Camera(
        exposure=exposure,
        vignetting=float(vignetting),
        lens_sigma_px=float(lens),
        shot_noise=variance,
        read_noise=float(np.sqrt(variance) * 0.06),
        grain_px=float(grain),
        sharpening=float(sharpening),
        jpeg_quality=quality,
    )


def draw_processing(rng: np.random.Generator, camera: Camera) -> Camera:
    """The same shot by any camera that there may be: softer lenses, halos, smeared texture, files saved twice."""
    lens, sharpening, halo, smearing, grain = rng.uniform([0.3, 0.0, 0.6, 0.2, 0.3], [0.6, 0.9, 1.8, 1.0, 1.2])
    return replace(
        camera,
        lens_sigma_px=float(lens),
        grain_px=float(grain),
        sharpening=float(sharpening),
        sharpening_px=float(halo),
        smearing=float(smearing) if rng.random() < 0.3 else 0.0,
        jpeg_quality=int(rng.integers(60, 99)),
        resized=float(rng.uniform(1.1, 1.5)) if rng.random() < 0.35 else 1.0,
    )


def develop(light: Linear, camera: Camera, rng: np.random.Generator) -> bytes:
    """Take the shot.

    Args:
        light: what falls on the sensor, ``(H, W, 3)``.
        camera: its settings.
        rng: draws the noise.

    Returns:
        A JPEG file.
    """
    focused = cv2.GaussianBlur(light, (0, 0), camera.lens_sigma_px, borderType=cv2.BORDER_REFLECT_101)
    seen = focused * (np.float32(camera.exposure) * _vignette(light.shape[:2], camera.vignetting))[..., None]
    levels = to_levels(seen + _noise(seen, camera, rng))
    if camera.smearing:
        smeared = cv2.bilateralFilter(levels, 5, 14, 1.5)
        smeared = cv2.addWeighted(levels, 1 - camera.smearing, smeared, camera.smearing, 0)
        levels = np.asarray(smeared, np.float32)
    soft = cv2.GaussianBlur(levels, (0, 0), camera.sharpening_px)
    sharpened = cv2.addWeighted(levels, 1 + camera.sharpening, soft, -camera.sharpening, 0)
    image = np.clip(np.rint(sharpened), 0, 255).astype(np.uint8)
    if camera.resized > 1:
        size = (image.shape[1], image.shape[0])
        larger = cv2.resize(image, None, fx=camera.resized, fy=camera.resized, interpolation=cv2.INTER_CUBIC)
        saved = decode_jpeg(encode_jpeg(np.asarray(larger, np.uint8), camera.jpeg_quality))
        return encode_jpeg(np.asarray(cv2.resize(saved, size, interpolation=cv2.INTER_AREA), np.uint8), _SAVED_AGAIN)
    return encode_jpeg(image, camera.jpeg_quality)


def encode_jpeg(image: NDArray[np.uint8], quality: int) -> bytes:
    """A JPEG file of a picture, RGB uint8 ``(H, W, 3)``, at a quality of 1 to 100."""
    done, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"a picture of {image.shape} cannot be written as JPEG")
    return data.tobytes()


def decode_jpeg(data: bytes) -> NDArray[np.uint8]:
    """The picture in a JPEG file that :func:`encode_jpeg` made: RGB uint8 ``(H, W, 3)``."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    return np.asarray(image, dtype=np.uint8)


def _noise(seen: NDArray[np.float32], camera: Camera, rng: np.random.Generator) -> Linear:
    """Noise of photons and of the amplifier, grown with the root of the light."""
    smoothed = cv2.GaussianBlur(rng.standard_normal(seen.shape, dtype=np.float32), (0, 0), camera.grain_px)
    deviation = np.maximum(seen, np.float32(0))
    # In place: photos are large, and every temporary array costs as much as the arithmetic.
    deviation *= np.float32(camera.shot_noise)
    deviation += np.float32(camera.read_noise**2)
    np.sqrt(deviation, out=deviation)
    deviation *= smoothed / np.float32(smoothed[::7, ::7].std())  # smoothing takes from the deviation
    return deviation


def _vignette(shape: tuple[int, ...], loss: float) -> Linear:
    """Share of the light that arrives, 1 in the middle and ``1 - loss`` in the corners."""
    y = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :]
    return np.asarray(1 - np.float32(loss) * (x * x + y * y) / 2, dtype=np.float32)
