"""Tracking and features as one would first write them: box by box, each with its own call on the whole frames.

The answers are those of ``flexpatch_train``'s tracker and features (same points, same settings, same definitions); only
the order of the work differs. It is here to be measured against.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from flexpatch_train.tracker import pick_points

Gray = NDArray[np.uint8]
Floats = NDArray[np.float64]


@dataclass(slots=True)
class NaiveTrack:
    """One box and what its features need to remember.

    Attributes:
        box: float64 ``(4,)``, ``xyxy`` pixels.
        points: float32 ``(P, 2)``.
        patch: uint8 ``(64, 32)``, the box when it was detected.
        velocity: px a second in the last frame; None in the first.
        flow: float64 ``(P, 2)`` of the last step, lost points left out.
        min_eig: float64 ``(P,)``, likewise.
    """

    box: Floats
    points: NDArray[np.float32]
    patch: Gray
    velocity: Floats | None
    flow: Floats
    min_eig: Floats

    def copy(self) -> NaiveTrack:
        """As it is now; the arrays are never written to."""
        return replace(self)


def start(gray: Gray, box: Floats) -> NaiveTrack:
    """Begin to follow a box."""
    return NaiveTrack(box.copy(), pick_points(gray, box), _patch(gray, box), None, np.zeros((0, 2)), np.zeros(0))


def follow(track: NaiveTrack, previous: Gray, current: Gray) -> None:
    """Move one box into the next frame: one Lucas-Kanade call on whole frames, for this box alone."""
    if len(track.points) < 2:
        return
    new, status, eig = _lucas_kanade(previous, current, track.points)
    found = status.ravel() == 1
    track.flow = (new - track.points)[found].astype(np.float64)
    track.min_eig = eig.ravel()[found].astype(np.float64)
    if found.sum() < 2:
        return
    old, new = track.points[found], new[found]
    first, second = np.triu_indices(len(new), 1)
    before = np.linalg.norm(old[first] - old[second], axis=1)
    after = np.linalg.norm(new[first] - new[second], axis=1)
    scale = np.clip(np.median(after[before > 2] / before[before > 2]) if (before > 2).any() else 1.0, 1 / 1.01, 1.01)
    centre = (track.box[:2] + track.box[2:]) / 2 + np.median(track.flow, axis=0)
    half = (track.box[2:] - track.box[:2]) / 2 * scale
    track.box = np.concatenate([centre - half, centre + half])
    track.points = new


def camera_motion(previous: Gray, current: Gray) -> Floats:
    """The similarity ``(2, 3)`` that moves a grid of 10 by 8 points."""
    height, width = current.shape
    xs, ys = (np.arange(10) + 0.5) * width / 10, (np.arange(8) + 0.5) * height / 8
    grid = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2).astype(np.float32)
    new, status, _ = _lucas_kanade(previous, current, grid)
    found = status.ravel() == 1
    matrix, _ = cv2.estimateAffinePartial2D(grid[found], new[found], method=cv2.RANSAC, ransacReprojThreshold=1.5)
    return np.eye(2, 3) if matrix is None else np.asarray(matrix, np.float64)


def features(track: NaiveTrack, gray: Gray, camera: Floats, step_seconds: float, confidence: float) -> list[float]:
    """The five features of one box."""
    if len(track.flow) < 2:
        return [np.nan] * 5
    min_eig = float(np.log10(max(np.median(track.min_eig), 1e-6)))
    ncc = float(cv2.matchTemplate(_patch(gray, track.box), track.patch, cv2.TM_CCOEFF_NORMED)[0, 0])
    centre = (track.box[:2] + track.box[2:]) / 2
    velocity = (np.median(track.flow, axis=0) - (camera @ [*centre, 1.0] - centre)) / step_seconds
    accel = np.nan
    if track.velocity is not None:
        accel = float(np.linalg.norm(velocity - track.velocity) / max(track.box[3] - track.box[1], 1.0))
    track.velocity = velocity
    spread = float(np.sqrt(np.trace(np.cov(track.flow.T, ddof=0))))
    return [min_eig, ncc, accel, spread, confidence]


def _patch(gray: Gray, box: Floats) -> Gray:
    x0, y0, x1, y1 = (float(side) for side in box)
    size = (max(round(x1 - x0), 1), max(round(y1 - y0), 1))
    cut = cv2.getRectSubPix(gray, size, ((x0 + x1 - 1) / 2, (y0 + y1 - 1) / 2))
    return np.asarray(cv2.resize(cut, (32, 64), interpolation=cv2.INTER_AREA), np.uint8)


def _lucas_kanade(
    previous: Gray, current: Gray, points: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.float32]]:
    new, status, eig = cv2.calcOpticalFlowPyrLK(
        previous,
        current,
        points,
        points.copy(),
        winSize=(15, 15),
        maxLevel=3,
        criteria=(cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 15, 0.02),
        flags=cv2.OPTFLOW_LK_GET_MIN_EIGENVALS,
    )
    return np.asarray(new, np.float32), np.asarray(status, np.uint8), np.asarray(eig, np.float32)
