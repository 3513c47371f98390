"""Real textures to learn from: photos that may be used freely, of which places and subjects of drawn scenes are made.

What a drawn scene lacks most is the surface of real things. A window of a real photo, at a size at which it is sharp,
takes the place of the drawn background, of the subject's surface, or of both; the outline of the subject, and with it
the truth, stays drawn. The fifteen photos that the weights were learned from, and their licences: docs/licences.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from blur_train.optics.light import Linear, to_linear
from blur_train.photos import PHOTO_EXTENSIONS, read_photo
from blur_train.scenes.scene import Scene

_SHARP_AT = 0.5
"""Share of its size at which a photo of a camera is sharp to the pixel."""
_LEAST_PX = 700
"""Smaller pictures are textures, and taken as they are."""
_MOST_SHRUNK = 3.0


def files_in(folder: Path | None) -> list[Path]:
    """The photos of a folder, in the order of their names; none without a folder."""
    if folder is None:
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in PHOTO_EXTENSIONS)


def with_real_texture(rng: np.random.Generator, scene: Scene, files: Sequence[Path], *, unbroken: float = 0.0) -> Scene:
    """The scene with real surfaces: behind the subject, on it, or both, of one photo or of two.

    Args:
        rng: draws all.
        scene: gives the outline, and what stays drawn.
        files: the photos.
        unbroken: share of the subjects with the background's surface that are not set off by another brightness.
    """
    layers = scene.layers
    size = (layers.coverage.shape[1], layers.coverage.shape[0])
    where = rng.random()
    background, subject = layers.background, layers.subject
    if where < 0.75:
        background = _window(rng, files, size)
    if where < 0.3:
        # Nothing is drawn where none shall be unbroken: the set that was drawn first stays as it is.
        brightness = 1.0 if unbroken and rng.random() < unbroken else rng.uniform(0.6, 1.5)
        subject = background * np.float32(brightness)
    elif where > 0.5:
        subject = _window(rng, files, size)
    return replace(scene, layers=replace(layers, background=background, subject=subject))


def with_lights(rng: np.random.Generator, scene: Scene) -> Scene:
    """The scene with lights in it, as many times as bright as a camera can show as lamps and the sun on metal are.

    What is cut off when the shot is developed keeps sharp ends where it moved, and fills the disk where it is out of
    focus; pictures of eight bits have lost it.
    """
    layers = scene.layers
    height, width = layers.coverage.shape[0], layers.coverage.shape[1]
    glints = np.zeros((height, width), np.float32)
    for _ in range(int(rng.integers(0, 30))):
        middle = rng.uniform([0, 0], [width, height])
        box = (tuple(middle), tuple(np.exp(rng.uniform(np.log(2), np.log(24), 2))), float(rng.uniform(0, 90)))
        cv2.fillPoly(glints, [cv2.boxPoints(box).astype(np.int32)], float(np.exp(rng.uniform(np.log(1.5), np.log(12)))))
    share, gain = rng.uniform(0.9, 0.998), np.exp(rng.uniform(np.log(1.5), np.log(12)))

    def lit(light: Linear) -> Linear:
        bright = light.max(axis=2)
        limit = np.float32(np.quantile(bright[::8, ::8], share))
        above = np.clip((bright - limit) / (0.3 * limit + 0.02), 0, 1)
        brightened = light * (1 + np.float32(gain - 1) * above)[..., None]
        return np.asarray(np.maximum(brightened, glints[..., None]), np.float32)

    return replace(scene, layers=replace(layers, background=lit(layers.background), subject=lit(layers.subject)))


def _window(rng: np.random.Generator, files: Sequence[Path], size: tuple[int, int]) -> Linear:
    """A part of one of the photos, turned and of another brightness, in linear light."""
    image = _sharp(files[int(rng.integers(len(files)))])
    image = np.rot90(image, int(rng.integers(4)))
    if rng.random() < 0.5:
        image = image[:, ::-1]
    shrunk = min(float(np.exp(rng.uniform(0, np.log(_MOST_SHRUNK)))), max(1.0, min(image.shape[:2]) / 500))
    wanted = (round(size[0] * shrunk), round(size[1] * shrunk))
    y, x = (int(rng.integers(max(1, have - want))) for have, want in zip(image.shape, wanted[::-1], strict=False))
    part = image[y : y + wanted[1], x : x + wanted[0]]
    if shrunk > 1:
        part = np.asarray(cv2.resize(part, None, fx=1 / shrunk, fy=1 / shrunk, interpolation=cv2.INTER_AREA), np.uint8)
    down, right = max(0, size[1] - part.shape[0]), max(0, size[0] - part.shape[1])
    full = cv2.copyMakeBorder(np.ascontiguousarray(part), 0, down, 0, right, cv2.BORDER_REFLECT_101)
    channels = rng.permutation(3) if rng.random() < 0.3 else np.arange(3)
    light = to_linear(np.ascontiguousarray(full[: size[1], : size[0], channels], dtype=np.uint8))
    return np.asarray(light * np.float32(np.exp(rng.uniform(-0.5, 0.5))), np.float32)


@lru_cache(maxsize=64)
def _sharp(file: Path) -> NDArray[np.uint8]:
    """A photo at a size at which it is sharp."""
    image = read_photo(file).image
    if max(image.shape) <= _LEAST_PX:
        return image
    small = cv2.resize(image, None, fx=_SHARP_AT, fy=_SHARP_AT, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)
