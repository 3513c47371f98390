"""The verb ``watch``: what it prints, and the code it ends with."""

from __future__ import annotations

import json
import sys

from flexpatch_train.watching.frames import WatchedFrame
from flexpatch_train.watching.watch import WatchOptions, watch
from footage.cli.console import result, talk
from footage.cli.exits import ExitCode
from footage.cli.progress import progress
from footage.errors import ModelError


def show(options: WatchOptions, *, as_json: bool) -> ExitCode:
    """Run the verb and print how it went.

    Args:
        options: what to watch, and how.
        as_json: print one JSON object a frame, as soon as it is known, and nothing else on standard output.

    Returns:
        ``INTERRUPTED`` where the user ended it.

    Raises:
        FootageError: as ``watch``.
    """
    try:
        watched = watch(
            options,
            tell=talk,
            make_progress=lambda total, done: progress(total, "frames", "watching", already_done=done),
            on_frame=_print_frame if as_json else lambda _: None,
        )
    except ModelError as error:
        error.add_note("--model names the model, which `flexpatch-train run` makes; --weights the detector's file")
        raise
    say = talk if as_json else result
    say(watched.line)
    talk(watched.stages_line)
    return ExitCode.INTERRUPTED if watched.interrupted else ExitCode.DONE


def _print_frame(frame: WatchedFrame) -> None:
    sys.stdout.write(json.dumps(frame.json(), allow_nan=False) + "\n")
    sys.stdout.flush()  # who reads a stream wants the frame now
