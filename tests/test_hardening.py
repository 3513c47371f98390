"""What the hardening matrices take for a fault, and that the tools have none on any bad video."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hardening import bad_photos
from hardening.bad_media import Cell, matrix, table
from hardening.commands import Ending, run
from hardening.kills import WORKS, Row, killed
from hardening.kills import table as kill_table
from hardening.media import Medium, good, media


def ending(code: int | None, errors: str = "") -> Ending:
    return Ending("footage probe x", code, "", errors, 0.0)


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (ending(0), None),
        (ending(1, "error: x.mp4: the file is empty\nhint: copy it again\n"), None),
        (ending(4, "x.mp4: skipped\n"), None),
        (ending(None), "did not end"),
        (ending(1, 'Traceback (most recent call last):\nKeyError: "a"\n'), "a traceback"),
        (ending(1, "error: unexpected KeyError: 'a'\n"), "a traceback"),
        (ending(1, "cannot be read\n"), "0 lines"),
        (ending(1, "error: one\nerror: two\n"), "2 lines"),
        (ending(2, "error: no such option\n"), "exit code 2"),
        (ending(139), "exit code 139"),
    ],
)
def test_what_a_user_cannot_live_with_is_a_fault(one: Ending, why: str | None) -> None:
    assert (one.fault is None) == (why is None)
    if why is not None:
        assert why in str(one.fault)


def test_commands_run_as_a_user_types_them(tmp_path: Path) -> None:
    good(tmp_path / "good.mp4")
    (tmp_path / "empty.mp4").touch()
    done = run("footage", "probe", "good.mp4", folder=tmp_path)
    assert (done.code, done.fault) == (0, None)
    assert "h264" in done.output
    refused = run("footage", "sample", "empty.mp4", folder=tmp_path)
    assert (refused.code, refused.outcome) == (1, "refused")


def test_there_are_many_and_no_two_are_told_apart_by_the_same_word() -> None:
    made = list(media())
    assert len(made) >= 50
    assert len({one.stem for one in made}) == len(made)


def test_the_table_has_a_row_a_medium_and_a_column_a_verb() -> None:
    one = Medium("zero bytes", b"m10-x.mp4", good)
    assert table(
        [("footage probe", one, Cell("refused")), ("footage sample", one, Cell("FAULT", "why"))]
    ).splitlines() == [
        "| medium | footage probe | footage sample |",
        "|---|---|---|",
        "| zero bytes | refused | FAULT |",
    ]


def test_a_file_that_differs_after_kills_is_told() -> None:
    rows = [Row("footage sample", 20, 9.6, ()), Row("footage probe", 20, 1.2, ("a.csv",))]
    assert kill_table(rows).splitlines()[2:] == [
        "| footage sample | 10 s | 20 times | none |",
        "| footage probe | 1 s | 20 times | a.csv |",
    ]


@pytest.mark.slow
def test_a_scan_that_is_killed_ends_with_the_same_files(tmp_path: Path) -> None:
    (work,) = (work for work in WORKS if work.verb == "highlight-train batch-classify")
    assert run("highlight-train", "demo", "--smoke", "-o", tmp_path / "highlight-train", folder=tmp_path).code == 0
    (tmp_path / "library").mkdir()
    for number in range(60):
        good(tmp_path / "library" / f"{number}.mp4")
    row = killed(work, tmp_path, tmp_path, kills=3, rng=np.random.default_rng(0))
    assert (row.kills, row.different) == (3, ())


@pytest.mark.slow
def test_no_bad_video_is_a_fault_of_any_verb(tmp_path: Path) -> None:
    cells = list(matrix(tmp_path, heavy=False))
    faults = [f"{verb}, {medium.name}: {cell.why}" for verb, medium, cell in cells if cell.why]
    assert faults == []
    assert len(cells) >= 500


@pytest.mark.slow
def test_no_photo_is_a_fault_for_any_verb_that_reads_folders_of_them(tmp_path: Path) -> None:
    cells = list(bad_photos.matrix(tmp_path))
    assert len(cells) == 47 * len(bad_photos.VERBS)
    assert not [(verb, medium.name, cell.why) for verb, medium, cell in cells if cell.why]
