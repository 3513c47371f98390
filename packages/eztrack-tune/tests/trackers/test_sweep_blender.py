"""The verb sweep with Blender: as a wheel beside OpenCV's tracker, and as an executable."""

from __future__ import annotations

import csv
import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from eztrack_tune.classes import Difficulty
from eztrack_tune.sessions.read import read_sessions
from eztrack_tune.settings import SIX
from eztrack_tune.synthetic.clips import SyntheticClip
from eztrack_tune.trackers.blender.environment import BlenderCommand

pytestmark = pytest.mark.slow
Run = Callable[..., tuple[int, str, str]]


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
