"""A search over the add-on's five settings, which tries what loses on few clips only.

A matrix that is larger than the runs suffice for is raced: all of its settings run on one clip, fewer of them on the
second, and so on by the same ratio, so that the runs just suffice; those with the best mean so far go on.

Otherwise the matrix, the six by default, is tried on every clip. Then settings are proposed four at a time: three that
differ from the best so far in one setting, and one by Optuna's tree of Parzen estimators. All run on the clip on which
the first settings differed most; the better half, if it keeps up with the best so far on the same clips, goes on to a
second clip, the better half of these to a fourth. What that saves is spent on further settings.

What ships today is always tried on every clip, and only what was tried on every clip can become the best. The same seed
proposes the same settings however many workers there are, so that a search that was killed goes on by proposing them
again and finding most of them in its journal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev

import numpy as np
import optuna

from eztrack_tune.settings import (
    CORRELATION_RANGE,
    PATTERN_SIZES,
    SEARCH_SIZES,
    SETTING_NAMES,
    SIX,
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
KEEPS_UP = 0.99
"""Of the best settings' mean score on the same clips; what is below that is given up."""
MOST_STEPS = 4
"""Of one setting away from the best, each way."""
_SHARE_STEP = 0.05
_ASKS_A_TRIAL = 5
_DRAWS = 40
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

    def __init__(
        self, clips: Sequence[SweepClip], try_all: Try, *, seed: int, matrix: Sequence[TrackerSettings] = SIX
    ) -> None:
        """Prepare a search.

        Args:
            clips: of one class.
            try_all: does trials and returns their rows, without those of clips that cannot be read.
            seed: of everything random.
            matrix: to begin with, beside what ships today.
        """
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        order = np.random.default_rng(seed).permutation(len(clips))
        self._clips = [clips[index] for index in order]
        self._try = try_all
        self._first = settings_for(self._clips[0].class_name, matrix)
        sampler = optuna.samplers.TPESampler(
            seed=seed, multivariate=True, n_startup_trials=_STARTUP, constant_liar=True
        )
        self._study = optuna.create_study(direction="maximize", sampler=sampler)
        self._rng = np.random.default_rng((seed, 1))
        self._scores: dict[TrackerSettings, dict[str, float]] = {}
        self._given_up: list[TrackerSettings] = []
        self._budget = 0
        self._on_asked: Callable[[int], None] | None = None

    def run(self, count: int, *, on_asked: Callable[[int], None] | None = None) -> Searched:
        """Try settings for as many runs as so many settings on every clip take.

        Args:
            count: how many; those that are given up early leave room for more.
            on_asked: called with the number of trials that are certain to come.
        """
        self._on_asked = on_asked
        today, *others = self._first
        self._measure([today], self._clips)
        self._clips = [clip for clip in self._clips if clip.content_sha256 in self._scores[today]]
        self._budget = count * len(self._clips)
        if len(others) < count or len(others) <= len(SIX):
            self._measure(others[: count - 1], self._clips)
            self._clips = self._most_telling_first()
        elif self._left():
            self._race_down(others)
        for settings in list(self._scores):
            if not settings.outside_ranges():  # Optuna searches within them
                self._tell(self._study_trial(settings), settings)
        for _ in range(_ASKS_A_TRIAL * count):
            best = self._best()
            if best is None or self._left() < len(self._clips):
                break
            self._propose(best, min(BATCH, self._left() // len(self._clips)))
        return self._found()

    def _race_down(self, settings: Sequence[TrackerSettings]) -> None:
        """Try many settings on one clip and fewer on each further one; of too many, only some are tried at all."""
        running = [settings[index] for index in self._rng.permutation(len(settings))]
        for clip, field in zip(self._clips, fields(len(running), len(self._clips), self._left()), strict=True):
            ranked = sorted(running, key=self._mean, reverse=True)
            self._given_up += [one for one in ranked[field:] if one in self._scores]
            running = ranked[:field]
            self._measure(running, [clip])

    def _most_telling_first(self) -> list[SweepClip]:
        """The clips, those first on which settings differ most."""
        spread = {clip: pstdev(scores[clip.content_sha256] for scores in self._scores.values()) for clip in self._clips}
        return sorted(self._clips, key=lambda clip: -spread[clip])

    def _propose(self, best: TrackerSettings, size: int) -> None:
        """Race so many new settings."""
        near = self._next_to(best, min(NEXT_TO_THE_BEST, size - 1))
        asked = [*map(self._study_trial, near), *(self._study.ask() for _ in range(size - len(near)))]
        proposed = [*near, *map(_proposed, asked[len(near) :])]
        self._race([settings for settings in dict.fromkeys(proposed) if settings not in self._scores])
        for trial, settings in zip(asked, proposed, strict=True):
            self._tell(trial, settings)

    def _race(self, settings: Sequence[TrackerSettings]) -> None:
        """Try settings on one clip, the better half on a second, and so on, while they keep up with the best."""
        best = self._best()
        running, done, upto = list(settings), 0, 1
        while running and best is not None and done < len(self._clips):
            self._measure(running, self._clips[done:upto])
            done, upto = upto, min(2 * upto, len(self._clips))
            if done < len(self._clips):
                better = sorted(running, key=self._mean, reverse=True)[: -(-len(running) // 2)]
                going_on = [one for one in better if self._keeps_up(one, best)]
                self._given_up += [one for one in running if one not in going_on]
                running = going_on

    def _measure(self, settings: Sequence[TrackerSettings], clips: Sequence[SweepClip]) -> None:
        if self._on_asked is not None:
            self._on_asked(len(settings) * len(clips))
        for one in settings:
            self._scores.setdefault(one, {})
        for row in self._try([(clip, one) for clip in clips for one in settings]):
            self._scores[row.settings][row.content_sha256] = row.score

    def _keeps_up(self, settings: TrackerSettings, best: TrackerSettings) -> bool:
        """Whether settings are about as good as the best ones on the clips that they were tried on, or better."""
        tried = self._scores[settings]
        return fmean(tried.values()) >= KEEPS_UP * fmean(self._scores[best][clip] for clip in tried)

    def _mean(self, settings: TrackerSettings) -> float:
        """The mean score on the clips so far; 0 before the first."""
        scores = self._scores.get(settings)
        return fmean(scores.values()) if scores else 0.0

    def _best(self) -> TrackerSettings | None:
        """The best of the settings that were tried on every clip that can be read."""
        whole = [settings for settings, scores in self._scores.items() if scores and len(scores) == len(self._clips)]
        return max(whole, key=self._mean, default=None)

    def _runs(self) -> int:
        return sum(map(len, self._scores.values()))

    def _left(self) -> int:
        return max(0, self._budget - self._runs())

    def _next_to(self, best: TrackerSettings, count: int) -> list[TrackerSettings]:
        """New settings that differ from the best in one setting; in two where these were hardly to be found."""
        found: list[TrackerSettings] = []
        for draw in range(_DRAWS):
            if len(found) == count:
                break
            moved = self._moved(best, 1 if draw < _DRAWS / 2 else 2)
            if moved not in self._scores and moved not in found:
                found.append(moved)
        return found

    def _moved(self, settings: TrackerSettings, changes: int) -> TrackerSettings:
        values = settings.as_dict()
        for name in self._rng.choice(SETTING_NAMES, size=changes, replace=False):
            if name == "motion_model":
                values[name] = str(self._rng.choice([model.value for model in MotionModel]))
            else:
                low, high, step = _STEPS[name]
                move = int(self._rng.choice((-1, 1)) * self._rng.integers(1, MOST_STEPS + 1))
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
            self._study.tell(trial, self._mean(settings))
        else:
            self._study.tell(trial, state=optuna.trial.TrialState.FAIL)

    def _found(self) -> Searched:
        best = self._best()
        return Searched(
            settings=tuple(self._scores),
            given_up=tuple(self._given_up),
            runs=self._runs(),
            best=best,
            best_score=None if best is None else self._mean(best),
        )


def fields(settings: int, clips: int, runs: int) -> list[int]:
    """How many settings to run on each clip: fewer from clip to clip by the same ratio, in no more than so many runs.

    Args:
        settings: how many there are.
        clips: how many there are.
        runs: how many may be made; at least one a clip.
    """
    first = min(settings, runs - clips + 1)  # one at least comes through
    for ratio in np.linspace(1, 0, 201):
        found = [max(1, round(first * ratio**number)) for number in range(clips)]
        if sum(found) <= runs:
            break
    return found


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
