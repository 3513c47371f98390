"""The verb ``evaluate``: what it prints, and the code it ends with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from footage.cli.console import print_json, print_table, result, talk
from footage.cli.exits import ExitCode
from footage.cli.progress import progress
from footage.errors import DatasetError, ModelError, printable
from highlight_train.evaluation.evaluate import JSON_FILE, REPORT_FILE, EvaluateOptions, Plan, plan, run
from highlight_train.evaluation.findings import Evaluation
from highlight_train.evaluation.report import SCORE_COLUMNS, score_rows, verdict


def show(options: EvaluateOptions, *, dry_run: bool, as_json: bool) -> ExitCode:
    """Run the verb and print what it found.

    Args:
        options: what to measure, and on what.
        dry_run: print the plan only.
        as_json: print one JSON document.

    Returns:
        ``SOME_INPUTS_FAILED`` where a clip could not be used.

    Raises:
        FootageError: as :func:`highlight_train.evaluation.evaluate.run`.
    """
    with _hints():
        if dry_run:
            return _show_plan(plan(options), as_json=as_json)
        evaluation = run(
            options,
            tell=talk,
            make_progress=lambda total, done: progress(total, "videos", "reading", already_done=done),
        )
    files = [str(options.output / name) for name in (REPORT_FILE, JSON_FILE)]
    if as_json:
        print_json({**evaluation.document(), "files": files})
    else:
        _print(evaluation)
        for file in files:
            result(file)
    return ExitCode.SOME_INPUTS_FAILED if evaluation.on.skipped else ExitCode.DONE


@contextmanager
def _hints() -> Iterator[None]:
    """Name the arguments that what was given came from."""
    try:
        yield
    except ModelError as error:
        error.add_note("MODEL is the model.onnx of a training, or its folder: highlight-train train makes one")
        raise
    except DatasetError as error:
        error.add_note("--labels names a labels.json of further clips, or of the same clips where they lie now")
        raise


def _print(evaluation: Evaluation) -> None:
    result(evaluation.lead)
    print_table(SCORE_COLUMNS, score_rows(evaluation))
    result(verdict(evaluation))
    for doubt in evaluation.on.doubts:
        result(f"not to be relied on: {doubt}")
    for one in evaluation.on.skipped:
        result(printable(f"could not be used: {one.path}: {one.reason}"))


def _show_plan(found: Plan, *, as_json: bool) -> ExitCode:
    if as_json:
        print_json(found)
        return ExitCode.DONE
    kind = "held out" if found.held_out else "NOT held out"
    result(
        f"would measure {printable(str(found.model))} on {found.highlights} highlight and {found.normal} normal clips "
        f"of {found.groups} groups, {kind}; {found.left_out} left out as seen in training, {len(found.skipped)} "
        "cannot be used"
    )
    for doubt in found.doubts:
        result(f"not to be relied on: {doubt}")
    return ExitCode.DONE
