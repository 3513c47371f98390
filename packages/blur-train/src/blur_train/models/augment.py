"""Evidence varied in ways that leave blur as it is: turned over, of another gain and gamma. Nothing is scaled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from blur_train.evidence import CELLS, COARSE_PX, GRID, TILE_PX

_MOST_GAIN, _MOST_GAMMA = 1.25, 1.2
_MIRRORED, _UPSIDE_DOWN, _TURNED = 0.5, 0.2, 0.2
_PACKED = (-1, TILE_PX, TILE_PX)


def varied_tiles(array: NDArray[np.uint8], rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """Tile evidence turned over and of another brightness.

    Args:
        array: of :class:`~blur_train.evidence.TileEvidence`, ``(PLANES, TILE_PX, TILE_PX)``.
        rng: draws how.

    Returns:
        The evidence, and which cell of the given one each of its cells was, ``(CELLS,)``.
    """
    draws = rng.random(5)
    cells = np.arange(CELLS).reshape(GRID, GRID)
    fine = array[:CELLS].reshape(GRID, GRID, TILE_PX, TILE_PX)
    coarse = array[CELLS:-1].reshape(GRID, GRID, COARSE_PX, COARSE_PX)
    whole = array[-1]
    if draws[0] < _MIRRORED:
        fine, coarse, whole, cells = fine[:, ::-1, :, ::-1], coarse[:, ::-1, :, ::-1], whole[:, ::-1], cells[:, ::-1]
    if draws[1] < _UPSIDE_DOWN:
        fine, coarse, whole, cells = fine[::-1, :, ::-1], coarse[::-1, :, ::-1], whole[::-1], cells[::-1]
    if draws[2] < _TURNED:
        fine, coarse = fine.transpose(1, 0, 3, 2), coarse.transpose(1, 0, 3, 2)
        whole, cells = whole.T, cells.T
    packed = np.concatenate(
        [fine.reshape(CELLS, TILE_PX, TILE_PX), coarse.reshape(_PACKED), whole.reshape(1, TILE_PX, TILE_PX)]
    )
    return _brighter(packed, draws[3], draws[4]), cells.reshape(-1)


def varied_whole(array: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A whole photo ``(H, W, 3)`` mirrored or not, and of another brightness."""
    draws = rng.random(2)
    return _brighter(array[:, ::-1] if draws[0] < _MIRRORED else array, draws[1])


def _brighter(array: NDArray[np.uint8], draw: float, bend: float = 0.5) -> NDArray[np.uint8]:
    """Another gain, and another gamma where ``bend`` is not in the middle of [0, 1]."""
    gain, gamma = _MOST_GAIN ** (2 * draw - 1), _MOST_GAMMA ** (2 * bend - 1)
    table = np.clip(np.rint((np.arange(256) / 255) ** gamma * 255 * gain), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(table[array])
