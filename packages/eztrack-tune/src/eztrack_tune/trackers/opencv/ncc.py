"""Patterns followed by normalised cross-correlation: looked for everywhere in the search area, then fitted exactly.

This is the way of Blender's tracker, and so its settings mean the same: a larger search area survives faster motion
and finds more look-alikes, a lower correlation keeps tracks that have drifted. Optical flow (Lucas and Kanade) hardly
reacts to these settings and would be no stand-in. All patterns are fitted at once, as arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from eztrack_tune.settings import TrackerSettings
from eztrack_tune.trackers.opencv.warps import Array, apply, flows, generators, grid, step

Gray = NDArray[np.uint8]
Smooth = NDArray[np.float32]
Bits = NDArray[np.bool_]
_SIGMA = 0.9
"""Frames are smoothed a little before patterns are compared, as Blender does: noise has no pattern."""
_FITTING_STEPS = 12
_SETTLED_PX = 0.01
_LARGEST_STEP_PX = 2.0


class PatternTracker:
    """Follows patterns from frame to frame.

    Attributes:
        xy: float64 (N, 2), where each pattern was last found, pixels from the top left corner.
        alive: bool (N,), whether it was found in the last frame.
    """

    def __init__(self, gray: Gray, xy: Array, settings: TrackerSettings, *, follow_previous: bool = False) -> None:
        """Take the patterns round some places of a frame.

        Args:
            gray: the frame, uint8 (H, W).
            xy: float64 (N, 2), the patterns' middles; those too near to the edge are lost at once.
            settings: all but the threshold.
            follow_previous: look for each pattern as it was last found, not as it was at first.
        """
        self._settings = settings
        self._follow_previous = follow_previous
        self._side = settings.pattern_size
        self._directions = generators(settings.motion_model, self._side / 2)
        self._points = grid(self._side)
        self._rim_points = grid(self._side + 2)
        self._flows = flows(self._directions, self._points)
        self.xy = np.array(xy, dtype=np.float64).reshape(-1, 2)
        self.alive = self._fits(self.xy, gray.shape)
        self._warps = self._placed(np.broadcast_to(np.eye(3), (len(self.xy), 3, 3)), self.xy)
        self._patterns = np.zeros((len(self.xy), self._side**2))
        self._take(_smooth(gray))

    def advance(self, gray: Gray) -> None:
        """Find the patterns in the next frame; those that are not found are lost for good."""
        looked_for = np.flatnonzero(self.alive)
        if not len(looked_for):
            return
        smooth = _smooth(gray)
        area = np.rint(smooth).astype(np.uint8)
        guesses = np.stack([self._search(area, int(index)) for index in looked_for])
        warps = self._placed(self._warps[looked_for], guesses)
        warps, correlation = self._fit(smooth, warps, self._patterns[looked_for])
        found = apply(warps, np.zeros((1, 2)))[:, 0]
        reach = (self._settings.search_size - self._side) / 2
        good = correlation >= self._settings.correlation
        good &= (np.abs(found - self.xy[looked_for]) <= reach + 1).all(axis=1) & self._fits(found, gray.shape)
        kept = looked_for[good]
        self.alive[:] = False
        self.alive[kept] = True
        self.xy[kept], self._warps[kept] = found[good], warps[good]
        if self._follow_previous:
            self._warps[kept] = self._placed(np.broadcast_to(np.eye(3), (len(kept), 3, 3)), found[good])
            self._take(smooth)

    def _take(self, gray: Smooth) -> None:
        """Take the patterns as they are in a frame."""
        kept = np.flatnonzero(self.alive)
        if len(kept):
            self._patterns[kept] = _normal(_sample(gray, apply(self._warps[kept], self._points)))[0]

    def _search(self, gray: Gray, index: int) -> Array:
        """The whole pixel at which a pattern, as it was last turned and sized, correlates best."""
        reach = (self._settings.search_size - self._side) // 2
        half = self._side // 2
        column, row = np.floor(self.xy[index]).astype(int)
        top, left = max(0, row - reach - half), max(0, column - reach - half)
        area = gray[top : row + reach + half + 1, left : column + reach + half + 1]
        pattern = self._as_last_seen(index)
        if area.shape[0] < self._side or area.shape[1] < self._side or not pattern.std() > 0:
            return np.array(self.xy[index])
        scores = cv2.matchTemplate(area, pattern, cv2.TM_CCOEFF_NORMED)
        best_row, best_column = np.unravel_index(int(np.argmax(np.nan_to_num(scores, nan=-1.0))), scores.shape)
        return np.array([left + best_column + half + 0.5, top + best_row + half + 0.5])

    def _as_last_seen(self, index: int) -> Gray:
        """The pattern, as it was first seen, brought to the shape it was last found in."""
        pattern = self._patterns[index].reshape(self._side, self._side)
        image = np.clip(128 + 45 * pattern, 0, 255).astype(np.uint8)
        shape = self._warps[index].copy()
        shape[:2] -= np.outer(self.xy[index], shape[2])  # without the move
        middle = np.array([[1.0, 0.0, self._side // 2], [0.0, 1.0, self._side // 2], [0.0, 0.0, 1.0]])
        matrix = middle @ shape @ np.linalg.inv(middle)
        size = (self._side, self._side)
        return np.asarray(cv2.warpPerspective(image, matrix, size, borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)

    def _fit(self, gray: Smooth, warps: Array, patterns: Array) -> tuple[Array, Array]:
        """Gauss-Newton on the normalised pattern; returns warps and correlations of the best step of each."""
        best, best_correlation = warps, np.full(len(warps), -1.0)
        unsettled = np.ones(len(warps), dtype=bool)
        for _ in range(_FITTING_STEPS):
            rim = _sample(gray, apply(warps, self._rim_points)).reshape(len(warps), self._side + 2, self._side + 2)
            seen, spread = _normal(rim[:, 1:-1, 1:-1].reshape(len(warps), -1))
            correlation = (seen * patterns).mean(axis=1)
            better = correlation > best_correlation
            best = np.where(better[:, None, None], warps, best)
            best_correlation = np.maximum(correlation, best_correlation)
            amounts = self._amounts(rim, seen, spread, patterns)
            unsettled &= np.abs(amounts).max(axis=1) > _SETTLED_PX
            if not unsettled.any():
                break
            warps = step(warps, self._directions, np.where(unsettled[:, None], amounts, 0.0))
        return best, best_correlation

    def _amounts(self, rim: Array, seen: Array, spread: Array, patterns: Array) -> Array:
        """How much to change each warp along each direction, (N, K)."""
        slope_x = (rim[:, 1:-1, 2:] - rim[:, 1:-1, :-2]).reshape(len(rim), -1) / 2
        slope_y = (rim[:, 2:, 1:-1] - rim[:, :-2, 1:-1]).reshape(len(rim), -1) / 2
        jacobian = (slope_x[:, None] * self._flows[None, :, :, 0] + slope_y[:, None] * self._flows[None, :, :, 1]) / (
            spread[:, None, None]
        )
        jacobian -= jacobian.mean(axis=2, keepdims=True)
        # changes of contrast are not the warp's business
        jacobian -= (jacobian * seen[:, None]).mean(axis=2, keepdims=True) * seen[:, None]
        normal = jacobian @ jacobian.transpose(0, 2, 1)
        damping = 1e-3 * np.trace(normal, axis1=1, axis2=2)[:, None, None] + 1e-6
        normal += damping * np.eye(normal.shape[1]) / normal.shape[1]
        right = (jacobian @ (patterns - seen)[:, :, None])[..., 0]
        amounts = np.linalg.solve(normal, right[..., None])[..., 0]
        return np.asarray(np.clip(amounts, -_LARGEST_STEP_PX, _LARGEST_STEP_PX))

    def _fits(self, xy: Array, shape: tuple[int, ...]) -> Bits:
        """Whether patterns lie wholly within the picture."""
        half = self._side / 2
        return np.asarray(((xy >= half) & (xy <= np.array([shape[1], shape[0]]) - half)).all(axis=1))

    @staticmethod
    def _placed(warps: Array, xy: Array) -> Array:
        """Warps with their shape kept and their middle brought to some places."""
        moved = warps / warps[:, 2:, 2:]
        here = moved[:, :2, 2]
        shift = np.zeros_like(moved)
        shift[:] = np.eye(3)
        shift[:, :2, 2] = xy - here
        return np.asarray(shift @ moved)


def follow(
    grays: Iterable[Gray],
    xy: Array,
    settings: TrackerSettings,
    *,
    follow_previous: bool = False,
    on_frame: Callable[[int, PatternTracker], None] | None = None,
) -> tuple[Array, Bits]:
    """Follow patterns through frames, the first of which they are taken from.

    Args:
        grays: the frames in the order to follow.
        xy: float64 (N, 2), where they are in the first one.
        settings: all but the threshold.
        follow_previous: see ``PatternTracker``.
        on_frame: called after each frame.

    Returns:
        Places, float64 (T, N, 2), and whether a pattern was found there, bool (T, N).
    """
    places: list[Array] = []
    found: list[Bits] = []
    tracker: PatternTracker | None = None
    for number, gray in enumerate(grays):
        if tracker is None:
            tracker = PatternTracker(gray, xy, settings, follow_previous=follow_previous)
        else:
            tracker.advance(gray)
        places.append(tracker.xy.copy())
        found.append(tracker.alive.copy())
        if on_frame is not None:
            on_frame(number, tracker)
    return np.stack(places), np.stack(found)


def _smooth(gray: Gray) -> Smooth:
    return np.asarray(cv2.GaussianBlur(gray.astype(np.float32), (0, 0), _SIGMA), dtype=np.float32)


def _sample(gray: Smooth, xy: Array) -> Array:
    """Bilinear samples at pixels whose centres lie at .5, float64 (N, P)."""
    maps = (xy - 0.5).astype(np.float32)
    sampled = cv2.remap(gray, maps[..., 0], maps[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(sampled, dtype=np.float64)


def _normal(patches: Array) -> tuple[Array, Array]:
    """Patches with mean 0 and spread 1, and the spreads they had; a flat patch stays flat."""
    centred = patches - patches.mean(axis=1, keepdims=True)
    spread = np.maximum(centred.std(axis=1), 1e-6)
    return centred / spread[:, None], spread
