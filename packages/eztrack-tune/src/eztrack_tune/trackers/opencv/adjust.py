"""Cameras and points together: projection, triangulation, and COLMAP's bundle adjustment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pycolmap
from numpy.typing import NDArray

Array = NDArray[np.float64]
Bits = NDArray[np.bool_]
_LEAST_ANGLE = np.radians(0.5)
_ROBUST_PX = 1.0
_MOST_STEPS = 60

pycolmap.logging.minloglevel = int(pycolmap.logging.Level.FATAL)  # what its solver warns of is judged by the result


@dataclass(slots=True, kw_only=True, eq=False)
class Scene:
    """What is known so far; it grows.

    Attributes:
        poses: float64 (T, 3, 4), world to camera; of frames that are not solved, zeros.
        solved: bool (T,).
        points: float64 (N, 3); of tracks without one, NaN.
        focal_px: focal length.
        principal_px: where the axis of view meets the picture.
    """

    poses: Array
    solved: Bits
    points: Array
    focal_px: float
    principal_px: tuple[float, float]

    @classmethod
    def empty(cls, frames: int, tracks: int, *, focal_px: float, principal_px: tuple[float, float]) -> Self:
        """Nothing known but the lens."""
        return cls(
            poses=np.zeros((frames, 3, 4)),
            solved=np.zeros(frames, dtype=bool),
            points=np.full((tracks, 3), np.nan),
            focal_px=focal_px,
            principal_px=principal_px,
        )

    def only(self, tracks: Bits) -> Self:
        """The same scene without some tracks.

        Args:
            tracks: bool (N,), those that stay.
        """
        return replace(self, poses=self.poses.copy(), solved=self.solved.copy(), points=self.points[tracks])

    def known(self) -> Bits:
        """Which tracks have a point, bool (N,)."""
        return np.asarray(np.isfinite(self.points[:, 0]))

    def intrinsics(self) -> Array:
        """The camera matrix, float64 (3, 3)."""
        x, y = self.principal_px
        return np.array([[self.focal_px, 0.0, x], [0.0, self.focal_px, y], [0.0, 0.0, 1.0]])

    def place(self, frame: int, pose: Array) -> None:
        """Say where the camera was in a frame."""
        self.poses[frame] = pose
        self.solved[frame] = True

    def triangulate(self, xy: Array, seen: Bits, *, only_new: bool = False) -> None:
        """Find the points of tracks that two solved frames or more saw from places far enough apart.

        Args:
            xy: float64 (T, N, 2).
            seen: bool (T, N).
            only_new: leave the points that are known as they are.
        """
        centres = -np.einsum("tji,tj->ti", self.poses[:, :, :3], self.poses[:, :, 3])
        rays = (xy - self.principal_px) / self.focal_px
        wanted = ~self.known() if only_new else np.ones(len(self.points), dtype=bool)
        for track in np.flatnonzero(wanted):
            frames = np.flatnonzero(seen[:, track] & self.solved)
            self.points[track] = _point(self.poses[frames], rays[frames, track], centres[frames])

    def errors_px(self, xy: Array, seen: Bits) -> Array:
        """Mean distance of each track's markers from where the cameras see its point, float64 (N,); NaN without one."""
        there = np.einsum("tij,nj->tni", self.poses[:, :, :3], self.points) + self.poses[:, None, :, 3]
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = np.linalg.norm(there[..., :2] / there[..., 2:] * self.focal_px + self.principal_px - xy, axis=2)
        used = seen & self.solved[:, None] & self.known()
        behind = (used & ~(there[..., 2] > 0)).any(axis=0)
        count = used.sum(axis=0)
        total = np.where(used, distance, 0.0).sum(axis=0)
        return np.where((count > 1) & ~behind, total / np.maximum(count, 1), np.nan)


