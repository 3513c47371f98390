"""Sweeps that were killed, and those whose workers were, end with the table of one that was left alone."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from eztrack_tune.settings import SIX

pytestmark = pytest.mark.slow

CHANGING = {"seconds", "detection_shared"}
Sweeping = Callable[..., subprocess.Popen[str]]


@pytest.fixture(scope="module")
def settings_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two settings: with today's six trials on two clips."""
    path = tmp_path_factory.mktemp("matrix") / "matrix.json"
    path.write_text(json.dumps([settings.as_dict() for settings in SIX[:2]]))
    return path


@pytest.fixture
def sweeping(library: Path, settings_file: Path) -> Iterator[Sweeping]:
    """``sweeping(out, "--jobs", "2")``: a sweep of the library as a process of its own."""
    started: list[subprocess.Popen[str]] = []

    def start(output: Path, *more: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "eztrack_tune.cli", "sweep", str(library), "--matrix", str(settings_file)]
        process = subprocess.Popen(
            [*command, "-o", str(output), *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def undisturbed(library: Path, settings_file: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """The table of a sweep that nobody disturbed."""
    output = tmp_path_factory.mktemp("undisturbed")
    command = [sys.executable, "-m", "eztrack_tune.cli", "sweep", str(library), "--matrix", str(settings_file)]
    subprocess.run([*command, "-o", str(output), "-j", "1"], check=True, capture_output=True, timeout=300)
    return table(output)


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "trials.csv").open(newline="") as file:
        return [{name: value for name, value in row.items() if name not in CHANGING} for row in csv.DictReader(file)]


def records(folder: Path) -> int:
    journal = folder / "journal.jsonl"
    return max(0, len(journal.read_bytes().splitlines()) - 1) if journal.is_file() else 0


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 120
    while not condition() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.02)


def test_a_sweep_killed_twice_ends_with_the_same_table(
    sweeping: Sweeping, undisturbed: list[dict[str, str]], tmp_path: Path
) -> None:
    known = 0
    for _ in range(2):
        process = sweeping(tmp_path / "out", "-j", "1")
        enough = known + 2
        wait_for(lambda enough=enough: records(tmp_path / "out") >= enough, process)  # type: ignore[misc] # bound now
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert records(tmp_path / "out") >= known + 2
        known = records(tmp_path / "out")
    process = sweeping(tmp_path / "out", "-j", "1", "--json")
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert json.loads(out)["done_now"] == 6 - known
    assert table(tmp_path / "out") == undisturbed


def test_a_worker_killed_under_a_sweep_costs_nothing_but_time(
    sweeping: Sweeping, undisturbed: list[dict[str, str]], tmp_path: Path
) -> None:
    process = sweeping(tmp_path / "out", "-j", "2")
    wait_for(lambda: records(tmp_path / "out") >= 1, process)
    workers = [
        child
        for child in psutil.Process(process.pid).children(recursive=True)
        if "LokyProcess" in "".join(child.cmdline())
    ]
    assert workers
    workers[0].kill()
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert table(tmp_path / "out") == undisturbed


def test_a_cluster_ends_with_the_same_table(
    sweeping: Sweeping, undisturbed: list[dict[str, str]], tmp_path: Path
) -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, local_directory=str(tmp_path)
    ) as cluster:
        process = sweeping(tmp_path / "out", "--scheduler", cluster.scheduler_address)
        wait_for(lambda: records(tmp_path / "out") >= 1, process)
        next(iter(cluster.workers.values())).process.process.kill()
        _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert table(tmp_path / "out") == undisturbed
