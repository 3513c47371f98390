"""Following boxes from frame to frame with sparse optical flow.

All points of all boxes, and a grid of background points for the camera, go through one pyramidal Lucas-Kanade call a
frame; everything after that is array arithmetic over ``(tracks, points)``. Positions stay floating point throughout,
so that sub-pixel motion adds up instead of being rounded away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]
Floats = NDArray[np.float64]
EndReason = Literal["lost", "left the frame"]

POINTS_PER_BOX = 16
MIN_POINTS = 3
"""Fewer surviving points than this carry neither a spread nor a robust median: the track is lost."""

_CORE = 0.8  # points are picked in the middle 80 % of a box: its rim is mostly background
_GRID = (10, 8)  # background points across and down
_MAX_SCALE_STEP = 1.01  # ratios of point distances are noisy: a box may grow or shrink by 1 % a frame at most
_FIRST, _SECOND = np.triu_indices(POINTS_PER_BOX, 1)  # all pairs of a box's points
_LK_WINDOW = (15, 15)
_LK_LEVELS = 3
_LK_CRITERIA = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 15, 0.02)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowStep:
    """How the live tracks moved from the previous frame to this one.

    ``N`` tracks, ``P`` points a track. Tracks that ended in this step are not in the arrays but in ``ended``.

    Attributes:
        track_ids: int64 ``(N,)``, as returned by ``FlowTracker.start``.
        boxes: float64 ``(N, 4)``, ``xyxy`` pixels in this frame; they may reach past the frame's edge.
        flow: float64 ``(N, P, 2)``, displacement of each point in pixels; meaningless where not ``alive``.
        alive: bool ``(N, P)``, the points that were found again inside the frame.
        min_eig: float64 ``(N, P)``, the smaller eigenvalue of the 2x2 gradient matrix around each point, normalised by
            the window's area as OpenCV does (Shi and Tomasi 1994).
        camera_flow: float64 ``(N, 2)``, the displacement that the camera's own motion gives at each box's centre.
        survival: float64 ``(N,)``, the share in [0, 1] of the points the track started with that are ``alive``.
        ended: the tracks that ended in this step, and why.
    """

    track_ids: NDArray[np.int64]
    boxes: Floats
    flow: Floats
    alive: NDArray[np.bool_]
    min_eig: Floats
    camera_flow: Floats
    survival: Floats
    ended: dict[int, EndReason]


class FlowTracker:
    """Boxes in flight: start them, step them a frame at a time, stop them."""

    def __init__(self) -> None:
        self._gray: Gray | None = None
        self._next_id = 0
        self._ids = np.zeros(0, np.int64)
        self._boxes = np.zeros((0, 4))
        self._points = np.zeros((0, POINTS_PER_BOX, 2), np.float32)
        self._alive = np.zeros((0, POINTS_PER_BOX), bool)
        self._picked = np.zeros(0, np.int64)  # points that each track started with

    def __len__(self) -> int:
        """The number of live tracks."""
        return len(self._ids)

    @property
    def track_ids(self) -> NDArray[np.int64]:
        """int64 ``(N,)``: the live tracks, oldest first."""
        return self._ids

    @property
    def boxes(self) -> Floats:
        """float64 ``(N, 4)``: the live tracks' boxes, ``xyxy`` pixels."""
        return self._boxes

    def start(self, gray: Gray, boxes: NDArray[np.floating]) -> NDArray[np.int64]:
        """Begin one track a box in ``gray``, which must be the frame of the last step (or the first frame).

        Args:
            gray: uint8 ``(H, W)``.
            boxes: ``(N, 4)``, ``xyxy`` pixels.

        Returns:
            int64 ``(N,)``: the new tracks' ids, in the order of the boxes; ids are never used twice.
        """
        count = len(boxes)
        ids = np.arange(self._next_id, self._next_id + count)
        self._next_id += count
        points = np.zeros((count, POINTS_PER_BOX, 2), np.float32)
        alive = np.zeros((count, POINTS_PER_BOX), bool)
        for row, box in enumerate(boxes):
            found = pick_points(gray, box)
            points[row, : len(found)] = found
            alive[row, : len(found)] = True
        self._gray = gray
        self._ids = np.concatenate([self._ids, ids])
        self._boxes = np.concatenate([self._boxes, np.asarray(boxes, np.float64).reshape(-1, 4)])
        self._points = np.concatenate([self._points, points])
        self._alive = np.concatenate([self._alive, alive])
        self._picked = np.concatenate([self._picked, alive.sum(axis=1)])
        return ids

    def stop(self, track_ids: NDArray[np.int64]) -> None:
        """Forget these tracks; ids that are not live are ignored."""
        self._keep((self._ids[:, None] != track_ids).all(axis=1))

    def step(self, gray: Gray) -> FlowStep:
        """Move every live track into the next frame.

        Args:
            gray: uint8 ``(H, W)``, the frame after the one of the last ``start`` or ``step``.

        Returns:
            The step; the tracks that lost their points or left the frame are dropped and named in ``ended``.
        """
        previous, self._gray = self._gray, gray
        if previous is None or len(self._ids) == 0:
            return self._empty_step()
        height, width = gray.shape
        # Only points that have a say are followed: the living ones of the boxes, and the grid where no box hides it.
        own, grid = self._points[self._alive], _background(width, height, self._boxes)
        new, found, eig = _lucas_kanade(previous, gray, np.concatenate([own, grid]))
        camera = _camera_motion(grid[found[len(own) :]], new[len(own) :][found[len(own) :]])
        new_points, alive, min_eig = self._points.copy(), self._alive.copy(), np.zeros(self._alive.shape)
        new_points[self._alive] = new[: len(own)]
        alive[self._alive] = found[: len(own)]
        min_eig[self._alive] = eig[: len(own)]
        flow = (new_points - self._points).astype(np.float64)

        shift, scale = _box_motion(self._points, new_points, alive)
        centres = (self._boxes[:, :2] + self._boxes[:, 2:]) / 2
        halves = (self._boxes[:, 2:] - self._boxes[:, :2]) / 2 * scale[:, None]
        camera_flow = centres @ (camera[:, :2] - np.eye(2)).T + camera[:, 2]
        moved = centres + shift
        self._boxes = np.concatenate([moved - halves, moved + halves], axis=1)
        self._points = new_points
        # A point that slides out of its box clings to the background: it has no say in the frames to come.
        offset = np.abs(new_points - moved[:, None])
        self._alive = alive & (offset <= halves[:, None]).all(axis=2)

        outside = (moved < 0).any(axis=1) | (moved[:, 0] >= width) | (moved[:, 1] >= height)
        lost = alive.sum(axis=1) < MIN_POINTS
        ended: dict[int, EndReason] = {int(i): "lost" for i in self._ids[lost & ~outside]}
        ended.update({int(i): "left the frame" for i in self._ids[outside]})
        keep = ~(outside | lost)
        survival = alive[keep].sum(axis=1) / self._picked[keep]
        self._keep(keep)
        return FlowStep(
            track_ids=self._ids,
            boxes=self._boxes,
            flow=flow[keep],
            alive=alive[keep],
            min_eig=min_eig[keep],
            camera_flow=camera_flow[keep],
            survival=survival,
            ended=ended,
        )

    def _keep(self, keep: NDArray[np.bool_]) -> None:
        self._ids, self._boxes = self._ids[keep], self._boxes[keep]
        self._points, self._alive = self._points[keep], self._alive[keep]
        self._picked = self._picked[keep]

    def _empty_step(self) -> FlowStep:
        return FlowStep(
            track_ids=self._ids,
            boxes=self._boxes,
            flow=np.zeros((0, POINTS_PER_BOX, 2)),
            alive=self._alive,
            min_eig=np.zeros((0, POINTS_PER_BOX)),
            camera_flow=np.zeros((0, 2)),
            survival=np.zeros(0),
            ended={},
        )


