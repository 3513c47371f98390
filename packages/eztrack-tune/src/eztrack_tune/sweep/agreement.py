"""How far two trackers agree on settings: rank correlation over the settings, clip by clip."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr

from eztrack_tune.settings import TrackerSettings
from eztrack_tune.sweep.rows import Row
from footage.metrics.intervals import Interval, group_bootstrap

LEAST_SETTINGS = 4
_RESAMPLES = 2000

MEASURES: dict[str, Callable[[Row], float | None]] = {
    "score": lambda row: row.score,
    "survival to the end": lambda row: row.survival,
    "share of tracks kept": lambda row: row.kept_share,
    "cleaned error": lambda row: row.cleaned_error_px,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How alike two trackers rank settings.

    Attributes:
        measure: by what they are ranked.
        correlation: mean over clips of Spearman's rank correlation over settings, with an interval over clips.
    """

    measure: str
    correlation: Interval


def agreements(rows: Iterable[Row], backends: tuple[str, str], *, seed: int = 0) -> list[Agreement]:
    """Compare two trackers on the clips and settings that both tried.

    A clip on which one of them gives every setting the same value ranks nothing, and is not counted.

    Args:
        rows: of both trackers.
        backends: their names.
        seed: of the interval.
    """
    by_key: dict[str, dict[str, dict[TrackerSettings, Row]]] = {}
    for row in rows:
        by_key.setdefault(row.content_sha256, {}).setdefault(row.backend, {})[row.settings] = row
    found = []
    for name, value in MEASURES.items():
        clips = [_correlation(of_clip, backends, value) for of_clip in by_key.values()]
        correlations = np.array([one for one in clips if one is not None])
        found.append(Agreement(measure=name, correlation=_mean(correlations, seed)))
    return found


def _correlation(
    of_clip: dict[str, dict[TrackerSettings, Row]],
    backends: tuple[str, str],
    value: Callable[[Row], float | None],
) -> float | None:
    first, second = (of_clip.get(backend, {}) for backend in backends)
    pairs = [(value(first[settings]), value(second[settings])) for settings in first if settings in second]
    known = [(one, other) for one, other in pairs if one is not None and other is not None]
    if len(known) < LEAST_SETTINGS or any(len(set(side)) == 1 for side in zip(*known, strict=True)):
        return None
    return float(spearmanr(*zip(*known, strict=True)).statistic)


def _mean(values: Sequence[float] | np.ndarray[tuple[int], np.dtype[np.float64]], seed: int) -> Interval:
    numbers = np.asarray(values, dtype=np.float64)
    return group_bootstrap(
        lambda rows: float(numbers[rows].mean()) if len(rows) else None,
        np.arange(len(numbers)),
        rng=np.random.default_rng(seed),
        resamples=_RESAMPLES,
    )
