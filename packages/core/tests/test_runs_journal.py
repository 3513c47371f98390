"""A journal continues after a kill, a torn line and other settings, and loses nothing."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footage.errors import InputError
from footage.runs.journal import Journal

KEY = {"video_sha256": "ab12", "stride": 2}

WRITER = textwrap.dedent(
    """
    import sys
    from footage.runs.journal import Journal

    with Journal(sys.argv[1], {"stride": 2}) as journal:
        index = len(journal)
        while True:
            journal.append({"index": index, "boxes": [index / 7] * 50})
            index += 1
            print(index, flush=True)
    """
)


def test_records_are_there_when_it_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path, KEY) as journal:
        assert (len(journal), journal.restarted_because, journal.repaired) == (0, None, None)
        journal.append({"frame": 0, "boxes": []})
        journal.append({"frame": 1, "boxes": [[1.5, 2, 3, 4]]})
    with Journal(path, KEY) as journal:
        assert list(journal) == [{"frame": 0, "boxes": []}, {"frame": 1, "boxes": [[1.5, 2, 3, 4]]}]
        assert (len(journal), journal.restarted_because, journal.repaired) == (2, None, None)
        journal.append({"frame": 2})
        assert [record["frame"] for record in journal] == [0, 1, 2]


@given(st.lists(st.floats() | st.floats(width=32)))
def test_floats_read_back_exactly(tmp_path_factory: pytest.TempPathFactory, values: list[float]) -> None:
    path = tmp_path_factory.mktemp("floats") / "journal.jsonl"
    with Journal(path, KEY) as journal:
        journal.append({"values": values})
    with Journal(path, KEY) as journal:
        (record,) = journal
    read = record["values"]
    assert isinstance(read, list)
    assert len(read) == len(values)
    for given_value, value in zip(values, read, strict=True):
        assert value == given_value or (math.isnan(value) and math.isnan(given_value))
        assert math.copysign(1, value) == math.copysign(1, given_value) or math.isnan(value)


@given(st.integers(min_value=0, max_value=10_000), st.binary(max_size=40))
def test_any_torn_end_is_cut_and_work_goes_on(
    tmp_path_factory: pytest.TempPathFactory, cut: int, rubbish: bytes
) -> None:
    path = tmp_path_factory.mktemp("torn") / "journal.jsonl"
    with Journal(path, KEY) as journal:
        for index in range(5):
            journal.append({"index": index, "name": "é" * index})
    whole = path.read_bytes()
    torn = whole[: cut % (len(whole) + 1)]
    path.write_bytes(torn + (b"\0" + rubbish if torn.endswith(b"\n") else b""))
    survived = max(torn.count(b"\n") - 1, 0)
    with Journal(path, KEY) as journal:
        assert [record["index"] for record in journal] == list(range(survived))
        journal.append({"index": survived, "more": True})
    with Journal(path, KEY) as journal:
        assert [record["index"] for record in journal] == list(range(survived + 1))
        assert journal.repaired is None


def test_a_repair_is_told(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path, KEY) as journal:
        journal.append({"index": 0})
    with path.open("ab") as file:
        file.write(b'{"index": 1, "na')
    with Journal(path, KEY) as journal:
        assert journal.repaired == "16 bytes of an unfinished record were removed from its end"


def test_other_settings_start_anew_and_keep_the_old_records(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path, KEY) as journal:
        journal.append({"index": 0})
    before = path.read_bytes()
    with Journal(path, {**KEY, "stride": 3, "device": None}) as journal:
        assert list(journal) == []
        assert journal.restarted_because == (
            "the journal there was made with another device, stride; the earlier records are in journal.jsonl.previous"
        )
    assert (tmp_path / "journal.jsonl.previous").read_bytes() == before


def test_the_order_of_the_settings_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    Journal(path, {"a": 1, "b": (1, 2)}).close()
    with Journal(path, {"b": [1, 2], "a": 1}) as journal:
        assert journal.restarted_because is None


def test_a_file_that_is_no_journal_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text("my notes\n")
    with Journal(path, KEY) as journal:
        assert journal.restarted_because is not None
    assert (tmp_path / "journal.jsonl.previous").read_text() == "my notes\n"


def test_one_process_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path, KEY), pytest.raises(InputError, match="in use by another process"):
        Journal(path, KEY)
    with Journal(path, KEY) as journal:
        journal.append({"index": 0})


def test_a_closed_journal_takes_no_records(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl", KEY)
    journal.close()
    journal.close()
    with pytest.raises(ValueError, match="closed"):
        journal.append({})


def test_what_json_cannot_hold_leaves_the_journal_whole(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path, KEY) as journal:
        with pytest.raises(TypeError):
            journal.append({"a": object()})
        journal.append({"a": 1})
        assert list(journal) == [{"a": 1}]


def test_a_kill_in_mid_append_loses_no_record_that_was_reported(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    reported = 0
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(200):
                reported = int(process.stdout.readline())
            process.kill()
            rest = process.stdout.read().split("\n")[:-1]
            reported = max([reported, *map(int, rest)])
        with Journal(path, {"stride": 2}) as journal:
            assert journal.restarted_because is None
            records = list(journal)
        assert len(records) in {reported, reported + 1}  # one may have been written and not yet reported
        assert records == [{"index": i, "boxes": [i / 7] * 50} for i in range(len(records))]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="file size limits of POSIX")
def test_a_full_disk_leaves_whole_records(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    filling = textwrap.dedent(
        """
        import resource, signal, sys
        from footage.runs.journal import Journal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
        journal = Journal(sys.argv[1], {"stride": 2})
        try:
            while True:
                journal.append({"text": "x" * 90})
        except OSError:
            print(len(journal))
        """
    )
    ended = subprocess.run(
        [sys.executable, "-c", filling, str(path)], capture_output=True, text=True, timeout=60, check=True
    )
    assert path.read_bytes().endswith(b"\n")
    assert len(path.read_bytes().splitlines()) == int(ended.stdout) + 1
    for line in path.read_bytes().splitlines():
        json.loads(line)
