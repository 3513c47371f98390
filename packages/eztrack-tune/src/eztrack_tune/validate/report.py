"""The report of a validation: the gates, every held-out clip, and what was tracked where."""

from __future__ import annotations

from eztrack_tune.aggregate.report import gain_text
from eztrack_tune.validate.gates import ClassValidation
from eztrack_tune.validate.validation import Validation
from footage.errors import printable
from footage.report.figures import bars_with_intervals
from footage.report.page import Page

GATE_COLUMNS = ("class", "gate", "measured", "met")


def lay_out(found: Validation) -> Page:
    """The page."""
    page = Page("Whether the new defaults hold on clips they were not tuned on", found.lead)
    shown = [(name, one.success) for name, one in found.classes.items() if one.success.estimate is not None]
    if shown:
        nan = float("nan")
        page.figure(
            bars_with_intervals(
                [name for name, _ in shown],
                [one.estimate if one.estimate is not None else nan for _, one in shown],
                [one.low if one.low is not None else nan for _, one in shown],
                [one.high if one.high is not None else nan for _, one in shown],
                value_label="share of held-out clips solved at the first try",
                limits=(0.0, 1.15),
            ),
            "First-try success by class: " + ", ".join(f"{name} {one.text(percent=True)}" for name, one in shown),
            f"Share of held-out clips that were solved at the first try; the gate is at {found.limits.success:.0%}. "
            "With a handful of clips the intervals are wide: the gate is on the share, and the interval says what that "
            "is worth.",
        )
    if found.classes:
        page.table(GATE_COLUMNS, gate_rows(found), caption="A class that meets every gate may ship.")
    else:
        page.note("No class has new settings, so no gate was looked at. Nothing needs to be done.", kind="info")
    for name, one in found.classes.items():
        _one_class(page, name, one)
    _left_out(page, found)
    return page


def gate_rows(found: Validation) -> list[tuple[object, ...]]:
    """A row for each class and gate, for ``GATE_COLUMNS``."""
    return [
        (name, gate.name, gate.measured, "yes" if gate.passed else "NO")
        for name, one in found.classes.items()
        for gate in one.gates
    ]


def _one_class(page: Page, name: str, found: ClassValidation) -> None:
    page.section(name)
    recommended = found.recommended
    gain = "today's default was not tried on these clips" if found.gain is None else gain_text(found.gain)
    rate = "not known" if found.track_rate is None else f"{found.track_rate:.0%}"
    page.text(
        f"Ships {recommended.settings} instead of {recommended.today}. Gain of the score over today's default on these "
        f"clips: {gain}. Share of tracks that live eight frames: {rate}; it passes 60 % nearly everywhere and says "
        "nothing about solves, so no gate is on it."
    )
    page.table(
        ("clip", "solved", "error, px", "cleaned, px", "with today's", "Blender", "system", "why not"),
        [
            (
                printable(clip.name),
                clip.session.solved,
                _px(clip.session.raw_error_px),
                _px(clip.session.measured.cleaned_error_px),
                None if clip.default is None else ("solved" if clip.default.solved else "not solved"),
                clip.session.backend_version,
                clip.session.platform,
                None if clip.session.not_solved_because is None else printable(clip.session.not_solved_because),
            )
            for clip in found.clips
        ],
        caption="Versions: " + _shown(found.versions) + ". Operating systems: " + _shown(found.platforms) + ".",
    )


def _left_out(page: Page, found: Validation) -> None:
    rows = list(found.left_out.items())
    if rows:
        page.section("Sessions that did not count")
        page.table(("why", "how many"), rows)
    if found.skipped:
        page.section("Files that could not be read")
        page.table(("file", "why"), [(printable(str(one.path)), printable(one.reason)) for one in found.skipped])


def _shown(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in counts.items()) or "none"


def _px(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"
