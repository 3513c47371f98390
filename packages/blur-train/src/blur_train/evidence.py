"""From a photo to what a model sees: the one preprocessing that training, export and every decision share.

Blur lies in the finest detail, and the whole photo says what is subject and what is background. Shrinking to 224 px
removes the first (a blur of 1 px takes 95 % of the Laplacian's variance at 1600 px, and 9 % at 224 px). So
:class:`TileEvidence` looks at a grid of cells that covers the photo, takes from each cell the square with the most
gradient energy at full size, the cell as a whole at a quarter of the size, and the whole photo small:

- a photo whose long side is more than a quarter above ``long_side_px`` is first averaged down to it (area averaging:
  nothing aliases), so that a blur has about the same width in pixels whatever the camera. The others stay as they are;
  averaging by so little would soften every few pixels more than those between;
- luma (ITU-R BT.601) only: blur is the same in every colour, noise is larger in chroma, and a JPEG's luma is there in
  half the time of its colours.

:class:`WholeEvidence` is the usual squeezed picture, for networks that take one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from footage.errors import InputError, ModelError

GRID = 8
"""Cells along each side of a photo, whatever its shape."""
CELLS = GRID * GRID
TILE_PX = 64
"""Side of a tile at full size."""
COARSE = 4
"""How much smaller the second look is."""
COARSE_PX = 48
"""Side of a tile of the second look, which therefore shows 192 px: a whole cell, and with it the outlines of what is
so blurred that a tile with more detail was to be found beside it."""
LONG_SIDE_PX = 1536
WHOLE_PX = 224

PLANES = CELLS + CELLS * COARSE_PX**2 // TILE_PX**2 + 1
"""Planes of 64 x 64: the tiles, the tiles of the second look one after the other, the whole photo."""
_STRIDE_PX = 8
"""Distance of the places in a cell at which a tile may lie."""
_KEPT_AS_IT_IS = 1.25
"""How much longer than the wanted long side a photo may be."""
_HALF = 2
"""Energy is measured at half size: it costs a quarter, and noise counts for less."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a model sees of one photo.

    Attributes:
        array: uint8, of the shape that the model takes.
        boxes: where in the photo each cell's tile lies, ``(CELLS, 4)`` xyxy float pixels; None where nothing was cut.
    """

    array: NDArray[np.uint8]
    boxes: NDArray[np.float64] | None = field(default=None)


class EvidenceMaker(Protocol):
    """A way from a photo to a model's input."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one photo's array."""
        ...

    @property
    def by_luma(self) -> bool:
        """Whether a photo's luma is all that it needs."""
        ...

    def of(self, image: NDArray[np.uint8]) -> Evidence:
        """The evidence of one photo, upright: RGB uint8 ``(H, W, 3)``, or luma ``(H, W)`` where that is enough."""
        ...

    def described(self) -> dict[str, Any]:
        """Everything that is done, for the model's manifest."""
        ...


