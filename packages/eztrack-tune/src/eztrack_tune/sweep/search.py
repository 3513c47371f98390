"""A search over the add-on's five settings: Optuna's tree of Parzen estimators, with hard losers given up early.

The six and what the add-on ships today are tried first, on every clip. After that settings are proposed four at a time,
one by Optuna and three next to the best so far. They are tried on a third of the clips, and on the others only where
they do not lose clearly to the best so far on the same clips; what that saves is spent on further settings. The same
seed proposes the same settings however many workers there are, so that a search that was killed goes on by proposing
them again and finding most of them in its journal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import optuna

from eztrack_tune.settings import (
    CORRELATION_RANGE,
    PATTERN_SIZES,
    SEARCH_SIZES,
    SETTING_NAMES,
    THRESHOLD_RANGE,
    MotionModel,
    TrackerSettings,
)
from eztrack_tune.sweep.matrix import settings_for
from eztrack_tune.sweep.rows import Row
from eztrack_tune.sweep.sources import SweepClip

BATCH = 4
NEXT_TO_THE_BEST = 3
"""Of a batch: a budget of a few dozen is too small for the sampler alone to come close."""
FIRST_SHARE = 1 / 3
LOSES_BELOW = 0.92
"""Of the best settings' mean score on the same clips; below that a choice is given up after the first clips."""
_SHARE_STEP = 0.05
_ASKS_A_TRIAL = 5
_STARTUP = 8

_STEPS = {
    "pattern_size": (PATTERN_SIZES[0], PATTERN_SIZES[-1], 2),
    "search_size": (SEARCH_SIZES[0], SEARCH_SIZES[-1], 10),
    "correlation": (*CORRELATION_RANGE, _SHARE_STEP),
    "threshold": (*THRESHOLD_RANGE, _SHARE_STEP),
}

