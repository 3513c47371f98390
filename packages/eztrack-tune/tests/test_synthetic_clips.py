"""Drawn clips show what their cameras see."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eztrack_tune.classes import Difficulty
from eztrack_tune.synthetic.camera import look_at
from eztrack_tune.synthetic.clips import SyntheticClip
from eztrack_tune.synthetic.surfaces import Surface, draw
from eztrack_tune.truth import TrueCamera
from footage.video import open_video

SIZE = (160, 90)


def dotted(corner: tuple[float, float, float], dot: tuple[int, int], level: int = 255) -> Surface:
    """A dark square of 4 units with 64 texels a side, of which a few round ``dot`` are bright."""
    skin = np.zeros((64, 64, 3), np.uint8)
    skin[dot[1] - 1 : dot[1] + 2, dot[0] - 1 : dot[0] + 2] = level
    return Surface(corner=np.array(corner), along=np.array([4.0, 0, 0]), down=np.array([0, 4.0, 0]), skin=skin)


@pytest.mark.parametrize("dot", [(10, 20), (32, 32), (50, 8)])
def test_a_dot_is_drawn_where_the_camera_sees_it(dot: tuple[int, int]) -> None:
    pose = look_at(np.array([0.5, -3.0, 4.0]), np.array([0.0, 0.0, 0.0]), roll=0.1)
    surface = dotted((-2.0, -2.0, 0.0), dot)
    image = draw((surface,), pose, 300.0, (320, 240)).astype(float)[..., 0]
    image[image == 128] = 0  # what no ray meets
    rows, columns = np.indices(image.shape)
    middle = np.array([(image * (columns + 0.5)).sum(), (image * (rows + 0.5)).sum()]) / image.sum()
    point = surface.corner + surface.along * (dot[0] + 0.5) / 64 + surface.down * (dot[1] + 0.5) / 64
    seen = pose[:, :3] @ point + pose[:, 3]
    # the middle of a dot of some size is not quite the middle of its picture
    np.testing.assert_allclose(middle, seen[:2] / seen[2] * 300.0 + (160, 120), atol=0.15)


def test_what_is_nearer_covers_what_is_farther() -> None:
    pose = look_at(np.array([0.0, -0.01, 8.0]), np.zeros(3))
    far, near = dotted((-2.0, -2.0, 0.0), (32, 32)), dotted((-2.0, -2.0, 1.0), (5, 5))
    for order in ((far, near), (near, far)):
        image = draw(order, pose, 200.0, (200, 200))
        assert image[100, 100, 0] == 0


def test_the_same_seed_draws_the_same_clip_and_another_one_another() -> None:
    first, again, other = (
        SyntheticClip.random(np.random.default_rng(seed), Difficulty.MEDIUM, size=SIZE, frames=5) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first.frame(2), again.frame(2))
    assert (first.frame(2) != other.frame(2)).any()
    np.testing.assert_array_equal(first.truth.poses, again.truth.poses)


@pytest.mark.parametrize("difficulty", list(Difficulty))
def test_harder_clips_move_faster(difficulty: Difficulty) -> None:
    clip = SyntheticClip.random(np.random.default_rng(0), difficulty, size=SIZE, frames=20)
    poses = clip.truth.poses
    rotations = poses[1:, :, :3] @ poses[:-1, :, :3].transpose(0, 2, 1)
    turned = np.degrees(np.arccos(np.clip((np.trace(rotations, axis1=1, axis2=2) - 1) / 2, -1, 1))).mean()
    low, high = {"easy": (0.3, 0.45), "medium": (0.45, 0.8), "hard": (0.8, 2.0)}[difficulty.value]
    assert low < turned < high


def test_files_hold_the_frames_and_the_camera(tmp_path: Path) -> None:
    clip = SyntheticClip.random(np.random.default_rng(0), Difficulty.EASY, size=SIZE, frames=4)
    video = clip.write_video(tmp_path / "clip.mp4")
    with open_video(video) as reader:
        assert sum(1 for _ in reader.frames()) == 4
    np.testing.assert_allclose(TrueCamera.read(tmp_path / "clip.camera.json").poses, clip.truth.poses)
    with open_video(clip.write_stills(tmp_path / "stills")) as reader:
        np.testing.assert_array_equal(next(reader.frames()).image, clip.frame(0))
