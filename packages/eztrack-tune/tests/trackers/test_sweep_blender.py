"""The verb sweep with Blender: as a wheel beside OpenCV's tracker, and as an executable."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
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
OF_MARKERS = ("settings", "threshold_used", "tracks", "survival", "success_rate", "fewest_alive", "forward_backward_px")
OF_SOLVES = ("score", "raw_error_px", "cleaned_error_px", "kept_share")
"""What solves tell differs from run to run in the fourth digit, whoever is killed or not."""


@dataclass(frozen=True)
class Swept:
    """A sweep that ended."""

    trials: list[dict[str, Any]]
    said: str
    sessions: Path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Has a clip, and a matrix of one and one of three settings."""
    folder = tmp_path_factory.mktemp("swept")
    clip = SyntheticClip.random(np.random.default_rng(0), Difficulty.EASY, size=(320, 180), frames=8)
    clip.write_video(folder / "clip.mp4")
    for count in (1, 3):
        (folder / f"{count}.json").write_text(json.dumps([settings.as_dict() for settings in SIX[:count]]))
    return folder


@pytest.fixture(scope="module")
def both(folder: Path, command: BlenderCommand) -> Swept:
    """Today's and three other settings with both trackers."""
    return sweep(folder, "both", "--tracker", "both", "--bpy", command.version)


def sweep(folder: Path, output: str, *more: str, matrix: str = "3.json", killing: int = 0) -> Swept:
    """A sweep as a process of its own, under which so many Blenders are killed."""
    program = [sys.executable, "-m", "eztrack_tune.cli", "sweep", "clip.mp4", "--matrix", matrix, "-j", "1"]
    temporary = folder / f"{output}-temporary"
    temporary.mkdir()
    with subprocess.Popen(
        [*program, "-o", output, "--json", *more],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        killed: set[int] = set()
        until = time.monotonic() + 120
        while len(killed) < killing and process.poll() is None and time.monotonic() < until:
            # a trial between two kills: one that dies twice counts as failed
            if not killed or trials_done(folder / output) > len(killed):
                for blender in ready_blenders(process.pid):
                    if blender.pid not in killed:
                        blender.kill()
                        killed.add(blender.pid)
            time.sleep(0.02)
        out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert len(killed) == killing
    assert not list(temporary.glob("*blender*")), "it leaves nothing behind"
    return Swept(trials=json.loads(out)["trials"], said=err, sessions=folder / output / "sessions")


def trials_done(output: Path) -> int:
    return len((output / "journal.jsonl").read_bytes().splitlines()) - 1


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


def test_both_trackers_are_compared(both: Swept) -> None:
    assert "1 clip, tracked by blender 5.0.1, opencv" in both.said
    sessions = read_sessions([both.sessions]).sessions
    assert sorted(session.backend for session in sessions) == ["blender"] * 4 + ["opencv"] * 4
    shared = [row["detection_shared"] for row in both.trials if row["backend"] == "blender"]
    assert shared.count(True) == 2, "today's default has a threshold of its own, the three settings share one"
    report = (both.sessions.parent / "report.html").read_text()
    assert "agree" in report


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGKILL")
def test_blenders_killed_under_a_sweep_change_nothing_and_leave_nothing_behind(
    folder: Path, both: Swept, command: BlenderCommand
) -> None:
    disturbed = sweep(folder, "killed", "--bpy", command.version, killing=2).trials
    undisturbed = [row for row in both.trials if row["backend"] == "blender"]
    assert [row["failure"] for row in disturbed] == [None] * 4
    for row, expected in zip(disturbed, undisturbed, strict=True):
        assert [row[name] for name in OF_MARKERS] == [expected[name] for name in OF_MARKERS]
        assert [row[name] for name in OF_SOLVES] == pytest.approx([expected[name] for name in OF_SOLVES], rel=0.01)


@pytest.mark.skipif(sys.platform == "win32", reason="writes a shell script")
def test_an_executable_is_driven_by_the_same_worker(folder: Path, command: BlenderCommand) -> None:
    """A script that takes Blender's arguments, and runs the worker with all of them as Blender does."""
    script = folder / "blender"
    version = 'if [ "$1" = --version ]; then echo "Blender 5.0.1"; exit; fi'
    script.write_text(f'#!/bin/sh\n{version}\nexec {shlex.join(command.arguments)} "$@"\n')
    script.chmod(0o755)
    trials = sweep(folder, "executable", "--blender", str(script), matrix="1.json").trials
    assert {row["backend_version"] for row in trials} == {"5.0.1"}
    assert [row["failure"] for row in trials] == [None] * 2
