"""The verb ``batch-classify``: what it prints, and the code it ends with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from footage.cli.console import print_json, print_table, result, talk
from footage.cli.exits import ExitCode
from footage.cli.progress import progress
from footage.errors import InputError, ModelError, printable
from highlight_train.batch.classify import Plan, plan, run
from highlight_train.batch.findings import Scan
from highlight_train.batch.options import BatchOptions
from highlight_train.batch.outputs import HIGHLIGHTS_FILE, SCORES_FILE
from highlight_train.batch.report import REPORT_FILE
from highlight_train.scoring.video import window_text

SMOKE_FILES = 4
SHOWN = 10


def show(options: BatchOptions, *, dry_run: bool, as_json: bool) -> ExitCode:
    """Run the verb and print what it found.

    Args:
        options: what to score, and how.
        dry_run: print the plan only.
        as_json: print one JSON document.

    Returns:
        ``SOME_INPUTS_FAILED`` where something in the library could not be used.

    Raises:
        FootageError: as :func:`highlight_train.batch.classify.run`.
    """
    with _hints():
        if dry_run:
            return _show_plan(plan(options), as_json=as_json)
        scan = run(
            options,
            tell=talk,
            make_progress=lambda total, done: progress(total, "videos", "scoring", already_done=done),
        )
    if as_json:
        print_json(_document(scan, options))
    else:
        _print(scan, options)
    return ExitCode.SOME_INPUTS_FAILED if scan.failures else ExitCode.DONE


@contextmanager
def _hints() -> Iterator[None]:
    """Name the arguments that what was given came from."""
    try:
        yield
    except ModelError as error:
        error.add_note("MODEL is the model.onnx of a training, or its folder: highlight-train train makes one")
        raise
    except InputError as error:
        error.add_note("LIBRARY names the videos, OUT the folder for results, --scheduler a Dask scheduler")
        raise


def _print(scan: Scan, options: BatchOptions) -> None:
    result(scan.lead)
    if scan.videos:
        columns = ("score", "band", "best window", "video")
        rows = [
            (f"{video.score:.3f}", video.band.value, window_text(video), str(video.path))
            for video in scan.videos[:SHOWN]
        ]
        print_table(columns, rows)
    for failed in scan.failures:
        result(printable(f"could not be used: {failed.path}: {failed.reason}"))
    for name in (REPORT_FILE, HIGHLIGHTS_FILE, SCORES_FILE):
        result(str(options.output / name))


def _document(scan: Scan, options: BatchOptions) -> dict[str, object]:
    return {
        "lead": scan.lead,
        "scanned": scan.scanned,
        "scored": len(scan.videos),
        "threshold": scan.threshold,
        "highlights": [
            {"path": video.path, "score": video.score, "band": video.band, "windows": video.windows}
            for video in scan.highlights
        ],
        "failures": scan.failures,
        "files": [options.output / name for name in (REPORT_FILE, HIGHLIGHTS_FILE, SCORES_FILE)],
    }


def _show_plan(found: Plan, *, as_json: bool) -> ExitCode:
    if as_json:
        print_json(found)
        return ExitCode.DONE
    result(
        f"would score {found.files - found.known:,} of {found.files:,} videos ({found.bytes / 1e9:.1f} GB together) "
        f"with {', '.join(printable(str(model)) for model in found.models)}"
    )
    if found.skipped:
        result(f"would leave out {found.skipped:,} files or folders that cannot be used")
    if found.estimated_seconds is not None:
        result(f"about {found.estimated_seconds:.0f} s by a few of them; {found.disk_bytes / 1e6:.0f} MB of results")
    return ExitCode.DONE
