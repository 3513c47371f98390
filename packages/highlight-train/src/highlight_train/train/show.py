"""The verb ``train``: what it prints."""

from __future__ import annotations

from footage.cli.console import print_json, result, talk
from footage.cli.exits import ExitCode
from footage.cli.progress import progress
from footage.errors import MissingDependency
from highlight_train.train import command
from highlight_train.train.outputs import metrics_of, output_files


def show(options: command.TrainOptions, *, dry_run: bool, as_json: bool) -> ExitCode:
    """Run the verb and print what it found.

    Args:
        options: what to train on, and how.
        dry_run: print the plan only.
        as_json: print one JSON document.

    Returns:
        ``SOME_INPUTS_FAILED`` where a video could not be used; of a prepared data set, ``prepare-dataset`` told.

    Raises:
        FootageError: as :func:`highlight_train.train.command.train`.
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
        error.add_note("--weights names a file of weights, or none; --device where to compute")
        raise
    files = output_files(options.output)
    if as_json:
        print_json({**metrics_of(findings), "files": [str(file) for file in files]})
    else:
        result(findings.lead)
        for file in files:
            result(str(file))
    return ExitCode.SOME_INPUTS_FAILED if options.from_videos and findings.skipped else ExitCode.DONE


def _show_plan(planned: command.TrainPlan, *, as_json: bool) -> None:
    if as_json:
        print_json(planned)
        return
    sides = ", ".join(f"{count} to {name}" for name, count in planned.clips.items())
    result(f"would train {planned.backbone}, on {planned.device}: clips {sides}; at most {planned.steps} steps")
    for doubt in planned.doubts:
        result(f"not to be relied on: {doubt}")
