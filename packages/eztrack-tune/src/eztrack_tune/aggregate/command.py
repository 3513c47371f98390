"""The verb ``aggregate``: read sessions, compare settings class by class, and write what should ship."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from eztrack_tune.aggregate.findings import PROXY, Aggregation
from eztrack_tune.aggregate.paired import compare
from eztrack_tune.aggregate.recommendation import DEFAULTS_FILE, document_of, write_defaults
from eztrack_tune.aggregate.report import CLASS_COLUMNS, class_rows, lay_out
from eztrack_tune.aggregate.tables import write_csv, write_xlsx
from eztrack_tune.aggregate.trials import by_class, choose, trials_of
from eztrack_tune.classes import CLASS_NAMES, default_settings
from eztrack_tune.sessions.read import read_sessions
from eztrack_tune.settings import TrackerSettings
from footage.cli.console import print_json, print_table, result, talk
from footage.cli.exits import ExitCode
from footage.errors import InputError, printable
from footage.runs.directory import RunDirectory
from footage.runs.files import atomic_write_json

CSV_FILE = "results.csv"
XLSX_FILE = "results.xlsx"
REPORT_FILE = "report.html"
MATRIX_FILE = "best.json"
"""The best settings of each class, as a matrix to sweep the held-out clips with."""
FILES = (CSV_FILE, XLSX_FILE, DEFAULTS_FILE, MATRIX_FILE, REPORT_FILE)

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateOptions:
    """What to aggregate, and how.

    Attributes:
        sessions: files, folders and globs.
        output: the folder for everything written.
        backend: ``blender`` or ``opencv``; None takes Blender's sessions where there are any.
        today: what ships now, by class; None for the add-on's latest known table.
        seed: of the resamples.
    """

    sessions: tuple[Path, ...]
    output: Path
    backend: str | None = None
    today: dict[str, TrackerSettings] | None = None
    seed: int = 0


def find(options: AggregateOptions) -> Aggregation:
    """Read the sessions and compare; nothing is written.

    Raises:
        DatasetError: there is no session, or none that can be compared.
    """
    read = read_sessions(options.sessions)
    chosen = choose(read.sessions, backend=options.backend)
    rng = np.random.default_rng(options.seed)
    comparisons = {}
    for name, sessions in by_class(chosen.sessions).items():
        trials, components = trials_of(sessions)
        today = (options.today or {}).get(name) or default_settings(name)
        comparisons[name] = compare(name, trials, today=today, components=components, rng=rng)
    return Aggregation(
        comparisons={name: comparisons[name] for name in CLASS_NAMES if name in comparisons},
        sessions=chosen.sessions,
        backend=chosen.backend,
        left_out=chosen.left_out,
        skipped=read.skipped,
        others=read.others,
        duplicates=read.duplicates,
    )


def run(options: AggregateOptions) -> Aggregation:
    """Read, compare, and write the tables, ``defaults.json`` and the report.

    Raises:
        DatasetError: as :func:`find`.
        InputError: another process is working in the output folder.
    """
    found = find(options)
    now = datetime.now(UTC)
    with RunDirectory(options.output).open(tool="eztrack-tune", seed=options.seed) as folder:
        write_csv(found.sessions, folder.file(CSV_FILE))
        write_xlsx(found.sessions, found.comparisons, folder.file(XLSX_FILE), made_at=now)
        document = document_of(
            found.comparisons,
            made_on=now.date(),
            backend=found.backend,
            versions=found.versions,
            platforms=found.platforms,
            sessions=len(found.sessions),
        )
        write_defaults(document, folder.file(DEFAULTS_FILE))
        best = {one.settings if one.best is None else one.best.settings for one in found.comparisons.values()}
        atomic_write_json(folder.file(MATRIX_FILE), [one.as_dict() for one in sorted(best, key=str)])
        lay_out(found).write(folder.file(REPORT_FILE))
        folder.finish(sessions=len(found.sessions), left_out=found.left_out, skipped=found.skipped)
    return found


def show(options: AggregateOptions, *, dry_run: bool, as_json: bool) -> ExitCode:
    """Run the verb and print what it found.

    Returns:
        ``SOME_INPUTS_FAILED`` where a file could not be read.

    Raises:
        FootageError: as :func:`run`.
    """
    found = find(options) if dry_run else run(options)
    files = [] if dry_run else [str(options.output / name) for name in FILES]
    if as_json:
        print_json({**_document(found), "files": files})
    else:
        _print(found)
        for file in files:
            result(file)
        if dry_run:
            result("nothing was written")
    return ExitCode.SOME_INPUTS_FAILED if found.skipped else ExitCode.DONE


def today_of(path: Path) -> dict[str, TrackerSettings]:
    """What ships now, by class, from the add-on's source.

    Raises:
        InputError: the file is missing, is no Python, or has no such table.
    """
    from eztrack_tune.apply.source import read_table

    table = read_table(path)
    unknown = sorted(set(table) - set(CLASS_NAMES))
    if unknown:
        raise InputError(f"its table has classes that the add-on does not know: {', '.join(unknown)}", where=path)
    return table


def _document(found: Aggregation) -> dict[str, object]:
    return {
        "lead": found.lead,
        "backend": found.backend,
        "sessions": len(found.sessions),
        "classes": {
            name: {
                "verdict": one.verdict,
                "reason": one.reason,
                "settings": one.settings.as_dict(),
                "today": one.today.as_dict(),
                "clips": len(one.clips),
                "gain_of_choosing": one.gain_of_choosing,
                "candidates": one.candidates,
            }
            for name, one in found.comparisons.items()
        },
        "left_out": found.left_out,
        "contradictions": {session.source: session.contradictions for session in found.contradicting},
        "skipped": found.skipped,
    }


def _print(found: Aggregation) -> None:
    result(found.lead)
    print_table(CLASS_COLUMNS, class_rows(found.comparisons))
    for name, one in found.comparisons.items():
        result(f"{name}: {one.verdict.value}: {one.reason}")
    for reason, count in found.left_out.items():
        result(f"not compared: {count} {reason}")
    for kind, count in found.contradiction_counts():
        result(printable(f"contradicts itself: {count} sessions: {kind}"))
    for skipped in found.skipped:
        result(printable(f"could not be read: {skipped.path}: {skipped.reason}"))
    if found.backend != "blender":
        talk(f"warning: {PROXY}")
