"""A run folder says what it was made with, and belongs to one process at a time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from footage.errors import InputError
from footage.runs.directory import RunDirectory
from footage.runs.environment import environment, installed_version, usable_cpu_count


def test_an_interrupted_run_is_told_from_a_finished_one(tmp_path: Path) -> None:
    with RunDirectory(tmp_path / "new" / "run").open(tool="footage-core", seed=3, settings={"stride": 2}) as run:
        record = json.loads(run.file("run.json").read_text())
        assert record["finished"] is None
        assert record["seed"] == 3
        assert record["settings"] == {"stride": 2}
        run.finish(metrics={"macro_f1": 0.5})
        finished = json.loads(run.file("run.json").read_text())
    assert finished["finished"] >= finished["started"]
    assert finished["metrics"] == {"macro_f1": 0.5}
    assert finished["environment"]["versions"]["footage-core"] == installed_version("footage-core")


def test_its_journal_lies_in_it(tmp_path: Path) -> None:
    with RunDirectory(tmp_path).open(tool="footage-core") as run, run.journal({"a": 1}) as journal:
        journal.append({"index": 0})
    assert (tmp_path / "journal.jsonl").is_file()


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    second = "import sys; from footage.runs.directory import RunDirectory; RunDirectory(sys.argv[1]).open(tool='x')"
    with RunDirectory(tmp_path).open(tool="footage-core"):
        ended = subprocess.run(
            [sys.executable, "-c", second, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
        )
    assert ended.returncode == 1
    assert "another process is working in this folder" in ended.stderr
    with RunDirectory(tmp_path).open(tool="footage-core") as run:
        assert run.path == tmp_path


def test_a_file_in_its_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "output").write_text("")
    with pytest.raises(InputError, match="this is a file"):
        RunDirectory(tmp_path / "output").open(tool="footage-core")


def test_the_environment_leaves_out_what_is_not_installed() -> None:
    found = environment("no-such-distribution")
    versions = found["versions"]
    assert isinstance(versions, dict)
    assert "no-such-distribution" not in versions
    assert {"footage-core", "numpy", "av"} <= set(versions)
    assert found["cpu_count"] == usable_cpu_count() >= 1
