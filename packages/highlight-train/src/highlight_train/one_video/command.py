"""The verb ``test-video``: what it prints, and the code it ends with."""

from __future__ import annotations

from footage.cli.console import print_json, print_table, result, talk
from footage.cli.exits import ExitCode
from footage.errors import ModelError, printable
from highlight_train.one_video.score import Plan, VideoTest, VideoTestOptions, plan, run
from highlight_train.scoring.video import clock


def show(options: VideoTestOptions, *, dry_run: bool, as_json: bool) -> ExitCode:
    """Run the verb and print what it found.

    Args:
        options: what to score, and how.
        dry_run: print the plan only.
        as_json: print one JSON document.

    Raises:
        FootageError: as :func:`highlight_train.one_video.score.run`.
    """
    try:
        if dry_run:
            _show_plan(plan(options), as_json=as_json)
            return ExitCode.DONE
        tested = run(options, tell=talk)
    except ModelError as error:
        error.add_note("MODEL is the model.onnx of a training, or its folder: highlight-train train makes one")
        raise
    if as_json:
        print_json(_document(tested))
    else:
        _print(tested)
    return ExitCode.DONE


def _print(tested: VideoTest) -> None:
    result(tested.lead)
    rows = [
        (clock(window.start_seconds), clock(window.end_seconds), f"{window.score:.3f}")
        for window in tested.video.windows
    ]
    print_table(("from", "to", "highest score"), rows)
    if tested.report is not None:
        result(str(tested.report))


def _document(tested: VideoTest) -> dict[str, object]:
    video, frames = tested.video, tested.frames
    return {
        "path": video.path,
        "score": video.score,
        "band": video.band,
        "windows": video.windows,
        "duration_seconds": video.duration_seconds,
        "frames": [
            {"seconds": seconds, "score": score}
            for seconds, score in zip(frames.times_seconds, frames.scores, strict=True)
        ],
        "read": frames.way,
        "remark": frames.remark,
        "models": tested.models,
        "report": tested.report,
    }


def _show_plan(found: Plan, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    length = "of unknown length" if found.duration_seconds is None else f"of {clock(found.duration_seconds)}"
    read = "without an index" if found.keyframes is None else f"with {found.keyframes} keyframes"
    result(f"would score a video {length} {read} with {', '.join(printable(str(path)) for path in found.models)}")