def pick_points(gray: Gray, box: NDArray[np.floating]) -> NDArray[np.float32]:
    """Points worth following in the middle of a box: corners where there are any, else an even grid.

    Args:
        gray: uint8 ``(H, W)``.
        box: ``(4,)``, ``xyxy`` pixels.

    Returns:
        float32 ``(n, 2)``, ``n`` at most ``POINTS_PER_BOX``; empty when the box's middle lies outside the frame.
    """
    left, top, right, bottom = box.tolist()
    x, y = (left + right) / 2, (top + bottom) / 2
    half_width, half_height = (right - left) / 2 * _CORE, (bottom - top) / 2 * _CORE
    x0, y0 = max(math.floor(x - half_width), 0), max(math.floor(y - half_height), 0)
    x1, y1 = min(math.ceil(x + half_width), gray.shape[1]), min(math.ceil(y + half_height), gray.shape[0])
    if x1 - x0 < 2 or y1 - y0 < 2:
        return np.zeros((0, 2), np.float32)
    spacing = max(2.0, math.sqrt((x1 - x0) * (y1 - y0) / (4 * POINTS_PER_BOX)))
    corners = cv2.goodFeaturesToTrack(gray[y0:y1, x0:x1], POINTS_PER_BOX, 0.02, spacing)
    if corners is not None and len(corners) >= POINTS_PER_BOX // 2:
        return np.asarray(corners, np.float32).reshape(-1, 2) + np.array([x0, y0], np.float32)
    # Too little texture for corners: an even grid still measures how badly the box can be followed.
    side = int(np.sqrt(POINTS_PER_BOX))
    xs = x0 + (np.arange(side) + 0.5) * (x1 - x0) / side
    ys = y0 + (np.arange(side) + 0.5) * (y1 - y0) / side
    return np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2).astype(np.float32)


