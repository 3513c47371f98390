"""The verb sweep with the tracker that is always there."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from eztrack_tune.sessions.read import read_sessions
from eztrack_tune.settings import SIX

Run = Callable[..., tuple[int, str, str]]
CHANGING = {"seconds", "detection_shared"}


@pytest.fixture
def matrix(tmp_path: Path) -> Path:
    """Two settings with one threshold."""
    path = tmp_path / "matrix.json"
    path.write_text(json.dumps([settings.as_dict() for settings in SIX[:2]]))
    return path


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "trials.csv").open(newline="") as file:
        return [{name: value for name, value in row.items() if name not in CHANGING} for row in csv.DictReader(file)]


def test_every_clip_is_tried_with_every_choice_and_todays(
    run: Run, library: Path, matrix: Path, tmp_path: Path
) -> None:
    code, out, err = run("sweep", str(library), "--matrix", str(matrix), "-j", "1", "-o", "out")
    assert code == 0, err
    assert "trials on 2 clips found the camera" in out
    assert "13/81 .70 .30 LocRot (today)" in out
    assert "stand-in for Blender's" in err
    rows = table(tmp_path / "out")
    assert len(rows) == 6
    assert {row["clip"] for row in rows} == {"easy.mp4", "medium.mp4"}
    assert {row["pattern_size"] for row in rows} == {"11", "13", "15"}
    sessions = read_sessions([tmp_path / "out" / "sessions"]).sessions
    assert len(sessions) == 6
    assert {session.backend for session in sessions} == {"opencv"}
    assert not (tmp_path / "out" / "stills").exists()
    assert "<svg" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")

    code, out, err = run("sweep", str(library), "--matrix", str(matrix), "-j", "1", "-o", "out", "--json")
    assert code == 0, err
    document = json.loads(out)
    assert (document["done_now"], len(document["trials"])) == (0, 6)
    assert table(tmp_path / "out") == rows

    next(iter((tmp_path / "out" / "sessions").iterdir())).unlink()
    code, out, _ = run("sweep", str(library), "--matrix", str(matrix), "-j", "1", "-o", "out", "--json")
    assert json.loads(out)["done_now"] == 1
    assert table(tmp_path / "out") == rows


def test_other_options_start_anew_and_say_so(run: Run, library: Path, matrix: Path) -> None:
    clip = str(library / "easy.mp4")
    assert run("sweep", clip, "--matrix", str(matrix), "-j", "1", "-o", "out")[0] == 0
    code, out, err = run("sweep", clip, "--matrix", str(matrix), "-j", "1", "-o", "out", "--frames", "6", "--json")
    assert code == 0
    assert "starting anew: the journal there was made with another frames" in err
    assert json.loads(out)["done_now"] == 3


def test_one_bad_clip_never_ends_a_sweep(run: Run, library: Path, matrix: Path, tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    shutil.copytree(library, folder)
    (folder / "broken.mp4").write_bytes(b"no video at all")
    cut = (folder / "medium.mp4").read_bytes()
    (folder / "medium.mp4").write_bytes(cut[: len(cut) // 8])
    code, out, _ = run("sweep", str(folder), "--matrix", str(matrix), "-j", "1", "-o", "out", "--json")
    document = json.loads(out)
    assert code == 4
    assert {row["clip"] for row in document["trials"]} == {"easy.mp4"}
    assert {Path(one["path"]).name for one in document["left_out"]} == {"broken.mp4", "medium.mp4"}


def test_a_scan_gives_its_tuning_clips_with_their_sides(run: Run, library: Path, matrix: Path) -> None:
    assert run("scan", str(library), "-o", "scanned", "-j", "1")[0] == 0
    code, out, err = run("sweep", "scanned", "--matrix", str(matrix), "-j", "1", "-o", "out", "--json")
    assert code == 0, err
    assert {(row["side"], row["difficulty"] is not None) for row in json.loads(out)["trials"]} == {("tuning", True)}
    code, _, err = run("sweep", "scanned", str(library), "-o", "out")
    assert code == 1
    assert "a scan stands for its clips" in err
    code, _, err = run("sweep", "scanned", "--side", "held_out", "-o", "out")
    assert code == 1
    assert "no clip of side held_out" in err


def test_a_dry_run_counts_and_writes_nothing(run: Run, library: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    code, out, _ = run("sweep", str(library), "--dry-run", "-o", "out")
    assert code == 0
    assert "would do 14 trials on 2 clips with opencv" in out
    code, out, _ = run("sweep", str(library), "--trials", "30", "--dry-run", "--json")
    assert json.loads(out)["trials"] == 60
    assert sorted(tmp_path.iterdir()) == before


def test_a_search_ends_with_its_best_and_goes_on_from_its_journal(run: Run, library: Path) -> None:
    arguments = ("sweep", str(library / "easy.mp4"), "--trials", "9", "-j", "1", "-o", "out", "--json")
    code, out, err = run(*arguments)
    assert code == 0, err
    first = json.loads(out)
    assert first["searched"]["SD_24fps"]["tried"] == 9
    assert first["done_now"] == first["searched"]["SD_24fps"]["runs"] == 9
    second = json.loads(run(*arguments)[1])
    assert second["done_now"] == 0
    assert second["searched"] == first["searched"]


def test_smoke_takes_one_clip_and_few_settings_through(run: Run, library: Path, tmp_path: Path) -> None:
    code, _, err = run("sweep", str(library), "--smoke", "-j", "1", "-o", "out")
    assert code == 0, err
    assert len(table(tmp_path / "out")) == 3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere"], "no files with the extensions"),
        (["--tracker", "opencv", "--bpy", "5.0.1"], "a Blender is named"),
        (["--tracker", "both", "--bpy", "5.0.1", "--trials", "9"], "a search follows one tracker"),
        (["--blender", "no-such-blender"], "is no program"),
        (["--bpy", "newest"], "is no version of the bpy wheel"),
        (["--matrix", "none.json"], "the matrix cannot be read"),
        pytest.param(["--scheduler", "tcp://127.0.0.1:9"], "the scheduler cannot be reached", marks=pytest.mark.slow),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(run: Run, library: Path, arguments: list[str], says: str) -> None:
    source = [] if arguments[0] == "nowhere" else [str(library)]
    code, out, err = run("sweep", *source, *arguments, "-j", "1", "-o", "out")
    assert (code, out) == (1, "")
    assert says in err
    assert "Traceback" not in err
