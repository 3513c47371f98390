"""The verb ``create-reel``: what it prints, and the code it ends with."""

from __future__ import annotations

from footage.cli.console import print_json, print_table, result, talk
from footage.cli.exits import ExitCode
from footage.cli.progress import format_duration, progress
from highlight_train.reel.reel import ReelOptions, create_reel, plan, record, summary


def show(options: ReelOptions, *, dry_run: bool, as_json: bool) -> ExitCode:
    """Make a reel, or only plan it, and print how it went.

    Args:
        options: what of, and how.
        dry_run: print the cuts and the duration, and write nothing.
        as_json: print one JSON document, the content of the sidecar, on standard output.

    Returns:
        ``SOME_INPUTS_FAILED`` where a clip that was good enough could not be used.

    Raises:
        FootageError: as ``create_reel``.
    """
    if dry_run:
        return _show_plan(options, as_json=as_json)
    reel = create_reel(
        options, tell=talk, make_progress=lambda total, done: progress(total, "cuts", "cutting", already_done=done)
    )
    if as_json:
        print_json({**record(reel, options), "files": reel.files})
    else:
        result(f"a reel of {summary(reel.layout, reel.size)}")
        for file in reel.files:
            result(str(file))
    return ExitCode.SOME_INPUTS_FAILED if reel.left_out else ExitCode.DONE


def _show_plan(options: ReelOptions, *, as_json: bool) -> ExitCode:
    planned = plan(options)
    if as_json:
        print_json(record(planned, options))
        return ExitCode.DONE
    rate = planned.layout.rate
    rows = [
        (
            position,
            f"{placed.cut.score:.3f}",
            format_duration(float(placed.cut.start_frame / rate)),
            format_duration(float(placed.cut.frames / rate)),
            placed.cut.path,
        )
        for position, placed in enumerate(planned.layout.placed, start=1)
    ]
    print_table(("cut", "score", "from", "length", "clip"), rows)
    for skipped in planned.left_out:
        talk(f"would be left out: {skipped.path}: {skipped.reason}")
    result(f"would make {summary(planned.layout, planned.size)}: {options.output}")
    return ExitCode.DONE
