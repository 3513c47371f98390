"""What is written beside the numbers: a comment for each class, the block above the table, the row of the history."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean

from eztrack_tune.aggregate.recommendation import Defaults, Recommended
from eztrack_tune.apply.edit import HEADER_END, HEADER_START, Entry
from eztrack_tune.scan.record import LEAST_TUNING
from eztrack_tune.settings import TrackerSettings
from eztrack_tune.validate.validation import Passed, Validated


def entries_of(defaults: Defaults) -> dict[str, Entry]:
    """The classes to write."""
    return {one.class_name: Entry(settings=one.settings, comment=_comment(one)) for one in defaults.changed}


def header_of(defaults: Defaults, validation: Passed) -> list[str]:
    """The lines of the block above the table, each with its ``#``."""
    changed = defaults.changed
    clips = sum(one.clips for one in changed)
    held_out = [validation.classes[one.class_name] for one in changed if one.class_name in validation.classes]
    names = [one.class_name for one in changed]
    classes = _counted(len(names), "footage class", "footage classes")
    lines = [
        f"{HEADER_START}Developer-tuned tracking settings",
        "#",
        f"# Last updated: {defaults.made_on.isoformat()}",
        f"# Training dataset: {_counted(clips, 'clip', 'clips')} across {classes} ({', '.join(names)})",
        f"# Average solve error on training set: {_errors(changed)}",
        f"# Held-out clips: {sum(one.clips for one in held_out)}, average solve error {_errors(held_out)}",
        f"# Average first-try success rate on held-out clips: {_success(held_out)}",
        "#",
        "# Methodology:",
        f"# - Each class tested with {LEAST_TUNING}+ clips, every setting on the same clips as the default before it",
        "# - Failed solves count; settings are chosen by tracks that survive and fit, not by the error alone",
        "# - Validated on held-out test clips, tracked by Blender",
        HEADER_END,
    ]
    return [line.rstrip() for line in lines]


def changes_text(before: Mapping[str, TrackerSettings], after: Mapping[str, TrackerSettings]) -> str:
    """What changed from one table to another, for the history; empty where nothing did."""
    parts = []
    for name, settings in after.items():
        old = before.get(name)
        if old is None:
            parts.append(f"{name} added: {settings}")
        elif old != settings:
            parts.append(f"{name}: {old} to {settings}")
    return "; ".join(parts)


def _comment(one: Recommended) -> str:
    error = one.raw_error_px if one.raw_error_px is not None else one.cleaned_error_px
    shown = "no solve error known" if error is None else f"avg error {error:.2f}px"
    if one.raw_error_px is not None and one.cleaned_error_px is not None:
        shown += f" ({one.cleaned_error_px:.2f}px cleaned)"
    return f"Based on {_counted(one.clips, 'clip', 'clips')}, {shown}"


def _errors(several: tuple[Recommended, ...] | list[Validated]) -> str:
    plain = [one.raw_error_px if isinstance(one, Recommended) else one.plain_error_px for one in several]
    cleaned = [one.cleaned_error_px for one in several]
    return f"{_mean_px(plain)} plain, {_mean_px(cleaned)} cleaned"


def _mean_px(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{fmean(known):.2f}px" if known else "unknown"


def _success(several: list[Validated]) -> str:
    known = [one.success for one in several if one.success is not None]
    return f"{fmean(known):.0%}" if known else "unknown"


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
