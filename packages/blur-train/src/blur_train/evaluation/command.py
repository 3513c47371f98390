"""The verb ``evaluate``: what it prints, and the code it ends with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from blur_train.evaluation.evaluate import FILES, EvaluateOptions, Plan, plan, run
from blur_train.evaluation.findings import Evaluation
from blur_train.evaluation.tables import (
    CLASS_COLUMNS,
    PART_COLUMNS,
    WAY_COLUMNS,
    claim_line,
    class_rows,
    part_rows,
    way_rows,
)
from footage.cli.console import print_json, print_table, result, talk
from footage.cli.exits import ExitCode
from footage.cli.progress import progress
from footage.errors import DatasetError, ModelError, printable


def show(options: EvaluateOptions, *, dry_run: bool, as_json: bool) -> ExitCode:
    """Run the verb and print what it found.

    Args:
        options: what to measure, and on what.
        dry_run: print the plan only.
        as_json: print one JSON document.

    Returns:
        ``SOME_INPUTS_FAILED`` where a photo could not be read.

    Raises:
        FootageError: as :func:`blur_train.evaluation.evaluate.run`.
    """
    with _hints():
        if dry_run:
            return _show_plan(plan(options), as_json=as_json)
        evaluation = run(
            options,
            tell=talk,
            make_progress=lambda total, done: progress(total, "photos", "measuring", already_done=done),
        )
    files = [str(options.output / name) for name in FILES]
    if as_json:
        print_json({**evaluation.document(), "files": files})
    else:
        _print(evaluation)
        for file in files:
            result(file)
    return ExitCode.SOME_INPUTS_FAILED if evaluation.left_out else ExitCode.DONE


@contextmanager
def _hints() -> Iterator[None]:
    """Name the arguments that what was given came from."""
    try:
        yield
    except ModelError as error:
        error.add_note("--model is the folder of an exported model: blur-train export makes one")
        raise
    except DatasetError as error:
        error.add_note("DATASET is a folder that blur-train prepare made; --side one of its sides")
        raise


def _print(evaluation: Evaluation) -> None:
    own = evaluation.ways[0]
    result(evaluation.lead)
    print_table(WAY_COLUMNS, way_rows(evaluation.ways))
    print_table(CLASS_COLUMNS, class_rows(own))
    for parts in (own.by_kind, own.by_width, own.by_camera):
        if parts:
            print_table(PART_COLUMNS, part_rows(parts))
    result(claim_line(own))
    for doubt in evaluation.doubts:
        result(f"not to be relied on: {doubt}")
    for one in evaluation.left_out:
        result(printable(f"could not be read: {one.path}: {one.reason}"))


def _show_plan(found: Plan, *, as_json: bool) -> ExitCode:
    if as_json:
        print_json(found)
        return ExitCode.DONE
    counts = ", ".join(f"{count} {name}" for name, count in found.photos.items())
    result(
        f"would measure {printable(str(found.model))} on {counts}, of {found.groups} groups; its rivals would "
        f"learn from {found.learned_from_by_rivals} photos"
    )
    for doubt in found.doubts:
        result(f"not to be relied on: {doubt}")
    return ExitCode.DONE
