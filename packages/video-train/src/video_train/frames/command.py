"""The verb ``from-frames``: what it prints, and the code it ends with."""

from __future__ import annotations

from footage.cli.console import print_json, result, talk
from footage.cli.exits import ExitCode
from footage.cli.progress import progress
from footage.errors import InputError, printable
from video_train.frames.convert import FramesOptions, convert, plan


def show(options: FramesOptions, *, dry_run: bool, as_json: bool) -> ExitCode:
    """Run the verb and print what it made.

    Args:
        options: what to convert, and how.
        dry_run: print the plan only.
        as_json: print one JSON document.

    Returns:
        ``SOME_INPUTS_FAILED`` where something could not be used.

    Raises:
        FootageError: as :func:`video_train.frames.convert.convert`.
    """
    try:
        if dry_run:
            planned = plan(options)
            if as_json:
                print_json(planned)
                return ExitCode.DONE
            result(
                f"would write {planned.videos} videos of {', '.join(planned.classes)}, {planned.frames} frames, "
                f"{planned.seconds:.1f} s; {len(planned.failed)} cannot be used"
            )
            return ExitCode.DONE
        made = convert(
            options,
            tell=talk,
            make_progress=lambda total, done: progress(total, "videos", "writing", already_done=done),
        )
    except InputError as error:
        error.add_note("--annotations says which class a video is, where frames lie in no LABEL/ID folders")
        raise
    if as_json:
        print_json(made)
    else:
        result(f"{len(made.videos)} videos, {made.already} of them from an earlier run, in {options.output}")
        for one in made.failed:
            result(printable(f"could not be used: {one.path}: {one.reason}"))
        result(str(made.annotations))
    return ExitCode.SOME_INPUTS_FAILED if made.failed else ExitCode.DONE
