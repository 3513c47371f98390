"""Settings compared with today's default on the same clips; the best judged on clips that had no say in the choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from eztrack_tune.aggregate.means import RESAMPLES, mean_interval
from eztrack_tune.aggregate.trials import Trial, mean_of
from eztrack_tune.scan.record import LEAST_TUNING
from eztrack_tune.settings import TrackerSettings
from footage.metrics.intervals import Interval

Row = dict[str, Trial]
"""The trials of one choice of settings, by clip."""


class Verdict(StrEnum):
    """What follows for a class."""

    BETTER = "better"
    """The best settings are better than today's default; they are recommended."""
    NOT_SHOWN = "not shown to be better"
    """Nothing is shown to be better than today's default; it stays."""
    TOO_FEW = "too few clips"
    """There are fewer clips than a recommendation needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One choice of settings, on the clips on which today's default was tried too.

    Attributes:
        settings: the choice.
        clips: those clips.
        score: mean worth on them, 0 to 1.
        default_score: that of today's default on the same clips.
        gain: the difference, with its interval over clips; that of the best of several candidates is too good, see
            ``Comparison.gain_of_choosing``.
        solved: share of the clips that were solved.
        raw_error_px: mean of Blender's average error over solved clips; None where none was solved.
        cleaned_error_px: the same without the tracks that fit badly.
        success_rate: mean share of tracks that live eight frames.
        is_default: it is today's default itself.
    """

    settings: TrackerSettings
    clips: int
    score: float
    default_score: float
    gain: Interval
    solved: float
    raw_error_px: float | None
    cleaned_error_px: float | None
    success_rate: float | None
    is_default: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What was found for one class.

    Attributes:
        class_name: the add-on's class.
        today: what the add-on uses for it.
        verdict: what follows.
        reason: the verdict in a sentence.
        best: the candidate with the highest gain; None where no candidate was tried on enough clips.
        gain_of_choosing: the gain that choosing the best in this way brings on a clip that had no say in the choice:
            each clip (or contributor) is left out in turn, the best of the others is chosen, and its gain on the one
            that was left out is taken. None where there is nothing to choose from.
        candidates: every choice that was tried, today's default among them, the best first.
        clips: the clips on which today's default was tried, by what tells them apart.
        clips_of_all: how many clips the class has, with the default or without.
        components: what the scores are made of.
    """

    class_name: str
    today: TrackerSettings
    verdict: Verdict
    reason: str
    best: Candidate | None
    gain_of_choosing: Interval | None
    candidates: tuple[Candidate, ...]
    clips: tuple[str, ...]
    clips_of_all: int
    components: tuple[str, ...]

    @property
    def settings(self) -> TrackerSettings:
        """What should ship: the best where it is better, else today's."""
        return self.best.settings if self.verdict is Verdict.BETTER and self.best else self.today


def compare(
    class_name: str,
    trials: Sequence[Trial],
    *,
    today: TrackerSettings,
    components: Sequence[str],
    rng: np.random.Generator,
    least_clips: int = LEAST_TUNING,
    resamples: int = RESAMPLES,
) -> Comparison:
    """Compare the settings tried on a class's clips with today's default.

    Args:
        class_name: the class.
        trials: of its clips.
        today: what the add-on uses for it.
        components: what the scores are made of.
        rng: source of the resamples.
        least_clips: without so many clips, of which each has a trial of the default, nothing is recommended.
        resamples: of each interval.
    """
    rows: dict[TrackerSettings, Row] = {}
    for trial in trials:
        rows.setdefault(trial.settings, {})[trial.clip] = trial
    base = rows.get(today, {})
    candidates = [
        _candidate(settings, row, base, rng, is_default=settings == today, resamples=resamples)
        for settings, row in rows.items()
        if row.keys() & base.keys()
    ]
    candidates.sort(key=_order)
    able = [one for one in candidates if one.clips >= least_clips and not one.is_default]
    best = able[0] if able else None
    choosing = _gain_of_choosing(rows, base, today, rng, least_clips=least_clips, resamples=resamples) if able else None
    verdict, reason = _judge(base, best, choosing, least_clips, every=len({trial.clip for trial in trials}))
    return Comparison(
        class_name=class_name,
        today=today,
        verdict=verdict,
        reason=reason,
        best=best,
        gain_of_choosing=choosing,
        candidates=tuple(candidates),
        clips=tuple(sorted(base)),
        clips_of_all=len({trial.clip for trial in trials}),
        components=tuple(components),
    )