def adjust(scene: Scene, xy: Array, seen: Bits, size: tuple[int, int], *, refine_focal: bool) -> Scene:
    """Refine cameras and points together (bundle adjustment with a soft L1 loss).

    Args:
        scene: where to start; it is not changed.
        xy: float64 (T, N, 2).
        seen: bool (T, N).
        size: (width, height) of the picture.
        refine_focal: also the focal length.

    Returns:
        The refined scene.
    """
    used = seen & scene.solved[:, None] & np.isfinite(scene.errors_px(xy, seen))
    reconstruction, ids = _reconstruction(scene, xy, used, size)
    options = pycolmap.BundleAdjustmentOptions()
    options.refine_focal_length = refine_focal
    options.refine_principal_point = options.refine_extra_params = options.print_summary = False
    options.ceres.loss_function_type = pycolmap.LossFunctionType.SOFT_L1
    options.ceres.loss_function_scale = _ROBUST_PX
    options.ceres.solver_options.max_num_iterations = _MOST_STEPS
    options.ceres.solver_options.num_threads = 1  # the same answer every time
    config = pycolmap.BundleAdjustmentConfig()
    for image_id in reconstruction.reg_image_ids():
        config.add_image(image_id)
    config.fix_gauge(pycolmap.BundleAdjustmentGauge.TWO_CAMS_FROM_WORLD)
    pycolmap.create_default_bundle_adjuster(options, config, reconstruction).solve()
    points = np.full_like(scene.points, np.nan)
    for track, point_id in ids.items():
        points[track] = reconstruction.point3D(point_id).xyz
    poses = scene.poses.copy()
    for frame in np.flatnonzero(scene.solved):
        poses[frame] = reconstruction.image(int(frame) + 1).cam_from_world().matrix()
    return Scene(
        poses=poses,
        solved=scene.solved.copy(),
        points=points,
        focal_px=float(reconstruction.camera(1).params[0]),
        principal_px=scene.principal_px,
    )


def _reconstruction(
    scene: Scene, xy: Array, used: Bits, size: tuple[int, int]
) -> tuple[pycolmap.Reconstruction, dict[int, int]]:
    """A scene as COLMAP holds it, and the ids of its points by track."""
    reconstruction = pycolmap.Reconstruction()
    camera = pycolmap.Camera(
        camera_id=1,
        model="SIMPLE_PINHOLE",
        width=size[0],
        height=size[1],
        params=[scene.focal_px, *scene.principal_px],
    )
    reconstruction.add_camera_with_trivial_rig(camera)
    for frame in np.flatnonzero(scene.solved):
        image = pycolmap.Image(
            name=f"{frame:06}", camera_id=1, image_id=int(frame) + 1, keypoints=np.ascontiguousarray(xy[frame])
        )
        pose = pycolmap.Rigid3d(scene.poses[frame])
        reconstruction.add_image_with_trivial_frame(image, pose)
    ids = {}
    for track in np.flatnonzero(used.sum(axis=0) >= 2):
        elements = pycolmap.Track()
        for frame in np.flatnonzero(used[:, track]):
            elements.add_element(int(frame) + 1, int(track))
        ids[int(track)] = reconstruction.add_point3D(scene.points[track], elements)
    return reconstruction, ids


def _point(poses: Array, rays: Array, centres: Array) -> Array:
    """The point that rays meet in (linear triangulation, Hartley and Zisserman 12.2); NaN where they hardly cross."""
    nothing = np.full(3, np.nan)
    if len(poses) < 2:
        return nothing
    equations = np.concatenate([rays[:, :1] * poses[:, 2] - poses[:, 0], rays[:, 1:] * poses[:, 2] - poses[:, 1]])
    homogeneous = np.linalg.svd(equations)[2][-1]
    if abs(homogeneous[3]) < 1e-9:
        return nothing
    point = homogeneous[:3] / homogeneous[3]
    if not (poses[:, 2, :3] @ point + poses[:, 2, 3] > 0).all():
        return nothing
    sight = point - centres[[0, -1]]
    cosine = sight[0] @ sight[1] / np.prod(np.linalg.norm(sight, axis=1))
    return point if np.arccos(np.clip(cosine, -1, 1)) > _LEAST_ANGLE else nothing
