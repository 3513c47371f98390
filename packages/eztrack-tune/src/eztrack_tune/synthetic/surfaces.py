"""Textured rectangles in space, drawn by following every pixel's ray to the nearest of them: exact to the sub-pixel."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from footage.synthetic.drawing import texture

Array = NDArray[np.float64]
Image = NDArray[np.uint8]
_NEAREST = 0.1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surface:
    """A textured rectangle.

    Attributes:
        corner: float64 (3,), where the texture's first pixel lies.
        along: float64 (3,), from the corner along the texture's rows.
        down: float64 (3,), from the corner along its columns; at right angles to ``along``.
        skin: RGB uint8 (H, W, 3).
    """

    corner: Array
    along: Array
    down: Array
    skin: Image


def ground_and_boxes(
    rng: np.random.Generator, *, boxes: int, texels_per_unit: float, contrast: float
) -> tuple[Surface, ...]:
    """A ground with boxes on it, none inside another.

    Args:
        rng: decides everything.
        boxes: at most so many; fewer where they do not fit.
        texels_per_unit: texture pixels a scene unit: about as many as picture pixels, or it will alias.
        contrast: of the textures; 1 spreads grey levels by about 50.
    """
    surfaces = [_ground(rng, half=16.0, texels_per_unit=texels_per_unit, contrast=contrast)]
    placed: list[tuple[float, float, float]] = []
    for _ in range(20 * boxes):
        if len(placed) == boxes:
            break
        x, y = rng.uniform(-6.0, 6.0, 2)
        half, height = rng.uniform(0.4, 0.9), rng.uniform(0.5, 2.6)
        if all(np.hypot(x - other_x, y - other_y) > 1.45 * (half + other) for other_x, other_y, other in placed):
            placed.append((x, y, half))
            surfaces += _box(rng, (x, y), half, height, texels_per_unit=texels_per_unit, contrast=contrast)
    return tuple(surfaces)


def draw(surfaces: tuple[Surface, ...], pose: Array, focal_px: float, size: tuple[int, int]) -> Image:
    """The picture that a camera takes.

    Args:
        surfaces: what there is to see.
        pose: world to camera, float64 (3, 4).
        focal_px: focal length; the principal point is the picture's middle.
        size: (width, height) in pixels.

    Returns:
        RGB uint8 (H, W, 3), grey where a ray meets nothing.
    """
    width, height = size
    image = np.full((height, width, 3), 128, dtype=np.uint8)
    depth = np.full((height, width), np.inf)
    for surface in surfaces:
        _draw_one(surface, pose, focal_px, image, depth)
    return image


def _draw_one(surface: Surface, pose: Array, focal_px: float, image: Image, depth: Array) -> None:
    """Draw a surface where it is nearer than what is drawn."""
    rotation, translation = pose[:, :3], pose[:, 3]
    corner = rotation @ surface.corner + translation
    along, down = rotation @ surface.along, rotation @ surface.down
    normal = np.cross(along, down)
    window = _window(np.stack([corner, corner + along, corner + down, corner + along + down]), focal_px, depth.shape)
    if window is None or not abs(normal @ corner) > 0:
        return
    rows, columns = window
    # pixel (x, y) has its centre at (x + 1/2, y + 1/2), and the axis of view meets the picture's middle
    x = (np.arange(columns.start, columns.stop) + 0.5 - depth.shape[1] / 2) / focal_px
    y = (np.arange(rows.start, rows.stop) + 0.5 - depth.shape[0] / 2) / focal_px
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = (normal @ corner) / (normal[0] * x[None, :] + normal[1] * y[:, None] + normal[2])
        point = np.stack([reach * x[None, :], reach * y[:, None], reach], axis=-1) - corner
    u, v = (point @ along) / (along @ along), (point @ down) / (down @ down)
    seen = (reach > _NEAREST) & (reach < depth[rows, columns]) & (u >= 0) & (u < 1) & (v >= 0) & (v < 1)
    if not seen.any():
        return
    texels = surface.skin.shape[1], surface.skin.shape[0]
    map_x = np.where(seen, u * texels[0] - 0.5, 0).astype(np.float32)
    map_y = np.where(seen, v * texels[1] - 0.5, 0).astype(np.float32)
    drawn = cv2.remap(surface.skin, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    image[rows, columns][seen] = drawn[seen]
    depth[rows, columns][seen] = reach[seen]


def _window(corners: Array, focal_px: float, shape: tuple[int, ...]) -> tuple[slice, slice] | None:
    """The rows and columns that a rectangle can cover: all of them where a part of it is behind the camera."""
    height, width = shape
    if (corners[:, 2] <= _NEAREST).all():
        return None
    if (corners[:, 2] <= _NEAREST).any():
        return slice(0, height), slice(0, width)
    seen = corners[:, :2] / corners[:, 2:] * focal_px + (width / 2, height / 2)
    left, top = np.clip(np.floor(seen.min(axis=0)), 0, (width, height)).astype(int)
    right, bottom = np.clip(np.ceil(seen.max(axis=0)) + 1, 0, (width, height)).astype(int)
    return (slice(top, bottom), slice(left, right)) if left < right and top < bottom else None


def _ground(rng: np.random.Generator, *, half: float, texels_per_unit: float, contrast: float) -> Surface:
    side = 2 * half
    return Surface(
        corner=np.array([-half, -half, 0.0]),
        along=np.array([side, 0.0, 0.0]),
        down=np.array([0.0, side, 0.0]),
        skin=texture(rng, (round(side * texels_per_unit), round(side * texels_per_unit)), contrast=contrast),
    )


def _box(
    rng: np.random.Generator,
    middle: tuple[float, float],
    half: float,
    height: float,
    *,
    texels_per_unit: float,
    contrast: float,
) -> list[Surface]:
    """A roof and four walls, turned by any angle."""
    angle = rng.uniform(0.0, np.pi / 2)
    right = 2 * half * np.array([np.cos(angle), np.sin(angle), 0.0])
    back = 2 * half * np.array([-np.sin(angle), np.cos(angle), 0.0])
    up = np.array([0.0, 0.0, height])
    base = np.array([*middle, 0.0]) - (right + back) / 2
    sides = ((base + up, right, back), (base, right, up), (base + back, right, up), (base, back, up))
    surfaces = []
    for corner, along, down in (*sides, (base + right, back, up)):
        texels = [max(8, round(float(np.linalg.norm(edge)) * texels_per_unit)) for edge in (along, down)]
        skin = texture(rng, (texels[0], texels[1]), contrast=contrast)
        surfaces.append(Surface(corner=corner, along=along, down=down, skin=skin))
    return surfaces