def _order(candidate: Candidate) -> tuple[float, int, int]:
    """The highest gain first; of equals the one that costs less."""
    gain = candidate.gain.estimate if candidate.gain.estimate is not None else -1.0
    return (-round(gain, 12), candidate.settings.search_size, candidate.settings.pattern_size)


def _candidate(
    settings: TrackerSettings,
    row: Row,
    base: Mapping[str, Trial],
    rng: np.random.Generator,
    *,
    is_default: bool,
    resamples: int,
) -> Candidate:
    clips = sorted(row.keys() & base.keys())
    mine, theirs = [row[clip] for clip in clips], [base[clip] for clip in clips]
    weights = np.array([trial.weight for trial in mine])
    scores, default_scores = (np.array([trial.score for trial in several]) for several in (mine, theirs))
    groups = [trial.group for trial in mine]
    return Candidate(
        settings=settings,
        clips=len(clips),
        score=float(np.average(scores, weights=weights)),
        default_score=float(np.average(default_scores, weights=weights)),
        gain=mean_interval(scores - default_scores, weights, groups, rng, resamples=resamples),
        solved=float(np.average([trial.solved for trial in mine], weights=weights)),
        raw_error_px=mean_of(trial.raw_error_px for trial in mine),
        cleaned_error_px=mean_of(trial.cleaned_error_px for trial in mine),
        success_rate=mean_of(trial.success_rate for trial in mine),
        is_default=is_default,
    )


def _gain_of_choosing(
    rows: Mapping[TrackerSettings, Row],
    base: Mapping[str, Trial],
    today: TrackerSettings,
    rng: np.random.Generator,
    *,
    least_clips: int,
    resamples: int,
) -> Interval:
    """See ``Comparison.gain_of_choosing``; choosing today's default is a choice too, with a gain of 0."""
    clips = sorted(base)
    choices = sorted((s for s in rows if s != today), key=lambda s: (s.search_size, s.pattern_size, str(s)))
    differences = np.array([[_difference(rows[s], base, clip) for clip in clips] for s in choices])
    weights = np.array([base[clip].weight for clip in clips])
    groups = np.array([base[clip].group for clip in clips])
    gains = np.zeros(len(clips))
    for group in np.unique(groups):
        inside = groups == group
        chosen = _best_without(differences[:, ~inside], weights[~inside], least=least_clips - 1)
        if chosen is not None:
            # a clip on which the chosen settings were not tried shows no gain
            gains[inside] = np.nan_to_num(differences[chosen, inside])
    return mean_interval(gains, weights, list(groups), rng, resamples=resamples)


def _best_without(differences: NDArray[np.float64], weights: NDArray[np.float64], *, least: int) -> int | None:
    """The row with the highest mean gain over the clips it has, of those with enough clips; None if none is above 0."""
    there = ~np.isnan(differences)
    weight = np.where(there, weights, 0.0).sum(axis=1)
    total = np.where(there, differences * weights, 0.0).sum(axis=1)
    able = (there.sum(axis=1) >= max(1, least)) & (weight > 0)
    means = np.where(able, total / np.where(weight > 0, weight, 1.0), -np.inf)
    best = int(np.argmax(means)) if len(means) else 0
    return best if len(means) and means[best] > 0 else None


def _difference(row: Row, base: Mapping[str, Trial], clip: str) -> float:
    return row[clip].score - base[clip].score if clip in row else float("nan")


def _judge(
    base: Mapping[str, Trial], best: Candidate | None, choosing: Interval | None, least_clips: int, *, every: int
) -> tuple[Verdict, str]:
    if len(base) < least_clips:
        tried = f"today's default was tried on {len(base)} of {every} clips"
        return Verdict.TOO_FEW, f"{tried}, and {least_clips} are needed"
    if best is None or choosing is None:
        return Verdict.TOO_FEW, f"no other settings were tried on {least_clips} clips on which today's default was"
    said = f"choosing the best brings {choosing.text(digits=3, group='clip')} on a clip that had no say in it"
    if choosing.low is not None and choosing.low > 0 and (best.gain.low or 0.0) > 0:
        return Verdict.BETTER, said
    return Verdict.NOT_SHOWN, f"{said}, so today's default stays"
