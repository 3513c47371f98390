"""The verb ``sweep``: what it prints, and the code it ends with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from eztrack_tune.sweep.command import files_of, plan, run
from eztrack_tune.sweep.findings import Sweep
from eztrack_tune.sweep.options import SweepOptions
from eztrack_tune.sweep.report import STANDING_COLUMNS, standing_cells
from footage.cli.console import print_json, print_table, result, talk
from footage.cli.exits import ExitCode
from footage.cli.progress import format_duration, progress
from footage.errors import InputError, MissingDependency, printable

SMOKE_CLIPS, SMOKE_SETTINGS, SMOKE_FRAMES, SMOKE_TRIALS = 1, 2, 24, 8


def show(options: SweepOptions, *, dry_run: bool, as_json: bool) -> ExitCode:
    """Run the verb and print what it found.

    Args:
        options: what to try.
        dry_run: print the plan only.
        as_json: print one JSON document.

    Returns:
        ``SOME_INPUTS_FAILED`` where a file could not be used or a trial failed.

    Raises:
        FootageError: as :func:`eztrack_tune.sweep.command.run`.
    """
    with _hints():
        if dry_run:
            return _show_plan(options, as_json=as_json)
        sweep = run(
            options,
            tell=talk,
            make_progress=lambda total, done: progress(total, "trials", "tracking", already_done=done),
        )
    files = files_of(options.output)
    if as_json:
        print_json({**_document(sweep), "files": files})
    else:
        _print(sweep)
        for file in files:
            result(str(file))
    failed = sweep.left_out or any(row.failure is not None for row in sweep.rows)
    return ExitCode.SOME_INPUTS_FAILED if failed else ExitCode.DONE


@contextmanager
def _hints() -> Iterator[None]:
    """Name the options that what was given came from."""
    try:
        yield
    except MissingDependency as error:
        error.add_note("--blender names an executable, --bpy a version of its wheel, --tracker opencv needs neither")
        raise
    except InputError as error:
        error.add_note("SOURCE names clips or a scan, --matrix settings, --output-dir the folder for results")
        raise


def _document(sweep: Sweep) -> dict[str, object]:
    return {
        "lead": sweep.lead,
        "standings": [{**_standing(one), "settings": one.settings.as_dict()} for one in sweep.standings],
        "searched": {
            name: {
                "tried": len(one.settings),
                "given_up": len(one.given_up),
                "runs": one.runs,
                "best": None if one.best is None else one.best.as_dict(),
                "best_score": one.best_score,
            }
            for name, one in sweep.searched.items()
        },
        "agreements": sweep.agreements,
        "trials": [row.record() for row in sweep.rows],
        "left_out": sweep.left_out,
        "done_now": sweep.done_now,
        "seconds": sweep.seconds,
    }


def _standing(standing: object) -> dict[str, object]:
    names = getattr(standing, "__slots__", ())
    return {name: getattr(standing, name) for name in names}


def _print(sweep: Sweep) -> None:
    result(sweep.lead)
    for class_name, backend in dict.fromkeys((one.class_name, one.backend) for one in sweep.standings):
        result(f"\n{class_name}, tracked by {backend}:")
        chosen = [one for one in sweep.standings if (one.class_name, one.backend) == (class_name, backend)]
        print_table(STANDING_COLUMNS, map(standing_cells, chosen))
    for name, searched in sweep.searched.items():
        result(
            f"\n{name}: {len(searched.settings)} settings searched in {searched.runs} runs, "
            f"{len(searched.given_up)} of them given up early"
        )
    if sweep.agreements:
        result("\nrank correlation of the two trackers over settings, mean of clips:")
        print_table(
            ("ranked by", "correlation"),
            [(one.measure, one.correlation.text(group="clip")) for one in sweep.agreements],
        )
    for row in sweep.rows:
        if row.failure is not None:
            result(printable(f"failed: {row.clip}, {row.settings}: {row.failure}"))
    for one in sweep.left_out:
        result(printable(f"left out: {one.path}: {one.reason}"))


def _show_plan(options: SweepOptions, *, as_json: bool) -> ExitCode:
    found = plan(options)
    if as_json:
        print_json(found)
        return ExitCode.DONE
    clips = "clip" if found.clips == 1 else "clips"
    most = "at most " if options.search_trials is not None else ""
    result(
        f"would do {most}{found.trials:,} trials on {found.clips:,} {clips} with {', '.join(found.trackers)}; "
        f"about {format_duration(found.estimated_seconds)}, {found.disk_bytes / 1e6:,.0f} MB of disk while it runs"
    )
    for one in found.left_out:
        result(printable(f"would leave out: {one.path}: {one.reason}"))
    return ExitCode.DONE
