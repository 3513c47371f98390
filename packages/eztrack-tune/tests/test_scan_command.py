"""The verb scan, run on small libraries."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eztrack_tune.classes import Difficulty, MotionType, footage_class
from eztrack_tune.scan.measure import Measures
from eztrack_tune.scan.record import HELD_OUT, TUNING, ScannedClip, read_scan
from eztrack_tune.scan.split import deal, same_shots, wanted_held_out
from footage.errors import DatasetError
from footage.synthetic.scenes import Scene

Run = Callable[..., tuple[int, str, str]]


def write_clip(path: Path, seed: int, *, size: tuple[int, int] = (320, 180), rate: int = 24) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    scene = Scene.random(np.random.default_rng(seed), size=size, frames=8, pan_px_per_frame=(1.0, 0.5))
    scene.write_video(path, rate)
    return path


def clip(number: int, difficulty: Difficulty = Difficulty.EASY, *, width: int = 1920, shot: int = 0) -> ScannedClip:
    random = np.random.default_rng(shot or number)
    return ScannedClip(
        path=Path(f"{number}.mp4"),
        content_sha256=f"{number:064x}",
        width=width,
        height=1080,
        fps=24.0,
        duration_seconds=3.0,
        footage=footage_class(width, 1080, 24.0),
        difficulty=difficulty,
        why_not_easy=(),
        motion=MotionType.PAN,
        measures=Measures(
            frames=8,
            blur=0.2,
            motion_blur=0.0,
            texture=1.0,
            displacement=0.002,
            displacement_high=0.003,
            jerk=0.1,
            zoom=0.0,
            parallax=0.0,
            cuts=(),
        ),
        hashes=tuple(int(one) for one in random.integers(0, 2**63, 3)),
        labelled_class=None,
        labelled_difficulty=None,
        side=TUNING,
    )


def test_a_library(run: Run, tmp_path: Path) -> None:
    for number in range(3):
        write_clip(tmp_path / "lib" / "SD_24fps" / "easy" / f"{number}.mp4", number)
    write_clip(tmp_path / "lib" / "HD_60fps" / "x.mp4", 9, size=(180, 320), rate=30)
    shutil.copy(tmp_path / "lib" / "SD_24fps" / "easy" / "0.mp4", tmp_path / "lib" / "copy.mp4")
    (tmp_path / "lib" / "bad.mp4").write_bytes(b"not a video")
    code, out, _ = run("scan", "lib", "--jobs", "1", "--json")
    assert code == 4
    document = json.loads(out)
    reasons = {Path(one["path"]).name: one["reason"] for one in document["left_out"]}
    assert len(reasons) == 2
    assert "is the same file as" in next(reason for name, reason in reasons.items() if name != "bad.mp4")
    assert len(document["clips"]) == 4
    portrait = next(one for one in document["clips"] if one["path"].endswith("x.mp4"))
    assert portrait["class"] == "SD_30fps"
    assert portrait["disagreements"] == ["lies in HD_60fps and is SD_30fps"]
    assert all(Path(tmp_path, file).is_file() for file in document["files"])
    assert any("SD_24fps: 3 clips to tune on, 5 are needed" in hole for hole in document["holes"])
    scan = read_scan(tmp_path / "eztrack_scan")
    assert [str(one.path) for one in scan.clips] == [one["path"] for one in document["clips"]]


def test_a_scan_that_goes_on_looks_at_new_clips_only(run: Run, tmp_path: Path) -> None:
    write_clip(tmp_path / "lib" / "a.mp4", 1)
    assert run("scan", "lib", "-j", "1")[0] == 0
    write_clip(tmp_path / "lib" / "b.mp4", 2)
    _, out, err = run("scan", "lib", "-j", "1")
    assert "2 clips of 1 of the nine classes" in out
    assert "2/2 clips" in err
    assert len((tmp_path / "eztrack_scan" / "clips.jsonl").read_text().splitlines()) == 3


def test_a_dry_run_writes_nothing(run: Run, tmp_path: Path) -> None:
    write_clip(tmp_path / "lib" / "a.mp4", 1)
    code, out, _ = run("scan", "lib", "--dry-run")
    assert (code, out.startswith("would look at 1 clips")) == (0, True)
    assert not (tmp_path / "eztrack_scan").exists()


@pytest.mark.parametrize("given_name", ["nowhere", "empty"])
def test_no_video_is_explained(run: Run, tmp_path: Path, given_name: str) -> None:
    (tmp_path / "empty").mkdir()
    code, out, err = run("scan", given_name)
    assert (code, out) == (1, "")
    assert "no files with the extensions" in err


@pytest.mark.parametrize("content", [b"", b"{}", b'{"format_version": 1, "clips": [{}], "left_out": []}'])
def test_a_scan_file_that_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "scan.json").write_bytes(content)
    with pytest.raises(DatasetError, match="scan the library again"):
        read_scan(tmp_path)


@given(st.integers(1, 40), st.integers(0, 5))
def test_held_out_clips_suffice_and_leave_enough(count: int, seed: int) -> None:
    kinds = list(Difficulty)
    dealt = deal([clip(number, kinds[number % 3]) for number in range(count)], seed=seed, known={})
    held = sum(one.side == HELD_OUT for one in dealt)
    assert held == wanted_held_out(count)
    if count >= 8:
        assert held >= 3
        assert count - held >= 5
    else:
        assert count - held >= min(count, 5)
    if count >= 12:
        assert {one.difficulty for one in dealt if one.side == HELD_OUT} == set(kinds)


@given(st.integers(5, 20), st.integers(1, 20))
def test_no_clip_changes_its_side_when_a_library_grows(before: int, more: int) -> None:
    first = deal([clip(number) for number in range(before)], seed=0, known={})
    known = {one.content_sha256: one.side for one in first}
    second = deal([clip(number) for number in range(before + more)], seed=0, known=known)
    assert {one.content_sha256: one.side for one in second[:before]} == known


def test_copies_of_one_shot_stay_together() -> None:
    clips = [clip(number, shot=100 + number // 2) for number in range(20)]
    shots = same_shots(clips)
    assert [shots[n] == shots[n + 1] for n in range(0, 20, 2)] == [True] * 10
    assert len(set(shots)) == 10
    dealt = deal(clips, seed=1, known={})
    assert all(dealt[n].side == dealt[n + 1].side for n in range(0, 20, 2))


def test_plain_frames_do_not_make_clips_the_same() -> None:
    clips = [replace(clip(number), hashes=(0, 0, int(number) << 40)) for number in range(1, 5)]
    assert len(set(same_shots(clips))) == 4


def test_classes_are_dealt_apart() -> None:
    clips = [clip(number, width=1920 if number < 8 else 3840) for number in range(16)]
    dealt = deal(clips, seed=0, known={})
    for name in ("HD_24fps", "4K_24fps"):
        sides: list[Any] = [one.side for one in dealt if one.footage.name == name]
        assert (sides.count(TUNING), sides.count(HELD_OUT)) == (5, 3)