@dataclass(frozen=True, slots=True)
class TileEvidence:
    """Tiles at full size and at a quarter, and the whole photo small.

    Attributes:
        long_side_px: of the photo from which tiles are cut; photos more than a quarter larger are averaged down to it.
    """

    long_side_px: int = LONG_SIDE_PX

    @property
    def shape(self) -> tuple[int, ...]:
        """``(PLANES, TILE_PX, TILE_PX)``."""
        return (PLANES, TILE_PX, TILE_PX)

    @property
    def by_luma(self) -> bool:
        """True."""
        return True

    def of(self, image: NDArray[np.uint8]) -> Evidence:
        """The evidence of one photo.

        Args:
            image: luma uint8 ``(H, W)``, upright; or RGB ``(H, W, 3)``, whose luma is taken.

        Raises:
            InputError: a side is below 64 px.
            ValueError: the array is no such picture.
        """
        luma = image if image.ndim == 2 and image.dtype == np.uint8 else _luma(image)
        _check_size(luma)
        fine, scale = _at_long_side(luma, self.long_side_px)
        half = _halved(fine)
        corners = _corners(half, fine.shape)
        coarse = _halved(half)
        array = np.empty(self.shape, np.uint8)
        for plane, (left, top) in enumerate(corners):
            array[plane] = fine[top : top + TILE_PX, left : left + TILE_PX]
        array[CELLS:-1] = _coarse_tiles(coarse).reshape(-1, TILE_PX, TILE_PX)
        array[-1] = cv2.resize(coarse, (TILE_PX, TILE_PX), interpolation=cv2.INTER_AREA)
        boxes = np.concatenate([corners, corners + TILE_PX], axis=1) / scale
        limits = np.array([image.shape[1], image.shape[0]] * 2, np.float64)
        return Evidence(array, np.minimum(boxes, limits))

    def described(self) -> dict[str, Any]:
        """Everything that is done, for the model's manifest."""
        return {
            "kind": "tiles",
            "colour": "luma, ITU-R BT.601, uint8, upright; of a JPEG what it stores",
            "long_side_px": self.long_side_px,
            "reduced_by": "area averaging, first by a whole factor; never enlarged",
            "reduced_above": _KEPT_AS_IT_IS,
            "grid": GRID,
            "tile_px": TILE_PX,
            "tile_stride_px": _STRIDE_PX,
            "tile_choice": "most gradient energy at half size (whole blocks) among places whose centre is in the cell",
            "second_look": {
                "reduced": COARSE,
                "by": "twice area averaging of two by two",
                "tile_px": COARSE_PX,
                "centre": "that of the cell",
                "edge": "reflect",
            },
            "whole_px": TILE_PX,
            "planes": f"{CELLS} tiles by rows, as many smaller ones, the whole photo",
        }


@dataclass(frozen=True, slots=True)
class WholeEvidence:
    """The whole photo squeezed to a square, colours kept.

    Attributes:
        side_px: of the square.
    """

    side_px: int = WHOLE_PX

    @property
    def shape(self) -> tuple[int, ...]:
        """``(side_px, side_px, 3)``."""
        return (self.side_px, self.side_px, 3)

    @property
    def by_luma(self) -> bool:
        """False: the network takes colours."""
        return False

    def of(self, image: NDArray[np.uint8]) -> Evidence:
        """The evidence of one photo.

        Args:
            image: RGB uint8 ``(H, W, 3)``, upright.

        Raises:
            InputError: a side is below 64 px.
            ValueError: the array is no such picture.
        """
        _check_rgb(image)
        _check_size(image)
        larger = min(image.shape[:2]) < self.side_px
        # Area averaging cannot enlarge; what is smaller than the square has nothing to alias.
        how = cv2.INTER_LINEAR if larger else cv2.INTER_AREA
        return Evidence(np.asarray(cv2.resize(image, (self.side_px, self.side_px), interpolation=how), np.uint8))

    def described(self) -> dict[str, Any]:
        """Everything that is done, for the model's manifest."""
        return {
            "kind": "whole",
            "colour": "upright RGB, uint8",
            "side_px": self.side_px,
            "resized_by": "area averaging to a square, without crop; bilinear where a side is enlarged",
        }


def maker_of(preprocessing: dict[str, Any]) -> EvidenceMaker:
    """The way of preparing photos that a model's manifest describes.

    Raises:
        ModelError: this version prepares photos in another way.
    """
    kind = preprocessing.get("kind")
    made: EvidenceMaker | None = None
    if kind == "tiles" and _is_size(preprocessing.get("long_side_px")):
        made = TileEvidence(preprocessing["long_side_px"])
    elif kind == "whole" and _is_size(preprocessing.get("side_px")):
        made = WholeEvidence(preprocessing["side_px"])
    if made is None or made.described() != preprocessing:
        raise ModelError(
            "was trained on photos prepared in another way than this version does",
            remedy="train it again with this version, or use the version that made it",
        )
    return made


def _is_size(value: object) -> bool:
    return type(value) is int and value >= TILE_PX


def _check_rgb(image: NDArray[np.uint8]) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(f"a picture must be uint8 (H, W, 3), not {image.dtype} {image.shape}")


