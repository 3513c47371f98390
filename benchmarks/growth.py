"""How the tools grow with the number of items: time and memory an item, from ten to a hundred thousand.

``python -m benchmarks.growth --verb highlight`` (or ``sweep``, ``blur``) from the root of the repository. For each size
the real command line runs twice in a process of its own, into an empty folder and then anew where everything is done.
Inputs are tiny and models cost next to nothing: what the tools add to their work is what shows. ``--quick`` leaves the
largest sizes out, ``--folder`` keeps inputs, outputs and what was measured, so that a stopped benchmark goes on,
``--draw`` makes the picture from documents of ``--json``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

from benchmarks import growth_inputs as inputs
from benchmarks.growth_figure import draw
from benchmarks.growth_run import Run, count_orphans, run
from benchmarks.measuring import processor

from footage.cli.console import print_json, print_table
from footage.runs.environment import environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """A command that is given more and more.

    Attributes:
        name: as typed.
        items: what is counted.
        sizes: how many.
        quick: how many with ``--quick``.
        journal: its journal's files, as a glob.
        make: makes so many items in a folder.
        command: from the items, a folder for a model and the like, the output and the number of workers.
    """

    name: str
    items: str
    sizes: tuple[int, ...]
    quick: tuple[int, ...]
    journal: str
    make: Callable[[Path, int], Path]
    command: Callable[[Path, Path, Path, str], list[str | Path]]


def _highlight(library: Path, parts: Path, out: Path, jobs: str) -> list[str | Path]:
    # A threshold below every score: each video is a highlight, with its windows, which is the most there is to write.
    model = inputs.highlight_model(parts)
    return ["highlight-train", "batch-classify", library, model, out, "--threshold", "0.1", "-j", jobs]


def _sweep(library: Path, parts: Path, out: Path, jobs: str) -> list[str | Path]:
    parts.mkdir(exist_ok=True)
    settings = inputs.matrix(parts / "matrix.csv")
    return ["eztrack-tune", "sweep", library, "--tracker", "opencv", "--matrix", settings, "-o", out, "-j", jobs]


def _blur(library: Path, parts: Path, out: Path, jobs: str) -> list[str | Path]:
    return ["blur-train", "classify", library, "--model", inputs.blur_model(parts), "-o", out, "-j", jobs]


VERBS = {
    "highlight": Verb(
        name="highlight-train batch-classify",
        items="videos",
        sizes=(10, 100, 1_000, 10_000),
        quick=(10, 100, 1_000),
        journal="journal.sqlite*",
        make=inputs.videos,
        command=_highlight,
    ),
    "sweep": Verb(
        name="eztrack-tune sweep",
        items="trials",
        sizes=(10, 100, 1_000),
        quick=(10, 50),
        journal="journal.jsonl",
        make=inputs.clips,
        command=_sweep,
    ),
    "blur": Verb(
        name="blur-train classify",
        items="photos",
        sizes=(100, 1_000, 10_000, 100_000),
        quick=(100, 1_000, 10_000),
        journal="journal.jsonl",
        make=inputs.photos,
        command=_blur,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What was measured with so many items.

    Attributes:
        items: how many.
        first: the run that did the work.
        again: the same command where everything was done.
        journal_bytes: of its journal.
        output_bytes: of everything that it wrote, the journal among it.
        output_files: how many.
    """

    items: int
    first: Run
    again: Run
    journal_bytes: int
    output_bytes: int
    output_files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """What a further item costs between two sizes, start and end of the program taken out.

    Attributes:
        lower: the smaller size.
        upper: the larger one.
        cpu_ms: an item, of the run that did the work.
        wall_ms: an item, likewise.
        again_cpu_ms: an item, of the run that found everything done.
        first_kb: of memory an item, of the first process.
        again_first_kb: likewise, where everything was done.
    """

    lower: int
    upper: int
    cpu_ms: float
    wall_ms: float
    again_cpu_ms: float
    first_kb: float
    again_first_kb: float


def slopes(sizes: Sequence[Size]) -> list[Slope]:
    """Between every size and the next."""

    def between(low: Size, high: Size, value: Callable[[Size], float], scale: float) -> float:
        return (value(high) - value(low)) / (high.items - low.items) * scale

    return [
        Slope(
            lower=low.items,
            upper=high.items,
            cpu_ms=between(low, high, lambda size: size.first.cpu_seconds, 1e3),
            wall_ms=between(low, high, lambda size: size.first.wall_seconds, 1e3),
            again_cpu_ms=between(low, high, lambda size: size.again.cpu_seconds, 1e3),
            first_kb=between(low, high, lambda size: size.first.peak_first_mb, 1e3),
            again_first_kb=between(low, high, lambda size: size.again.peak_first_mb, 1e3),
        )
        for low, high in pairwise(sizes)
    ]


