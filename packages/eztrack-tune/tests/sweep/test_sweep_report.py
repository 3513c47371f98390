"""The report of a sweep: a page stays one that a browser opens, however many trials there were."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from eztrack_tune.settings import SIX
from eztrack_tune.sweep.findings import Sweep, sort_rows, standings_of
from eztrack_tune.sweep.report import MOST_ROWS, lay_out
from eztrack_tune.sweep.rows import Row
from eztrack_tune.sweep.search import Searched

MakeRow = Callable[..., Row]


def _sweep(rows: list[Row]) -> Sweep:
    return Sweep(
        rows=sort_rows(rows),
        standings=standings_of(rows, {}),
        left_out=(),
        searched={},
        agreements=(),
        done_now=len(rows),
        seconds=1.0,
        complete=True,
    )


@pytest.mark.parametrize(("more", "title"), [(0, "Every trial"), (5, "Trials")])
def test_a_table_ends_where_nobody_reads_on_and_says_so(make_row: MakeRow, more: int, title: str) -> None:
    rows = [make_row(f"clip{number:05d}", failure="it was cut short") for number in range(MOST_ROWS + more)]
    page = lay_out(_sweep(rows)).html()
    assert f">{title}</a>" in page
    # once in the table of trials, once in that of the failed ones
    assert page.count("clip00000.mp4") == page.count(f"clip{MOST_ROWS - 1:05d}.mp4") == 2
    assert f"clip{MOST_ROWS:05d}.mp4" not in page
    said = f"<figcaption>The first 1,000 of {MOST_ROWS + more:,}; trials.csv has every trial."
    assert page.count(said) == (2 if more else 0)


def test_what_a_search_gave_up_comes_last_in_its_class_alone(make_row: MakeRow) -> None:
    rows = [
        make_row("a", SIX[0], score=0.9),
        make_row("a", SIX[1], score=0.5),
        make_row("b", SIX[0], score=0.9, class_name="HD_24fps"),
    ]
    search = Searched(settings=SIX[:2], given_up=SIX[:1], runs=2, best=SIX[1], best_score=0.5)
    found = standings_of(rows, {"SD_24fps": search})
    assert [(one.class_name, one.settings, one.given_up) for one in found] == [
        ("HD_24fps", SIX[0], False),
        ("SD_24fps", SIX[1], False),
        ("SD_24fps", SIX[0], True),
    ]
