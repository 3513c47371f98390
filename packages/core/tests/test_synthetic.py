"""The truth of synthetic scenes is what their pixels show."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from footage.errors import InputError
from footage.synthetic.drawing import texture, visible_fractions
from footage.synthetic.scenes import MovingBox, Scene
from footage.video import open_video


def _flat_box(identity: int, position: tuple[float, float], size: tuple[float, float], level: int) -> MovingBox:
    skin = np.full((16, 16, 3), level, np.uint8)
    return MovingBox(identity=identity, texture=skin, position=position, velocity=(1.25, -0.5), size=size)


def _flat_scene(*objects: MovingBox, size: tuple[int, int] = (80, 60), frames: int = 10) -> Scene:
    return Scene(
        size=size,
        frame_count=frames,
        background=np.full((size[1] + 8, size[0] + 8, 3), 20, np.uint8),
        origin=(2.0, 2.0),
        pan_px_per_frame=(0.0, 0.0),
        objects=objects,
    )


def _random(seed: int, **settings: object) -> Scene:
    return Scene.random(np.random.default_rng(seed), **settings)  # type: ignore[arg-type]  # pass-through


def test_the_seed_decides_every_pixel() -> None:
    first, again, other = (_random(seed, size=(160, 90), frames=20, noise=3.0) for seed in (1, 1, 2))
    # Frames do not depend on which were rendered before.
    later = first.render(13)
    for frame in range(0, 20, 4):
        assert np.array_equal(first.render(frame).image, again.render(frame).image)
    assert np.array_equal(later.image, again.render(13).image)
    assert np.array_equal(later.boxes, again.render(13).boxes)
    assert not np.array_equal(later.image, other.render(13).image)


@given(st.integers(0, 2**31), st.integers(0, 8), st.tuples(st.floats(-3, 3), st.floats(-3, 3)))
@settings(max_examples=30, deadline=None)
def test_records_are_consistent(seed: int, objects: int, pan: tuple[float, float]) -> None:
    scene = _random(seed, size=(160, 90), objects=objects, frames=30, pan_px_per_frame=pan)
    for frame in (0, 11, 29):
        shot = scene.render(frame)
        count = len(shot.ids)
        assert shot.image.shape == (90, 160, 3)
        assert shot.image.dtype == np.uint8
        assert shot.boxes.shape == shot.boxes_unclipped.shape == (count, 4)
        assert len(set(shot.ids.tolist())) == count
        assert np.all(shot.boxes[:, :2] < shot.boxes[:, 2:])
        assert np.all(shot.boxes >= 0)
        assert np.all(shot.boxes <= [160, 90, 160, 90])
        assert np.all((shot.visibility >= 0) & (shot.visibility <= 1))
        assert np.allclose(shot.boxes, np.clip(shot.boxes_unclipped, 0, [160, 90, 160, 90]))


@given(st.floats(-5, 60), st.floats(-5, 40), st.floats(1.5, 30), st.floats(1.5, 30))
@settings(deadline=None)
def test_a_box_covers_exactly_its_area(left: float, top: float, width: float, height: float) -> None:
    """Edge pixels mix by the covered share, so the sum of what was added is the visible area."""
    scene = _flat_scene(_flat_box(1, (left + width / 2, top + height / 2), (width, height), 220))
    shot = scene.render(0)
    covered = (shot.image[:, :, 0].astype(float) - 20) / 200
    expected = visible_fractions(scene.boxes_at(0), scene.size)[0] * width * height
    rim = 2 * (width + height) + 4
    assert abs(covered.sum() - expected) <= rim * 0.5 / 200 + 1e-6
    inside = np.zeros((60, 80), bool)
    for x0, y0, x1, y1 in shot.boxes:
        inside[int(np.floor(y0)) : int(np.ceil(y1)), int(np.floor(x0)) : int(np.ceil(x1))] = True
    assert np.all(covered[~inside] == 0)


def test_boxes_bound_their_pixels_at_every_size() -> None:
    scene = _random(5, size=(320, 180), objects=1, frames=60)
    bare = replace(scene, objects=())
    seen = 0
    for frame in range(0, 60, 7):
        shot = scene.render(frame)
        if not len(shot.boxes):
            continue
        seen += 1
        changed = np.argwhere(np.any(shot.image != bare.render(frame).image, axis=2))
        x0, y0, x1, y1 = shot.boxes[0]
        assert changed[:, 1].min() == pytest.approx(np.floor(x0), abs=1)
        assert changed[:, 0].min() == pytest.approx(np.floor(y0), abs=1)
        assert changed[:, 1].max() == pytest.approx(np.ceil(x1) - 1, abs=1)
        assert changed[:, 0].max() == pytest.approx(np.ceil(y1) - 1, abs=1)
    assert seen > 3


def _tracked_shift(first: NDArray[np.uint8], second: NDArray[np.uint8], region: tuple[int, ...]) -> NDArray[np.float64]:
    """Median movement of corners within a region, by Lucas-Kanade."""
    x0, y0, x1, y1 = region
    before, after = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (first, second))
    mask = np.zeros_like(before)
    mask[y0:y1, x0:x1] = 255
    points = cv2.goodFeaturesToTrack(before, 60, 0.01, 4, mask=mask)
    assert points is not None
    moved, status, _ = cv2.calcOpticalFlowPyrLK(before, after, points, points.copy())
    good = status.ravel() == 1
    assert good.sum() >= 8
    return np.asarray(np.median((moved - points).reshape(-1, 2)[good], axis=0), dtype=np.float64)


@pytest.mark.parametrize("pan", [(0.0, 0.0), (0.35, -0.2), (-1.6, 0.75), (3.3, 2.1)])
def test_the_background_moves_against_the_camera(pan: tuple[float, float]) -> None:
    scene = _random(11, size=(320, 180), objects=0, frames=40, pan_px_per_frame=pan)
    for frame in (0, 17, 38):
        shift = _tracked_shift(scene.render(frame).image, scene.render(frame + 1).image, (20, 20, 300, 160))
        assert shift == pytest.approx(-np.array(pan), abs=0.06)


def test_objects_move_by_fractions_of_a_pixel_as_their_boxes_say() -> None:
    checked = 0
    for seed in range(6):
        scene = _random(
            seed, size=(320, 180), objects=1, frames=40, object_height=(0.4, 0.6), speed_px_per_frame=(0.3, 1.5)
        )
        for frame in (5, 20, 34):
            now, then = scene.render(frame), scene.render(frame + 1)
            if not len(now.ids) or not len(then.ids) or min(now.visibility[0], then.visibility[0]) < 1:
                continue
            box = now.boxes[0]
            inner = tuple(np.rint(box + np.array([6, 6, -6, -6])).astype(int).tolist())
            centre = (then.boxes[0][:2] + then.boxes[0][2:] - box[:2] - box[2:]) / 2
            shift = _tracked_shift(now.image, then.image, inner)
            assert shift == pytest.approx(centre, abs=0.15)
            checked += 1
    assert checked >= 6


def test_nearer_objects_cover_farther_ones() -> None:
    far = _flat_box(1, (30.0, 30.0), (30.0, 30.0), 100)
    near = _flat_box(2, (40.0, 30.0), (20.0, 40.0), 200)
    shot = _flat_scene(far, near).render(0)
    assert shot.ids.tolist() == [1, 2]
    assert shot.image[30, 38, 0] == 200
    assert shot.image[30, 20, 0] == 100
    # The far box spans x 15 to 45, the near one covers x 30 to 50.
    assert shot.visibility.tolist() == pytest.approx([0.5, 1.0])


def test_objects_enter_and_leave() -> None:
    walker = MovingBox(
        identity=4,
        texture=np.full((8, 8, 3), 200, np.uint8),
        position=(-10.0, 30.0),
        velocity=(4.0, 0.0),
        size=(10, 20),
    )
    scene = _flat_scene(walker, frames=40)
    present = [len(scene.render(frame).ids) for frame in range(40)]
    assert present[0] == 0
    assert present[10] == 1
    assert present[-1] == 0
    partly = scene.render(2)  # centre at -2: three of ten pixels inside
    assert partly.visibility[0] == pytest.approx(0.3)
    assert partly.boxes[0].tolist() == [0, 20, 3, 40]
    assert partly.boxes_unclipped[0].tolist() == [-7, 20, 3, 40]


boxes_strategy = st.lists(
    st.tuples(st.integers(-20, 90), st.integers(-20, 70), st.integers(1, 60), st.integers(1, 60)), max_size=6
)


@given(boxes_strategy)
@settings(deadline=None)
def test_visibility_equals_counting_pixels(rows: list[tuple[int, int, int, int]]) -> None:
    """Boxes on whole pixels, painted one over the other into a picture with a wide border."""
    canvas = np.zeros((60 + 200, 80 + 200), int)
    for number, (x, y, w, h) in enumerate(rows, start=1):
        canvas[y + 100 : y + h + 100, x + 100 : x + w + 100] = number
    picture = canvas[100:160, 100:180]
    boxes = np.array([[x, y, x + w, y + h] for x, y, w, h in rows], float).reshape(-1, 4)
    expected = [(picture == number).sum() / (w * h) for number, (_, _, w, h) in enumerate(rows, start=1)]
    assert visible_fractions(boxes, (80, 60)).tolist() == pytest.approx(expected, abs=1e-9)


def test_textures_hold_corners_to_track() -> None:
    for seed in range(5):
        skin = texture(np.random.default_rng(seed), (48, 64))
        corners = cv2.goodFeaturesToTrack(cv2.cvtColor(skin, cv2.COLOR_RGB2GRAY), 100, 0.01, 5)
        assert corners is not None
        assert len(corners) >= 10


def test_a_scene_becomes_a_video_and_its_truth(tmp_path: Path) -> None:
    scene = _random(3, size=(160, 90), objects=4, frames=25, pan_px_per_frame=(0.5, 0.1))
    video_path = scene.write_video(tmp_path / "scene.mp4", Fraction(25))
    with open_video(video_path) as video:
        assert video.info.average_rate == 25
        for frame in video.frames():
            assert np.abs(frame.image.astype(int) - scene.render(frame.index).image).mean() < 8
        assert video.ending is not None
        assert video.ending.frames_decoded == 25
    lines = [line.split(",") for line in scene.write_mot(tmp_path / "gt.txt").read_text().splitlines()]
    truth = {(frame, int(i)): n for frame in range(25) for n, i in enumerate(scene.render(frame).ids)}
    assert lines
    for line in lines:
        number, identity = int(line[0]) - 1, int(line[1])
        shot = scene.render(number)
        row = truth[number, identity]
        x, y, w, h = (float(value) for value in line[2:6])
        # One-based pixels: the box of pixel (0, 0) starts at (1, 1).
        assert [x - 1, y - 1, x - 1 + w, y - 1 + h] == pytest.approx(shot.boxes_unclipped[row].tolist(), abs=0.002)
        assert line[6:8] == ["1", "1"]
        assert float(line[8]) == pytest.approx(shot.visibility[row], abs=1e-4)
    visible = {key for key, row in truth.items() if scene.render(key[0]).visibility[row] > 0}
    assert {(int(line[0]) - 1, int(line[1])) for line in lines} == visible
    hidden_left_out = scene.write_mot(tmp_path / "half.txt", minimum_visibility=0.5).read_text().splitlines()
    assert len(hidden_left_out) == sum(float(line[8]) >= 0.5 for line in lines)


def test_impossible_scenes_and_frames_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="scene needs"):
        Scene.random(rng, frames=0)
    with pytest.raises(InputError, match="scene needs"):
        Scene.random(rng, objects=-1)
    with pytest.raises(InputError, match="scene needs"):
        Scene.random(rng, size=(4, 4))
    scene = _random(0, size=(64, 48), frames=3)
    for frame in (-1, 3):
        with pytest.raises(IndexError, match="3"):
            scene.render(frame)