def measured(verb: Verb, count: int, folder: Path, jobs: int) -> Size:
    """What a folder has of an earlier measurement, or a new one, which is kept there: the largest sizes take long."""
    kept = folder / f"{verb.items}-{count}.json"
    if kept.is_file():
        found = json.loads(kept.read_bytes())
        return Size(**{**found, "first": Run(**found["first"]), "again": Run(**found["again"])})
    size = measure(verb, count, folder, jobs)
    kept.write_text(json.dumps(asdict(size)), encoding="utf-8")
    return size


def bytes_of(files: Sequence[Path]) -> int:
    """Their sizes together."""
    return sum(file.stat().st_size for file in files)


def measure(verb: Verb, count: int, folder: Path, jobs: int) -> Size:
    """Run a verb twice on so many items."""
    library = verb.make(folder / f"{verb.items}-{count}", count)
    out = folder / f"out-{verb.items}-{count}"
    shutil.rmtree(out, ignore_errors=True)
    command = verb.command(library, folder / "parts", out, str(jobs))
    log = folder / f"{verb.items}-{count}.log"
    first, again = run(command, log), run(command, log)
    files = [file for file in out.rglob("*") if file.is_file()]
    return Size(
        items=count,
        first=first,
        again=again,
        journal_bytes=bytes_of(list(out.glob(verb.journal))),
        output_bytes=bytes_of(files),
        output_files=len(files),
    )


COLUMNS = (
    "items", "CPU s", "CPU ms an item", "wall s", "peak MB, all", "first process", "journal B an item",
    "output B an item", "again: CPU s", "CPU ms an item", "wall s", "first process MB",
)  # fmt: skip


def cells(size: Size) -> tuple[str, ...]:
    """A row of the table."""
    first, again = size.first, size.again
    return (
        f"{size.items:,}",
        f"{first.cpu_seconds:.1f}",
        f"{first.cpu_seconds / size.items * 1e3:.2f}",
        f"{first.wall_seconds:.1f}",
        f"{first.peak_mb:,.0f}",
        f"{first.peak_first_mb:,.0f}",
        f"{size.journal_bytes / size.items:,.0f}",
        f"{size.output_bytes / size.items:,.0f}",
        f"{again.cpu_seconds:.1f}",
        f"{again.cpu_seconds / size.items * 1e3:.2f}",
        f"{again.wall_seconds:.1f}",
        f"{again.peak_first_mb:,.0f}",
    )


SLOPE_COLUMNS = ("between", "CPU ms", "wall ms", "again: CPU ms", "first process kB", "again: kB")


def slope_cells(slope: Slope) -> tuple[str, ...]:
    """A row of the table of slopes."""
    return (
        f"{slope.lower:,} and {slope.upper:,}",
        f"{slope.cpu_ms:.2f}",
        f"{slope.wall_ms:.2f}",
        f"{slope.again_cpu_ms:.3f}",
        f"{slope.first_kb:.2f}",
        f"{slope.again_first_kb:.2f}",
    )


def read_arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--verb", choices=VERBS, help="what to measure")
    parser.add_argument("--sizes", type=int, nargs="+", help="how many items instead")
    parser.add_argument("--quick", action="store_true", help="without the largest sizes")
    parser.add_argument("--jobs", type=int, default=2, help="workers of the command (default: %(default)s)")
    parser.add_argument("--folder", type=Path, help="keep inputs, outputs and what was measured here")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of tables")
    parser.add_argument(
        "--draw", type=Path, nargs="+", metavar="JSON", help="measure nothing: draw these, documents or lists of them"
    )
    parser.add_argument("--picture", type=Path, default=Path("docs/images/growth.svg"))
    given = parser.parse_args()
    if (given.verb is None) == (given.draw is None):
        parser.error("give --verb, or --draw")
    return given


def main() -> None:
    """Measure and print, or draw."""
    given = read_arguments()
    if given.draw is not None:
        found = [json.loads(file.read_bytes()) for file in given.draw]
        documents = [one for read in found for one in (read if isinstance(read, list) else [read])]
        given.picture.write_text(draw(documents), encoding="utf-8")
        print(given.picture)
        return
    count_orphans()
    verb = VERBS[given.verb]
    sizes = []
    with tempfile.TemporaryDirectory() as place:
        folder: Path = given.folder or Path(place)
        folder.mkdir(parents=True, exist_ok=True)
        for count in given.sizes or (verb.quick if given.quick else verb.sizes):
            sizes.append(measured(verb, count, folder.absolute(), given.jobs))
            if not given.json:
                print_table(COLUMNS, [cells(sizes[-1])])
    if given.json:
        about = {"processor": processor(), "cpu_count": os.cpu_count(), "python": environment("footage-core")["python"]}
        print_json(
            {
                "verb": verb.name,
                "items": verb.items,
                "jobs": given.jobs,
                "machine": about,
                "sizes": [asdict(size) for size in sizes],
                "slopes": [asdict(slope) for slope in slopes(sizes)],
            }
        )
        return
    print(f"\n{verb.name}, {given.jobs} workers; {processor()}")
    print_table(COLUMNS, map(cells, sizes))
    print("\na further item:")
    print_table(SLOPE_COLUMNS, map(slope_cells, slopes(sizes)))


if __name__ == "__main__":
    main()
