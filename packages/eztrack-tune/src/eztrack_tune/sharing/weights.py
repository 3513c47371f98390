"""How much each contributor counts, and which of their results are too far from everybody else's to count at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from eztrack_tune.aggregate.trials import Trial
from eztrack_tune.settings import TrackerSettings

LARGEST_SHARE = 0.25
"""Of a class's weight, the most that one contributor has."""
LEAST_CONTRIBUTORS = 5
"""Fewer cannot keep each other below that share, nor tell who is the odd one out."""
OUTLIER_Z = 3.5
"""Robust standard deviations from the median (B. Iglewicz and D. Hoaglin, 1993)."""
LEAST_SPREAD = 0.03
"""Of a score: contributors who agree to the last digit do not make small differences suspicious."""
_MAD_TO_DEVIATION = 1.4826


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A contributor's result for one choice of settings that does not count.

    Attributes:
        contributor: whose.
        settings: for which settings.
        gain: over today's default, by this contributor.
        median: of everybody's.
        clips: how many clips it was on.
    """

    contributor: str
    settings: TrackerSettings
    gain: float
    median: float
    clips: int


def capped(counts: Mapping[str, int], largest_share: float = LARGEST_SHARE) -> dict[str, float]:
    """The weight of each contributor's clips together: their number, or less where it would be over the share.

    With so few contributors that the share cannot be kept all have the same weight.

    Args:
        counts: clips by contributor.
        largest_share: of the sum of weights, the most that one has.
    """
    values = sorted(counts.values())
    if len(values) * largest_share <= 1:
        return dict.fromkeys(counts, float(values[0])) if values else {}
    limit = float(values[-1])
    # With the k largest cut off at t, t = share * (rest + k * t); the first t that none of the rest is above is it.
    for cut in range(len(values)):
        rest = sum(values[: len(values) - cut])
        limit = largest_share * rest / (1 - cut * largest_share)
        if values[len(values) - cut - 1] <= limit:
            break
    return {name: min(float(count), limit) for name, count in counts.items()}


def weighted(trials: Sequence[Trial], largest_share: float = LARGEST_SHARE) -> list[Trial]:
    """The trials with weights, by which no contributor has more than its share."""
    clips: dict[str, set[str]] = {}
    for trial in trials:
        clips.setdefault(trial.group, set()).add(trial.clip)
    counts = {name: len(several) for name, several in clips.items()}
    weights = capped(counts, largest_share)
    return [replace(trial, weight=weights[trial.group] / counts[trial.group]) for trial in trials]


def without_outliers(trials: Sequence[Trial], today: TrackerSettings) -> tuple[list[Trial], list[Rejected]]:
    """Leave out what a contributor says of settings when it is far from what the others say of them.

    For each choice of settings the contributors' mean gains over today's default are compared with their median, in
    units of their median absolute deviation.

    Args:
        trials: of one class.
        today: today's default.
    """
    base = {trial.clip: trial for trial in trials if trial.settings == today}
    gains: dict[TrackerSettings, dict[str, list[float]]] = {}
    for trial in trials:
        if trial.settings != today and trial.clip in base:
            by_contributor = gains.setdefault(trial.settings, {})
            by_contributor.setdefault(trial.group, []).append(trial.score - base[trial.clip].score)
    rejected = [one for settings, said in gains.items() for one in _odd_ones(settings, said)]
    gone = {(one.contributor, one.settings) for one in rejected}
    kept = [trial for trial in trials if (trial.group, trial.settings) not in gone]
    return kept, sorted(rejected, key=lambda one: (one.contributor, str(one.settings)))


def _odd_ones(settings: TrackerSettings, said: Mapping[str, Sequence[float]]) -> list[Rejected]:
    if len(said) < LEAST_CONTRIBUTORS:
        return []
    means = {name: float(np.mean(several)) for name, several in said.items()}
    median = float(np.median(list(means.values())))
    spread = _MAD_TO_DEVIATION * float(np.median([abs(mean - median) for mean in means.values()]))
    limit = OUTLIER_Z * max(spread, LEAST_SPREAD)
    return [
        Rejected(contributor=name, settings=settings, gain=mean, median=median, clips=len(said[name]))
        for name, mean in means.items()
        if abs(mean - median) > limit
    ]