def _check_size(image: NDArray[np.uint8]) -> None:
    if min(image.shape[:2]) < TILE_PX:
        raise InputError(
            f"the photo is {image.shape[1]} x {image.shape[0]} px, and a side below {TILE_PX} px tells nothing of blur",
            remedy="give the photo at a larger size",
        )


def _luma(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    _check_rgb(image)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def _at_long_side(luma: NDArray[np.uint8], long_side_px: int) -> tuple[NDArray[np.uint8], float]:
    """The luma reduced to the wanted long side, and by what factor; no side gets smaller than a tile."""
    height, width = luma.shape
    scale = min(1.0, max(long_side_px / max(height, width), TILE_PX / min(height, width)))
    if scale >= 1 / _KEPT_AS_IT_IS:
        return luma, 1.0
    size = (max(round(width * scale), TILE_PX), max(round(height * scale), TILE_PX))
    whole = int(1 / scale)
    if whole > 1:  # Pillow averages whole blocks of pixels in a fifth of the time that OpenCV takes for parts of them
        luma = np.asarray(Image.fromarray(luma).reduce(whole), np.uint8)
    return np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA), np.uint8), scale


def _halved(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Every two by two pixels as one; a last odd row or column is left out: parts of pixels take five times as long."""
    height, width = luma.shape[0] // 2, luma.shape[1] // 2
    whole = luma[: 2 * height, : 2 * width]
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _corners(half: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.intp]:
    """Left and top of each cell's tile in a photo of a shape, ``(CELLS, 2)``, cells by rows."""
    energy = _tile_energy(half)
    height, width = shape
    rows = _places(height, energy.shape[0])
    columns = _places(width, energy.shape[1])
    corners = np.empty((CELLS, 2), np.intp)
    for cell in range(CELLS):
        (top, bottom), (left, right) = rows[cell // GRID], columns[cell % GRID]
        inside = energy[top:bottom, left:right]
        y, x = divmod(int(np.argmax(inside)), inside.shape[1])
        corners[cell] = ((left + x) * _STRIDE_PX, (top + y) * _STRIDE_PX)
    return corners


def _places(side_px: int, count: int) -> list[tuple[int, int]]:
    """For each cell along a side the places of tiles, as a range of their numbers, whose centre is in the cell.

    Where a cell holds no centre, the nearest place is taken: near the edges, and in photos of few pixels.
    """
    edges = np.linspace(0, side_px, GRID + 1)
    first = np.ceil((edges[:-1] - TILE_PX / 2) / _STRIDE_PX).astype(int)
    last = np.ceil((edges[1:] - TILE_PX / 2) / _STRIDE_PX).astype(int)
    first = np.clip(first, 0, count - 1)
    last = np.clip(last, first + 1, count)
    return list(zip(first.tolist(), last.tolist(), strict=True))


def _tile_energy(half: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Squared gradients of the tile at every place, summed over means of blocks, ``(rows, columns)`` of places."""
    squared = np.zeros(half.shape, np.float32)
    cv2.accumulateSquare(cv2.absdiff(half[:, 1:], half[:, :-1]), squared[:, :-1])
    cv2.accumulateSquare(cv2.absdiff(half[1:], half[:-1]), squared[:-1])
    # Tiles begin at multiples of the stride: the means of blocks of that side are all that is needed.
    stride, side = _STRIDE_PX // _HALF, TILE_PX // _STRIDE_PX
    rows, columns = (size // stride for size in half.shape)
    whole = squared[: rows * stride, : columns * stride]
    total = cv2.integral(cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA))
    return np.asarray(
        total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side], np.float64
    )


def _coarse_tiles(coarse: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Every cell of the reduced photo with what lies around it, ``(CELLS, COARSE_PX, COARSE_PX)``."""
    rim = COARSE_PX // 2
    padded = np.asarray(cv2.copyMakeBorder(coarse, rim, rim, rim, rim, cv2.BORDER_REFLECT_101), np.uint8)
    height, width = coarse.shape
    tops, lefts = (np.rint((np.arange(GRID) + 0.5) / GRID * size).astype(int) for size in (height, width))
    return np.stack([padded[top : top + COARSE_PX, left : left + COARSE_PX] for top in tops for left in lefts])
