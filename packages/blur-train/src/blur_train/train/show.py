"""The verb ``train``: what it prints."""

from __future__ import annotations

from blur_train.evaluation.tables import claim_line
from blur_train.train import command
from blur_train.train.outputs import metrics_of, output_files
from footage.cli.console import print_json, result, talk
from footage.cli.exits import ExitCode
from footage.cli.progress import progress
from footage.errors import MissingDependency


def show(options: command.TrainOptions, *, dry_run: bool, as_json: bool) -> ExitCode:
    """Run the verb and print what it found.

    Args:
        options: what to train on, and how.
        dry_run: print the plan only.
        as_json: print one JSON document.

    Returns:
        ``SOME_INPUTS_FAILED`` where a photo could not be used.

    Raises:
        FootageError: as :func:`blur_train.train.command.train`.
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
        error.add_note("--backend names another network, --weights a file or none, --device where to compute")
        raise
    files = output_files(options.output)
    if as_json:
        print_json({**metrics_of(findings), "files": [str(file) for file in files]})
    else:
        result(findings.lead)
        if findings.measured is not None:
            result(claim_line(findings.measured))
        for file in files:
            result(str(file))
    return ExitCode.SOME_INPUTS_FAILED if findings.inputs.left_out else ExitCode.DONE


def _show_plan(planned: command.TrainPlan, *, as_json: bool) -> None:
    if as_json:
        print_json(planned)
        return
    sides = "; ".join(
        f"{side}: {', '.join(f'{count} {name}' for name, count in found.items())}"
        for side, found in planned.photos.items()
    )
    result(f"would train {planned.backend}, on {planned.device}, in at most {planned.steps} steps")
    result(f"photos of {sides}")
    result(f"disk while it trains: {planned.disk_bytes / 1e6:.0f} MB")
    for doubt in planned.doubts:
        result(f"not to be relied on: {doubt}")
