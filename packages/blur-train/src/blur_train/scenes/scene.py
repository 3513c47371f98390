"""Scenes: a place and a subject before it, drawn sharp, with the subject's exact outline.

Scenes come in families, each with a place and a subject of its own. Whole families are held out: a classifier that is
measured on a family it has seen is measured on its memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from blur_train.optics.blur import Layers
from blur_train.optics.light import Linear, to_linear
from blur_train.scenes import backgrounds, collages, people, things
from blur_train.scenes.drawing import Image, Pen, Size, colour, grain, shaded

LONG_SIDE_PX = 1536
"""Every width of a blur is stated for a picture of this long side."""

MARGIN_PX = 36
"""Drawn on every side beyond the picture, at that long side: blur brings in what lies outside."""

_SHAPES = ((3, 2), (4, 3), (3, 2), (2, 3), (3, 4), (16, 9))

Place = Callable[[np.random.Generator, Size, float], Image]
Thing = Callable[[np.random.Generator, Pen, tuple[float, float], float, float], None]


@dataclass(frozen=True, slots=True)
class Family:
    """What a family draws, and the subject's height as a share of the picture's short side."""

    place: Place
    subject: Thing
    height: tuple[float, float]


_FAMILIES: dict[str, Family] = {
    "street_runner": Family(backgrounds.brick_wall, people.runner, (0.7, 1.0)),
    "stadium_runner": Family(backgrounds.stadium, people.runner, (0.7, 1.0)),
    "library_portrait": Family(backgrounds.shelves, people.portrait, (0.75, 1.0)),
    "meadow_animal": Family(backgrounds.meadow, people.grazing_animal, (0.45, 0.7)),
    "studio_bottle": Family(backgrounds.studio, things.bottle, (0.6, 0.9)),
    "city_car": Family(backgrounds.city, things.car, (0.4, 0.6)),
    "garden_flower": Family(backgrounds.garden, things.flower, (0.7, 1.0)),
    "night_sign": Family(backgrounds.night_street, things.stall_sign, (0.6, 0.9)),
    "scrap_cutout": Family(collages.scraps, collages.cutout, (0.45, 1.0)),
    "snow_portrait": Family(backgrounds.snow_slope, people.portrait, (0.75, 1.0)),
    "harbour_boat": Family(backgrounds.harbour, things.sail_boat, (0.65, 0.95)),
    "forest_bird": Family(backgrounds.forest, people.bird, (0.6, 0.9)),
    "beach_machine": Family(backgrounds.pebbles, things.machine, (0.5, 0.8)),
}

FAMILIES: tuple[str, ...] = tuple(_FAMILIES)
"""All families."""

SEALED_FAMILIES: tuple[str, ...] = ("harbour_boat", "forest_bird", "beach_machine")
"""Families whose places and subjects occur in no other: for the last measurement, never for a choice."""

OPEN_FAMILIES: tuple[str, ...] = tuple(name for name in FAMILIES if name not in SEALED_FAMILIES)
"""Families to learn from and to choose by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A sharp scene with a rim that blur can draw on.

    Attributes:
        layers: ``(H + 2 * margin, W + 2 * margin)`` px.
        margin_px: rim on every side.
        family: who drew it.
        group: what must stay on one side of a split.
    """

    layers: Layers
    margin_px: int
    family: str
    group: str

    @property
    def scale(self) -> float:
        """Long side of the picture, in units of ``LONG_SIDE_PX``."""
        return float(max(self.layers.coverage.shape) - 2 * self.margin_px) / LONG_SIDE_PX


def draw_scene(
    rng: np.random.Generator,
    family: str | None = None,
    *,
    long_side_px: int = LONG_SIDE_PX,
    low_texture: bool = False,
    subject_of: str | None = None,
) -> Scene:
    """Draw a scene.

    Args:
        rng: draws everything: shape, place, subject, colours, light.
        family: one of ``FAMILIES``; None draws one of the open ones.
        long_side_px: of the picture, at least 64.
        low_texture: leave little of the texture of place and subject; their outlines stay.
        subject_of: the family whose subject stands there; None for the place's own.

    Raises:
        ValueError: there is no such family, or the picture would be too small.
    """
    name = str(rng.choice(np.array(OPEN_FAMILIES))) if family is None else family
    guest = name if subject_of is None else subject_of
    if not {name, guest} <= set(_FAMILIES) or long_side_px < 64:
        raise ValueError(f"no scene of the family {name!r} at {long_side_px} px; there are {', '.join(FAMILIES)}")
    width, height = _shape(rng, long_side_px)
    margin = int(np.ceil(MARGIN_PX * long_side_px / LONG_SIDE_PX))
    size, unit = (width + 2 * margin, height + 2 * margin), long_side_px / 1000
    background = to_linear(_FAMILIES[name].place(rng, size, unit))
    image, mask = _subject(rng, _FAMILIES[guest], size, unit)
    subject = to_linear(image)
    keep = rng.uniform(0.06, 0.2)
    if low_texture:
        background, subject = _calmed(background, keep), _calmed(subject, 2 * keep)
    lit = _light(rng, size)[..., None]
    background *= lit
    subject *= lit
    layers = Layers(background=background, subject=subject, coverage=np.asarray(mask / 255, dtype=np.float32))
    return Scene(layers=layers, margin_px=margin, family=name, group=f"{name}-{rng.integers(2**48):012x}")


def _shape(rng: np.random.Generator, long_side_px: int) -> Size:
    across, down = _SHAPES[rng.integers(len(_SHAPES))]
    scale = long_side_px / max(across, down)
    return round(across * scale), round(down * scale)


def _subject(rng: np.random.Generator, drawn: Family, size: Size, unit: float) -> tuple[Image, NDArray[np.uint8]]:
    """A subject somewhat off the middle, its surface finely structured."""
    width, height = size
    image = np.full((height, width, 3), colour(rng, saturation=(0, 0.3)), np.uint8)
    pen = Pen(image, masked=True)
    centre = (width * rng.uniform(0.36, 0.64), height * rng.uniform(0.44, 0.58))
    drawn.subject(rng, pen, centre, rng.uniform(*drawn.height) * min(size), unit)
    if pen.mask is None or not pen.mask.any():
        raise RuntimeError(f"{drawn.subject.__name__} drew nothing")
    fine = grain(rng, size, coarsest_px=rng.uniform(2, 12) * unit, slope=rng.uniform(0.2, 0.8))
    return shaded(image, fine, rng.uniform(0.03, 0.12)), pen.mask


def _calmed(light: Linear, keep: float) -> Linear:
    """A layer of which only a share of the texture is left."""
    height, width = light.shape[:2]
    small = cv2.resize(light, (max(1, width // 32), max(1, height // 32)), interpolation=cv2.INTER_AREA)
    smooth = cv2.resize(cv2.GaussianBlur(small, (0, 0), 3), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.maximum(cv2.addWeighted(light, keep, smooth, 1 - keep, 0), 0), dtype=np.float32)


def _light(rng: np.random.Generator, size: Size) -> Linear:
    """Light and shade that change slowly over the picture."""
    width, height = size
    coarse = rng.normal(0, 0.35, (3, 4)).astype(np.float32)
    return np.asarray(np.exp(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)), dtype=np.float32)
