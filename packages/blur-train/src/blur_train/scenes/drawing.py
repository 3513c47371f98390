"""Colours, grain and a pen with sub-pixel edges: what every drawn scene is made of.

Pictures here are RGB uint8 ``(H, W, 3)``; sizes are ``(width, height)`` in px; ``unit`` is one thousandth of the
scene's long side, so that a scene looks alike at every size while its finest detail is always a pixel.
"""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Image = NDArray[np.uint8]
Size = tuple[int, int]
Colour = tuple[int, int, int]

_SHIFT = 4
LETTERS = np.array(list("ABCDEFGHJKLMNOPRSTUVWXYZ0123456789"))


def colour(
    rng: np.random.Generator,
    *,
    hue: tuple[float, float] = (0.0, 1.0),
    saturation: tuple[float, float] = (0.05, 0.8),
    value: tuple[float, float] = (0.15, 0.95),
) -> Colour:
    """A colour drawn evenly from ranges of hue, saturation and value, each 0 to 1 (hues wrap around)."""
    h, s, v = (rng.uniform(*side) for side in (hue, saturation, value))
    red, green, blue = colorsys.hsv_to_rgb(h % 1.0, s, v)
    return round(255 * red), round(255 * green), round(255 * blue)


def varied(rng: np.random.Generator, base: Colour, amount: float = 25.0) -> Colour:
    """A colour near another: brightness changes more than tint."""
    shift = rng.normal(0, amount) + rng.normal(0, amount / 4, 3)
    red, green, blue = np.clip(np.array(base) + shift, 0, 255).astype(int).tolist()
    return red, green, blue


def grain(
    rng: np.random.Generator, size: Size, *, coarsest_px: float, finest_px: float = 1.0, slope: float = 0.7
) -> NDArray[np.float32]:
    """Random texture of many sizes: float32 ``(H, W)`` with mean 0 and standard deviation about 1.

    Args:
        rng: draws it.
        size: of the result.
        coarsest_px: period of the coarsest octave.
        finest_px: period of the finest octave, 1 or more.
        slope: each octave is stronger than the next finer one by ``2 ** slope``.
    """
    width, height = size
    total = np.zeros((height, width), np.float32)
    power = 0.0
    period = finest_px
    while period <= max(coarsest_px, finest_px):
        amplitude = (period / finest_px) ** slope
        grid = (int(height / period) + 4, int(width / period) + 4)
        values = rng.standard_normal(grid, dtype=np.float32)
        if period > 1:
            wide = (int(np.ceil(grid[1] * period)), int(np.ceil(grid[0] * period)))
            values = np.asarray(cv2.resize(values, wide, interpolation=cv2.INTER_CUBIC), dtype=np.float32)
        total += np.float32(amplitude) * values[:height, :width]
        power += amplitude**2 * (1.0 if period <= 1 else 0.6)
        period *= 2
    return total / np.float32(np.sqrt(power))


def shaded(image: Image, texture: NDArray[np.float32], amount: float) -> Image:
    """A picture made brighter and darker by a texture ``(H, W)``; ``amount`` is the relative standard deviation."""
    factor = np.clip(1 + np.float32(amount) * texture, 0.2, 2.0)
    return np.asarray(cv2.convertScaleAbs(cv2.multiply(image.astype(np.float32), cv2.merge([factor] * 3))), np.uint8)


def ramp(size: Size, first: Colour, last: Colour, angle: float = np.pi / 2) -> Image:
    """An even change from one colour to another along an angle; pi/2 is from top to bottom."""
    x = np.linspace(-0.5, 0.5, size[0], dtype=np.float32)[None, :] * np.float32(np.cos(angle))
    y = np.linspace(-0.5, 0.5, size[1], dtype=np.float32)[:, None] * np.float32(np.sin(angle))
    reach = (abs(np.cos(angle)) + abs(np.sin(angle))) / 2
    share = ((x + y) / np.float32(2 * reach) + np.float32(0.5))[..., None]
    mixed = (1 - share) * np.array(first, np.float32) + share * np.array(last, np.float32)
    return np.asarray(mixed, dtype=np.uint8)


def blob(
    rng: np.random.Generator, centre: tuple[float, float], radii: tuple[float, float], *, roughness: float = 0.1
) -> NDArray[np.float64]:
    """A closed rounded outline ``(N, 2)`` around a centre."""
    angle = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    swell = np.ones(len(angle))
    for cycles in (2, 3, 5):
        swell += rng.normal(0, roughness / cycles) * np.cos(cycles * angle + rng.uniform(0, 2 * np.pi))
    return np.column_stack([np.cos(angle) * radii[0], np.sin(angle) * radii[1]]) * swell[:, None] + centre


