"""Blender's tracker, for real: what it finds, that one process serves many trials, and what crashes cost."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
import psutil
import pytest

from eztrack_tune import measures
from eztrack_tune.outcome import TrackOutcome
from eztrack_tune.settings import SIX, MotionModel, TrackerSettings
from eztrack_tune.trackers.blender.environment import BlenderCommand, blender_command
from eztrack_tune.trackers.blender.process import BlenderProcess
from eztrack_tune.trackers.blender.tracker import BlenderTracker
from eztrack_tune.trackers.frames import ClipStills
from eztrack_tune.trackers.protocol import TrackOptions
from eztrack_tune.truth import TrueCamera, drift_share, path_error
from footage.errors import InputError, MissingDependency

SETTINGS = TrackerSettings(
    pattern_size=15, search_size=51, correlation=0.7, threshold=0.2, motion_model=MotionModel.LOC
)
OTHER = replace(SETTINGS, pattern_size=21, search_size=61, motion_model=MotionModel.AFFINE)


class Drawn(Protocol):
    stills: ClipStills
    truth: TrueCamera


def assert_same_markers(first: TrackOutcome, second: TrackOutcome) -> None:
    assert [track.name for track in first.tracks] == [track.name for track in second.tracks]
    for one, other in zip(first.tracks, second.tracks, strict=True):
        np.testing.assert_array_equal(one.frames, other.frames)
        np.testing.assert_array_equal(one.xy, other.xy)


@pytest.mark.slow
def test_it_tracks_and_solves(blender: BlenderTracker, drawn: Drawn) -> None:
    outcome = blender.track(drawn.stills, SETTINGS)
    assert outcome.failure is None
    assert (outcome.backend, outcome.backend_version) == ("blender", "5.0.1")
    assert outcome.applied is not None
    assert replace(outcome.applied, threshold=SETTINGS.threshold) == SETTINGS
    assert len(outcome.tracks) >= 12
    drift = drift_share(outcome.tracks, drawn.truth)
    assert drift is not None
    assert drift < 0.3
    assert outcome.forward_backward_px is not None
    assert outcome.forward_backward_px < 0.5
    assert measures.solved(outcome)
    error = path_error(outcome.solve, drawn.truth)
    assert error is not None
    assert error.rmse_share < 0.1


@pytest.mark.slow
def test_cameras_and_points_explain_the_markers(command: BlenderCommand, drawn: Drawn) -> None:
    """The solve's own errors come out of its cameras and points: axes, units and origin are understood."""
    with BlenderTracker(command, TrackOptions(focal_px=drawn.truth.focal_px)) as tracker:
        outcome = tracker.track(drawn.stills, SETTINGS)
    solve = outcome.solve
    assert solve is not None
    assert solve.cameras is not None
    assert solve.camera_frames is not None
    assert solve.focal_px == pytest.approx(drawn.truth.focal_px, rel=1e-4)
    poses = dict(zip(solve.camera_frames.tolist(), solve.cameras, strict=True))
    kept = [track for track in outcome.tracks if track.point is not None]
    assert len(kept) == solve.bundles
    for track in kept:
        assert track.point is not None
        seen = np.stack([poses[frame][:, :3] @ track.point + poses[frame][:, 3] for frame in track.frames.tolist()])
        assert (seen[:, 2] > 0).all()
        places = seen[:, :2] / seen[:, 2:] * solve.focal_px + drawn.truth.principal_px
        assert np.linalg.norm(places - track.xy, axis=1).mean() == pytest.approx(track.reprojection_error_px, abs=0.05)


@pytest.mark.slow
def test_one_process_gives_what_one_each_would_give(
    blender: BlenderTracker, command: BlenderCommand, drawn: Drawn
) -> None:
    blender.track(drawn.stills, OTHER)
    second = blender.track(drawn.stills, SETTINGS)
    assert second.detection_shared
    with BlenderTracker(command, TrackOptions()) as fresh:
        alone = fresh.track(drawn.stills, SETTINGS)
    assert not alone.detection_shared
    assert_same_markers(alone, second)
    third = blender.track(drawn.stills, OTHER)
    assert third.applied is not None
    assert (third.applied.pattern_size, third.applied.motion_model) == (21, MotionModel.AFFINE)


@pytest.mark.slow
def test_a_threshold_that_finds_too_little_is_halved_and_told(blender: BlenderTracker, drawn: Drawn) -> None:
    outcome = blender.track(drawn.stills, replace(SETTINGS, threshold=0.99, pattern_size=11))
    assert outcome.settings.threshold == 0.99
    assert outcome.applied is not None
    assert outcome.applied.threshold == pytest.approx(
        0.99 / 2 ** round(np.log2(0.99 / outcome.applied.threshold)), rel=1e-3
    )
    assert outcome.applied.threshold < 0.5


@pytest.mark.slow
def test_stills_that_are_gone_cost_one_trial(blender: BlenderTracker, drawn: Drawn, tmp_path: Path) -> None:
    outcome = blender.track(replace(drawn.stills, folder=tmp_path), SETTINGS)
    assert outcome.failure is not None
    assert outcome.tracks == ()
    assert blender.track(drawn.stills, SETTINGS).failure is None


def own_children(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="looks for processes by session")
def test_a_trial_that_takes_too_long_fails_and_leaves_no_process(command: BlenderCommand, drawn: Drawn) -> None:
    with BlenderTracker(command, TrackOptions(timeout_seconds=0.02)) as tracker:
        pid = tracker.pid
        assert pid is not None
        children = own_children(psutil.Process(pid))
        outcome = tracker.track(drawn.stills, SETTINGS)
        assert outcome.failure == "Blender took more than 0 s"
        psutil.wait_procs(children, timeout=10)
        assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the limit is the system's")
def test_a_blender_without_memory_is_explained(command: BlenderCommand) -> None:
    with pytest.raises(MissingDependency, match="Blender does not start"):
        BlenderProcess(command, memory_bytes=200 * 2**20)


@pytest.mark.slow
@pytest.mark.parametrize("version", ["4.2.23", "4.3.0"])
def test_older_blenders_find_the_same_markers(
    version: str, blender: BlenderTracker, wheel: Callable[[str], BlenderCommand], drawn: Drawn
) -> None:
    with BlenderTracker(wheel(version), TrackOptions()) as tracker:
        assert tracker.version.startswith(version)
        outcome = tracker.track(drawn.stills, SIX[0])
    newest = blender.track(drawn.stills, SIX[0])
    assert_same_markers(outcome, newest)
    assert measures.solved(outcome) == measures.solved(newest)


def test_what_is_no_blender_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingDependency, match="is no program"):
        blender_command(executable=tmp_path / "blender")
    with pytest.raises(InputError, match="no version of the bpy wheel"):
        blender_command(bpy="latest")
    with pytest.raises(InputError, match="as an executable and as a wheel"):
        blender_command(executable=tmp_path, bpy="5.0.1")
    with pytest.raises(MissingDependency, match="is no Blender"):
        blender_command(executable=Path(sys.executable))


def test_a_worker_that_ends_at_once_is_explained() -> None:
    command = BlenderCommand(
        arguments=(sys.executable, "-c", "print('no GL'); raise SystemExit(3)"), where="x", version=""
    )
    with pytest.raises(MissingDependency, match="Blender ended \\(exit code 3\\): no GL"):
        BlenderProcess(command)
    nowhere = BlenderCommand(arguments=(os.fspath(Path("no") / "blender"),), where="no/blender", version="")
    with pytest.raises(MissingDependency, match="cannot be started"):
        BlenderProcess(nowhere)
