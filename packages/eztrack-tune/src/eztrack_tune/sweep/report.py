"""The report of a sweep: which settings did best on each class, every trial, and what failed."""

from __future__ import annotations

import math

from eztrack_tune.classes import default_settings
from eztrack_tune.sweep.findings import Standing, Sweep
from eztrack_tune.sweep.rows import Row
from footage.errors import printable
from footage.report.figures import bars_with_intervals
from footage.report.page import Page

MOST_BARS = 12
MOST_ROWS = 1_000
"""Of a table: a page of many more takes a browser long, and nobody reads them there."""
STANDING_COLUMNS = ("settings", "clips", "camera found", "score", "error", "cleaned", "to the end", "fit", "s/trial")
ROW_COLUMNS = ("clip", "tracker", "settings", "camera", "score", "error", "cleaned", "tracks", "to the end", "fit", "s")


def lay_out(sweep: Sweep) -> Page:
    """The page."""
    page = Page("Settings tried on clips", sweep.lead)
    groups: dict[tuple[str, str], list[Standing]] = {}
    for standing in sweep.standings:
        groups.setdefault((standing.class_name, standing.backend), []).append(standing)
    for (class_name, backend), standings in groups.items():
        _class(page, class_name, backend, standings)
    if sweep.agreements:
        page.section("Do the trackers agree?")
        page.table(
            ("ranked by", "rank correlation over settings, mean of clips"),
            [(one.measure, one.correlation.text(group="clip")) for one in sweep.agreements],
            caption="1: both put the settings in the same order on every clip; 0: no relation. Interval: 95 %, clips "
            "drawn anew.",
        )
    page.section("Every trial" if len(sweep.rows) <= MOST_ROWS else "Trials")
    page.table(
        ROW_COLUMNS,
        map(row_cells, sweep.rows[:MOST_ROWS]),
        caption=f"{_first(len(sweep.rows))}Errors in pixels. Score 0: the camera was not found.",
    )
    _failures(page, sweep)
    return page


def standing_cells(standing: Standing) -> tuple[object, ...]:
    """A row of the table of settings; ``STANDING_COLUMNS`` names its cells."""
    today = standing.settings == default_settings(standing.class_name)
    remark = " (today)" if today else " (given up)" if standing.given_up else ""
    return (
        f"{standing.settings}{remark}",
        standing.clips,
        f"{standing.solved}/{standing.clips}",
        _interval(standing),
        _px(standing.raw_error_px),
        _px(standing.cleaned_error_px),
        _share(standing.survival),
        _share(standing.kept_share),
        f"{standing.seconds:.1f}",
    )


def row_cells(row: Row) -> tuple[object, ...]:
    """A row of the table of trials; ``ROW_COLUMNS`` names its cells."""
    return (
        printable(row.clip),
        row.backend,
        str(row.settings),
        "found" if row.solved else printable(row.why_not or "no"),
        f"{row.score:.2f}",
        _px(row.raw_error_px),
        _px(row.cleaned_error_px),
        row.tracks,
        _share(row.survival),
        _share(row.kept_share),
        f"{row.seconds:.1f}",
    )


def _class(page: Page, class_name: str, backend: str, standings: list[Standing]) -> None:
    page.section(f"{class_name}, {backend}")
    shown = [standing for standing in standings if not standing.given_up][:MOST_BARS]
    bars = bars_with_intervals(
        [str(standing.settings) for standing in shown],
        [_or_nan(standing.score.estimate) for standing in shown],
        [_or_nan(standing.score.low) for standing in shown],
        [_or_nan(standing.score.high) for standing in shown],
        highlight=next((n for n, one in enumerate(shown) if one.settings == default_settings(class_name)), None),
        value_label="mean score over clips; in colour what ships today",
        limits=(0.0, 1.0),
    )
    words = "; ".join(f"{standing.settings} {_interval(standing)}" for standing in shown)
    page.figure(
        bars,
        f"Mean scores of settings on {class_name}: {words}",
        "Lines are 95 % intervals over clips. The highest of several is also the luckiest: whether settings are better "
        "than today's is for the aggregation to say.",
    )
    page.table(
        STANDING_COLUMNS,
        map(standing_cells, standings[:MOST_ROWS]),
        caption=f"{_first(len(standings))}"
        "Pattern/search, correlation, threshold, motion model; today: what the add-on ships. Score: mean over "
        "clips with its 95 % interval, 0 for a clip whose camera was not found. Error: median over solved clips as "
        "Blender shows it, and after tracks that fit badly were dropped, pixels. To the end: share of tracks that "
        "reach the last frame. Fit: share of tracks that stay in the solve.",
    )


def _failures(page: Page, sweep: Sweep) -> None:
    failed = [(row.clip, str(row.settings), row.failure) for row in sweep.rows if row.failure is not None]
    if failed:
        page.section("Trials that failed")
        page.table(
            ("clip", "settings", "why"),
            [tuple(map(printable, map(str, row))) for row in failed[:MOST_ROWS]],
            caption=_first(len(failed)).strip(),
        )
    if sweep.left_out:
        page.section("Left out")
        page.table(("file", "why"), [(printable(str(one.path)), printable(one.reason)) for one in sweep.left_out])


def _first(count: int) -> str:
    """What a table leaves out, for the beginning of its caption."""
    return f"The first {MOST_ROWS:,} of {count:,}; trials.csv has every trial. " if count > MOST_ROWS else ""


def _interval(standing: Standing) -> str:
    score = standing.score
    if score.estimate is None:
        return "-"
    ends = "" if score.low is None or score.high is None else f" [{score.low:.2f}, {score.high:.2f}]"
    return f"{score.estimate:.2f}{ends}"


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _px(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"


def _share(value: float | None) -> str | None:
    return None if value is None else f"{value:.0%}"
