"""The verb as a whole: what is chosen, what is written, how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from footage.cli.exits import ExitCode
from footage.errors import DatasetError, InputError
from footage.video.probe import probe
from highlight_train.highlights import Highlight, Highlights, Window, write_highlights
from highlight_train.reel.choose import choose, standard_rate
from highlight_train.reel.command import show
from highlight_train.reel.reel import ReelOptions, plan

Clip = Callable[..., Path]


def listed(folder: Path, *clips: tuple[Path, float], windows: tuple[Window, ...] = ()) -> ReelOptions:
    """Options for a reel of clips with these scores."""
    highlights = tuple(
        Highlight(path=path, score=score, timestamp_seconds=4.0, windows=windows) for path, score in clips
    )
    write_highlights(folder / "highlights.json", Highlights(scanned=len(clips), highlights=highlights))
    return ReelOptions(highlights=folder / "highlights.json", output=folder / "reel.mp4")


def test_a_reel_with_its_sidecar_and_timelines(tmp_path: Path, clip: Clip, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = clip("a.mp4"), clip("b.mp4", size=(96, 64))
    options = listed(tmp_path, (first, 0.8), (second, 0.9), windows=(Window(3.0, 5.0, 0.9), Window(0.0, 1.0, 0.2)))
    options = replace(options, duration_seconds=9.0, otio=tmp_path / "reel.otio", edl=tmp_path / "reel.edl")
    assert show(options, dry_run=False, as_json=True) == ExitCode.DONE
    printed = json.loads(capsys.readouterr().out)
    written = json.loads((tmp_path / "reel.json").read_text())
    assert printed == {**written, "files": [str(tmp_path / f"reel.{kind}") for kind in ("mp4", "json", "otio", "edl")]}
    assert all(Path(file).is_file() for file in printed["files"])
    assert [(cut["position"], cut["path"], cut["score"]) for cut in written["cuts"]] == [
        (1, str(second), 0.9),
        (2, str(first), 0.8),
    ]
    lengths = [cut["end_seconds"] - cut["start_seconds"] for cut in written["cuts"]]
    assert written["duration_seconds"] == 9.0 == pytest.approx(sum(lengths) - written["cuts"][1]["crossfade_seconds"])
    assert written["size"] == [96, 64], "of equally frequent sizes the larger"
    info = probe(options.output)
    assert info.duration_seconds == pytest.approx(9.0)
    assert info.frame_count_estimate == written["frames"] == 225
    box_order = options.output.read_bytes()
    assert box_order.index(b"moov") < box_order.index(b"mdat")


def test_a_dry_run_tells_the_cuts_and_writes_nothing(
    tmp_path: Path, clip: Clip, capsys: pytest.CaptureFixture[str]
) -> None:
    options = listed(tmp_path, (clip("a.mp4"), 0.8), (tmp_path / "gone.mp4", 0.9))
    before = sorted(tmp_path.iterdir())
    assert show(options, dry_run=True, as_json=False) == ExitCode.DONE
    spoken = capsys.readouterr()
    assert "would make 1 cut, 8.00 s, 64x48 at 25 frames/s" in spoken.out
    assert "gone.mp4: there is no such file" in spoken.err
    assert show(options, dry_run=True, as_json=True) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["frames"] == 200
    assert sorted(tmp_path.iterdir()) == before


def test_clips_that_cannot_be_used_are_listed_and_the_code_says_so(
    tmp_path: Path, clip: Clip, capsys: pytest.CaptureFixture[str]
) -> None:
    empty, text, one = tmp_path / "empty.mp4", tmp_path / "text.mp4", clip("one.mp4", frames=1, tone_hz=None)
    empty.touch()
    text.write_text("no video")
    # Its header promises four seconds, its first frame can be decoded, and soon there are no more.
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, (100, 48, 64, 3)).astype(np.uint8)
    hollow = clip("hollow.mkv", frames=100, tone_hz=None, pictures=lambda index: noise[index], options={"g": "5"})
    os.truncate(hollow, hollow.stat().st_size // 12)
    good = clip("good.mp4")
    options = listed(tmp_path, (empty, 0.9), (text, 0.9), (one, 0.9), (hollow, 0.9), (good, 0.6))
    assert show(options, dry_run=False, as_json=False) == ExitCode.SOME_INPUTS_FAILED
    told = capsys.readouterr().err
    written = json.loads((tmp_path / "reel.json").read_text())
    assert [cut["path"] for cut in written["cuts"]] == [str(good)]
    reasons = {Path(entry["path"]).name: entry["reason"] for entry in written["left_out"]}
    assert reasons["one.mp4"] == "the clip is only 0.04 s long"
    assert "s could be decoded from 0.00 s on" in reasons["hollow.mkv"]
    assert set(reasons) == {"empty.mp4", "text.mp4", "one.mp4", "hollow.mkv"}
    assert all(f"left out: {tmp_path / name}" in told for name in reasons)


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path, clip: Clip) -> None:
    clips = [clip(f"{index}.mp4", frames=300, size=(320, 240)) for index in range(6)]
    options = listed(tmp_path, *((path, 0.9) for path in clips))
    before = sorted(tmp_path.iterdir())
    program = "import sys; from pathlib import Path; from highlight_train.reel.command import show; "
    program += "from highlight_train.reel.reel import ReelOptions; "
    program += "show(ReelOptions(highlights=Path(sys.argv[1]), output=Path(sys.argv[2])), dry_run=False, as_json=False)"
    command = [sys.executable, "-c", program, str(options.highlights), str(options.output)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("making"):
                process.send_signal(signal.SIGINT)
        assert process.wait() != 0
    assert sorted(tmp_path.iterdir()) == before


def test_the_best_that_can_be_used_are_taken(tmp_path: Path, clip: Clip) -> None:
    source = clip("a.mp4")
    paths = [tmp_path / f"{index}.mp4" for index in range(5)]
    for path in paths[1:]:
        path.hardlink_to(source)
    highlights = [
        Highlight(path=path, score=0.9 - index / 10, timestamp_seconds=4.0) for index, path in enumerate(paths)
    ]
    twice = Highlight(path=paths[4], score=0.95, timestamp_seconds=1.0)

    def names(**settings: Any) -> list[str]:
        arguments = {"top": None, "min_score": 0.0, "duration_seconds": None, **settings}
        return [each.path.stem for each in choose([*reversed(highlights), twice], **arguments).candidates]

    assert names() == ["4", "1", "2", "3"]
    assert names(top=2) == ["4", "1"]
    assert names(min_score=0.7) == ["4", "1", "2"]
    assert names(duration_seconds=15.5) == ["4", "1"]
    assert names(duration_seconds=15.6) == ["4", "1", "2"]


@pytest.mark.parametrize(
    ("rate", "standard"),
    [
        ("29.97", "30000/1001"),
        ("23.98", "24000/1001"),
        ("24.9", "25"),
        ("29.9", "30000/1001"),
        ("10", "10"),
        ("119.88", "60"),
        ("0.2", "1"),
    ],
)
def test_rates_become_standard_ones(rate: str, standard: str) -> None:
    assert standard_rate(Fraction(rate)) == Fraction(standard)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"output": "reel.avi"}, "a reel is an .mp4 file"),
        ({"output": "a.mp4"}, "this file is read, and would be replaced"),
        ({"output": "highlights.mp4"}, "this file is read, and would be replaced"),
        ({"edl": "reel.json"}, "two results would have this name"),
        ({"output": "no/where.mp4"}, "there is no such folder"),
        ({"top": 0}, "is empty"),
        ({"duration_seconds": 0.5}, "cannot be 0.5 s long"),
        ({"size": (63, 48)}, "63x48 is no size"),
        ({"rate": Fraction(1000)}, "1000 frames a second"),
    ],
)
def test_options_that_make_no_sense(tmp_path: Path, clip: Clip, changes: dict[str, Any], said: str) -> None:
    options = listed(tmp_path, (clip("a.mp4", frames=30), 0.9))
    paths = {key: tmp_path / value for key, value in changes.items() if isinstance(value, str)}
    with pytest.raises(InputError, match=said):
        plan(replace(options, **{**changes, **paths}))


def test_nothing_to_make_a_reel_of(tmp_path: Path, clip: Clip) -> None:
    with pytest.raises(DatasetError, match="there are no highlights in it"):
        plan(listed(tmp_path))
    with pytest.raises(DatasetError, match=r"none of the 1 highlights has a score of 0\.95 or more"):
        plan(replace(listed(tmp_path, (clip("a.mp4", frames=30), 0.9)), min_score=0.95))
    with pytest.raises(DatasetError, match="none of the 1 clips can be used"):
        plan(listed(tmp_path, (tmp_path / "gone.mp4", 0.9)))


@pytest.mark.slow
def test_real_flights(shared_data: Path, tmp_path: Path) -> None:
    flights = sorted((shared_data / "drone").glob("*.mp4"))
    options = listed(tmp_path, *((path, 0.9 - index / 10) for index, path in enumerate(flights)))
    options = replace(options, duration_seconds=16.0, size=(320, 180), order="time")
    assert show(options, dry_run=False, as_json=False) == ExitCode.DONE
    info = probe(options.output)
    assert info.duration_seconds == pytest.approx(16.0)
    assert (info.width, info.height, info.average_rate) == (320, 180, Fraction(10))
    assert info.has_audio