def turned(points: ArrayLike, angle: float, centre: tuple[float, float]) -> NDArray[np.float64]:
    """Points ``(N, 2)`` turned about a centre by an angle in radians, clockwise on the screen."""
    cos, sin = np.cos(angle), np.sin(angle)
    offset = np.asarray(points, dtype=np.float64) - centre
    return np.asarray(offset @ np.array([[cos, sin], [-sin, cos]]) + centre, dtype=np.float64)


class Pen:
    """Draws filled shapes with edges that are mixed by coverage, and keeps what was covered.

    Attributes:
        image: RGB uint8 ``(H, W, 3)``, drawn on in place.
        mask: uint8 ``(H, W)``, 255 where a shape lies; None for a pen that paints a background.
    """

    def __init__(self, image: Image, *, masked: bool = False) -> None:
        self.image = image
        self.mask = np.zeros(image.shape[:2], np.uint8) if masked else None

    def polygon(self, points: ArrayLike, fill: Colour, *, detail: bool = False) -> None:
        """Fill a polygon; a ``detail`` lies on what was drawn and does not add to the mask."""
        fixed = [_fixed(points)]
        cv2.fillPoly(self.image, fixed, fill, cv2.LINE_AA, _SHIFT)
        if self.mask is not None and not detail:
            cv2.fillPoly(self.mask, fixed, 255, cv2.LINE_AA, _SHIFT)

    def line(self, points: ArrayLike, width_px: float, fill: Colour, *, detail: bool = False) -> None:
        """Draw a line through points, with round ends; at least a pixel wide."""
        fixed, width = [_fixed(points)], max(1, round(width_px))
        cv2.polylines(self.image, fixed, False, fill, width, cv2.LINE_AA, _SHIFT)
        if self.mask is not None and not detail:
            cv2.polylines(self.mask, fixed, False, 255, width, cv2.LINE_AA, _SHIFT)

    def ellipse(
        self,
        centre: tuple[float, float],
        radii: tuple[float, float],
        fill: Colour,
        *,
        angle: float = 0.0,
        detail: bool = False,
    ) -> None:
        """Fill an ellipse turned by an angle in radians."""
        around = np.linspace(0, 2 * np.pi, 24 if max(radii) < 12 else 60, endpoint=False)
        ring = np.column_stack([np.cos(around) * radii[0], np.sin(around) * radii[1]]) + centre
        self.polygon(turned(ring, angle, centre) if angle else ring, fill, detail=detail)

    def box(
        self, corner: tuple[float, float], size: tuple[float, float], fill: Colour, *, detail: bool = False
    ) -> None:
        """Fill an upright rectangle."""
        (x, y), (w, h) = corner, size
        self.polygon([(x, y), (x + w, y), (x + w, y + h), (x, y + h)], fill, detail=detail)

    def strokes(
        self,
        starts: NDArray[np.float64],
        ends: NDArray[np.float64],
        fills: Sequence[Colour],
        *,
        width_px: float = 1.0,
    ) -> None:
        """Many short lines ``(N, 2)`` to ``(N, 2)``, as hair and grass are; never part of the mask.

        Drawn colour by colour, in as many calls as there are colours.
        """
        pairs = np.rint(np.stack([starts, ends], axis=1) * (1 << _SHIFT)).astype(np.int32)
        width = max(1, round(width_px))
        for index, fill in enumerate(fills):
            cv2.polylines(self.image, list(pairs[index :: len(fills)]), False, fill, width, cv2.LINE_AA, _SHIFT)

    def text(self, words: str, corner: tuple[float, float], height_px: float, fill: Colour) -> None:
        """Letters whose lower left is at a corner; never part of the mask."""
        scale = height_px / 22.0
        place = (round(corner[0]), round(corner[1]))
        width = max(1, round(height_px / 9))
        cv2.putText(self.image, words, place, cv2.FONT_HERSHEY_SIMPLEX, scale, fill, width, cv2.LINE_AA)


def word(rng: np.random.Generator, length: int) -> str:
    """Random letters and digits."""
    return "".join(rng.choice(LETTERS, length))


def _fixed(points: ArrayLike) -> NDArray[np.int32]:
    return np.rint(np.asarray(points, dtype=np.float64) * (1 << _SHIFT)).astype(np.int32)
