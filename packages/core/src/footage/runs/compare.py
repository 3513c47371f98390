"""Two runs side by side: what was set otherwise, whether their figures differ, and which answers changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from footage.metrics.intervals import Interval, group_bootstrap
from footage.runs.saved import Answer, SavedRun, figures, leaves, read_answers, read_run

SETTINGS = ("tool", "seed", "settings", "data_sha256", "split_sha256", "environment")
"""What of a run's record says how it was made; the time of day and the folder's name do not."""
RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting that is not the same in both; None where a run has none."""

    name: str
    first: object
    second: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One figure in both runs.

    Attributes:
        name: its place in the file of metrics.
        first: None where the first run does not have it.
        second: likewise.
        overlap: whether the intervals have a value in common; None where one run has no interval. Overlapping
            intervals do not show that the runs are alike, only that these figures do not tell them apart.
    """

    name: str
    first: Interval | None
    second: Interval | None
    overlap: bool | None


@dataclass(frozen=True, slots=True)
class Flip:
    """An item that the runs answer differently; ``label`` is None where the truth is not known."""

    item: tuple[str, ...]
    first: str
    second: str
    label: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The answers of both runs on the items that both saved.

    Attributes:
        items: how many both answered.
        only_first: how many only the first answered.
        only_second: likewise.
        flips: items that they answer differently.
        mended: flips from wrong to right; None where no truth is known.
        broken: flips from right to wrong; likewise.
        gain: share of right answers of the second less that of the first, on the same resamples of groups; None where
            no truth is known.
    """

    items: int
    only_first: int
    only_second: int
    flips: tuple[Flip, ...]
    mended: int | None
    broken: int | None
    gain: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two runs beside each other.

    Attributes:
        first: the folder.
        second: the folder.
        settings: what was set otherwise.
        same_settings: how many settings are the same.
        figures: in the order of the first run.
        answers: None where the runs saved no answers, or none on a common item.
        notes: what limits the comparison, in sentences.
    """

    first: Path
    second: Path
    settings: tuple[Difference, ...]
    same_settings: int
    figures: tuple[Figures, ...]
    answers: Answers | None
    notes: tuple[str, ...]


def compare_runs(first: str | PathLike[str], second: str | PathLike[str]) -> Comparison:
    """Compare two runs by what their folders say.

    Raises:
        InputError: one is no run's folder, or a file in it cannot be read.
    """
    one, other = read_run(first), read_run(second)
    settings, same = _settings(one, other)
    answers = _answers(read_answers(one), read_answers(other))
    return Comparison(
        first=one.path,
        second=other.path,
        settings=settings,
        same_settings=same,
        figures=_figures(figures(one.metrics), figures(other.metrics)),
        answers=answers,
        notes=_notes(one, other, settings, answers),
    )


def _settings(one: SavedRun, other: SavedRun) -> tuple[tuple[Difference, ...], int]:
    first, second = (dict(leaves({key: run.record.get(key) for key in SETTINGS})) for run in (one, other))
    names = list(dict.fromkeys((*first, *second)))
    different = [Difference(name, first.get(name), second.get(name)) for name in names]
    different = [one for one in different if one.first != one.second]
    return tuple(different), len(names) - len(different)


def _figures(first: Mapping[str, Interval], second: Mapping[str, Interval]) -> tuple[Figures, ...]:
    names = dict.fromkeys((*first, *second))
    return tuple(
        Figures(name=name, first=first.get(name), second=second.get(name), overlap=_overlap(first, second, name))
        for name in names
    )


def _overlap(first: Mapping[str, Interval], second: Mapping[str, Interval], name: str) -> bool | None:
    ends = [end for side in (first, second) if name in side for end in (side[name].low, side[name].high)]
    known = [end for end in ends if end is not None]
    if len(known) < 4:
        return None
    return known[0] <= known[3] and known[2] <= known[1]


def _answers(first: dict[tuple[str, ...], Answer], second: dict[tuple[str, ...], Answer]) -> Answers | None:
    common = [key for key in first if key in second]
    if not common:
        return None
    flips = tuple(
        Flip(key, first[key].answer, second[key].answer, first[key].label)
        for key in common
        if first[key].answer != second[key].answer
    )
    judged = all(first[key].label is not None and first[key].label == second[key].label for key in common)
    return Answers(
        items=len(common),
        only_first=len(first) - len(common),
        only_second=len(second) - len(common),
        flips=flips,
        mended=sum(flip.second == flip.label for flip in flips) if judged else None,
        broken=sum(flip.first == flip.label for flip in flips) if judged else None,
        gain=_gain([first[key] for key in common], [second[key] for key in common]) if judged else None,
    )


def _gain(first: list[Answer], second: list[Answer]) -> Interval:
    right = np.array([[one.answer == one.label for one in side] for side in (first, second)], np.float64)
    change = right[1] - right[0]

    def mean_change(rows: NDArray[np.intp]) -> float:
        return float(change[rows].mean())

    groups = [one.group for one in first]
    return group_bootstrap(mean_change, groups, np.random.default_rng(0), resamples=RESAMPLES)


def _notes(
    one: SavedRun, other: SavedRun, settings: tuple[Difference, ...], answers: Answers | None
) -> tuple[str, ...]:
    notes = [f"{run.path} was stopped before its end" for run in (one, other) if not run.is_finished]
    tools = [str(run.record.get("tool")) for run in (one, other)]
    if tools[0] != tools[1]:
        notes.append(f"the runs are of two tools, {tools[0]} and {tools[1]}: hardly a figure means the same in both")
    if any(difference.name.endswith("sha256") for difference in settings):
        notes.append("the runs began with different files: their figures may be of different exams")
    if answers is None:
        notes.append("there is no item that both runs saved an answer on")
    elif answers.only_first or answers.only_second:
        left = answers.only_first + answers.only_second
        notes.append(f"{left} items were answered by one of the runs only and are left out of the flips")
    return tuple(notes)
