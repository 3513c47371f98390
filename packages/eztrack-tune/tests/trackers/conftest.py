"""A short drawn clip as stills, and Blender's wheel where uv has it or can fetch it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from eztrack_tune.classes import Difficulty
from eztrack_tune.synthetic.clips import SyntheticClip
from eztrack_tune.trackers.blender.environment import BlenderCommand, blender_command
from eztrack_tune.trackers.blender.tracker import BlenderTracker
from eztrack_tune.trackers.frames import ClipStills, decode
from eztrack_tune.trackers.protocol import TrackOptions
from eztrack_tune.truth import TrueCamera

FETCH_SECONDS = 900


@dataclass(frozen=True)
class Drawn:
    """A drawn clip as trackers see it, and its camera."""

    stills: ClipStills
    truth: TrueCamera


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """An easy clip of 16 frames."""
    folder = tmp_path_factory.mktemp("drawn")
    clip = SyntheticClip.random(np.random.default_rng(1), Difficulty.EASY, size=(400, 226), frames=16)
    stills = decode(clip.write_stills(folder / "clip"), folder / "cache")
    return Drawn(stills=stills, truth=clip.truth)


@pytest.fixture(scope="session")
def wheel() -> Callable[[str], BlenderCommand]:
    """``wheel("5.0.1")``: how to start that version; skips where it cannot be had."""

    def find(version: str) -> BlenderCommand:
        if shutil.which("uv") is None:
            pytest.skip("uv is not there, which starts Blender's wheel")
        command = blender_command(bpy=version)
        # fetched, not imported: a Blender that does not start fails the test that needs it
        probe = [*command.arguments[:-1], "-c", "import importlib.util as util; assert util.find_spec('bpy')"]
        ended = subprocess.run(probe, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False)
        if ended.returncode:
            pytest.skip(f"uv cannot start bpy {version} here: {ended.stderr.strip()[-200:]}")
        return command

    return find


@pytest.fixture(scope="session")
def command(wheel: Callable[[str], BlenderCommand]) -> BlenderCommand:
    """How to start the default version."""
    return wheel("5.0.1")


@pytest.fixture(scope="session")
def blender(command: BlenderCommand) -> Iterator[BlenderTracker]:
    """A Blender that several tests share: it must bear that."""
    with BlenderTracker(command, TrackOptions()) as tracker:
        yield tracker
