"""How a pattern may change from frame to frame: the six motion models as groups of plane maps.

A warp is a 3 x 3 matrix that takes coordinates of a pattern, whose middle is 0, to pixels of a frame. A model is the
list of directions in which a warp may change: generators of the group, and the flow field that each gives in a pattern.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eztrack_tune.settings import MotionModel

Array = NDArray[np.float64]

_MOVE_X, _MOVE_Y, _TURN, _GROW = "x", "y", "turn", "grow"
_ENTRIES: dict[str, tuple[tuple[int, int, float], ...]] = {
    _MOVE_X: ((0, 2, 1.0),),
    _MOVE_Y: ((1, 2, 1.0),),
    _TURN: ((0, 1, -1.0), (1, 0, 1.0)),
    _GROW: ((0, 0, 1.0), (1, 1, 1.0)),
    "stretch": ((0, 0, 1.0), (1, 1, -1.0)),
    "shear": ((0, 1, 1.0), (1, 0, 1.0)),
    "keystone-x": ((2, 0, 1.0),),
    "keystone-y": ((2, 1, 1.0),),
}
_DIRECTIONS = {
    MotionModel.LOC: (_MOVE_X, _MOVE_Y),
    MotionModel.LOC_ROT: (_MOVE_X, _MOVE_Y, _TURN),
    MotionModel.LOC_SCALE: (_MOVE_X, _MOVE_Y, _GROW),
    MotionModel.LOC_ROT_SCALE: (_MOVE_X, _MOVE_Y, _TURN, _GROW),
    MotionModel.AFFINE: (_MOVE_X, _MOVE_Y, _TURN, _GROW, "stretch", "shear"),
    MotionModel.PERSPECTIVE: tuple(_ENTRIES),
}


def generators(model: MotionModel, half: float) -> Array:
    """The directions of a model, float64 (K, 3, 3), scaled so that each moves a pattern's edge by about a pixel.

    Args:
        model: which.
        half: half the pattern's side, pixels.
    """
    directions = []
    for name in _DIRECTIONS[model]:
        matrix = np.zeros((3, 3))
        for row, column, value in _ENTRIES[name]:
            matrix[row, column] = value if column == 2 else value / half if row < 2 else value / half**2
        directions.append(matrix)
    return np.stack(directions)


def flows(directions: Array, points: Array) -> Array:
    """How each direction moves points of a pattern, float64 (K, P, 2).

    Args:
        directions: (K, 3, 3).
        points: (P, 2), pattern coordinates.
    """
    moved = np.einsum("kij,pj->kpi", directions, np.column_stack([points, np.ones(len(points))]))
    # to first order the plane map (I + d G) moves a point by the first two rows less the point times the third
    return np.asarray(moved[:, :, :2] - points * moved[:, :, 2:])


def step(warps: Array, directions: Array, amounts: Array) -> Array:
    """Warps changed by amounts of each direction, staying within the model, (N, 3, 3).

    Args:
        warps: (N, 3, 3).
        directions: (K, 3, 3).
        amounts: (N, K).
    """
    change = np.einsum("nk,kij->nij", amounts, directions)
    power = np.broadcast_to(np.eye(3), change.shape)
    total = power.copy()
    for order in (1, 2, 3, 4):  # the exponential of a small matrix
        power = power @ change / order
        total = total + power
    return np.asarray(warps @ total)


def apply(warps: Array, points: Array) -> Array:
    """Where warps take points of a pattern, float64 (N, P, 2)."""
    mapped = np.einsum("nij,pj->npi", warps, np.column_stack([points, np.ones(len(points))]))
    return np.asarray(mapped[:, :, :2] / mapped[:, :, 2:])


def grid(side: int) -> Array:
    """The pixels of a pattern row by row, its middle at 0, float64 (side * side, 2)."""
    axis = np.arange(side) - (side - 1) / 2
    return np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
