"""The report of an aggregation: what should ship, the gains with intervals, every choice of settings, the doubts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eztrack_tune.aggregate.findings import PROXY, Aggregation
from eztrack_tune.aggregate.objective import WEIGHTS
from eztrack_tune.aggregate.paired import Candidate, Comparison, Verdict
from eztrack_tune.aggregate.recommendation import chosen
from footage.errors import printable
from footage.metrics.intervals import Interval
from footage.report.figures import bars_with_intervals
from footage.report.page import Page

MOST_CANDIDATES = 15
MOST_SESSIONS = 40
CLASS_COLUMNS = ("class", "ships", "instead of", "clips", "solved", "error, px", "cleaned, px", "gain of choosing")


def lay_out(found: Aggregation) -> Page:
    """The page."""
    page = Page("Which settings should ship", found.lead)
    gains(page, found.comparisons)
    if found.backend != "blender":
        page.note(PROXY, kind="warning")
    page.table(
        CLASS_COLUMNS,
        class_rows(found.comparisons),
        caption="Errors are means over solved clips: Blender's own average, and without the tracks that fit badly. The "
        "gain is of the score, which goes from 0 to 1, on a clip that had no say in the choice, with its 95 % interval "
        "from resampling clips.",
    )
    for comparison in found.comparisons.values():
        one_class(page, comparison)
    _score(page, found)
    _doubts(page, found)
    return page


def class_rows(comparisons: Mapping[str, Comparison]) -> list[tuple[object, ...]]:
    """A row for each class, for ``CLASS_COLUMNS``."""
    rows: list[tuple[object, ...]] = []
    for name, one in comparisons.items():
        shown = chosen(one)
        rows.append(
            (
                name,
                str(one.settings) if one.verdict is Verdict.BETTER else "today's default",
                str(one.today),
                len(one.clips),
                None if shown is None else f"{shown.solved:.0%}",
                _px(shown.raw_error_px if shown else None),
                _px(shown.cleaned_error_px if shown else None),
                gain_text(one.gain_of_choosing) if one.gain_of_choosing else one.verdict.value,
            )
        )
    return rows


def gain_text(interval: Interval) -> str:
    """A gain with its sign and interval; the counts stand beside it."""
    if interval.estimate is None:
        return "none"
    if interval.low is None or interval.high is None:
        return f"{interval.estimate:+.3f} [no interval]"
    return f"{interval.estimate:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]"


def gains(page: Page, comparisons: Mapping[str, Comparison]) -> None:
    """Add the figure of the gains by class, or say why there is none."""
    shown = [(name, one.gain_of_choosing) for name, one in comparisons.items() if one.gain_of_choosing]
    if not shown:
        page.note("No class has enough clips to compare settings on.", kind="warning")
        return
    nan = float("nan")
    page.figure(
        bars_with_intervals(
            [name for name, _ in shown],
            [nan if one.estimate is None else one.estimate for _, one in shown],
            [nan if one.low is None else one.low for _, one in shown],
            [nan if one.high is None else one.high for _, one in shown],
            value_label="gain of the score over today's default",
            digits=3,
        ),
        "Gain over today's default by class: " + ", ".join(f"{name} {gain_text(one)}" for name, one in shown),
        "What choosing the best settings brings over today's default, on clips that had no say in the choice. An "
        "interval that reaches 0 shows nothing.",
    )


def one_class(page: Page, found: Comparison) -> None:
    """Add the section of one class: its verdict, and every choice of settings beside today's."""
    page.section(found.class_name)
    verdict = f"{found.verdict.value[0].upper()}{found.verdict.value[1:]}: {found.reason}."
    page.note(verdict, kind="good" if found.verdict is Verdict.BETTER else "info")
    rows = [_candidate_row(one, found) for one in shortened(found.candidates)]
    left = len(found.candidates) - len(rows)
    page.table(
        ("settings", "", "clips", "solved", "tracks", "error, px", "cleaned, px", "score", "gain over today's"),
        rows,
        caption=f"{found.clips_of_all} clips of the class; each line is compared with today's default on the clips "
        "that both were tried on. Tracks: the share that lives eight frames. The gain of the best line is the luckiest "
        "of all: the one above is fair." + (f" {left} further choices are in the spreadsheet." if left > 0 else ""),
    )


def shortened(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The best, and today's default wherever it stands."""
    top = list(candidates[:MOST_CANDIDATES])
    return [*top, *(one for one in candidates[MOST_CANDIDATES:] if one.is_default)]


def _candidate_row(one: Candidate, found: Comparison) -> tuple[object, ...]:
    mark = "today's" if one.is_default else "best" if one is found.best else None
    return (
        str(one.settings),
        mark,
        one.clips,
        f"{one.solved:.0%}",
        None if one.success_rate is None else f"{one.success_rate:.0%}",
        _px(one.raw_error_px),
        _px(one.cleaned_error_px),
        f"{one.score:.3f}",
        None if one.is_default else gain_text(one.gain),
    )


def _score(page: Page, found: Aggregation) -> None:
    page.section("What the score is made of")
    page.text(
        "A weighted geometric mean of components from 0 to 1; a clip that was not solved has 0. No component makes up "
        "for another, so that neither deleting tracks nor letting them drift raises it."
    )
    used = {name for one in found.comparisons.values() for name in one.components}
    page.table(
        ("component", "weight", "used here"),
        [(name.replace("_", " "), weight, name in used) for name, weight in WEIGHTS.items()],
        caption="A component that some of a class's sessions lack is used for none of them.",
    )


def _doubts(page: Page, found: Aggregation) -> None:
    page.section("What was read, and what contradicts itself")
    versions = ", ".join(found.versions) or "not told"
    page.text(
        f"{len(found.sessions)} sessions were compared; versions of {found.backend}: {versions}; operating systems: "
        f"{', '.join(found.platforms) or 'not told'}."
    )
    rows = [(reason, count) for reason, count in found.left_out.items()]
    rows += [("the same session again", found.duplicates)] if found.duplicates else []
    rows += [("JSON files that are no sessions", found.others)] if found.others else []
    if rows:
        page.table(("left out", "how many"), rows)
    if found.contradicting:
        page.table(
            ("contradiction", "sessions"),
            found.contradiction_counts(),
            caption=f"{len(found.contradicting)} sessions contradict themselves.",
        )
        page.table(
            ("session", "what"),
            [
                (printable(session.source), printable("; ".join(session.contradictions)))
                for session in found.contradicting[:MOST_SESSIONS]
            ],
            caption="The first of them; the spreadsheet has all." if len(found.contradicting) > MOST_SESSIONS else "",
        )
    if found.skipped:
        page.table(("could not be read", "why"), [(printable(str(s.path)), printable(s.reason)) for s in found.skipped])


def _px(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"
