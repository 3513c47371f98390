"""The verb sweep with Blender: as a wheel beside OpenCV's tracker, and as an executable."""

from __future__ import annotations

import csv
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from eztrack_tune.classes import Difficulty
from eztrack_tune.sessions.read import read_sessions
from eztrack_tune.settings import SIX
from eztrack_tune.synthetic.clips import SyntheticClip
from eztrack_tune.trackers.blender.environment import BlenderCommand

pytestmark = pytest.mark.slow
Run = Callable[..., tuple[int, str, str]]
OF_MARKERS = ("settings", "threshold_used", "tracks", "survival", "success_rate", "fewest_alive", "forward_backward_px")
OF_SOLVES = ("score", "raw_error_px", "cleaned_error_px", "kept_share")
"""What solves tell differs from run to run in the fourth digit, whoever is killed or not."""


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    """A clip and four settings."""
    clip = SyntheticClip.random(np.random.default_rng(0), Difficulty.EASY, size=(320, 180), frames=8)
    clip.write_video(tmp_path / "clip.mp4")
    (tmp_path / "matrix.json").write_text(json.dumps([settings.as_dict() for settings in SIX[:3]]))
    return ["sweep", "clip.mp4", "--matrix", "matrix.json", "-j", "1", "-o", "out"]


def test_both_trackers_are_compared(run: Run, arguments: list[str], command: BlenderCommand, tmp_path: Path) -> None:
    code, out, err = run(*arguments, "--tracker", "both", "--bpy", command.version)
    assert code == 0, err
    assert "1 clip, tracked by blender 5.0.1, opencv" in err
    assert "rank correlation of the two trackers over settings" in out
    sessions = read_sessions([tmp_path / "out" / "sessions"]).sessions
    assert sorted(session.backend for session in sessions) == ["blender"] * 4 + ["opencv"] * 4
    with (tmp_path / "out" / "trials.csv").open(newline="") as file:
        shared = [row["detection_shared"] for row in csv.DictReader(file) if row["backend"] == "blender"]
    assert shared.count("True") == 2, "today's default has a threshold of its own, the three settings share one"


@pytest.mark.skipif(sys.platform == "win32", reason="writes a shell script")
def test_an_executable_is_driven_by_the_same_worker(
    run: Run, arguments: list[str], command: BlenderCommand, tmp_path: Path
) -> None:
    """A script that takes Blender's arguments, and runs the worker with all of them as Blender does."""
    script = tmp_path / "blender"
    version = 'if [ "$1" = --version ]; then echo "Blender 5.0.1"; exit; fi'
    script.write_text(f'#!/bin/sh\n{version}\nexec {shlex.join(command.arguments)} "$@"\n')
    script.chmod(0o755)
    code, out, err = run(*arguments, "--blender", str(script), "--json")
    assert code == 0, err
    document = json.loads(out)
    assert {row["backend_version"] for row in document["trials"]} == {"5.0.1"}
    assert not [row["failure"] for row in document["trials"] if row["failure"] is not None]


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGKILL")
def test_blenders_killed_under_a_sweep_change_nothing_and_leave_nothing_behind(
    arguments: list[str], command: BlenderCommand, tmp_path: Path
) -> None:
    undisturbed, _ = swept(arguments, command, tmp_path, killing=0)
    disturbed, left = swept([*arguments[:-1], "again"], command, tmp_path, killing=2)
    assert not left
    assert [row["failure"] for row in disturbed] == [None] * 4
    for row, expected in zip(disturbed, undisturbed, strict=True):
        assert [row[name] for name in OF_MARKERS] == [expected[name] for name in OF_MARKERS]
        assert [row[name] for name in OF_SOLVES] == pytest.approx([expected[name] for name in OF_SOLVES], rel=0.01)


def swept(
    arguments: list[str], command: BlenderCommand, folder: Path, *, killing: int
) -> tuple[list[dict[str, Any]], list[Path]]:
    """A sweep as a process of its own, under which so many Blenders are killed: its trials, and the files it left."""
    temporary = folder / "temporary"
    temporary.mkdir(exist_ok=True)
    program = [sys.executable, "-m", "eztrack_tune.cli", *arguments, "--bpy", command.version, "--json"]
    with subprocess.Popen(
        program,
        cwd=folder,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        killed: set[int] = set()
        until = time.monotonic() + 120
        journal = folder / arguments[-1] / "journal.jsonl"
        while len(killed) < killing and process.poll() is None and time.monotonic() < until:
            # one between two kills, or a trial dies twice: that one counts as failed
            if not killed or len(journal.read_bytes().splitlines()) > 1 + len(killed):
                for blender in ready_blenders(process.pid):
                    if blender.pid not in killed:
                        blender.kill()
                        killed.add(blender.pid)
            time.sleep(0.02)
        out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert len(killed) == killing
    trials: list[dict[str, Any]] = json.loads(out)["trials"]
    return trials, list(temporary.glob("*blender*"))


def ready_blenders(sweep: int) -> list[psutil.Process]:
    """The Blenders under a sweep, not the uv above each, that have said that they are ready."""
    found = []
    for child in psutil.Process(sweep).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            line = child.cmdline()
            runs = any(word.endswith("worker.py") for word in line) and not child.children()
            if runs and Path(line[-2]).is_file() and Path(line[-2]).stat().st_size > 0:
                found.append(child)
    return found
