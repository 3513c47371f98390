"""Distances from the truth: blind to where and how large a solve puts its world, and to nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eztrack_tune.outcome import Solve, Track
from eztrack_tune.synthetic.camera import CameraPath
from eztrack_tune.truth import TrueCamera, align_similarity, camera_centres, drift_share, path_error, track_drift_px
from footage.errors import DatasetError

FRAMES = 12


def true_camera(seed: int = 0) -> TrueCamera:
    path = CameraPath.random(np.random.default_rng(seed), frames=FRAMES, turn=0.3, shake=0.1)
    return TrueCamera(focal_px=640.0, principal_px=(320.0, 180.0), poses=path.poses())


def random_rotation(rng: np.random.Generator) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    rotation = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    return np.asarray(rotation * np.sign(np.linalg.det(rotation)))


def solve_of(poses: np.ndarray[tuple[int, int, int], np.dtype[np.float64]]) -> Solve:
    return Solve(
        valid=True,
        raw_error_px=1.0,
        cleaned_error_px=1.0,
        frames_solved=len(poses),
        bundles=20,
        tracks_given=20,
        tracks_kept=20,
        cameras=poses,
        camera_frames=np.arange(len(poses)),
        focal_px=640.0,
    )


def moved_world(
    poses: np.ndarray[tuple[int, int, int], np.dtype[np.float64]], seed: int
) -> np.ndarray[tuple[int, int, int], np.dtype[np.float64]]:
    """The same cameras in a world that was turned, moved and scaled."""
    rng = np.random.default_rng(seed)
    scale, rotation, shift = rng.uniform(0.1, 10), random_rotation(rng), rng.standard_normal(3)
    turned = poses[:, :, :3] @ rotation.T
    centres = scale * camera_centres(poses) @ rotation.T + shift
    return np.concatenate([turned, -(turned @ centres[:, :, None])], axis=2)


@given(st.integers(0, 10_000))
def test_a_path_that_differs_by_a_similarity_is_the_true_one(seed: int) -> None:
    truth = true_camera(seed)
    error = path_error(solve_of(moved_world(truth.poses, seed)), truth)
    assert error is not None
    assert error.rmse_share < 1e-9
    assert error.rotation_degrees < 1e-4
    assert error.frames == FRAMES


def test_a_path_that_is_off_is_off_by_so_much() -> None:
    truth = true_camera()
    poses = truth.poses.copy()
    length = np.linalg.norm(np.diff(truth.centres(), axis=0), axis=1).sum()
    poses[:, :, 3] -= np.einsum(
        "nij,nj->ni", poses[:, :, :3], np.random.default_rng(1).normal(0, 0.01, (FRAMES, 3)) * length
    )
    error = path_error(solve_of(poses), truth)
    assert error is not None
    assert 0.005 < error.rmse_share < 0.02


def test_without_a_path_there_is_no_error() -> None:
    truth = true_camera()
    assert path_error(None, truth) is None
    assert path_error(solve_of(truth.poses[:2]), truth) is None
    still = np.repeat(truth.poses[:1], FRAMES, axis=0)
    assert path_error(solve_of(still), truth) is None


@given(st.integers(0, 10_000))
def test_alignment_finds_the_similarity(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points, rotation, shift = rng.standard_normal((8, 3)), random_rotation(rng), rng.standard_normal(3)
    scale = float(rng.uniform(0.1, 10))
    found = align_similarity(points, scale * points @ rotation.T + shift)
    assert found[0] == pytest.approx(scale)
    np.testing.assert_allclose(found[1], rotation, atol=1e-8)
    np.testing.assert_allclose(found[2], shift, atol=1e-8)


def test_alignment_never_mirrors() -> None:
    points = np.random.default_rng(0).standard_normal((8, 3))
    assert np.linalg.det(align_similarity(points, points * (1, 1, -1))[1]) == pytest.approx(1.0)


def test_alignment_refuses_what_cannot_be_aligned() -> None:
    with pytest.raises(ValueError, match="three pairs"):
        align_similarity(np.zeros((2, 3)), np.zeros((2, 3)))
    with pytest.raises(ValueError, match="are one"):
        align_similarity(np.zeros((5, 3)), np.ones((5, 3)))


def seen_point(truth: TrueCamera) -> Track:
    seen = truth.poses[:, :, :3] @ np.array([0.5, -0.3, 0.4]) + truth.poses[:, :, 3]
    xy = seen[:, :2] / seen[:, 2:] * truth.focal_px + truth.principal_px
    return Track(name="p", frames=np.arange(FRAMES), xy=xy)


def test_a_point_at_rest_does_not_drift() -> None:
    truth = true_camera()
    drift = track_drift_px(seen_point(truth), truth)
    assert drift == pytest.approx(0.0, abs=1e-6)


def test_a_marker_that_slides_off_drifts() -> None:
    truth = true_camera()
    good = seen_point(truth)
    slid = replace(good, xy=good.xy + np.linspace(0, 8, FRAMES)[:, None] * (0.3, 1.0))
    drift = track_drift_px(slid, truth)
    assert drift is not None
    assert 1.0 < drift < 9.0
    assert drift_share((good, slid), truth, limit_px=1.0) == 0.5
    assert drift_share((replace(good, frames=good.frames[:2], xy=good.xy[:2]),), truth) is None


def test_a_camera_is_read_as_it_was_written(tmp_path: Path) -> None:
    truth = true_camera()
    truth.write(tmp_path / "camera.json")
    read = TrueCamera.read(tmp_path / "camera.json")
    np.testing.assert_array_equal(read.poses, truth.poses)
    assert (read.focal_px, read.principal_px) == (truth.focal_px, truth.principal_px)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"focal_px": 1}', '{"focal_px":1,"principal_px":[1,2],"world_to_camera":[]}']
)
def test_what_is_no_camera_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "camera.json").write_text(text)
    with pytest.raises(DatasetError, match=r"camera\.json"):
        TrueCamera.read(tmp_path / "camera.json")
