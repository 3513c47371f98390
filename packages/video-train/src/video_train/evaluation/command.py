"""The verb ``evaluate``: what it prints, and the code it ends with."""

from __future__ import annotations

from footage.cli.console import print_json, print_table, result, talk
from footage.cli.exits import ExitCode
from footage.cli.progress import progress
from footage.errors import DatasetError, ModelError, printable
from video_train.evaluation.evaluate import FILES, Plan, evaluate, plan
from video_train.evaluation.findings import Evaluation
from video_train.evaluation.options import EvaluateOptions
from video_train.evaluation.report import score_rows, verdicts
from video_train.train.findings import short


def show(options: EvaluateOptions, *, dry_run: bool, as_json: bool) -> ExitCode:
    """Run the verb and print what it found.

    Args:
        options: what to measure, and on what.
        dry_run: print the plan only.
        as_json: print one JSON document.

    Returns:
        ``SOME_INPUTS_FAILED`` where a video could not be read.

    Raises:
        FootageError: as :func:`video_train.evaluation.evaluate.evaluate`.
    """
    try:
        if dry_run:
            return _show_plan(plan(options), as_json=as_json)
        found = evaluate(
            options,
            tell=talk,
            make_progress=lambda total, done: progress(total, "videos", "measuring", already_done=done),
        )
    except ModelError as error:
        error.add_note("MODEL is the folder of a training, its model.onnx or its best_student.pt")
        raise
    except DatasetError as error:
        error.add_note("--video-dir names the videos, --annotations or --pattern their labels; --count-seen takes all")
        raise
    files = [str(options.output / name) for name in FILES]
    if as_json:
        print_json({**found.document(), "files": files})
    else:
        _print(found)
        for file in files:
            result(file)
    return ExitCode.SOME_INPUTS_FAILED if found.failed else ExitCode.DONE


def _print(found: Evaluation) -> None:
    result(found.lead)
    rows = [(name, short(interval), interval.n) for name, interval in score_rows(found)]
    chance = found.figures.student.chance
    print_table(
        ("accuracy of", "with 95 % interval", "n"),
        [*rows, ("the most frequent class", f"{chance:.2f}", len(found.chosen.events))],
    )
    for sentence in verdicts(found):
        result(sentence)
    result(
        f"A clip takes {found.times.student.text()} in {found.times.student.runtime}; reading it "
        f"{found.times.decode_ms:.1f} ms."
    )
    for doubt in found.doubts:
        result(f"not to be relied on: {doubt}")
    for one in found.failed:
        result(printable(f"could not be used: {one.path}: {one.reason}"))


def _show_plan(found: Plan, *, as_json: bool) -> ExitCode:
    if as_json:
        print_json(found)
        return ExitCode.DONE
    classes = ", ".join(f"{name} {count}" for name, count in found.classes.items())
    beside = "" if found.teacher is None else f", beside {printable(found.teacher)}"
    result(f"{found.source}: {classes}")
    result(
        f"would measure {printable(found.model)} with {found.runtime}{beside}, on {found.clips} clips of "
        f"{found.videos} videos; {found.left_out} events left out as seen in training, {found.skipped} cannot be used"
    )
    for doubt in found.doubts:
        result(f"not to be relied on: {doubt}")
    return ExitCode.DONE
