"""The verb ``scan``: what it prints, and the code it ends with."""

from __future__ import annotations

from eztrack_tune.scan.command import CSV_FILE, REPORT_FILE, ScanOptions, plan, run
from eztrack_tune.scan.coverage import GRID_COLUMNS, grid, holes, lead
from eztrack_tune.scan.record import SCAN_FILE, Scan
from footage.cli.console import print_json, print_table, result, talk
from footage.cli.exits import ExitCode
from footage.cli.progress import progress
from footage.errors import printable


def show(options: ScanOptions, *, dry_run: bool, as_json: bool) -> ExitCode:
    """Run the verb and print what it found.

    Args:
        options: what to scan, and how.
        dry_run: print the plan only.
        as_json: print one JSON document.

    Returns:
        ``SOME_INPUTS_FAILED`` where a file could not be used.

    Raises:
        FootageError: as :func:`eztrack_tune.scan.command.run`.
    """
    if dry_run:
        return _show_plan(options, as_json=as_json)
    scan = run(
        options, tell=talk, make_progress=lambda total, done: progress(total, "clips", "looking", already_done=done)
    )
    files = [str(options.output / name) for name in (SCAN_FILE, CSV_FILE, REPORT_FILE)]
    if as_json:
        print_json({**_document(scan), "files": files})
    else:
        _print(scan)
        for file in files:
            result(file)
    return ExitCode.SOME_INPUTS_FAILED if scan.left_out else ExitCode.DONE


def _document(scan: Scan) -> dict[str, object]:
    return {
        "lead": lead(scan),
        "clips": [
            {
                "path": str(clip.path),
                "class": clip.footage.name,
                "finer_class": clip.footage.finer,
                "difficulty": clip.difficulty,
                "motion": clip.motion,
                "side": clip.side,
                "disagreements": clip.disagreements,
            }
            for clip in scan.clips
        ],
        "holes": holes(scan),
        "left_out": scan.left_out,
    }


def _print(scan: Scan) -> None:
    result(lead(scan))
    print_table(GRID_COLUMNS, grid(scan))
    for hole in holes(scan):
        result(f"hole: {hole}")
    for clip in scan.clips:
        for one in clip.disagreements:
            result(printable(f"disagrees: {clip.path}: {one}"))
    for left_out in scan.left_out:
        result(printable(f"left out: {left_out.path}: {left_out.reason}"))


def _show_plan(options: ScanOptions, *, as_json: bool) -> ExitCode:
    found = plan(options)
    if as_json:
        print_json(found)
    else:
        result(f"would look at {found.files} clips, {found.size_bytes / 1e6:.0f} MB; nothing was written")
        for one in found.left_out:
            result(printable(f"would leave out: {one.path}: {one.reason}"))
    return ExitCode.DONE
