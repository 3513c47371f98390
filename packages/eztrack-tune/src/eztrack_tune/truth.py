"""How far solves and tracks are from the truth, where the true camera path is known."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from eztrack_tune.outcome import Solve, Track
from footage.errors import DatasetError
from footage.runs.files import atomic_write_json

Array = NDArray[np.float64]
DRIFT_LIMIT_PX = 2.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrueCamera:
    """The camera that took a clip.

    Attributes:
        focal_px: focal length.
        principal_px: where the axis of view meets the picture, (x, y) from the top left corner.
        poses: world to camera in every frame, float64 (N, 3, 4): x right, y down, z forward.
    """

    focal_px: float
    principal_px: tuple[float, float]
    poses: Array

    def centres(self) -> Array:
        """Where the camera was in every frame, float64 (N, 3)."""
        return camera_centres(self.poses)

    def write(self, path: Path) -> None:
        """Write the camera as JSON.

        Raises:
            OSError: the folder cannot be written.
        """
        atomic_write_json(
            path, {"focal_px": self.focal_px, "principal_px": self.principal_px, "world_to_camera": self.poses}
        )

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what ``write`` wrote.

        Raises:
            DatasetError: the file is missing or is no such file.
        """
        try:
            record = json.loads(path.read_bytes())
            x, y = (float(value) for value in record["principal_px"])
            poses = np.array(record["world_to_camera"], dtype=np.float64)
            camera = cls(focal_px=float(record["focal_px"]), principal_px=(x, y), poses=poses)
        except (OSError, ValueError, RecursionError, LookupError, TypeError) as error:
            raise DatasetError(f"is no camera path ({error})", where=path, remedy="write it anew") from error
        if poses.ndim != 3 or poses.shape[1:] != (3, 4):
            raise DatasetError(f"has poses of shape {poses.shape}, not (N, 3, 4)", where=path, remedy="write it anew")
        return camera


@dataclass(frozen=True, slots=True, kw_only=True)
class PathError:
    """How far a solved path is from the true one, after the similarity that brings it closest.

    Attributes:
        rmse_share: root mean square distance of the camera's places, as a share of the true path's length.
        rotation_degrees: median angle between solved and true direction, after the same alignment.
        frames: frames that both have.
    """

    rmse_share: float
    rotation_degrees: float
    frames: int


def camera_centres(poses: Array) -> Array:
    """Where cameras are, from world-to-camera poses (N, 3, 4): float64 (N, 3)."""
    return np.asarray(-np.einsum("nji,nj->ni", poses[:, :, :3], poses[:, :, 3]))


def align_similarity(source: Array, target: Array) -> tuple[float, Array, Array]:
    """The scale, rotation and shift that bring points closest to others in the least-squares sense (Umeyama 1991).

    Args:
        source: float64 (N, 3).
        target: float64 (N, 3), the same points elsewhere.

    Returns:
        scale, rotation (3, 3) and shift (3,): ``target`` is about ``scale * source @ rotation.T + shift``.

    Raises:
        ValueError: there are fewer than three points, or all source points are one.
    """
    if len(source) < 3 or len(source) != len(target):
        raise ValueError(f"an alignment needs three pairs of points, not {len(source)} and {len(target)}")
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    variance = ((source - source_mean) ** 2).sum() / len(source)
    if not variance > (1e-9 * np.abs(source).max()) ** 2:  # beyond what rounding alone leaves
        raise ValueError("all points to be aligned are one")
    left, singular, right = np.linalg.svd((target - target_mean).T @ (source - source_mean) / len(source))
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left) * np.linalg.det(right))])
    rotation = left @ np.diag(signs) @ right
    scale = float((singular * signs).sum() / variance)
    return scale, rotation, target_mean - scale * rotation @ source_mean


def path_error(solve: Solve | None, truth: TrueCamera) -> PathError | None:
    """How far a solved camera path is from the true one; None where there is no path to compare."""
    if solve is None or solve.cameras is None or solve.camera_frames is None or len(solve.camera_frames) < 3:
        return None
    true_poses = truth.poses[solve.camera_frames]
    found, true = camera_centres(solve.cameras), camera_centres(true_poses)
    length = float(np.linalg.norm(np.diff(truth.centres(), axis=0), axis=1).sum())
    try:
        scale, rotation, shift = align_similarity(found, true)
    except ValueError:
        return None
    distance = np.linalg.norm(scale * found @ rotation.T + shift - true, axis=1)
    between = np.einsum("nij,nkj->nik", solve.cameras[:, :, :3] @ rotation.T, true_poses[:, :, :3])
    cosine = np.clip((np.trace(between, axis1=1, axis2=2) - 1) / 2, -1, 1)
    return PathError(
        rmse_share=float(np.sqrt((distance**2).mean())) / length,
        rotation_degrees=float(np.degrees(np.median(np.arccos(cosine)))),
        frames=len(found),
    )


def track_drift_px(track: Track, truth: TrueCamera) -> float | None:
    """How far a track is from being one point at rest, which needs no solver.

    Returns:
        The largest distance of a marker from where the true cameras see the point that fits the track best, pixels;
        None below three markers.
    """
    if len(track.frames) < 3:
        return None
    poses = truth.poses[track.frames]
    rays = (track.xy - truth.principal_px) / truth.focal_px
    # Each marker gives two equations that are linear in the point (homogeneous triangulation without the last scale).
    equations = np.concatenate([rays[:, :1] * poses[:, 2] - poses[:, 0], rays[:, 1:] * poses[:, 2] - poses[:, 1]])
    point = np.linalg.lstsq(equations[:, :3], -equations[:, 3], rcond=None)[0]
    for _ in range(5):  # what counts is the distance in the picture: weigh by depth, which the point itself decides
        depth = np.maximum(np.tile(poses[:, 2, :3] @ point + poses[:, 2, 3], 2), 1e-6)
        weighted = equations / depth[:, None]
        point = np.linalg.lstsq(weighted[:, :3], -weighted[:, 3], rcond=None)[0]
    seen = poses[:, :, :3] @ point + poses[:, :, 3]
    projected = seen[:, :2] / seen[:, 2:] * truth.focal_px + truth.principal_px
    return float(np.linalg.norm(projected - track.xy, axis=1).max())


def drift_share(tracks: tuple[Track, ...], truth: TrueCamera, limit_px: float = DRIFT_LIMIT_PX) -> float | None:
    """The share of tracks that are somewhere off by more than ``limit_px``; None where no track can be judged."""
    drifts = [drift for track in tracks if (drift := track_drift_px(track, truth)) is not None]
    return sum(drift > limit_px for drift in drifts) / len(drifts) if drifts else None
