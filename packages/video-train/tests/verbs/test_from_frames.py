"""from-frames: folders of pictures become videos, matched by whole names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from footage.errors import DatasetError, InputError
from footage.video.images import read_image, write_image
from footage.video.reader import open_video
from video_train.catalogue.labels import read_labels
from video_train.cli import app
from video_train.frames.finding import find_frames


def write_frames(folder: Path, shade: int, *, count: int = 6, size: tuple[int, int] = (64, 48), stem: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, count + 1):
        picture = np.full((size[1], size[0], 3), shade, np.uint8)
        picture[:, : number * 4] = 255
        write_image(folder / f"{stem}{number}.png", picture)


def annotate(path: Path, *entries: object) -> Path:
    path.write_text(json.dumps(list(entries)))
    return path


def run(*arguments: object) -> int:
    found = app(["from-frames", *map(str, arguments), "-j", "1"], standalone_mode=False)
    assert isinstance(found, int)
    return found


def shades(video: Path) -> Iterator[float]:
    with open_video(video) as reader:
        for frame in reader.frames():
            yield float(frame.image[:, -8:].mean())


def test_label_and_id_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames, out = tmp_path / "frames", tmp_path / "videos"
    write_frames(frames / "run" / "1", 20, count=12)
    write_frames(frames / "jump" / "1", 120, size=(63, 41))
    assert run(frames, out, "--rate", "10") == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(out / "annotations.json")
    with open_video(out / "1_run.mp4") as video:
        pictures = [frame.image for frame in video.frames()]
        assert (video.info.width, video.info.height, video.info.average_rate) == (64, 48, Fraction(10))
    # Ten comes after nine: the white edge grows by four columns a frame.
    widths = [int((picture[10, :, 0] > 128).sum()) for picture in pictures]
    assert widths == [4 * number for number in range(1, 13)]
    with open_video(out / "1_jump.mp4") as video:
        assert (video.info.width, video.info.height) == (63, 41)
    labelled = read_labels(out, annotations=out / "annotations.json")
    assert {(one.label, one.views[0].name, one.group) for one in labelled.events} == {
        ("run", "1_run.mp4", "run/1"),
        ("jump", "1_jump.mp4", "jump/1"),
    }


def test_one_never_matches_ten(tmp_path: Path) -> None:
    frames, out = tmp_path / "frames", tmp_path / "videos"
    write_frames(frames / "1", 0)
    write_frames(frames / "10", 200, count=9)
    for number in (2, 20, 12):
        write_frames(frames / "flat", 10 * number, stem=f"{number}_", count=3 + number % 3)
    entries = [{"video_id": name, "action_label": "ab"[name in {"1", "2"}]} for name in ("1", "10", "2", "20", "12")]
    assert run(frames, out, "--annotations", annotate(tmp_path / "annotations.json", *entries)) == 0
    found = {file.name: list(shades(file)) for file in out.glob("*.mp4")}
    assert {name: len(values) for name, values in found.items()} == {
        "1_b.mp4": 6,
        "10_a.mp4": 9,
        "2_b.mp4": 5,
        "20_a.mp4": 5,
        "12_a.mp4": 3,
    }
    for name, shade in (("1_b.mp4", 0), ("10_a.mp4", 200), ("2_b.mp4", 20), ("20_a.mp4", 200), ("12_a.mp4", 120)):
        assert found[name] == pytest.approx([shade] * len(found[name]), abs=4)


def test_listed_frames_are_taken_in_their_order(tmp_path: Path) -> None:
    frames = tmp_path / "frames"
    write_frames(frames / "any", 0, count=8)
    listed = ["any/5.png", "any/2.png", "any/3.png"]
    annotations = annotate(tmp_path / "a.json", {"video_id": "x", "action_label": "y", "sampled_frames": listed})
    (video,), skipped = find_frames(frames, annotations)
    assert [file.name for file in video.frames] == ["5.png", "2.png", "3.png"]
    assert not skipped
    wrong = annotate(tmp_path / "b.json", {"video_id": "x", "action_label": "y", "sampled_frames": ["any/9.png"]})
    with pytest.raises(DatasetError, match=r"entry 1: the frame 'any/9\.png' is no file"):
        find_frames(frames, wrong)


def test_what_cannot_be_used_is_listed_and_does_not_end_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames, out = tmp_path / "frames", tmp_path / "videos"
    write_frames(frames / "a" / "good", 10)
    write_frames(frames / "a" / "single", 10, count=1)
    write_frames(frames / "b" / "broken", 10)
    (frames / "b" / "broken" / "3.png").write_bytes(b"no picture")
    write_frames(frames / "b" / "mixed", 10)
    write_image(frames / "b" / "mixed" / "3.png", np.zeros((20, 20, 3), np.uint8))
    assert run(frames, out, "--json") == 4
    document = json.loads(capsys.readouterr().out)
    assert [one["video_id"] for one in document["videos"]] == ["good_a"]
    reasons = " | ".join(one["reason"] for one in document["failed"])
    assert "single has 1 frames" in reasons
    assert "3.png: not an image" in reasons
    assert "is 20x20 px, and the first frame 64x48 px" in reasons
    assert [file.name for file in out.glob("*.mp4")] == ["good_a.mp4"]


def test_what_is_there_is_not_made_again_unless_it_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames, out = tmp_path / "frames", tmp_path / "videos"
    write_frames(frames / "a" / "1", 10)
    write_frames(frames / "b" / "2", 90)
    assert run(frames, out) == 0
    first = {file.name: file.stat().st_mtime_ns for file in out.glob("*.mp4")}
    write_frames(frames / "b" / "2", 200, count=9)
    (out / "1_a.mp4").unlink()
    write_frames(frames / "c" / "3", 30)
    assert run(frames, out) == 0
    assert capsys.readouterr().out.splitlines()[-2].startswith("3 videos, 0 of them from an earlier run")
    assert run(frames, out) == 0
    assert "3 videos, 3 of them from an earlier run" in capsys.readouterr().out
    assert (out / "2_b.mp4").stat().st_mtime_ns > first["2_b.mp4"]
    assert len(list(shades(out / "2_b.mp4"))) == 9


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"video_id": "../up", "action_label": "a", "sampled_frames": ["any/1.png", "any/2.png"]}, "part of a file"),
        ({"video_id": "any", "action_label": "a/b"}, "part of a file"),
        ({"video_id": "none", "action_label": "a"}, "has no frames"),
        ({"action_label": "a"}, "has no video_id"),
        ({"video_id": "any", "action_label": "a", "sampled_frames": "1.png"}, "no list of names"),
    ],
)
def test_a_wrong_annotation_is_refused(tmp_path: Path, entry: object, message: str) -> None:
    write_frames(tmp_path / "frames" / "any", 0)
    with pytest.raises(DatasetError, match=message):
        find_frames(tmp_path / "frames", annotate(tmp_path / "a.json", entry))


def test_two_videos_of_one_name_are_refused(tmp_path: Path) -> None:
    write_frames(tmp_path / "frames" / "a" / "1" / "2", 0)
    write_frames(tmp_path / "frames" / "a" / "1-2", 0)
    with pytest.raises(DatasetError, match=r"two videos would be 1-2_a\.mp4"):
        find_frames(tmp_path / "frames", None)


def test_size_and_codec_are_as_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames, out = tmp_path / "frames", tmp_path / "videos"
    write_frames(frames / "a" / "1", 10)
    assert run(frames, out, "--size", "32x24", "--codec", "mpeg4", "--rate", "30000/1001") == 0
    with open_video(out / "1_a.mp4") as video:
        assert (video.info.width, video.info.height, video.info.codec) == (32, 24, "mpeg4")
        assert float(video.info.average_rate or 0) == pytest.approx(29.97, abs=0.01)
    with pytest.raises(InputError, match="not one video could be made"):
        run(frames, tmp_path / "none", "--codec", "no-such-codec")
    capsys.readouterr()
    assert run(frames, tmp_path / "planned", "--dry-run") == 0
    assert "would write 1 videos of a, 6 frames, 0.2 s" in capsys.readouterr().out
    assert not (tmp_path / "planned").exists()


def test_real_frames(shared_data: Path, tmp_path: Path) -> None:
    frames = shared_data / "action" / "raivo"
    assert run(frames, tmp_path, "--rate", "10") == 0
    with open_video(tmp_path / "0001_jumping.mp4") as video:
        pictures = [frame.image for frame in video.frames()]
    assert len(pictures) == 17
    original = read_image(frames / "jumping" / "0001" / "img_00001.jpg")
    assert pictures[0].shape == original.shape
    assert np.abs(pictures[0].astype(int) - original).mean() < 4
