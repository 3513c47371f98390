"""Telling a YOLO network's output layout from the outputs themselves.

=================  =====================  =========================================  ==================
family             output                 meaning of a row                           input
=================  =====================  =========================================  ==================
YOLOv10, YOLO26    ``(1, N, 6)``          x1, y1, x2, y2, score, class; no NMS       RGB 0 to 1, centred
YOLOv8, YOLO11     ``(1, 4 + C, A)``      cx, cy, w, h, a score a class              RGB 0 to 1, centred
the same turned    ``(1, A, 4 + C)``      the same                                   RGB 0 to 1, centred
YOLOX              ``(1, A, 5 + C)``      cx, cy, w, h, objectness, a score a class  BGR 0 to 255, top left
=================  =====================  =========================================  ==================

A is the number of grid cells at strides 8, 16 and 32. YOLOX rows are relative to their cells in the usual export and in
pixels in the one made with its decoding inside. The two families that share a shape are told apart by the values that a
plain grey picture gives; the same values show exports whose boxes or scores would be misread.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from footage.errors import ModelError

STRIDES = (8, 16, 32)

_COCO_CLASS_COUNT = 80
_SUPPORTED = (
    "supported are (1,N,6) end to end, (1,4+C,A) and (1,A,4+C) of YOLOv8 and YOLO11, and (1,A,5+C) of YOLOX, "
    "with A the number of grid cells at strides 8, 16 and 32"
)
# Nothing is found in plain grey, so boxes stay near their cells: a quarter of the picture away is far.
_NEAR_SHARE = 0.25


class Layout(Enum):
    """What a network's output holds."""

    END_TO_END = "end-to-end"
    YOLOV8 = "yolov8"
    YOLOV8_TRANSPOSED = "yolov8-transposed"
    YOLOX = "yolox"
    YOLOX_DECODED = "yolox-decoded"

    @property
    def is_yolox(self) -> bool:
        """Whether the network takes YOLOX's input: BGR from 0 to 255, padded at the right and bottom."""
        return self in {Layout.YOLOX, Layout.YOLOX_DECODED}


def cell_count(size: tuple[int, int]) -> int:
    """The number of grid cells over the three strides for an input of ``size`` (width, height)."""
    return sum((size[0] // stride) * (size[1] // stride) for stride in STRIDES)


def cells_of(size: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Column and row ``(A, 2)`` of every cell, in the order of the rows, and its stride in pixels ``(A, 1)``."""
    grids, strides = [], []
    for stride in STRIDES:
        columns, rows = np.meshgrid(np.arange(size[0] // stride), np.arange(size[1] // stride))
        grids.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
        strides.append(np.full((columns.size, 1), stride))
    return np.concatenate(grids).astype(np.float32), np.concatenate(strides).astype(np.float32)


def class_count_of(output: NDArray[Any], layout: Layout) -> int | None:
    """How many classes an output scores; None for end-to-end networks, which give the class by number."""
    if layout is Layout.END_TO_END:
        return None
    if layout is Layout.YOLOV8:
        return int(output.shape[1]) - 4
    return int(output.shape[2]) - (5 if layout.is_yolox else 4)


def recognise(outputs: Sequence[NDArray[Any]], size: tuple[int, int], *, class_count: int | None, where: str) -> Layout:
    """Tell the layout from the outputs for a plain grey picture.

    Args:
        outputs: what the network returned.
        size: input (width, height) in pixels.
        class_count: the number of classes where the model names them.
        where: the model, for errors.

    Raises:
        ModelError: an output that is none of the layouts or could be two of them; its shape is named.
    """
    shapes = ", ".join(str(tuple(output.shape)) for output in outputs)
    found = f"outputs {shapes} for an input of {size[0]}x{size[1]} px"
    if len(outputs) != 1 or outputs[0].ndim != 3 or outputs[0].shape[0] != 1 or min(size) < STRIDES[-1]:
        raise ModelError(f"no detector layout fits {found}", where=where, remedy=_SUPPORTED)
    output = np.asarray(outputs[0][0], np.float32)
    rows, columns = output.shape
    cells = cell_count(size)
    if columns == 6 and rows != cells:
        return Layout.END_TO_END
    if (rows == cells) == (columns == cells):
        raise ModelError(f"no detector layout fits {found} ({cells} grid cells)", where=where, remedy=_SUPPORTED)
    if columns == cells:
        layout = Layout.YOLOV8
        table = output.T
    else:
        table = output
        layout = _by_values(table, size, class_count, where=where, found=found)
    _check_values(table, layout, size, class_count, where=where, found=found)
    return layout


def _centre_unit(table: NDArray[np.float32], size: tuple[int, int]) -> str | None:
    """The unit that brings the centres in columns 0 and 1 nearest to their cells: pixels, cells or shares; or None."""
    grid, strides = cells_of(size)
    own = (grid + 0.5) * strides
    with np.errstate(over="ignore", invalid="ignore"):
        readings = {
            "pixels": table[:, :2],
            "cells": (table[:, :2] + grid) * strides,
            "shares": table[:, :2] * np.array(size, np.float32),
        }
        away = {unit: float(np.abs(centres - own).mean()) for unit, centres in readings.items()}
    near = {unit: distance for unit, distance in away.items() if distance < _NEAR_SHARE * max(size)}
    return min(near, key=near.__getitem__, default=None)


def _by_values(
    table: NDArray[np.float32], size: tuple[int, int], class_count: int | None, *, where: str, found: str
) -> Layout:
    if _centre_unit(table, size) == "cells":
        return Layout.YOLOX
    classes = _COCO_CLASS_COUNT if class_count is None else class_count
    if table.shape[1] == 4 + classes:
        return Layout.YOLOV8_TRANSPOSED
    if table.shape[1] == 5 + classes:
        return Layout.YOLOX_DECODED
    raise ModelError(
        f"{found} could be {table.shape[1] - 4} classes of YOLOv8 or {table.shape[1] - 5} of YOLOX",
        where=where,
        remedy="name the model's classes: their number decides",
    )


def _check_values(
    table: NDArray[np.float32],
    layout: Layout,
    size: tuple[int, int],
    class_count: int | None,
    *,
    where: str,
    found: str,
) -> None:
    first_class = 5 if layout.is_yolox else 4
    classes = table.shape[1] - first_class
    if classes < 1 or (class_count is not None and classes != class_count):
        raise ModelError(
            f"{found} hold {classes} classes as {layout.value}, and the model names {class_count}",
            where=where,
            remedy=f"masks, poses and rotated boxes are not read; {_SUPPORTED}",
        )
    expected = "cells" if layout is Layout.YOLOX else "pixels"
    unit = _centre_unit(table, size)
    if unit != expected:
        raise ModelError(
            f"{found} look like {layout.value}, but the boxes are not in {expected}"
            + ("" if unit is None else f": they are in {unit} of the input"),
            where=where,
            remedy="export the model again without changing its box outputs",
        )
    scores = table[:, 4:]
    if not (scores.min() >= -0.01 and scores.max() <= 1.01):
        raise ModelError(
            f"{found} look like {layout.value}, but the scores run from {scores.min():.3g} to {scores.max():.3g}",
            where=where,
            remedy="export the model with its final sigmoid, so that scores lie between 0 and 1",
        )
