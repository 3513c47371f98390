"""The verb ``compare``: what it prints of two runs."""

from __future__ import annotations

from pathlib import Path

from footage.cli.console import print_json, print_table, result, warn
from footage.errors import printable
from footage.metrics.intervals import Interval
from footage.runs.compare import Answers, compare_runs

MOST_FLIPS = 10
MOST_LETTERS = 48
OVERLAPS = {True: "yes", False: "no", None: None}


def show(first: Path, second: Path, *, as_json: bool) -> None:
    """Compare two runs and print settings, figures and answers that differ.

    Raises:
        InputError: one is no run's folder.
    """
    found = compare_runs(first, second)
    if as_json:
        print_json(found)
        return
    for note in found.notes:
        warn(note)
    result(f"{len(found.settings)} settings differ, {found.same_settings} are the same")
    if found.settings:
        rows = [(one.name, _short(one.first), _short(one.second)) for one in found.settings]
        print_table(("setting", "first", "second"), rows)
    told = [one for one in found.figures if one.first is not None and one.second is not None]
    result("")
    result(f"{len(told)} figures stand in both, {len(found.figures) - len(told)} in one only")
    if told:
        figures = [(one.name, _figure(one.first), _figure(one.second), OVERLAPS[one.overlap]) for one in told]
        print_table(("figure", "first", "second", "overlap"), figures)
    if found.answers is not None:
        result("")
        _print_answers(found.answers)


def _print_answers(answers: Answers) -> None:
    flips = answers.flips
    result(f"{len(flips)} of {answers.items} items are answered differently")
    if answers.gain is not None:
        result(f"{answers.mended} from wrong to right, {answers.broken} from right to wrong")
        result(f"right answers, second less first: {answers.gain.text(digits=3)}")
    if flips:
        rows = [("/".join(one.item), one.first, one.second, one.label) for one in flips[:MOST_FLIPS]]
        print_table(("item", "first", "second", "truth"), rows)
    if len(flips) > MOST_FLIPS:
        result(f"and {len(flips) - MOST_FLIPS} more: --json lists them all")


def _figure(interval: Interval | None) -> str | None:
    return None if interval is None else interval.text()


def _short(value: object) -> str:
    text = "-" if value is None else printable(str(value))
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 1]}\N{HORIZONTAL ELLIPSIS}"
