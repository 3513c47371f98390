"""The journal keeps exact numbers under any name, for one process at a time."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footage.errors import InputError
from highlight_train.batch.journal import FileState, ScoreJournal, file_state
from highlight_train.batch.work import Failure
from highlight_train.scoring.sampler import Way
from highlight_train.scoring.video import FrameScores

SCORES = FrameScores(
    times_seconds=(0.1, 1 / 3), scores=(0.30000000000000004, 1.0), duration_seconds=2.5, way=Way.EXACT, remark="odd"
)
FILE = FileState(Path("a.mp4"), b"a.mp4", 10, 1_700_000_000_123_456_789)


def test_what_was_recorded_is_found_again_exactly(tmp_path: Path) -> None:
    other = FileState(Path("b.mp4"), b"b.mp4", 1, 2)
    with ScoreJournal(tmp_path / "j", "settings") as journal:
        assert journal.find(FILE) is None
        journal.record([(FILE, SCORES), (other, Failure("the file is empty"))])
    with ScoreJournal(tmp_path / "j", "settings") as journal:
        assert journal.find(FILE) == SCORES
        assert journal.find(other) == Failure("the file is empty")
        assert len(journal) == 2


@pytest.mark.parametrize("changed", [{"size": 11}, {"mtime_ns": FILE.mtime_ns + 1}, {"name": b"A.mp4"}])
def test_a_changed_file_is_unknown(changed: dict[str, int], tmp_path: Path) -> None:
    fields = {"path": FILE.path, "name": FILE.name, "size": FILE.size, "mtime_ns": FILE.mtime_ns}
    with ScoreJournal(tmp_path / "j", "settings") as journal:
        journal.record([(FILE, SCORES)])
        assert journal.find(FileState(**{**fields, **changed})) is None  # type: ignore[arg-type]  # one field at a time


def test_a_file_has_one_row_for_each_of_two_settings(tmp_path: Path) -> None:
    with ScoreJournal(tmp_path / "j", "one model") as journal:
        journal.record([(FILE, SCORES)])
        journal.record([(FILE, SCORES)])
        assert len(journal) == 1
    with ScoreJournal(tmp_path / "j", "another model") as journal:
        assert journal.find(FILE) is None
        journal.record([(FILE, Failure("no"))])
        assert len(journal) == 2
    with ScoreJournal(tmp_path / "j", "one model") as journal:
        assert journal.find(FILE) == SCORES


@given(st.binary(min_size=1, max_size=60).filter(lambda name: b"\0" not in name and b"/" not in name))
def test_any_name_a_file_system_allows_is_kept(name: bytes) -> None:
    file = FileState(Path(os.fsdecode(name)), name, 1, 1)
    with ScoreJournal(":memory:", "settings") as journal:
        journal.record([(file, SCORES)])
        assert journal.find(file) == SCORES


def test_names_are_relative_to_the_library_so_that_it_may_move(tmp_path: Path) -> None:
    (tmp_path / "lib" / "day").mkdir(parents=True)
    clip = tmp_path / "lib" / "day" / "a.mp4"
    clip.write_bytes(b"x")
    assert file_state(clip, tmp_path / "lib").name == b"day/a.mp4"
    assert file_state(clip, tmp_path / "elsewhere").name == os.fsencode(clip)


def test_two_processes_do_not_share_a_journal(tmp_path: Path) -> None:
    with (
        ScoreJournal(tmp_path / "j", "settings"),
        pytest.raises(InputError, match="another process holds"),
        ScoreJournal(tmp_path / "j", "settings"),
    ):
        pass


def test_what_is_no_journal_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(b"not a database " * 100)
    with pytest.raises(InputError, match="cannot be used as the journal"):
        ScoreJournal(path, "settings")
    assert path.read_bytes() == b"not a database " * 100


def test_a_later_format_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "j") as connection:
        connection.execute("PRAGMA user_version=7")
    connection.close()
    with pytest.raises(InputError, match="format 7"):
        ScoreJournal(tmp_path / "j", "settings")


def test_a_batch_of_rows_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    bad = FileState(Path("b"), b"b", 2**63, 1)  # more than SQLite's integers hold
    with ScoreJournal(tmp_path / "j", "settings") as journal:
        with pytest.raises(OverflowError):
            journal.record([(FILE, SCORES), (bad, SCORES)])
        assert journal.find(FILE) is None
        journal.record([(FILE, SCORES)])
        assert journal.find(FILE) == SCORES
