"""What ends a trial or its worker costs that trial; what is wrong with a clip costs the clip; the sweep goes on."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from eztrack_tune.outcome import Clip, TrackOutcome
from eztrack_tune.settings import SIX
from eztrack_tune.sweep.options import TrackerChoice
from eztrack_tune.sweep.sources import SweepClip
from eztrack_tune.sweep.trials import Trials
from eztrack_tune.sweep.work import Trial, Work
from eztrack_tune.trackers.protocol import TrackOptions
from footage.errors import MissingDependency, VideoError
from footage.runs.journal import Journal

# workers cannot import a test module
pytest.importorskip("cloudpickle").register_pickle_by_value(sys.modules[__name__])

TRACKER = TrackerChoice(backend="opencv", version="1")


def clip(name: str) -> SweepClip:
    return SweepClip(
        path=Path(f"{name}.mp4"),
        content_sha256=f"sha of {name}",
        class_name="SD_24fps",
        side=None,
        difficulty=None,
        width=320,
        height=180,
        fps=24.0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Troubled(Work):
    """A worker that meets what real ones meet."""

    def __call__(self, trial: Trial) -> TrackOutcome:
        trouble = trial.clip.path.stem if trial.settings == SIX[1] else "none"
        if trouble == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        if trouble == "fault":
            raise ZeroDivisionError("a fault of ours")
        if trial.clip.path.stem == "damaged":
            raise VideoError("cannot be read", where=trial.clip.path)
        if trouble == "missing":
            raise MissingDependency("Blender does not start")
        of_clip = Clip(
            path=trial.clip.path,
            width=320,
            height=180,
            fps=24.0,
            frame_count=10,
            content_sha256=trial.clip.content_sha256,
        )
        return TrackOutcome(
            settings=trial.settings,
            applied=trial.settings,
            clip=of_clip,
            tracks=(),
            solve=None,
            seconds=0.1,
            backend="opencv",
            backend_version="1",
            failure=None,
        )


def tried(tmp_path: Path, names: list[str], *, jobs: int) -> Trials:
    with Journal(tmp_path / "journal.jsonl", {}) as journal:
        work = Troubled(cache=tmp_path / "stills", most_frames=10, track=TrackOptions())
        (tmp_path / "sessions").mkdir(exist_ok=True)
        trials = Trials(work, journal, tmp_path / "sessions", jobs=jobs)
        trials.do([Trial(clip=clip(name), settings=one, tracker=TRACKER) for name in names for one in SIX[:3]])
    return trials


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="a worker ends itself by SIGKILL")
def test_a_trial_that_kills_its_worker_costs_that_trial(tmp_path: Path) -> None:
    trials = tried(tmp_path, ["good", "crash", "fine"], jobs=2)
    failed = [row for row in trials.rows.values() if row.failure is not None]
    assert len(trials.rows) == 9
    assert [(row.clip, row.settings) for row in failed] == [("crash.mp4", SIX[1])]
    assert "worker process died" in str(failed[0].failure)
    assert tried(tmp_path, ["good", "crash", "fine"], jobs=2).done_now == 0  # it is not tried for ever


def test_a_fault_costs_one_trial_and_a_damaged_clip_its_own(tmp_path: Path) -> None:
    trials = tried(tmp_path, ["fault", "damaged", "good"], jobs=1)
    failed = [(row.clip, row.failure) for row in trials.rows.values() if row.failure is not None]
    assert failed == [("fault.mp4", "ZeroDivisionError: a fault of ours")]
    assert {row.clip for row in trials.rows.values()} == {"fault.mp4", "good.mp4"}
    assert [one.path.name for one in trials.left_out.values()] == ["damaged.mp4"]


def test_a_tracker_that_is_not_there_ends_it(tmp_path: Path) -> None:
    with pytest.raises(MissingDependency, match="Blender does not start"):
        tried(tmp_path, ["missing"], jobs=1)
