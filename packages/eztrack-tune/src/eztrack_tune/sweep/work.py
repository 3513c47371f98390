"""What a worker does, in this process, in another or on another machine: one trial in, one outcome out."""

from __future__ import annotations

import atexit
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2

from eztrack_tune.outcome import TrackOutcome
from eztrack_tune.settings import TrackerSettings
from eztrack_tune.sweep.options import TrackerChoice
from eztrack_tune.sweep.sources import SweepClip
from eztrack_tune.trackers.frames import ClipStills, decode
from eztrack_tune.trackers.protocol import Tracker, TrackOptions
from eztrack_tune.trackers.turning import CameraMotion
from footage.errors import VideoError


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One choice of settings on one clip with one tracker."""

    clip: SweepClip
    settings: TrackerSettings
    tracker: TrackerChoice

    @property
    def key(self) -> tuple[str, str, TrackerSettings]:
        """What tells trials of one sweep apart; the same as its row's."""
        return self.clip.content_sha256, self.tracker.backend, self.settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is the same in all trials.

    Attributes:
        cache: the folder for decoded frames.
        most_frames: of each clip.
        track: the trackers' options.
    """

    cache: Path
    most_frames: int
    track: TrackOptions

    def __call__(self, trial: Trial) -> TrackOutcome:
        """Do one trial.

        Raises:
            VideoError: the clip cannot be read, shows nothing to solve, or is another one than when the sweep began.
            MissingDependency: the tracker cannot be started here.
        """
        cv2.setNumThreads(1)  # as many trials at once as there are cores: threads inside would only wait
        stills = _stills(trial.clip.path, self.cache, self.most_frames)
        if stills.clip.content_sha256 != trial.clip.content_sha256:
            raise VideoError("was changed while it was being worked on", where=trial.clip.path, remedy="start again")
        if stills.motion is CameraMotion.STANDS:  # every solver finds one, with hardly an error
            raise VideoError("the camera stands still: there is nothing to solve", where=trial.clip.path)
        return _tracker(trial.tracker, self.track).track(stills, trial.settings)


@lru_cache(maxsize=2)
def _stills(path: Path, cache: Path, most_frames: int) -> ClipStills:
    return decode(path, cache, most_frames=most_frames)


_TRACKERS: dict[tuple[TrackerChoice, TrackOptions], Tracker] = {}
"""Those of this process; they live as long as it does: starting one takes longer than a short trial."""


def _tracker(choice: TrackerChoice, options: TrackOptions) -> Tracker:
    if (choice, options) not in _TRACKERS:
        if not _TRACKERS:
            atexit.register(let_go)
        _TRACKERS[choice, options] = _started(choice, options)
    return _TRACKERS[choice, options]


def _started(choice: TrackerChoice, options: TrackOptions) -> Tracker:
    # Each is heavy, and few sweeps need both.
    if choice.command is not None:
        from eztrack_tune.trackers.blender.tracker import BlenderTracker

        return BlenderTracker(choice.command, options)
    from eztrack_tune.trackers.opencv.tracker import OpenCVTracker

    return OpenCVTracker(options)


def let_go() -> None:
    """Forget this process's clips, and end its trackers."""
    _stills.cache_clear()
    while _TRACKERS:
        _TRACKERS.popitem()[1].close()
