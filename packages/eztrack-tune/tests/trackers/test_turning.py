"""A camera that only turns is told from one that travels, also along something flat, and Blender solves it as such."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from eztrack_tune import measures
from eztrack_tune.classes import Difficulty
from eztrack_tune.settings import SIX
from eztrack_tune.synthetic.camera import look_at
from eztrack_tune.synthetic.clips import SyntheticClip
from eztrack_tune.synthetic.surfaces import Surface, draw
from eztrack_tune.trackers.blender.environment import BlenderCommand
from eztrack_tune.trackers.blender.tracker import BlenderTracker
from eztrack_tune.trackers.frames import ClipStills, decode
from eztrack_tune.trackers.opencv.tracker import OpenCVTracker
from eztrack_tune.trackers.protocol import TrackOptions
from eztrack_tune.trackers.turning import CameraMotion, camera_motion
from footage.video.images import write_image

SIZE, FOCAL_PX = (400, 226), 400.0


@pytest.fixture(scope="module")
def surfaces() -> tuple[Surface, ...]:
    return SyntheticClip.random(np.random.default_rng(1), Difficulty.EASY, size=SIZE, frames=4).surfaces


def turning(surfaces: tuple[Surface, ...], frames: int) -> list[NDArray[np.uint8]]:
    poses = [look_at(np.array([12.0, 0.0, 8.0]), np.array([0.0, 0.2 * n, 0.6])) for n in range(frames)]
    return [draw(surfaces, pose, FOCAL_PX, SIZE) for pose in poses]


def test_a_turn_is_told_from_a_path(surfaces: tuple[Surface, ...]) -> None:
    path = [look_at(np.array([12.0, 0.2 * n, 8.0]), np.array([0.0, 0.0, 0.6])) for n in range(8)]
    flat = [look_at(np.array([0.3 * n, -0.01, 12.0]), np.array([0.3 * n, 0.0, 0.0])) for n in range(8)]
    assert camera_motion([image[..., 1] for image in turning(surfaces, 8)]) is CameraMotion.TURNS
    for seen, poses in ((surfaces, path), (surfaces[:1], flat)):
        images = [draw(seen, pose, FOCAL_PX, SIZE)[..., 1] for pose in poses]
        assert camera_motion(images) is CameraMotion.TRAVELS


def test_a_camera_that_stands_is_told_from_one_that_sees_nothing(surfaces: tuple[Surface, ...]) -> None:
    still = draw(surfaces, look_at(np.array([12.0, 0.0, 8.0]), np.zeros(3)), FOCAL_PX, SIZE)[..., 1]
    assert camera_motion([still] * 4) is CameraMotion.STANDS
    assert camera_motion([np.zeros((100, 100), np.uint8)] * 4) is CameraMotion.TRAVELS


@pytest.fixture(scope="module")
def turned(surfaces: tuple[Surface, ...], tmp_path_factory: pytest.TempPathFactory) -> ClipStills:
    folder: Path = tmp_path_factory.mktemp("turned")
    for number, image in enumerate(turning(surfaces, 12)):
        write_image(folder / f"{number}.png", image)
    return decode(folder, tmp_path_factory.mktemp("cache"))


def test_opencvs_tracker_says_that_it_cannot_solve_it(turned: ClipStills) -> None:
    assert turned.motion is CameraMotion.TURNS
    with OpenCVTracker(TrackOptions()) as tracker:
        outcome = tracker.track(turned, SIX[2])
    assert outcome.failure == "the camera only turns, and this tracker has no solver for that"


@pytest.mark.slow
def test_blender_solves_it_by_its_tripod_solver(turned: ClipStills, command: BlenderCommand) -> None:
    with BlenderTracker(command, TrackOptions()) as tracker:
        outcome = tracker.track(turned, SIX[2])
    assert measures.solved(outcome)
    assert outcome.solve is not None
    assert outcome.solve.focal_px == pytest.approx(FOCAL_PX, rel=0.05)
    assert outcome.solve.cameras is not None
    np.testing.assert_allclose(outcome.solve.cameras[:, :, 3], 0, atol=1e-3)
