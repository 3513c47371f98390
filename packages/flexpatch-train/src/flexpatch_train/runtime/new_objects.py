"""Where in a frame an object may be that no track knows of.

The frame is a grid of small cells. A cell grows urgent as it waits for a look by the detector, and is worth more where
it has edges; cells inside tracked boxes are worth nothing. Patches go where the sum over their cells is highest
(FlexPatch: Yang, Yi, Lee and Lee, INFOCOM 2022).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from flexpatch_train.runtime.patches import Patch
from footage.metrics.boxes import as_boxes, clip_boxes

CELL_PX = 8
PATCH_CELLS = (20, 22)
"""Width and height of a patch in cells: 160 by 176 pixels."""

WAITING_CAP_FRAMES = 50
EDGE_WEIGHT = 25.0
EDGE_PIXELS = 4
CANNY_THRESHOLDS = (50.0, 150.0)

_SLOW_AGEING = 1 / 64  # past the cap a cell still gains this much a frame: equal cells take turns and none starves
_EDGE_MAP_PIXELS = 250_000  # the edge map of a larger picture would take most of a frame's time
_LARGEST_EXACT_CELL = 15  # 15 * 15 pixels: the most that a mean in 8 bits can count without error
_LEAST_MEAN_PRIORITY = 1e-6  # sums of floats: what is left of an area that was zeroed

Gray = NDArray[np.uint8]
Floats = NDArray[np.float64]


class NewObjectRecommender:
    """Keeps account of what the detector has seen of a scene, and says where it should look next.

    Args:
        frame_size: width and height in pixels.
        cell_px: side of a cell in pixels.
        patch_cells: width and height of a patch in cells; cut to the grid where the frame is smaller.
        waiting_cap_frames: a cell's priority grows by 1 a frame up to this, very slowly afterwards.
        edge_weight: what edges add to a cell's priority, in frames of waiting.
        edge_pixels: a cell has edges where it has more edge pixels than this, counted at full size.
        canny: lower and upper threshold of ``cv2.Canny``.
        reduction: edges are looked for in a picture reduced by this factor, a divisor of ``cell_px``; None for the
            smallest that leaves at most 250,000 pixels, or the largest there is.

    Raises:
        ValueError: a size is not positive, or the reduction does not divide the cell or leaves it too large to count.
    """

    def __init__(
        self,
        frame_size: tuple[int, int],
        *,
        cell_px: int = CELL_PX,
        patch_cells: tuple[int, int] = PATCH_CELLS,
        waiting_cap_frames: int = WAITING_CAP_FRAMES,
        edge_weight: float = EDGE_WEIGHT,
        edge_pixels: int = EDGE_PIXELS,
        canny: tuple[float, float] = CANNY_THRESHOLDS,
        reduction: int | None = None,
    ) -> None:
        width, height = frame_size
        if min(width, height, cell_px, *patch_cells) < 1:
            raise ValueError(f"frame {frame_size}, cell {cell_px} and patch {patch_cells} must all be at least 1")
        self._frame_size = frame_size
        self._cell_px = cell_px
        self._reduction = _choose_reduction(frame_size, cell_px) if reduction is None else reduction
        if self._reduction < 1 or cell_px % self._reduction or cell_px // self._reduction > _LARGEST_EXACT_CELL:
            raise ValueError(f"a reduction by {self._reduction} does not suit cells of {cell_px} pixels")
        columns, rows = -(-width // cell_px), -(-height // cell_px)
        self._window = (min(patch_cells[0], columns), min(patch_cells[1], rows))
        self._cap = waiting_cap_frames
        self._edge_weight = edge_weight
        # Along an edge the number of pixels shrinks with the picture's side, not with its area. Counts are whole.
        self._edge_pixels = edge_pixels // self._reduction
        self._canny = canny
        # Nothing has been seen yet: every cell is as urgent as waiting can make it.
        self._waiting = np.full((rows, columns), waiting_cap_frames, np.int32)

    @property
    def waiting_frames(self) -> NDArray[np.int32]:
        """int32 ``(rows, columns)``: frames since each cell was last looked at (a copy)."""
        return self._waiting.copy()

    def recommend(self, gray: Gray, tracked_boxes: ArrayLike, limit: int, *, frames_passed: int = 1) -> list[Patch]:
        """The patches most likely to show something new.

        They count as looked at only once :meth:`looked_at` says so.

        Args:
            gray: uint8 ``(H, W)``, the frame.
            tracked_boxes: ``(N, 4)``, ``xyxy`` pixels; they may reach past the frame's edge.
            limit: the most patches to return.
            frames_passed: frames since the last call, by which every cell has waited longer.

        Returns:
            At most ``limit`` patches of the kind ``new``, most urgent first; the priority is the mean over the cells.

        Raises:
            ValueError: the frame is not of the size given at the start.
        """
        self._waiting += frames_passed
        found = best_windows(self.cell_priorities(gray, tracked_boxes), self._window, limit)
        cell, (width, height) = self._cell_px, self._frame_size
        across, down = self._window
        return [
            Patch(
                (
                    float(column * cell),
                    float(row * cell),
                    float(min((column + across) * cell, width)),
                    float(min((row + down) * cell, height)),
                ),
                priority,
                "new",
                None,
            )
            for column, row, priority in found
        ]

    def looked_at(self, boxes: ArrayLike) -> None:
        """Mark the cells that lie wholly inside one of these boxes as just seen by the detector.

        Args:
            boxes: ``(N, 4)``, ``xyxy`` pixels of the frame, for example the sources of the patches that were placed.
        """
        inside = clip_boxes(boxes, self._frame_size)
        first, last = np.ceil(inside[:, :2] / self._cell_px), np.floor(inside[:, 2:] / self._cell_px)
        # The last cells may reach past the frame: what there is of them is all there is to see.
        last = np.where(inside[:, 2:] >= self._frame_size, self._waiting.shape[::-1], last)
        _fill(self._waiting, first, last)

    def cell_priorities(self, gray: Gray, tracked_boxes: ArrayLike) -> NDArray[np.float32]:
        """How urgent each cell is in this frame; nothing is remembered of the call.

        Args:
            gray: uint8 ``(H, W)``, the frame.
            tracked_boxes: ``(N, 4)``, ``xyxy`` pixels. A cell is inside a box when its middle is.

        Returns:
            float32 ``(rows, columns)``, at least 0, and 0 inside the boxes.

        Raises:
            ValueError: the frame is not of the size given at the start.
        """
        if gray.shape != self._frame_size[::-1]:
            raise ValueError(f"the frame is {gray.shape[1]}x{gray.shape[0]}, expected {self._frame_size}")
        priority = self._waiting.astype(np.float32)
        urgent = np.minimum(priority, self._cap)
        priority -= urgent
        priority *= _SLOW_AGEING
        priority += urgent
        edges = cv2.Canny(_reduced(gray, self._reduction), *self._canny)
        counts = count_edge_pixels(np.asarray(edges, np.uint8), self._cell_px // self._reduction, priority.shape)
        priority += np.float32(self._edge_weight) * (counts > self._edge_pixels)
        middles = as_boxes(tracked_boxes) / self._cell_px - 0.5
        _fill(priority, np.ceil(middles[:, :2]), np.floor(middles[:, 2:]) + 1)
        return priority


def count_edge_pixels(edges: Gray, cell_px: int, grid: tuple[int, int]) -> NDArray[np.uint8]:
    """How many edge pixels each cell has.

    Args:
        edges: uint8 ``(H, W)``, 255 on edges and 0 elsewhere.
        cell_px: side of a cell in pixels, at most 15.
        grid: rows and columns of cells, enough to cover the map; what they reach past it has no edges.

    Returns:
        uint8 ``(rows, columns)``, 0 to ``cell_px`` squared.

    Raises:
        ValueError: the cells are too large to count in 8 bits.
    """
    if cell_px > _LARGEST_EXACT_CELL:
        raise ValueError(f"cells of {cell_px} pixels are too large to count, the most is {_LARGEST_EXACT_CELL}")
    rows, columns = grid
    below, right = rows * cell_px - edges.shape[0], columns * cell_px - edges.shape[1]
    if below or right:
        edges = np.asarray(cv2.copyMakeBorder(edges, 0, below, 0, right, cv2.BORDER_CONSTANT, value=(0,)), np.uint8)
    # The mean of each cell, in one pass many times faster than a sum over axes; its rounding is undone exactly.
    mean = cv2.resize(edges, (columns, rows), interpolation=cv2.INTER_AREA)
    count_of_mean = np.rint(np.arange(256) * (cell_px * cell_px / 255)).astype(np.uint8)
    return np.asarray(cv2.LUT(mean, count_of_mean), np.uint8)


def best_windows(priority: NDArray[np.float32], window: tuple[int, int], limit: int) -> list[tuple[int, int, float]]:
    """Place windows one after the other where the most priority is left; each takes what it covers.

    Args:
        priority: float32 ``(rows, columns)``, at least 0.
        window: width and height in cells, within the grid.
        limit: the most windows to place.

    Returns:
        Column and row of each window's first cell, and the mean priority that its cells had left, in the order placed;
        fewer than ``limit`` where no priority is left.
    """
    across, down = window
    left = priority.copy()
    sums = _window_sums(left, window)
    found: list[tuple[int, int, float]] = []
    while len(found) < limit:
        row, column = divmod(int(sums.argmax()), sums.shape[1])
        mean = float(sums[row, column]) / (across * down)
        if mean <= _LEAST_MEAN_PRIORITY:
            break
        found.append((column, row, mean))
        left[row : row + down, column : column + across] = 0
        # Only the windows that overlap this one have changed.
        top, start = max(row - down + 1, 0), max(column - across + 1, 0)
        changed = left[top : row + 2 * down - 1, start : column + 2 * across - 1]
        fresh = _window_sums(changed, window)
        sums[top : top + fresh.shape[0], start : start + fresh.shape[1]] = fresh
    return found


def _window_sums(values: NDArray[np.float32], window: tuple[int, int]) -> Floats:
    """Sum of every window that lies within ``(rows, columns)``: ``(rows - down + 1, columns - across + 1)``."""
    across, down = window
    table = np.asarray(cv2.integral(values), np.float64)
    tall = table[down:] - table[:-down]
    return tall[:, across:] - tall[:, :-across]


def _choose_reduction(frame_size: tuple[int, int], cell_px: int) -> int:
    usable = [k for k in range(1, cell_px + 1) if cell_px % k == 0 and cell_px // k <= _LARGEST_EXACT_CELL]
    area = frame_size[0] * frame_size[1]
    return next((k for k in usable if area <= _EDGE_MAP_PIXELS * k * k), usable[-1])


def _reduced(gray: Gray, factor: int) -> Gray:
    below, right = -gray.shape[0] % factor, -gray.shape[1] % factor
    if below or right:
        gray = np.asarray(cv2.copyMakeBorder(gray, 0, below, 0, right, cv2.BORDER_REPLICATE), np.uint8)
    while factor > 1:
        # Halving is vectorised in OpenCV: twice by 2 takes a fifth of the time of once by 4.
        step = 2 if factor % 2 == 0 else factor
        size = (gray.shape[1] // step, gray.shape[0] // step)
        gray = np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8)
        factor //= step
    return gray


def _fill(cells: NDArray[np.float32] | NDArray[np.int32], first: Floats, last: Floats) -> None:
    """Set the cells from ``first`` up to but without ``last`` to 0; both ``(N, 2)``, column and row."""
    limits = np.array(cells.shape[::-1], np.float64)
    spans = np.concatenate([np.clip(first, 0, limits), np.clip(last, 0, limits)], axis=1).astype(np.intp)
    for column, row, end_column, end_row in spans.tolist():
        cells[row:end_row, column:end_column] = 0
