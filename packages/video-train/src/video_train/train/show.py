"""The verb ``train``: what it prints."""

from __future__ import annotations

from footage.cli.console import print_json, result, talk
from footage.cli.exits import ExitCode
from footage.cli.progress import progress
from footage.errors import GateNotMet, InputError, MissingDependency
from video_train.train import command
from video_train.train.options import TrainOptions
from video_train.train.outputs import metrics_of, output_files


def show(options: TrainOptions, *, dry_run: bool, as_json: bool) -> ExitCode:
    """Run the verb and print what it found.

    Args:
        options: what to train on, and how.
        dry_run: print the plan only.
        as_json: print one JSON document.

    Returns:
        ``SOME_INPUTS_FAILED`` where a video could not be used.

    Raises:
        FootageError: as :func:`video_train.train.command.train`.
    """
    try:
        if dry_run:
            _show_plan(command.plan(options), as_json=as_json)
            return ExitCode.DONE
        findings = command.train(
            options,
            tell=talk,
            make_progress=lambda total, done: progress(total, "items", "reading and training", already_done=done),
        )
    except MissingDependency as error:
        error.add_note(
            "--student-weights and --teacher-weights name files of weights, or none; --device where to compute"
        )
        raise
    except GateNotMet as error:
        error.add_note("--epochs trains longer, --teacher names another, --no-distill goes without")
        raise
    except InputError as error:
        error.add_note("--video-dir names the videos; --annotations or --pattern where labels come from, else folders")
        raise
    files = output_files(options.output)
    if as_json:
        print_json({**metrics_of(findings), "files": [str(file) for file in files]})
    else:
        result(findings.lead)
        for file in files:
            result(str(file))
    return ExitCode.SOME_INPUTS_FAILED if findings.skipped else ExitCode.DONE


def _show_plan(planned: command.TrainPlan, *, as_json: bool) -> None:
    if as_json:
        print_json(planned)
        return
    classes = ", ".join(f"{name} {count}" for name, count in planned.classes.items())
    sides = ", ".join(f"{count} to {name}" for name, count in planned.events.items())
    result(f"{planned.source}: {classes}")
    result(
        f"would train {', taught by '.join(planned.networks)}, on {planned.device}: events {sides}; "
        f"at most {planned.steps} steps; {planned.stored_megabytes:.0f} MB of stored clips"
    )
    if planned.skipped:
        result(f"would leave out {planned.skipped} videos")
    for doubt in planned.doubts:
        result(f"not to be relied on: {doubt}")
