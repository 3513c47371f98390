"""Clips decoded once to stills that every tracker sees."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from eztrack_tune.trackers.frames import content_of, decode, stills_folder
from footage.errors import InputError, VideoError
from footage.synthetic.scenes import Scene
from footage.video import open_video
from footage.video.images import read_image


@pytest.fixture
def video(tmp_path: Path) -> Path:
    scene = Scene.random(np.random.default_rng(0), size=(96, 64), frames=9)
    return scene.write_video(tmp_path / "clip.mp4", 30)


def test_the_first_frames_are_decoded_exactly(video: Path, tmp_path: Path) -> None:
    stills = decode(video, tmp_path / "cache", most_frames=5)
    assert (stills.clip.frame_count, stills.clip.width, stills.clip.height, stills.clip.fps) == (5, 96, 64, 30.0)
    assert sorted(path.name for path in stills.folder.glob("*.png")) == [f"{n:06}.png" for n in range(5)]
    with open_video(video, accurate_colours=True) as reader:
        for number, frame in enumerate(reader.frames(0, 5)):
            np.testing.assert_array_equal(read_image(stills.path(number)), frame.image)


def test_a_clip_is_decoded_once_wherever_it_lies(video: Path, tmp_path: Path) -> None:
    first = decode(video, tmp_path / "cache")
    stamp = first.path(0).stat().st_mtime_ns
    moved = video.rename(tmp_path / "other name.mp4")
    second = decode(moved, tmp_path / "cache")
    assert second.folder == first.folder == stills_folder(tmp_path / "cache", content_of(moved), 100)
    assert second.path(0).stat().st_mtime_ns == stamp
    assert second.clip.path == moved


def test_a_folder_of_stills_is_a_clip(video: Path, tmp_path: Path) -> None:
    first = decode(video, tmp_path / "cache")
    again = decode(first.folder, tmp_path / "cache")
    assert again.clip.frame_count == 9
    np.testing.assert_array_equal(again.gray(3), first.gray(3))


def test_a_folder_that_is_not_whole_is_made_anew(video: Path, tmp_path: Path) -> None:
    folder = stills_folder(tmp_path / "cache", content_of(video), 100)
    first = decode(video, tmp_path / "cache")
    (first.folder / "clip.json").unlink()
    first.path(4).unlink()
    again = decode(video, tmp_path / "cache")
    assert again.folder == folder
    assert again.gray(4).shape == (64, 96)
    assert not [path for path in folder.parent.iterdir() if path.suffix == ".partial"]


def test_a_clip_too_short_to_track_is_refused(tmp_path: Path) -> None:
    scene = Scene.random(np.random.default_rng(0), size=(96, 64), frames=2)
    video = scene.write_video(tmp_path / "short.mp4", 30)
    with pytest.raises(VideoError, match="only 2 frames"):
        decode(video, tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())
    with pytest.raises(InputError, match="3 frames or more"):
        decode(video, tmp_path / "cache", most_frames=1)


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.mp4").write_text(json.dumps({}))
    with pytest.raises(VideoError, match=r"no\.mp4"):
        decode(tmp_path / "no.mp4", tmp_path / "cache")
