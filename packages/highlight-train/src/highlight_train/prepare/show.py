"""The verb ``prepare-dataset``: what it prints, and the code it ends with."""

from __future__ import annotations

from footage.cli.console import print_json, result, talk
from footage.cli.exits import ExitCode
from footage.cli.progress import progress
from highlight_train.prepare.command import PrepareOptions, plan, prepare
from highlight_train.prepare.manifest import DATASET_FILE


def show(options: PrepareOptions, *, dry_run: bool, as_json: bool) -> ExitCode:
    """Run the verb and print what it found.

    Args:
        options: what to prepare, and how.
        dry_run: print the plan only.
        as_json: print one JSON document.

    Returns:
        ``SOME_INPUTS_FAILED`` where a labelled clip could not be used.

    Raises:
        FootageError: as :func:`highlight_train.prepare.command.prepare`.
    """
    if dry_run:
        planned = plan(options)
        if as_json:
            print_json(planned)
        else:
            result(
                f"would take about {planned.frames} frames of {planned.clips} clips, {planned.disk_bytes / 1e6:.0f} MB"
            )
            for clip in planned.unreadable:
                result(f"would leave out {clip.path}: {clip.reason}")
        return ExitCode.DONE
    dataset = prepare(
        options,
        tell=talk,
        make_progress=lambda total, done: progress(total, "clips", "taking frames", already_done=done),
    )
    written = options.output / DATASET_FILE
    if as_json:
        counts = {"clips": len(dataset.clips), "frames": dataset.frames, "skipped": dataset.skipped}
        print_json({**counts, "files": [str(written)]})
    else:
        result(f"{dataset.frames} frames of {len(dataset.clips)} clips; {len(dataset.skipped)} left out")
        result(str(written))
    return ExitCode.SOME_INPUTS_FAILED if dataset.skipped else ExitCode.DONE
