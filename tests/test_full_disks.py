"""What the matrix of full disks takes for a fault, and that a verb has none on a disk that fills up."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hardening.full_disks import READ_ONLY, SHARES, Row, file_system, table, tried
from hardening.kills import Work
from hardening.media import good

SAMPLE = Work("footage sample", lambda inputs, out: (inputs / "good.mp4", "--count", "4", "-o", out), (), {})


def test_the_table_has_a_row_a_verb_and_tells_faults() -> None:
    rows = [
        Row("footage sample", 0.0, "error: no space left on device", ()),
        Row("footage sample", 0.97, None, ()),
        Row("footage sample", READ_ONLY, None, ("it was written all the same",)),
    ]
    head, _, only = table(rows).splitlines()
    assert head.count("|") == len(SHARES) + 3
    cells = [cell.strip() for cell in only.strip("|").split("|")]
    assert (cells[0], cells[1], cells[-2]) == ("footage sample", "refused", "done")
    assert cells[-1] == "FAULT: it was written all the same"


@pytest.fixture
def may_mount(tmp_path: Path) -> None:
    try:
        with file_system(tmp_path / "tried", "64k"):
            pass
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no file system can be mounted here, which needs root: {error}")


@pytest.mark.usefixtures("may_mount")
def test_a_verb_says_in_a_line_that_the_disk_is_full_and_goes_on_when_it_is_not(tmp_path: Path) -> None:
    inputs, folder = tmp_path / "inputs", tmp_path / "disks"
    inputs.mkdir()
    folder.mkdir()
    good(inputs / "good.mp4")
    rows = list(tried(SAMPLE, folder, inputs))
    assert [row.room for row in rows] == [*SHARES, READ_ONLY]
    assert not [row.faults for row in rows if row.faults]
    assert rows[0].said is not None
    assert rows[-1].said is not None
