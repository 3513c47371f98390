"""Held-out clips of the demo tracked once more, since on drawn clips the true camera path is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eztrack_tune.aggregate.means import mean_interval
from eztrack_tune.settings import TrackerSettings
from eztrack_tune.trackers.frames import decode
from eztrack_tune.trackers.opencv.tracker import OpenCVTracker
from eztrack_tune.trackers.protocol import TrackOptions
from eztrack_tune.truth import TrueCamera, drift_share, path_error
from footage.metrics.intervals import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueErrors:
    """One clip under one choice of settings, judged by the true camera.

    Attributes:
        clip: the file's name.
        settings: the choice.
        path_share: how far the solved path is from the true one, as a share of its length, after the similarity that
            brings it closest; None where there is no solve.
        drift_share: the share of tracks that are off by more than 2 px somewhere; needs no solve.
    """

    clip: str
    settings: TrackerSettings
    path_share: float | None
    drift_share: float | None


def true_errors(
    clips: Sequence[Path], choices: Sequence[TrackerSettings], *, cache: Path, frames: int
) -> list[TrueErrors]:
    """Track each clip under each choice with the embedded tracker, and compare with the true camera.

    Raises:
        FootageError: a clip or its true camera cannot be read.
    """
    found = []
    with OpenCVTracker(TrackOptions(follow_back=False)) as tracker:
        for path in clips:
            stills = decode(path, cache, most_frames=frames)
            truth = TrueCamera.read(path.with_suffix(".camera.json"))
            for settings in choices:
                outcome = tracker.track(stills, settings)
                error = path_error(outcome.solve, truth)
                found.append(
                    TrueErrors(
                        clip=path.name,
                        settings=settings,
                        path_share=None if error is None else error.rmse_share,
                        drift_share=drift_share(outcome.tracks, truth),
                    )
                )
    return found


def drift_gain(found: Sequence[TrueErrors], best: TrackerSettings, today: TrackerSettings) -> Interval | None:
    """How much smaller the share of drifting tracks is under the best settings, with its interval over clips."""
    shares = {(one.clip, one.settings): one.drift_share for one in found}
    clips = sorted({one.clip for one in found})
    pairs = [(clip, shares[clip, today], shares[clip, best]) for clip in clips]
    known = [(clip, before - after) for clip, before, after in pairs if before is not None and after is not None]
    if not known:
        return None
    gains = np.array([gain for _, gain in known])
    return mean_interval(gains, np.ones(len(gains)), [clip for clip, _ in known], np.random.default_rng(0))
