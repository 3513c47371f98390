"""A camera path from tracks: two frames first, then the others one by one, then all together.

The first pair comes from OpenCV's essential matrix (Nister's five points), further frames from its pose estimation,
and the joint refinement of cameras, points and focal length from COLMAP's bundle adjustment. As in Blender's solve, the
pair is tried in four places and tracks that fit badly are dropped, in up to four rounds.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from eztrack_tune.outcome import Solve
from eztrack_tune.trackers.opencv.adjust import Scene, adjust

Array = NDArray[np.float64]
Bits = NDArray[np.bool_]
LEAST_TRACKS = 8
CLEANING_ROUNDS = 4
_PAIR_SHARES = ((0, 1 / 3), (0, 2 / 3), (1 / 3, 2 / 3), (1 / 6, 1 / 2))
_RANSAC_PX = 3.0
_LARGEST_FOCAL_RATIO = 2.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Observations:
    """Where tracks were seen.

    Attributes:
        xy: float64 (T, N, 2), pixels from the top left corner.
        seen: bool (T, N), whether track n was found in frame t.
        size: (width, height) of the picture.
    """

    xy: Array
    seen: Bits
    size: tuple[int, int]

    def only(self, tracks: Bits) -> Observations:
        """The same without some tracks.

        Args:
            tracks: bool (N,), those that stay.
        """
        return Observations(xy=self.xy[:, tracks], seen=self.seen[:, tracks], size=self.size)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SolvedTracks:
    """A solve, and what it says of each track that it was given.

    Attributes:
        solve: the camera path.
        errors_px: float64 (N,), mean reprojection error; NaN for tracks without a point.
        points: float64 (N, 3), NaN for those.
    """

    solve: Solve
    errors_px: Array
    points: Array


def solve_camera(observations: Observations, *, focal_px: float, refine_focal: bool) -> SolvedTracks:
    """Find the camera's path.

    Args:
        observations: of all tracks.
        focal_px: what to start with.
        refine_focal: whether it is a guess.
    """
    given = observations.seen.shape[1]
    kept = np.ones(given, dtype=bool)
    best = _best(observations, focal_px, refine_focal=refine_focal)
    if best is None:
        return _nothing(given)
    pair, scene = best
    raw = _mean_error(scene.errors_px(observations.xy, observations.seen))
    for _ in range(CLEANING_ROUNDS):
        errors = np.nan_to_num(scene.errors_px(observations.xy[:, kept], observations.seen[:, kept]), nan=np.inf)
        bad = ~(errors <= max(1.0, 2.5 * float(np.median(errors))))
        if not bad.any() or (~bad).sum() < LEAST_TRACKS:
            break
        kept[np.flatnonzero(kept)[bad]] = False
        scene = _settled(scene.only(~bad), observations.only(kept), focal_px, refine_focal=refine_focal)
    return _solved(observations, kept, pair, scene, raw)


def _best(observations: Observations, focal_px: float, *, refine_focal: bool) -> tuple[tuple[int, int], Scene] | None:
    """The pair of frames whose solve fits best, and that solve."""
    found: list[tuple[float, tuple[int, int], Scene]] = []
    for pair in _pairs(observations.seen):
        scene = _grown(observations, pair, focal_px)
        if scene is None:
            continue
        scene = _settled(scene, observations, focal_px, refine_focal=refine_focal)
        found.append((_quality(scene, observations), pair, scene))
    quality, pair, scene = min(found, key=lambda one: one[0], default=(np.inf, (0, 0), None))
    return None if scene is None or not np.isfinite(quality) else (pair, scene)


def _settled(scene: Scene, observations: Observations, focal_px: float, *, refine_focal: bool) -> Scene:
    """A scene adjusted, with the focal length refined where that is wanted and ends well."""
    plain = adjust(scene, observations.xy, observations.seen, observations.size, refine_focal=False)
    if not refine_focal:
        return plain
    refined = adjust(plain, observations.xy, observations.seen, observations.size, refine_focal=True)
    within = 1 / _LARGEST_FOCAL_RATIO < refined.focal_px / focal_px < _LARGEST_FOCAL_RATIO
    return refined if within and _quality(refined, observations) <= _quality(plain, observations) else plain


def _quality(scene: Scene, observations: Observations) -> float:
    """Median error of the tracks, infinite where less than half have a point; frames left out count against it."""
    errors = np.nan_to_num(scene.errors_px(observations.xy, observations.seen), nan=np.inf)
    return float(np.median(errors)) * len(scene.solved) / max(1, int(scene.solved.sum()))


def _pairs(seen: Bits) -> list[tuple[int, int]]:
    last = len(seen) - 1
    pairs = {(round(first * last), round(second * last)) for first, second in _PAIR_SHARES}
    return [pair for pair in sorted(pairs) if (seen[pair[0]] & seen[pair[1]]).sum() >= LEAST_TRACKS]


def _grown(observations: Observations, pair: tuple[int, int], focal_px: float) -> Scene | None:
    """Cameras and points from a pair of frames outwards."""
    width, height = observations.size
    scene = Scene.empty(*observations.seen.shape, focal_px=focal_px, principal_px=(width / 2, height / 2))
    if not _start(scene, observations, pair):
        return None
    middle = sum(pair) / 2
    for frame in sorted(set(range(len(observations.seen))) - set(pair), key=lambda frame: (abs(frame - middle), frame)):
        _place(scene, observations, frame)
    scene.triangulate(observations.xy, observations.seen)
    return scene


def _start(scene: Scene, observations: Observations, pair: tuple[int, int]) -> bool:
    """Place the cameras of a pair of frames by the essential matrix; says whether there is one."""
    first, second = pair
    both = observations.seen[first] & observations.seen[second]
    matrix = scene.intrinsics()
    points = [np.ascontiguousarray(observations.xy[frame, both]) for frame in pair]
    cv2.setRNGSeed(0)
    essential, inliers = cv2.findEssentialMat(
        points[0], points[1], matrix, method=cv2.RANSAC, prob=0.9999, threshold=_RANSAC_PX / 2
    )
    if essential is None or essential.shape != (3, 3):
        return False
    count, rotation, shift, _ = cv2.recoverPose(essential, points[0], points[1], matrix, mask=inliers)
    if count < LEAST_TRACKS - 2:
        return False
    scene.place(first, np.hstack([np.eye(3), np.zeros((3, 1))]))
    scene.place(second, np.hstack([rotation, shift]))
    scene.triangulate(observations.xy, observations.seen)
    return int(scene.known().sum()) >= LEAST_TRACKS - 2


def _place(scene: Scene, observations: Observations, frame: int) -> None:
    """Place one more camera from the points it sees, and find the points that this makes possible."""
    usable = observations.seen[frame] & scene.known()
    if usable.sum() < LEAST_TRACKS - 2:
        return
    cv2.setRNGSeed(0)
    near = int(np.argmin(np.where(scene.solved, np.abs(np.arange(len(scene.solved)) - frame), np.inf)))
    rotation, _ = cv2.Rodrigues(scene.poses[near, :, :3])
    done, turn, shift, inliers = cv2.solvePnPRansac(
        np.ascontiguousarray(scene.points[usable]),
        np.ascontiguousarray(observations.xy[frame, usable]),
        scene.intrinsics(),
        None,
        rvec=rotation,
        tvec=np.ascontiguousarray(scene.poses[near, :, 3:]),
        useExtrinsicGuess=True,
        reprojectionError=2 * _RANSAC_PX,
        iterationsCount=200,
        flags=cv2.SOLVEPNP_ITERATIVE,
    )
    if not done or inliers is None or len(inliers) < LEAST_TRACKS - 2:
        return
    scene.place(frame, np.hstack([cv2.Rodrigues(turn)[0], shift]))
    scene.triangulate(observations.xy, observations.seen, only_new=True)


def _mean_error(errors: Array) -> float | None:
    return float(np.nanmean(errors)) if np.isfinite(errors).any() else None


def _solved(
    observations: Observations, kept: Bits, pair: tuple[int, int], scene: Scene, raw: float | None
) -> SolvedTracks:
    errors, points = np.full(len(kept), np.nan), np.full((len(kept), 3), np.nan)
    errors[kept] = scene.errors_px(observations.xy[:, kept], observations.seen[:, kept])
    points[kept] = scene.points
    solve = Solve(
        valid=bool(scene.solved.any()),
        raw_error_px=raw,
        cleaned_error_px=_mean_error(errors),
        frames_solved=int(scene.solved.sum()),
        bundles=int(np.isfinite(errors).sum()),
        tracks_given=len(kept),
        tracks_kept=int(kept.sum()),
        cameras=scene.poses[scene.solved],
        camera_frames=np.flatnonzero(scene.solved).astype(np.int64),
        focal_px=scene.focal_px,
        keyframes=pair,
    )
    return SolvedTracks(solve=solve, errors_px=errors, points=points)


def _nothing(given: int) -> SolvedTracks:
    solve = Solve(
        valid=False,
        raw_error_px=None,
        cleaned_error_px=None,
        frames_solved=0,
        bundles=0,
        tracks_given=given,
        tracks_kept=given,
        cameras=None,
        camera_frames=None,
        focal_px=None,
    )
    return SolvedTracks(solve=solve, errors_px=np.full(given, np.nan), points=np.full((given, 3), np.nan))
