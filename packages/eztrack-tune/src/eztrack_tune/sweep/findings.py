"""What a sweep found: every trial, and each choice of settings over the clips it was tried on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, median

import numpy as np

from eztrack_tune.classes import default_settings
from eztrack_tune.settings import TrackerSettings
from eztrack_tune.sweep.agreement import Agreement
from eztrack_tune.sweep.rows import Row
from eztrack_tune.sweep.search import Searched
from eztrack_tune.sweep.sources import LeftOut
from footage.metrics.intervals import Interval, group_bootstrap

RESAMPLES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One choice of settings over the clips of one class.

    Attributes:
        class_name: the add-on's class.
        backend: the tracker.
        settings: the choice.
        clips: how many it was tried on.
        solved: on how many of them the camera was found.
        score: mean over the clips, with an interval over clips.
        raw_error_px: median over the solved clips, as Blender shows it; None where there is none.
        cleaned_error_px: the same without the tracks that fit badly.
        survival: mean share of tracks that reach the end; None where there were no tracks.
        kept_share: mean share of tracks that fit; None without solves.
        seconds: mean time of a trial.
        given_up: a search tried it on some clips only.
    """

    class_name: str
    backend: str
    settings: TrackerSettings
    clips: int
    solved: int
    score: Interval
    raw_error_px: float | None
    cleaned_error_px: float | None
    survival: float | None
    kept_share: float | None
    seconds: float
    given_up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What a sweep found.

    Attributes:
        rows: every trial, by class, clip, tracker and settings.
        standings: by class and tracker, the best first.
        left_out: clips that could not be used.
        searched: by class, where it searched.
        agreements: of the two trackers, where there were two.
        done_now: trials that this call did; the others were known.
        seconds: that this call took.
        complete: every trial was done; else it was interrupted.
    """

    rows: tuple[Row, ...]
    standings: tuple[Standing, ...]
    left_out: tuple[LeftOut, ...]
    searched: dict[str, Searched]
    agreements: tuple[Agreement, ...]
    done_now: int
    seconds: float
    complete: bool

    @property
    def lead(self) -> str:
        """The result in one sentence."""
        clips = len({row.content_sha256 for row in self.rows})
        solved = sum(row.solved for row in self.rows)
        text = f"{solved:,} of {len(self.rows):,} trials on {_count(clips, 'clip')} found the camera"
        failed = sum(row.failure is not None for row in self.rows)
        text += self._highest()
        text += f"; {_count(failed, 'trial')} failed" if failed else ""
        text += f"; {_count(len(self.left_out), 'file')} could not be used" if self.left_out else ""
        return f"{text}." if self.complete else f"{text}. The sweep was interrupted."

    def _highest(self) -> str:
        """Which settings score highest, beside today's; of several classes or trackers, in how many others do."""
        first: dict[tuple[str, str], Standing] = {}
        for one in self.standings:
            first.setdefault((one.class_name, one.backend), one)
        others = [one for one in first.values() if one.settings != default_settings(one.class_name)]
        if len(first) > 1:
            what = "classes" if len({one.backend for one in first.values()}) == 1 else "pairs of class and tracker"
            of = f"{len(others)} of {len(first)} {what}"
            return f"; other settings than today's have the highest mean score in {of}"
        if not first or not any(one.score.estimate for one in first.values()):
            return ""
        if not others:
            return "; today's settings have the highest mean score"
        best = others[0]
        today = next((one for one in self.standings if one.settings == default_settings(one.class_name)), None)
        beside = "" if today is None or today.score.estimate is None else f", today's {today.score.estimate:.2f}"
        return f"; the highest mean score is {best.score.estimate:.2f}, of {best.settings}{beside}"


def standings_of(rows: Sequence[Row], searched: dict[str, Searched]) -> tuple[Standing, ...]:
    """Every choice of settings, by class and tracker, the best first; those that a search gave up come last."""
    together: dict[tuple[str, str, TrackerSettings], list[Row]] = {}
    for row in rows:
        together.setdefault((row.class_name, row.backend, row.settings), []).append(row)
    given_up = {(name, settings) for name, search in searched.items() for settings in search.given_up}
    standings = [
        _standing(key, of_choice, given_up=(key[0], key[2]) in given_up) for key, of_choice in together.items()
    ]
    return tuple(
        sorted(standings, key=lambda one: (one.class_name, one.backend, one.given_up, -(one.score.estimate or 0.0)))
    )


def sort_rows(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Rows in an order that does not depend on how the sweep went."""

    def place(row: Row) -> tuple[str, ...]:
        settings = row.settings
        sizes = f"{settings.pattern_size:04}/{settings.search_size:04}"
        return row.class_name, row.clip, row.content_sha256, row.backend, sizes, str(settings)

    return tuple(sorted(rows, key=place))


def _standing(key: tuple[str, str, TrackerSettings], rows: list[Row], *, given_up: bool) -> Standing:
    class_name, backend, settings = key
    scores = np.array([row.score for row in sorted(rows, key=lambda row: row.content_sha256)])
    interval = group_bootstrap(
        lambda drawn: float(scores[drawn].mean()), np.arange(len(rows)), np.random.default_rng(0), resamples=RESAMPLES
    )
    solved = [row for row in rows if row.solved]
    return Standing(
        class_name=class_name,
        backend=backend,
        settings=settings,
        clips=len(rows),
        solved=len(solved),
        score=interval,
        raw_error_px=_of(median, [row.raw_error_px for row in solved]),
        cleaned_error_px=_of(median, [row.cleaned_error_px for row in solved]),
        survival=_of(fmean, [row.survival for row in rows]),
        kept_share=_of(fmean, [row.kept_share for row in rows]),
        seconds=fmean(row.seconds for row in rows),
        given_up=given_up,
    )


def _of(statistic: Callable[[list[float]], float], values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistic(known) if known else None


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
