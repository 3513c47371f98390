"""What a clip is like to track, measured on its frames: sharpness, motion blur, displacement, texture, cuts.

Everything is measured on luma scaled to one size, so that a 4K clip and its HD copy measure alike: a tracker's pattern
grows with the picture too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from footage.dataset.audit import perceptual_hash
from footage.errors import VideoError
from footage.video import open_video

WORKING_SIDE_PX = 640
MOST_FRAMES = 100
"""As many as a trial tracks."""
LEAST_FRAMES = 3
_FEATURES = 200
_LEAST_FOLLOWED = 12
_LEAST_EIGENVALUE = 2e-4
"""Of the structure tensor of luma in [0, 1]: a corner that stands out of camera noise."""
_TEXTURE_CELLS = 8
_CUT_FOLLOWED = 0.25
_CUT_RESPONSE = 0.11
_BOX = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What was measured; displacements are shares of the longer side.

    Attributes:
        frames: how many were looked at.
        blur: 0 (every edge is crisp) to 1, of the middle frame when frames are ordered by it (Crete et al., 2007).
        motion_blur: how much more blurred the frames are along one direction than along the other, 0 to 1.
        texture: share of the picture's cells that hold a corner worth tracking, 0 to 1.
        displacement: how far a point moves from frame to frame, in the middle frame.
        displacement_high: the same in the frame that 95 % of the frames do not exceed.
        jerk: how much that movement changes from frame to frame, as a share of the movement.
        zoom: growth of the picture from frame to frame, in the middle frame; negative where it shrinks.
        parallax: share of the points that move otherwise than a plane would, 0 to 1.
        cuts: frames after which the picture is another one, counted from 0.
    """

    frames: int
    blur: float
    motion_blur: float
    texture: float
    displacement: float
    displacement_high: float
    jerk: float
    zoom: float
    parallax: float
    cuts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A clip that was looked at.

    Attributes:
        width: columns of a frame as displayed, pixels.
        height: rows of a frame as displayed, pixels.
        rate: frames a second.
        duration_seconds: of the whole clip; None where the file does not tell.
        hashes: perceptual hashes of three frames, to find copies of one shot.
        measures: what was measured.
    """

    width: int
    height: int
    rate: Fraction
    duration_seconds: float | None
    hashes: tuple[int, ...]
    measures: Measures


@dataclass(frozen=True, slots=True)
class _Step:
    """From one frame to the next: the movement of points, None for each where too few could be followed."""

    displacement: float | None
    shift: NDArray[np.float64] | None
    zoom: float | None
    parallax: float | None
    is_cut: bool


def look_at(path: Path, *, most_frames: int = MOST_FRAMES) -> Looked:
    """Measure the first frames of a clip, those that a trial tracks.

    Raises:
        VideoError: the clip cannot be read, has no frame rate, or is too short to be tracked.
    """
    with open_video(path, threads=1) as reader:
        info = reader.info
        if info.average_rate is None or info.average_rate <= 0:
            raise VideoError("does not say how many frames a second it has", where=path, remedy="encode it again")
        grays = [_working(frame.gray) for frame in reader.frames(0, most_frames)]
    if len(grays) < LEAST_FRAMES or grays[0].shape != grays[-1].shape:
        what = f"has {len(grays)} frames of one size that can be decoded, {LEAST_FRAMES} are needed"
        raise VideoError(what, where=path, remedy="leave it out")
    middle = (0, len(grays) // 2, len(grays) - 1)
    return Looked(
        width=info.width,
        height=info.height,
        rate=info.average_rate,
        duration_seconds=info.duration_seconds,
        hashes=tuple(perceptual_hash(grays[index]) for index in middle),
        measures=measure(grays),
    )


def measure(grays: list[NDArray[np.uint8]]) -> Measures:
    """Measure frames in their order, luma uint8 (H, W), all of one size, at least two."""
    blurs = np.array([_blur(gray) for gray in grays[:: max(1, len(grays) // 20)]])
    steps = list(_steps(grays))
    moves = np.array([step.displacement for step in steps if step.displacement is not None])
    high = float(np.percentile(moves, 95)) if len(moves) else 0.0
    return Measures(
        frames=len(grays),
        blur=float(np.median(blurs.max(axis=1))),
        motion_blur=float(np.median(np.ptp(blurs, axis=1))),
        texture=_texture(grays[len(grays) // 2]),
        displacement=float(np.median(moves)) if len(moves) else 0.0,
        displacement_high=high,
        jerk=_jerk([step.shift for step in steps]),
        zoom=_median_of([step.zoom for step in steps]),
        parallax=_median_of([step.parallax for step in steps]),
        cuts=tuple(number for number, step in enumerate(steps) if step.is_cut),
    )


def _working(gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
    scale = WORKING_SIDE_PX / max(gray.shape)
    if scale >= 1:
        return gray
    size = (max(1, round(gray.shape[1] * scale)), max(1, round(gray.shape[0] * scale)))
    return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _blur(gray: NDArray[np.uint8]) -> tuple[float, float]:
    """The blur along rows and along columns: how little a further blur changes the picture (Crete et al., 2007)."""
    picture = gray.astype(np.float32)
    return _blur_along(picture, 1), _blur_along(picture, 0)


def _blur_along(picture: NDArray[np.float32], axis: int) -> float:
    kernel = (_BOX, 1) if axis == 1 else (1, _BOX)
    blurred = np.asarray(cv2.blur(picture, kernel))
    before = np.abs(np.diff(picture, axis=axis))
    after = np.abs(np.diff(blurred, axis=axis))
    total = float(before.sum())
    return 1.0 if total == 0 else float((total - np.maximum(0, before - after).sum()) / total)


def _texture(gray: NDArray[np.uint8]) -> float:
    eigenvalues = np.asarray(cv2.cornerMinEigenVal(gray.astype(np.float32) / 255, 5))
    rows, columns = (np.linspace(0, side, _TEXTURE_CELLS + 1).astype(int) for side in gray.shape)
    strong = [
        eigenvalues[top:bottom, left:right].max(initial=0) > _LEAST_EIGENVALUE
        for top, bottom in pairwise(rows)
        for left, right in pairwise(columns)
    ]
    return float(np.mean(strong))


def _steps(grays: list[NDArray[np.uint8]]) -> Iterator[_Step]:
    for before, after in pairwise(grays):
        yield _step(before, after)


def _step(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> _Step:
    corners = _corners(before)
    start, end = _followed(before, after, corners) if len(corners) else (corners, corners)
    if len(start) < max(_LEAST_FOLLOWED, _CUT_FOLLOWED * len(corners)):
        return _Step(None, None, None, None, is_cut=_is_other(before, after))
    side = max(before.shape)
    moves = (end - start) / side
    turned, _ = cv2.estimateAffinePartial2D(start, end)
    zoom = None if turned is None else float(np.hypot(turned[0, 0], turned[1, 0])) - 1
    _, inliers = cv2.findHomography(start, end, cv2.RANSAC, 1.0)
    return _Step(
        displacement=float(np.median(np.linalg.norm(moves, axis=1))),
        shift=np.median(moves, axis=0).astype(np.float64),
        zoom=zoom,
        parallax=None if inliers is None else 1 - float(np.mean(inliers)),
        is_cut=False,
    )


def _corners(gray: NDArray[np.uint8]) -> NDArray[np.float32]:
    found: Any = cv2.goodFeaturesToTrack(gray, _FEATURES, 0.01, 8)  # None where there are none, which its types deny
    return np.empty((0, 2), np.float32) if found is None else np.asarray(found, dtype=np.float32).reshape(-1, 2)


def _followed(
    before: NDArray[np.uint8], after: NDArray[np.uint8], start: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The points that are found again, and come back to where they were when they are followed back."""
    # Each call writes into its own array.
    end, found, _ = cv2.calcOpticalFlowPyrLK(before, after, start, np.empty_like(start), maxLevel=4)
    back, found_back, _ = cv2.calcOpticalFlowPyrLK(after, before, np.asarray(end), np.empty_like(start), maxLevel=4)
    near = np.linalg.norm(np.asarray(back) - start, axis=1) < 1
    good = (np.asarray(found).ravel() == 1) & (np.asarray(found_back).ravel() == 1) & near
    return start[good], np.asarray(end, dtype=np.float32)[good]


def _is_other(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> bool:
    """Whether two pictures show different things: no shift makes them agree, by phase correlation."""
    window = cv2.createHanningWindow((before.shape[1], before.shape[0]), cv2.CV_32F)
    _, response = cv2.phaseCorrelate(before.astype(np.float32), after.astype(np.float32), window)
    return response < _CUT_RESPONSE


def _jerk(shifts: list[NDArray[np.float64] | None]) -> float:
    known = [shift for shift in shifts if shift is not None]
    if len(known) < 3:
        return 0.0
    moves = np.array(known)
    size = float(np.linalg.norm(moves, axis=1).mean())
    changes = float(np.linalg.norm(np.diff(moves, axis=0), axis=1).mean())
    return changes / size if size > 1e-4 else 0.0


def _median_of(values: list[float | None]) -> float:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else 0.0
