"""Point spread functions: what becomes of one point of light, on a grid of pixels.

Every kernel is float32 ``(K, K)`` with ``K`` odd, sums to 1, and has its centre of mass in the middle of the grid, so
that blur never moves a picture.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Kernel = NDArray[np.float32]
Path2D = NDArray[np.float64]
"""Positions ``(N, 2)`` in px, x and y, at equal steps of time while the shutter is open."""

_SUBPIXELS = 11
_SAMPLES_PER_PX = 8
_LEAST_SAMPLES = 65


def aperture(radius_px: float, *, blades: int | None = None, turn: float = 0.0, rim: float = 0.0) -> Kernel:
    """The image of a point out of focus through an aperture: an even disk, or the image of the blades.

    The second moment of a disk along each axis is ``radius² / 4`` (plus the pixel's own 1/12), its transfer function
    ``2 J1(2πrf) / (2πrf)``.

    Args:
        radius_px: of the disk of the same area, above 0.
        blades: sides of a polygonal aperture, 3 or more; None for a round one.
        turn: of the polygon, in radians.
        rim: brightness at the rim relative to the middle, less 1, above -1: lenses that are not corrected for spherical
            aberration have brighter or dimmer rims.

    Raises:
        ValueError: a figure is out of range.
    """
    if not radius_px > 0 or (blades is not None and blades < 3) or rim <= -1:
        raise ValueError(f"no aperture has radius {radius_px}, {blades} blades and rim {rim}")
    reach = radius_px if blades is None else radius_px * _circumscribed(blades)
    half = int(np.ceil(reach + 0.5))
    fine = (np.arange((2 * half + 1) * _SUBPIXELS) + 0.5) / _SUBPIXELS - half - 0.5
    x, y = fine[None, :], fine[:, None]
    distance = np.hypot(x, y)
    if blades is None:
        inside = distance <= radius_px
    else:
        # A point is inside where it is on the inner side of the nearest edge.
        angle = (np.arctan2(y, x) - turn) % (2 * np.pi / blades) - np.pi / blades
        inside = distance * np.cos(angle) <= reach * np.cos(np.pi / blades)
    brightness = inside * (1.0 + rim * (distance / reach) ** 2)
    cells = brightness.reshape(2 * half + 1, _SUBPIXELS, 2 * half + 1, _SUBPIXELS).sum(axis=(1, 3))
    return np.asarray(cells / cells.sum(), dtype=np.float32)


def _circumscribed(blades: int) -> float:
    """Radius of the circle around a regular polygon, where the disk of the same area has radius 1."""
    return float(np.sqrt(2 * np.pi / (blades * np.sin(2 * np.pi / blades))))


def bent_path(length_px: float, angle: float, bend: float) -> Path2D:
    """Even motion along an arc: a moving limb, or a pan that is not level.

    Args:
        length_px: along the arc.
        angle: of the motion in its middle, in radians; 0 is to the right, pi/2 down.
        bend: angle in radians by which the direction changes from start to end; 0 for a straight line.
    """
    steps = np.linspace(-0.5, 0.5, _sample_count(length_px))
    heading = angle + bend * steps
    return _walked(np.column_stack([np.cos(heading), np.sin(heading)]), length_px)


def shaken_path(length_px: float, rng: np.random.Generator, *, unrest: float = 1.0) -> Path2D:
    """A hand that drifts and trembles: a drift in one direction with smooth deviations from it.

    Args:
        length_px: greatest distance between two points of the path.
        rng: draws direction and tremble.
        unrest: size of the tremble relative to the drift, 0 for a straight line.
    """
    count = _sample_count(2 * length_px)
    time = np.linspace(0.0, 1.0, count)
    angle = rng.uniform(0, 2 * np.pi)
    path = time[:, None] * np.array([np.cos(angle), np.sin(angle)])
    for cycles in (0.5, 1.0, 1.5, 2.5):
        size = unrest * rng.normal(0, 0.25, 2) / (1 + cycles)
        path = path + size * np.sin(2 * np.pi * cycles * time[:, None] + rng.uniform(0, 2 * np.pi, 2))
    return np.asarray(path * (length_px / _extent(path)), dtype=np.float64)


def jerked(path: Path2D, *, cycles: float, strength: float, phase: float) -> Path2D:
    """The same path in jerks, as of a vibrating vehicle: where it is slow, edges stand in the streak.

    Args:
        path: at equal steps of time.
        cycles: jerks on the way.
        strength: 0 for an even motion; from 1 on it stands still or goes back between two jerks.
        phase: of the first jerk, in radians.

    Returns:
        Positions between the same two ends, as close to each other as the path's are.
    """
    time = np.linspace(0, 1, int(len(path) * (1 + strength)) | 1)
    way = time + strength * np.sin(2 * np.pi * cycles * time + phase) / (2 * np.pi * cycles)
    way = (way - way.min()) / np.ptp(way)
    equal = np.linspace(0, 1, len(path))
    return np.column_stack([np.interp(way, equal, axis) for axis in path.T])


def motion(path: Path2D) -> Kernel:
    """The image of a point that moves along a path while the shutter is open.

    Positions between pixels are shared among the four nearest ones by distance.

    Args:
        path: at equal steps of time; half a pixel apart or less.

    Raises:
        ValueError: the path has no position, or one that is not finite.
    """
    if path.ndim != 2 or path.shape[1] != 2 or not len(path) or not np.isfinite(path).all():
        raise ValueError(f"expected positions (N, 2), got {path.shape}")
    centred = path - path.mean(axis=0)
    half = int(np.ceil(np.abs(centred).max())) + 1
    low = np.floor(centred)
    share = centred - low
    column, row = (low + half).astype(int).T
    kernel = np.zeros((2 * half + 1, 2 * half + 1))
    for dx in (0, 1):
        for dy in (0, 1):
            weight = np.abs(1 - dx - share[:, 0]) * np.abs(1 - dy - share[:, 1])
            np.add.at(kernel, (row + dy, column + dx), weight)
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)


def joined(first: Kernel, second: Kernel) -> Kernel:
    """One blur after another, as one kernel: their convolution."""
    half = second.shape[0] // 2
    wide = np.pad(first, 2 * half)
    windows = np.lib.stride_tricks.sliding_window_view(wide, second.shape)
    both = np.einsum("ijkl,kl->ij", windows, second[::-1, ::-1])
    return np.asarray(both / both.sum(), dtype=np.float32)


def _sample_count(length_px: float) -> int:
    if not (np.isfinite(length_px) and length_px > 0):
        raise ValueError(f"length_px is {length_px}, expected a length above 0")
    return max(_LEAST_SAMPLES, int(np.ceil(length_px * _SAMPLES_PER_PX)) | 1)


def _walked(directions: Path2D, length_px: float) -> Path2D:
    """The path of unit steps in these directions, of this length."""
    steps = (directions[1:] + directions[:-1]) / 2 * (length_px / (len(directions) - 1))
    return np.vstack([np.zeros(2), np.cumsum(steps, axis=0)])


def _extent(path: Path2D) -> float:
    """The greatest distance between two of the path's points."""
    few = path[:: max(1, len(path) // 128)]
    return float(np.hypot(*(few[:, None] - few[None]).transpose(2, 0, 1)).max())
