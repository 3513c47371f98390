"""The grid of classes and difficulties, and its holes."""

from __future__ import annotations

from eztrack_tune.classes import CLASS_NAMES, Difficulty
from eztrack_tune.scan.record import HELD_OUT, LEAST_HELD_OUT, LEAST_TUNING, TUNING, Scan

GRID_COLUMNS = ("class", *Difficulty, "clips", "tuning", "held out", "finer classes")


def grid(scan: Scan) -> list[tuple[object, ...]]:
    """A row for each of the nine classes, for ``GRID_COLUMNS``."""
    rows: list[tuple[object, ...]] = []
    for name in CLASS_NAMES:
        clips = scan.of_class(name)
        by_difficulty = [sum(clip.difficulty is one for clip in clips) for one in Difficulty]
        finer = sorted({clip.footage.finer for clip in clips if clip.footage.is_folded})
        sides = [len(scan.of_class(name, side)) for side in (TUNING, HELD_OUT)]
        rows.append((name, *by_difficulty, len(clips), *sides, ", ".join(finer) or None))
    return rows


def holes(scan: Scan) -> list[str]:
    """What the library lacks for a table that can be believed, a sentence each; classes without any clip in one."""
    found = []
    for name in scan.classes:
        tuning, held_out = (len(scan.of_class(name, side)) for side in (TUNING, HELD_OUT))
        if tuning < LEAST_TUNING:
            found.append(f"{name}: {tuning} clips to tune on, {LEAST_TUNING} are needed for a recommendation")
        if held_out < LEAST_HELD_OUT:
            found.append(f"{name}: {held_out} clips held out, {LEAST_HELD_OUT} are needed to validate one")
        missing = [one for one in Difficulty if not any(clip.difficulty is one for clip in scan.of_class(name))]
        if missing:
            found.append(f"{name}: no {' and no '.join(missing)} clip")
    empty = [name for name in CLASS_NAMES if name not in scan.classes]
    if empty:
        found.append(f"no clip at all: {', '.join(empty)}")
    return found


def lead(scan: Scan) -> str:
    """The result in a sentence."""
    ready = [
        name
        for name in scan.classes
        if len(scan.of_class(name, TUNING)) >= LEAST_TUNING and len(scan.of_class(name, HELD_OUT)) >= LEAST_HELD_OUT
    ]
    count = len(scan.clips)
    enough = f"enough for a validated recommendation in {', '.join(ready)}" if ready else "not enough in any class yet"
    return f"{count} clip{'' if count == 1 else 's'} of {len(scan.classes)} of the nine classes: {enough}."
