"""``footage probe``, ``sample`` and ``doctor`` on real files, run in this process as the console script runs them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from footage.synthetic.scenes import Scene
from footage.tool import cli, doctor
from footage.video import open_video
from footage.video.images import read_image

FRAMES = 30


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    def json(self) -> dict[str, Any]:
        document = json.loads(self.out)
        assert isinstance(document, dict)
        return document


Footage = Callable[..., Ended]


@pytest.fixture
def footage(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Footage:
    def run(*arguments: object) -> Ended:
        monkeypatch.setattr("sys.argv", ["footage", *map(str, arguments)])
        with pytest.raises(SystemExit) as ending:
            cli.main()
        out, err = capsys.readouterr()
        return Ended(int(ending.value.code or 0), out, err)

    return run


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    Scene.random(np.random.default_rng(0), size=(96, 64), objects=2, frames=FRAMES).write_video(path)
    return path


def test_probe_says_what_a_file_is(footage: Footage, clip: Path) -> None:
    ended = footage("probe", clip, "--decode")
    assert ended.code == 0
    for told in (str(clip), "h264 yuv420p, 96x64", "1.2 s", "25 frames a second", "30 frames decoded; none"):
        assert told in ended.out
    (video,) = footage("probe", clip, "--json").json()["videos"]
    assert video["info"]["frame_count_estimate"] == FRAMES
    assert video["keyframes"]["count"] >= 1
    assert video["damage"] is None
    assert video["ending"] is None


def test_probe_tells_damage_and_goes_on(footage: Footage, clip: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole.mkv"
    Scene.random(np.random.default_rng(0), size=(96, 64), objects=2, frames=FRAMES).write_video(whole)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    text = tmp_path / "text.mp4"
    text.write_text("no video at all, only words\n" * 9)
    ended = footage("probe", tmp_path, clip, "--json")
    assert ended.code == 4
    document = ended.json()
    damage = {Path(one["info"]["path"]).name: one["damage"] for one in document["videos"]}
    assert set(damage) == {"whole.mkv", "cut.mkv", "clip.mp4"}
    assert damage["whole.mkv"] is None
    assert "bytes its container declares" in damage["cut.mkv"]
    assert [Path(one["path"]).name for one in document["failed"]] == ["text.mp4"]
    shown = footage("probe", text, clip)
    assert shown.code == 4
    assert "this is text" in shown.out


@pytest.mark.parametrize(("policy", "count"), [("uniform", 4), ("random", 4), ("per-second", 2), ("keyframes", 1)])
def test_sampled_pictures_are_the_frames_their_names_say(
    footage: Footage, clip: Path, tmp_path: Path, policy: str, count: int
) -> None:
    ended = footage("sample", clip, "--policy", policy, "-o", tmp_path / "out", *(["--count", "4"] * (count == 4)))
    assert ended.code == 0, ended.err
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_bytes())
    assert len(manifest["frames"]) == count
    with open_video(clip, accurate_colours=True) as video:
        for taken in manifest["frames"]:
            assert f"_{taken['pts_seconds']:013.6f}s.png" in taken["file"]
            frame = video.frame_at(taken["pts_seconds"])
            assert frame.pts_seconds == taken["pts_seconds"]
            assert np.array_equal(read_image(tmp_path / "out" / taken["file"]), frame.image)
    assert footage("runs", "verify", tmp_path / "out").code == 0


def test_sampling_takes_a_frame_once(footage: Footage, clip: Path, tmp_path: Path) -> None:
    taken = footage("sample", clip, "--count", 500, "-o", tmp_path, "--format", "jpg", "--json").json()["frames"]
    assert isinstance(taken, list)
    assert len(taken) == FRAMES
    assert len(list(tmp_path.glob("*.jpg"))) == FRAMES


def test_a_plan_writes_nothing(footage: Footage, clip: Path, tmp_path: Path) -> None:
    plan = footage("sample", clip, "--dry-run", "--json", "-o", tmp_path / "out").json()
    assert plan["frames"] == 16
    assert not (tmp_path / "out").exists()
    assert footage("sample", clip, "--smoke", "--dry-run", "--json").json()["frames"] == 3


def test_a_rate_that_is_none_is_a_usage_error(footage: Footage, clip: Path) -> None:
    ended = footage("sample", clip, "--policy", "per-second", "--rate", "0")
    assert ended.code == 2
    assert "such as 2, 0.5 or 1/10" in ended.err


def test_the_doctor_looks_at_machine_codecs_and_trainers(footage: Footage) -> None:
    ended = footage("doctor", "--json")
    checks = {check["name"]: check for check in ended.json()["checks"]}
    assert ended.code == 0
    assert {"memory", "codecs", "gpu", "cuda", "disk", "libraries", *doctor.TRAINERS} <= checks.keys()
    assert "GiB for each processor" in checks["memory"]["detail"]
    assert "numpy" in checks["libraries"]["detail"]


def test_the_doctor_says_how_to_mend_what_is_missing() -> None:
    missing = doctor.check_trainer("no-such-trainer")
    assert not missing.ok
    assert missing.remedy is not None
    assert "uv tool install ./packages/no-such-trainer" in missing.remedy
