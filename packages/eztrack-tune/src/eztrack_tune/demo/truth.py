"""Held-out clips of the demo tracked once more, since on drawn clips the true camera path is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eztrack_tune.aggregate.means import mean_interval
from eztrack_tune.settings import TrackerSettings
from eztrack_tune.sweep.options import TrackerChoice
from eztrack_tune.sweep.sources import SweepClip
from eztrack_tune.sweep.work import Trial, Work, let_go
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
    clips: Sequence[SweepClip], choices: Sequence[TrackerSettings], *, tracker: TrackerChoice, work: Work
) -> list[TrueErrors]:
    """Track each clip under each choice, and compare with the true camera.

    Args:
        clips: with their true camera beside them.
        choices: of settings.
        tracker: the one that the sweep had.
        work: what is the same in all trials.

    Raises:
        FootageError: a clip or its true camera cannot be read.
    """
    found = []
    try:
        for clip in clips:
            truth = TrueCamera.read(clip.path.with_suffix(".camera.json"))
            for settings in choices:
                outcome = work(Trial(clip=clip, settings=settings, tracker=tracker))
                error = path_error(outcome.solve, truth)
                found.append(
                    TrueErrors(
                        clip=clip.path.name,
                        settings=settings,
                        path_share=None if error is None else error.rmse_share,
                        drift_share=drift_share(outcome.tracks, truth),
                    )
                )
    finally:
        let_go()
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