def _lucas_kanade(
    previous: Gray, current: Gray, points: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_], Floats]:
    """One pyramidal LK call: new positions ``(M, 2)``, found ``(M,)`` and smaller eigenvalues ``(M,)``."""
    if not len(points):
        return points, np.zeros(0, np.bool_), np.zeros(0)
    height, width = current.shape
    new, status, eig = cv2.calcOpticalFlowPyrLK(
        previous,
        current,
        points,
        points.copy(),
        winSize=_LK_WINDOW,
        maxLevel=_LK_LEVELS,
        criteria=_LK_CRITERIA,
        flags=cv2.OPTFLOW_LK_GET_MIN_EIGENVALS,
    )
    new = np.asarray(new, np.float32).reshape(-1, 2)
    # The status stays 1 for points that slid out of the picture.
    inside = (new >= 0).all(axis=1) & (new[:, 0] <= width - 1) & (new[:, 1] <= height - 1)
    return new, (status.ravel() == 1) & inside, eig.ravel().astype(np.float64)


def _background(width: int, height: int, boxes: Floats) -> NDArray[np.float32]:
    """The points ``(M, 2)`` of a grid over the frame that no box hides."""
    across, down = _GRID
    x = ((np.arange(across) + 0.5) * width / across).astype(np.float32)
    y = ((np.arange(down) + 0.5) * height / down).astype(np.float32)
    in_columns = (x >= boxes[:, :1]) & (x <= boxes[:, 2:3])
    in_rows = (y >= boxes[:, 1:2]) & (y <= boxes[:, 3:])
    rows, columns = np.nonzero(~(in_rows[:, :, None] & in_columns[:, None]).any(axis=0))
    return np.stack([x[columns], y[rows]], axis=1)


def _camera_motion(old: NDArray[np.float32], new: NDArray[np.float32]) -> Floats:
    """The similarity ``(2, 3)`` that moves the background; no motion where too little background is seen."""
    still = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    if len(old) < 6:
        return still
    matrix, _ = cv2.estimateAffinePartial2D(old, new, method=cv2.RANSAC, ransacReprojThreshold=1.5)
    return still if matrix is None else np.asarray(matrix, np.float64)


def _box_motion(old: NDArray[np.float32], new: NDArray[np.float32], alive: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Median shift ``(N, 2)`` and scale ``(N,)`` of each box's surviving points (Kalal et al. 2010, median flow)."""
    flow = np.where(alive[..., None], (new - old).astype(np.float64), np.nan)
    before, after = _distances(old), _distances(new)
    usable = alive[:, _FIRST] & alive[:, _SECOND] & (before > 2)
    ratio = np.full(before.shape, np.nan)
    np.divide(after, before, out=ratio, where=usable)
    with np.errstate(invalid="ignore"):
        shift, scale = nan_median(flow, axis=1), nan_median(ratio, axis=1)
    shift = np.where(np.isfinite(shift), shift, 0.0)
    scale = np.where(np.isfinite(scale), scale, 1.0)
    return shift, np.clip(scale, 1 / _MAX_SCALE_STEP, _MAX_SCALE_STEP)


def _distances(points: NDArray[np.float32]) -> Floats:
    """How far every point of each track ``(N, P, 2)`` is from every other, each pair once: ``(N, P (P - 1) / 2)``."""
    x, y = points[..., 0], points[..., 1]
    across, down = x[:, _FIRST] - x[:, _SECOND], y[:, _FIRST] - y[:, _SECOND]
    return np.asarray(np.sqrt(across * across + down * down), np.float64)


def nan_median(values: Floats, axis: int) -> Floats:
    """Median over the finite entries; NaN where there are none.

    ``numpy.nanmedian`` warns on empty slices and takes a slow path; sorting puts NaN last, which is all it takes.
    """
    # A copy with the axis last is sorted, and read, many times faster than strided.
    ordered = np.moveaxis(values, axis, -1).copy()
    ordered.sort(axis=-1)
    shape, width = ordered.shape[:-1], ordered.shape[-1]
    ordered = ordered.reshape(-1, width)
    rows, count = np.arange(len(ordered)), np.isfinite(ordered).sum(axis=1)
    low, high = ordered[rows, np.maximum((count - 1) // 2, 0)], ordered[rows, np.minimum(count // 2, width - 1)]
    return np.where(count > 0, (low + high) / 2, np.nan).reshape(shape)
