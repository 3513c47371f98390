"""A disk that fills up, and one that must not be written: said in a line, nothing half-written, then gone on with.

``uv run python -m hardening.full_disks`` (as root, on Linux: it mounts small file systems in memory) runs each verb
once with room enough, then into file systems that hold a share of what it wrote, from nothing to nearly all. The same
command is typed again when there is room. It prints the table and ends with 1 where anything in it is a fault.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hardening.commands import Ending, run
from hardening.kills import WORKS, Work, fingerprints, prepare

SHARES = (0.0, 0.1, 0.4, 0.7, 0.9, 0.97)
"""Of what the verb writes, that fit."""
PAGE = 4096
ROOM_ENOUGH = "256m"
READ_ONLY = "read-only"
WHY = ("no space left", "disk is full", "read-only", "readonly")
"""Of these words a line must say one."""

MORE_WORKS = (
    Work(
        "highlight-train prepare-dataset",
        lambda inputs, out: (inputs / "highlight-train" / "labels.json", out),
        ("dataset.json",),
        {},
    ),
    Work(
        "highlight-train evaluate",
        lambda inputs, out: (
            inputs / "highlight-train" / "training",
            "--labels",
            inputs / "highlight-train" / "labels.json",
            "-o",
            out,
        ),
        (),
        {},
    ),
    Work(
        "highlight-train create-reel",
        lambda inputs, out: (inputs / "highlight-train" / "scores" / "highlights.json", out / "reel.mp4"),
        ("reel.mp4",),
        {},
    ),
    Work(
        "eztrack-tune scan",
        lambda inputs, out: (inputs / "eztrack-tune" / "library", "-o", out),
        ("clips.csv",),
        {},
    ),
    Work(
        "eztrack-tune aggregate",
        lambda inputs, out: (inputs / "eztrack-tune" / "sweep" / "sessions", "-o", out),
        ("results.csv",),
        {},
    ),
    Work(
        "video-train predict",
        lambda inputs, out: (
            inputs / "video-train" / "training",
            inputs / "video-train" / "videos",
            "-o",
            out / "labels.csv",
        ),
        ("labels.csv",),
        {},
    ),
    Work(
        "footage sample",
        lambda inputs, out: (inputs / "flexpatch-train" / "scene.mp4", "--count", "6", "-o", out),
        (),
        {},
    ),
)
"""Verbs beside those that are killed."""


@dataclass(frozen=True, slots=True)
class Row:
    """What came of a verb on a file system.

    Attributes:
        verb: as typed.
        room: the share that fitted, or ``read-only``.
        said: its line of error; None where it had room enough after all.
        faults: what is wrong; empty where nothing is.
    """

    verb: str
    room: float | str
    said: str | None
    faults: tuple[str, ...]


@contextlib.contextmanager
def file_system(folder: Path, size: str) -> Iterator[Callable[[str], None]]:
    """A file system in memory of a size in bytes; what is given mounts it anew with other options, its files kept.

    Raises:
        subprocess.CalledProcessError: it cannot be mounted; this needs root.
    """
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    try:
        yield lambda options: _remount(folder, options)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def tried(work: Work, folder: Path, inputs: Path) -> Iterator[Row]:
    """Run a verb with room enough, then with less and less of it, and in a folder that must not be written."""
    script, verb = work.verb.split()

    def go(out: Path) -> Ending:
        with contextlib.suppress(OSError):  # some verbs write a file into a folder that is there
            out.mkdir(exist_ok=True)
        return run(script, verb, *work.arguments(inputs, out), folder=folder)

    with file_system(folder / "enough", ROOM_ENOUGH):
        reference = folder / "enough" / "out"
        ending = go(reference)
        if ending.fault is not None or ending.code == 1:
            raise RuntimeError(f"{ending.command}: {ending.errors}")
        wanted = fingerprints(work, reference)
        needed = sum(-(-path.stat().st_size // PAGE) * PAGE for path in reference.rglob("*") if path.is_file())
    for number, share in enumerate(SHARES):
        place = folder / f"full{number}"
        with file_system(place, str(max(PAGE, int(needed * share) // PAGE * PAGE))) as remount:
            ending = go(place / "out")
            faults = _faults(ending)
            there = [name for name in work.results if (place / "out" / name).is_file()]
            half = [name for name in there if not _same(work, place / "out", name, wanted)]
            faults += [f"{name} is not whole" for name in half]
            remount(f"size={ROOM_ENOUGH}")
            faults += _gone_on(work, go(place / "out"), place / "out", wanted)
        yield Row(work.verb, share, _line(ending), tuple(faults))
    with file_system(folder / "locked", ROOM_ENOUGH) as remount:
        (folder / "locked" / "out").mkdir()
        remount("ro")
        ending = go(folder / "locked" / "out")
        faults = _faults(ending) + ([] if ending.code == 1 else ["it was written all the same"])
        yield Row(work.verb, READ_ONLY, _line(ending), tuple(faults))


def _faults(ending: Ending) -> list[str]:
    """What is wrong with an ending for want of room; having had enough is not."""
    if ending.fault is not None:
        return [ending.fault]
    line = _line(ending)
    return [] if line is None or any(word in line.lower() for word in WHY) else [f"does not say why: {line}"]


def _line(ending: Ending) -> str | None:
    return next((line for line in ending.errors.splitlines() if line.startswith("error: ")), None)


def _same(work: Work, out: Path, name: str, wanted: dict[str, str]) -> bool:
    one = Work(work.verb, work.arguments, (name,), work.content)
    return fingerprints(one, out)[name] == wanted[name]


def _gone_on(work: Work, ending: Ending, out: Path, wanted: dict[str, str]) -> list[str]:
    if ending.fault is not None or ending.code == 1:
        return [f"cannot go on when there is room: {ending.fault or _line(ending)}"]
    found = fingerprints(work, out)
    return [f"{name} differs afterwards" for name in wanted if found[name] != wanted[name]]


def table(rows: Sequence[Row]) -> str:
    """Markdown: a row a verb, a column a room."""
    rooms: list[float | str] = [*SHARES, READ_ONLY]
    heads = [f"{room:.0%} of its room" if isinstance(room, float) else room for room in rooms]
    lines = ["| verb | " + " | ".join(heads) + " |", "|---" * (len(rooms) + 1) + "|"]
    for verb in dict.fromkeys(row.verb for row in rows):
        cells = {row.room: _word(row) for row in rows if row.verb == verb}
        lines.append(f"| {verb} | " + " | ".join(cells.get(room, "") for room in rooms) + " |")
    return "\n".join(lines)


def _word(row: Row) -> str:
    if row.faults:
        return "FAULT: " + "; ".join(row.faults)
    return "refused" if row.said else "done"


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Full and read-only disks, on every verb that writes a folder.")
    works = {work.verb: work for work in (*WORKS, *MORE_WORKS)}
    parser.add_argument("--verb", action="append", choices=works, help="only this; repeatable")
    given = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as temporary:
        inputs = Path(temporary) / "inputs"
        inputs.mkdir()
        prepare(inputs)
        for number, verb in enumerate(given.verb or works):
            folder = Path(temporary) / str(number)
            folder.mkdir()
            rows += tried(works[verb], folder, inputs)
            shutil.rmtree(folder)
            print(f"{verb}: tried", file=sys.stderr, flush=True)
    print(table(rows))
    return 1 if any(row.faults for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
