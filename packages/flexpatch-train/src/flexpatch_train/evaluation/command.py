"""The verb ``evaluate``: what it prints, and the code it ends with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flexpatch_train.curve_report import CURVE_COLUMNS, curve_row, rests_on
from flexpatch_train.evaluation.evaluation import (
    JSON_FILE,
    REPORT_FILE,
    EvaluateOptions,
    RuntimeEvaluation,
    document_of,
    evaluate_runtime,
    find,
)
from flexpatch_train.evaluation.report import (
    COST_COLUMNS,
    SCORE_COLUMNS,
    cheaper_and_as_good,
    cost_row,
    lead_of,
    score_row,
)
from footage.cli.console import print_json, print_table, result, talk
from footage.cli.exits import ExitCode
from footage.cli.progress import progress
from footage.errors import DatasetError, InputError, ModelError

SMOKE_FRAMES = 30


def show(options: EvaluateOptions, *, dry_run: bool, as_json: bool) -> ExitCode:
    """Run the verb and print what it found.

    Returns:
        ``SOME_INPUTS_FAILED`` where something under the root could not be paired or evaluated.

    Raises:
        FootageError: as ``evaluate_runtime``.
    """
    with _hints():
        if dry_run:
            return _show_plan(options, as_json=as_json)
        evaluation = evaluate_runtime(
            options,
            tell=talk,
            make_progress=lambda total, done: progress(total, "frames", "comparing", already_done=done),
        )
    if as_json:
        print_json(document_of(evaluation))
    else:
        _print(evaluation)
        result(str(options.output / REPORT_FILE))
        result(str(options.output / JSON_FILE))
    return ExitCode.SOME_INPUTS_FAILED if evaluation.left_out else ExitCode.DONE


@contextmanager
def _hints() -> Iterator[None]:
    """Name the options that what was given came from."""
    try:
        yield
    except InputError as error:
        if isinstance(error, DatasetError):
            error.add_note("--mot-root names the folder of sequences")
        elif isinstance(error, ModelError):
            error.add_note("MODEL is the .joblib of a run, --weights names the detector's file")
        else:
            error.add_note("--budget takes shares of the frame's pixels, --output-dir an empty folder")
        raise


def _print(evaluation: RuntimeEvaluation) -> None:
    result(lead_of(evaluation))
    print_table(SCORE_COLUMNS, [score_row(way) for way in evaluation.ways])
    print_table(COST_COLUMNS, [cost_row(way) for way in evaluation.ways])
    product = evaluation.product
    if product is not None:
        print_table(CURVE_COLUMNS, [curve_row(one) for one in product.rankings])
        result(f"failures caught: {rests_on(product)}")
    for sequence in evaluation.sequences:
        for note in sequence.notes:
            result(f"{sequence.name}: {note}")
    verdict = cheaper_and_as_good(evaluation.ways)
    for note in ([] if verdict is None else [verdict]) + list(evaluation.notes):
        result(note)


def _show_plan(options: EvaluateOptions, *, as_json: bool) -> ExitCode:
    found = find(options)
    if as_json:
        print_json(found)
    else:
        for sequence in found.sequences:
            frames = sequence.frame_count
            if frames is not None and options.max_frames is not None:
                frames = min(frames, options.max_frames)
            count = "all frames" if frames is None else f"{frames} frames"
            result(f"would evaluate {sequence.name}: {count} of {sequence.size[0]}x{sequence.size[1]}")
        for item in found.skipped:
            result(f"would leave out {item.path}: {item.reason}")
    return ExitCode.SOME_INPUTS_FAILED if found.skipped else ExitCode.DONE
