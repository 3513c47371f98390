"""The verb ``predict``: what it prints, and the code it ends with."""

from __future__ import annotations

from footage.cli.console import print_json, print_table, result, talk
from footage.cli.exits import ExitCode
from footage.cli.progress import progress
from footage.errors import InputError, ModelError, printable
from video_train.prediction.predict import Plan, Prediction, PredictOptions, plan, predict
from video_train.prediction.windows import stretches


def show(options: PredictOptions, *, dry_run: bool, as_json: bool) -> ExitCode:
    """Run the verb and print what it found.

    Args:
        options: what to label, and how.
        dry_run: print the plan only.
        as_json: print one JSON document.

    Returns:
        ``SOME_INPUTS_FAILED`` where a video could not be read.

    Raises:
        FootageError: as :func:`video_train.prediction.predict.predict`.
    """
    try:
        if dry_run:
            return _show_plan(plan(options), as_json=as_json)
        found = predict(
            options,
            tell=talk,
            make_progress=lambda total, done: progress(total, "windows", "labelling", already_done=done),
        )
    except ModelError as error:
        error.add_note("MODEL is the folder of a training, its model.onnx or its best_student.pt")
        raise
    except InputError as error:
        error.add_note("VIDEO names files, folders or globs; -o a .csv or .json file; --window and --step are seconds")
        raise
    if as_json:
        print_json(found.document())
    else:
        _print(found)
        if options.output is not None:
            result(str(options.output))
    return ExitCode.SOME_INPUTS_FAILED if found.failed else ExitCode.DONE


def _print(found: Prediction) -> None:
    rows = [
        (str(video.path), f"{one.start_seconds:.2f}", f"{one.end_seconds:.2f}", one.label, f"{one.probability:.3f}")
        for video in found.videos
        for one in stretches(video.windows)
    ]
    print_table(("video", "from (s)", "to (s)", "label", "mean probability"), rows)
    for one in found.failed:
        result(printable(f"could not be read: {one.path}: {one.reason}"))


def _show_plan(found: Plan, *, as_json: bool) -> ExitCode:
    if as_json:
        print_json(found)
        return ExitCode.DONE
    result(
        f"would label {found.videos} videos in {found.windows} windows {found.window}; "
        f"{printable(str(found.model))} with {found.runtime}; {len(found.failed)} cannot be read"
    )
    return ExitCode.DONE
