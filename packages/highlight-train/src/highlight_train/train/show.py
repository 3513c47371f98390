"""The verb ``train``: what it prints."""

from __future__ import annotations

from footage.cli.console import print_json, result, talk
from footage.cli.progress import progress
from footage.errors import MissingDependency
from highlight_train.train import command
from highlight_train.train.outputs import metrics_of, output_files


def show(options: command.TrainOptions, *, dry_run: bool, as_json: bool) -> None:
    """Run the verb and print what it found.

    Args:
        options: what to train on, and how.
        dry_run: print the plan only.
        as_json: print one JSON document.

    Raises:
        FootageError: as :func:`highlight_train.train.command.train`.
    """
    try:
        if dry_run:
            _show_plan(command.plan(options), as_json=as_json)
            return
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
        return
    result(findings.lead)
    for file in files:
        result(str(file))


def _show_plan(planned: command.TrainPlan, *, as_json: bool) -> None:
    if as_json:
        print_json(planned)
        return
    sides = ", ".join(f"{count} to {name}" for name, count in planned.clips.items())
    result(f"would train {planned.backbone}, on {planned.device}: clips {sides}; at most {planned.steps} steps")
    for doubt in planned.doubts:
        result(f"not to be relied on: {doubt}")