Try = Callable[[Sequence[tuple[SweepClip, TrackerSettings]]], list[Row]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """What a search tried.

    Attributes:
        settings: in the order they were tried.
        given_up: of them, those that were not tried on every clip.
        runs: trials on clips that it took.
        best: the settings with the best mean score over all clips; None where no clip could be read.
        best_score: that score.
    """

    settings: tuple[TrackerSettings, ...]
    given_up: tuple[TrackerSettings, ...]
    runs: int
    best: TrackerSettings | None
    best_score: float | None


class Search:
    """The search for one class's settings."""

    def __init__(self, clips: Sequence[SweepClip], try_all: Try, *, seed: int) -> None:
        """Prepare a search.

        Args:
            clips: of one class.
            try_all: does trials and returns their rows, without those of clips that cannot be read.
            seed: of everything random.
        """
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        order = np.random.default_rng(seed).permutation(len(clips))
        self._clips = [clips[index] for index in order]
        self._try = try_all
        sampler = optuna.samplers.TPESampler(
            seed=seed, multivariate=True, n_startup_trials=_STARTUP, constant_liar=True
        )
        self._study = optuna.create_study(direction="maximize", sampler=sampler)
        self._rng = np.random.default_rng((seed, 1))
        self._scores: dict[TrackerSettings, dict[str, float]] = {}
        self._given_up: list[TrackerSettings] = []

    def run(self, count: int, *, on_asked: Callable[[int], None] | None = None) -> Searched:
        """Try settings, the six and today's among them, for as many runs as so many settings on every clip take.

        Args:
            count: how many; those that are given up early leave room for more.
            on_asked: called with the number of trials that are certain to come.
        """
        first = settings_for(self._clips[0].class_name)[: max(count, 1)]
        self._measure(first, self._clips, on_asked)
        for settings in first:
            self._tell(self._study_trial(settings), settings)
        for _ in range(_ASKS_A_TRIAL * count):
            readable = max(map(len, self._scores.values()))
            if not readable or (left := count - self._runs() / readable) < 1:
                break
            self._next_batch(min(BATCH, int(left)), on_asked)
        return self._found()

    def _next_batch(self, size: int, on_asked: Callable[[int], None] | None) -> None:
        best = self._best()
        near = [] if best is None else [self._neighbour(best) for _ in range(min(NEXT_TO_THE_BEST, size - 1))]
        asked = [*map(self._study_trial, near), *(self._study.ask() for _ in range(size - len(near)))]
        proposed = [*near, *map(_proposed, asked[len(near) :])]
        new = [settings for settings in dict.fromkeys(proposed) if settings not in self._scores]
        few = max(1, math.ceil(FIRST_SHARE * len(self._clips)))
        self._measure(new, self._clips[:few], on_asked)
        going_on = [settings for settings in new if not self._loses(settings, best)]
        self._given_up += [settings for settings in new if settings not in going_on]
        self._measure(going_on, self._clips[few:], on_asked)
        for trial, settings in zip(asked, proposed, strict=True):
            self._tell(trial, settings)

    def _measure(
        self, settings: Sequence[TrackerSettings], clips: Sequence[SweepClip], on_asked: Callable[[int], None] | None
    ) -> None:
        if on_asked is not None:
            on_asked(len(settings) * len(clips))
        for one in settings:
            self._scores.setdefault(one, {})
        for row in self._try([(clip, one) for clip in clips for one in settings]):
            self._scores[row.settings][row.content_sha256] = row.score

    def _loses(self, settings: TrackerSettings, best: TrackerSettings | None) -> bool:
        """Whether settings are clearly worse than the best ones on the clips that they were tried on."""
        tried = self._scores[settings]
        if best is None or not tried:
            return False
        return fmean(tried.values()) < LOSES_BELOW * fmean(self._scores[best][clip] for clip in tried)

    def _best(self) -> TrackerSettings | None:
        """The best of the settings that were tried on every clip that can be read."""
        most = max(map(len, self._scores.values()), default=0)
        whole = [settings for settings, scores in self._scores.items() if len(scores) == most and most]
        return max(whole, key=lambda settings: fmean(self._scores[settings].values()), default=None)

    def _runs(self) -> int:
        return sum(map(len, self._scores.values()))

    def _neighbour(self, best: TrackerSettings) -> TrackerSettings:
        """The best settings with one to three of them a step or two away."""
        values = best.as_dict()
        for name in self._rng.choice(SETTING_NAMES, size=self._rng.integers(1, 4), replace=False):
            move = int(self._rng.choice((-2, -1, 1, 2)))
            if name == "motion_model":
                values[name] = str(self._rng.choice([model.value for model in MotionModel]))
            elif name in _STEPS:
                low, high, step = _STEPS[name]
                values[name] = min(high, max(low, round(float(values[name]) + move * step, 2)))
        return TrackerSettings.from_dict(values)

    def _study_trial(self, settings: TrackerSettings) -> optuna.trial.Trial:
        self._study.enqueue_trial(settings.as_dict())
        trial = self._study.ask()
        _proposed(trial)
        return trial

    def _tell(self, trial: optuna.trial.Trial, settings: TrackerSettings) -> None:
        """A choice that was given up counts with what it had: it is a loser, and the sampler may know how bad a one."""
        scores = self._scores[settings]
        if scores:
            self._study.tell(trial, fmean(scores.values()))
        else:
            self._study.tell(trial, state=optuna.trial.TrialState.FAIL)

    def _found(self) -> Searched:
        best = self._best()
        return Searched(
            settings=tuple(self._scores),
            given_up=tuple(self._given_up),
            runs=self._runs(),
            best=best,
            best_score=None if best is None else fmean(self._scores[best].values()),
        )


def _proposed(trial: optuna.trial.Trial) -> TrackerSettings:
    """What a trial proposes, brought to the add-on's steps.

    The steps are not the sampler's business: the six lie between them, and it could not be told of them.
    """
    pattern = trial.suggest_int("pattern_size", PATTERN_SIZES[0], PATTERN_SIZES[-1])
    search = trial.suggest_int("search_size", SEARCH_SIZES[0], SEARCH_SIZES[-1])
    correlation = trial.suggest_float("correlation", *CORRELATION_RANGE)
    threshold = trial.suggest_float("threshold", *THRESHOLD_RANGE)
    model = trial.suggest_categorical("motion_model", [model.value for model in MotionModel])
    return TrackerSettings(
        pattern_size=min(PATTERN_SIZES, key=lambda size: abs(size - pattern)),
        search_size=min(SEARCH_SIZES, key=lambda size: abs(size - search)),
        correlation=_snapped(correlation),
        threshold=_snapped(threshold),
        motion_model=MotionModel(model),
    )


def _snapped(share: float) -> float:
    return round(round(share / _SHARE_STEP) * _SHARE_STEP, 2)
