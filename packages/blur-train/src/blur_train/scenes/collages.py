"""Scenes of nothing in particular: shapes upon shapes, each of its own material.

Drawn people and places are few, and what is learned from them alone holds for them alone. Shapes whose sizes follow a
power law and which cover each other have the edges and the spectra of photographs (Lee, Mumford and Huang, 2001: dead
leaves). Their materials are what misleads about blur: textures that run one way, as water, hair and wood do, look like
a motion, and soft shadows look like a defocus.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from blur_train.scenes.drawing import Image, Pen, Size, blob, colour, grain, turned, varied

Point = tuple[float, float]
Texture = NDArray[np.float32]

_MATERIALS = 6
"""Different ones in a picture."""
_SMALLEST, _LARGEST = 5.0, 260.0
"""Radii of shapes, in units."""


def scraps(rng: np.random.Generator, size: Size, unit: float) -> Image:
    """Shapes of all sizes, the later ones upon the earlier ones."""
    width, height = size
    tones = [colour(rng, saturation=(0, 0.8), value=(0.05, 1.0)) for _ in range(int(rng.integers(3, 9)))]
    image = np.full((height, width, 3), tones[0], np.uint8)
    which = np.full((height, width), rng.integers(_MATERIALS), np.uint8)
    alike = rng.uniform(5, 40)
    kind = rng.random(3)
    # The inverse of a power law's distribution with the exponent -3, cut off at both ends.
    smallest, largest = _SMALLEST * rng.uniform(1, 4), _LARGEST * rng.uniform(0.3, 1)
    share = rng.random(int(rng.integers(500, 1300)))
    radii = smallest / np.sqrt(1 - share * (1 - (smallest / largest) ** 2)) * unit
    for radius in radii:
        outline = _outline(rng, (rng.uniform(0, width), rng.uniform(0, height)), radius, kind)
        tone = varied(rng, tones[rng.integers(len(tones))], alike)
        fixed = [np.rint(outline * 16).astype(np.int32)]
        cv2.fillPoly(image, fixed, tone, cv2.LINE_AA, 4)
        cv2.fillPoly(which, fixed, int(rng.integers(_MATERIALS)), cv2.LINE_8, 4)
    factor = np.ones((height, width), np.float32)
    for number in range(_MATERIALS):
        here = which == number
        factor[here] += (np.float32(rng.uniform(0.0, 0.35)) * material(rng, size, unit))[here]
    if rng.random() < 0.6:
        factor *= _shadows(rng, size, unit)
    factor = np.clip(factor, 0.1, 2.5)
    return np.asarray(cv2.convertScaleAbs(cv2.multiply(image.astype(np.float32), cv2.merge([factor] * 3))), np.uint8)


def cutout(rng: np.random.Generator, pen: Pen, centre: Point, height: float, unit: float) -> None:
    """A silhouette of a few parts, of the materials of :func:`scraps`."""
    size = (pen.image.shape[1], pen.image.shape[0])
    pen.image[:] = scraps(rng, size, unit * rng.uniform(0.5, 1.0))
    plain = rng.random() < 0.3
    kind = rng.random(3)
    middle = np.array(centre)
    for part in range(int(rng.integers(1, 7))):
        place = middle + (rng.normal(0, 0.2, 2) * height if part else 0)
        radius = height * (0.5 * rng.uniform(0.5, 0.9) if part == 0 else rng.uniform(0.08, 0.3))
        if part and rng.random() < 0.35:  # a limb
            tip = place + rng.normal(0, 0.25, 2) * height
            _part(
                pen,
                [middle, (middle + tip) / 2 + rng.normal(0, 0.05, 2) * height, tip],
                rng.uniform(0.02, 0.1) * height,
            )
            continue
        outline = _outline(rng, (float(place[0]), float(place[1])), radius, kind)
        pen.polygon(outline, colour(rng)) if plain or rng.random() < 0.25 else _cover(pen, outline)
    for _ in range(int(rng.integers(0, 30))):
        spot = middle + rng.normal(0, 0.2, 2) * height
        reach = rng.uniform(2, 25) * unit
        pen.polygon(_outline(rng, (float(spot[0]), float(spot[1])), reach, kind), colour(rng), detail=True)


def material(rng: np.random.Generator, size: Size, unit: float) -> Texture:
    """A texture with mean 0 and a standard deviation of about 1, ``(H, W)``: even, running one way, or regular."""
    choice = rng.random()
    if choice < 0.15:
        return np.zeros(size[::-1], np.float32)
    if choice < 0.45:
        return grain(rng, size, coarsest_px=rng.uniform(2, 120) * unit, slope=rng.uniform(0.1, 1.1))
    if choice < 0.75:
        return _running(rng, size, unit)
    return _regular(rng, size, unit)


def _running(rng: np.random.Generator, size: Size, unit: float) -> Texture:
    """Grain drawn out along one direction, sharp across it: hair, wood, brushed metal, grass."""
    reach = int(np.ceil(np.hypot(*size)))
    stretch = rng.uniform(2, 16)
    across = grain(
        rng, (int(reach / stretch) + 8, reach), coarsest_px=rng.uniform(1, 30) * unit, slope=rng.uniform(0.1, 0.9)
    )
    turn = cv2.getRotationMatrix2D((0, 0), float(rng.uniform(0, 180)), 1.0)
    turn = turn @ np.diag([stretch, 1.0, 1.0])
    corners = turn[:, :2] @ np.array([[across.shape[1], across.shape[0]]]).T / 2
    turn[:, 2] = np.array(size) / 2 - corners[:, 0]
    drawn = cv2.warpAffine(across, turn, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(drawn / max(float(drawn[::5, ::5].std()), 1e-3), np.float32)


def _regular(rng: np.random.Generator, size: Size, unit: float) -> Texture:
    """Stripes, checks or waves, bent a little, with hard or soft flanks."""
    width, height = size
    y = np.arange(height, dtype=np.float32)[:, None]
    x = np.arange(width, dtype=np.float32)[None, :]
    angle = np.float32(rng.uniform(0, np.pi))
    period = np.float32(max(2.5, np.exp(rng.uniform(np.log(3), np.log(70))) * unit))
    bend = grain(rng, size, coarsest_px=200 * unit, finest_px=12 * unit, slope=1.2) * np.float32(rng.uniform(0, 2.5))
    turn = np.float32(2 * np.pi) / period
    along = np.sin((x * np.cos(angle) + y * np.sin(angle)) * turn + bend)
    if rng.random() < 0.4:
        along = along * np.sin((y * np.cos(angle) - x * np.sin(angle)) * turn * np.float32(rng.uniform(0.3, 1)) + bend)
    hard = np.float32(np.exp(rng.uniform(0, 3)))
    return np.asarray(np.clip(along * hard, -1, 1) * np.float32(1.2), np.float32)


def _shadows(rng: np.random.Generator, size: Size, unit: float) -> Texture:
    """Factors of light with soft flanks, as shadows have."""
    width, height = size
    small = np.ones((height // 4 + 1, width // 4 + 1), np.float32)
    for _ in range(int(rng.integers(1, 9))):
        centre = (rng.uniform(0, small.shape[1]), rng.uniform(0, small.shape[0]))
        outline = _outline(rng, centre, rng.uniform(10, 80) * unit, rng.random(3))
        one = np.ones_like(small)
        cv2.fillPoly(one, [np.rint(outline).astype(np.int32)], float(rng.uniform(0.4, 0.85)))
        small *= cv2.GaussianBlur(one, (0, 0), float(rng.uniform(0.7, 9) * unit) + 0.3)
    return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_LINEAR), np.float32)


def _outline(rng: np.random.Generator, centre: Point, radius: float, kind: NDArray[np.float64]) -> NDArray[np.float64]:
    """A closed outline ``(N, 2)``: rounded, cornered or a bar, as often as the three numbers of ``kind`` stand."""
    thin = rng.uniform(0.25, 1.0)
    choice = rng.random() * kind.sum()
    if choice < kind[0]:
        return turned(blob(rng, centre, (radius, radius * thin), roughness=0.3), rng.uniform(0, np.pi), centre)
    if choice < kind[0] + kind[1]:
        angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 8))))
        corners = np.column_stack([np.cos(angles), np.sin(angles) * thin]) * radius + centre
        return turned(corners, rng.uniform(0, np.pi), centre)
    wide = radius * thin * 0.6
    x, y = centre
    bar = [(x - radius, y - wide), (x + radius, y - wide), (x + radius, y + wide), (x - radius, y + wide)]
    return turned(bar, rng.uniform(0, np.pi) if rng.random() < 0.7 else 0.0, centre)


def _cover(pen: Pen, outline: NDArray[np.float64]) -> None:
    """Make a part of the picture part of the subject, as it is."""
    if pen.mask is not None:
        cv2.fillPoly(pen.mask, [np.rint(outline * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)


def _part(pen: Pen, points: list[NDArray[np.float64]], width_px: float) -> None:
    if pen.mask is not None:
        fixed = [np.rint(np.array(points) * 16).astype(np.int32)]
        cv2.polylines(pen.mask, fixed, False, 255, max(1, round(width_px)), cv2.LINE_AA, 4)
