"""The verb ``synth``: what it prints, and the code it ends with."""

from __future__ import annotations

from blur_train.synth.command import TYPICAL_BYTES, SynthOptions, originals_of, synthesize
from blur_train.synth.manifest import DRAWN_FILE
from footage.cli.console import print_json, result, talk, warn
from footage.cli.exits import ExitCode
from footage.cli.progress import progress


def show(options: SynthOptions, *, dry_run: bool, as_json: bool) -> ExitCode:
    """Run the verb and print what it drew.

    Args:
        options: what to draw, and how.
        dry_run: print the plan only.
        as_json: print one JSON document.

    Returns:
        ``SOME_INPUTS_FAILED`` where an original could not be used.

    Raises:
        FootageError: as :func:`blur_train.synth.command.synthesize`.
    """
    if dry_run:
        originals = len(originals_of(options)[0])
        photos = originals * options.per_photo
        if as_json:
            print_json({"originals": originals, "photos": photos, "disk_bytes": photos * TYPICAL_BYTES})
        else:
            result(f"would draw {photos} photos of {originals} originals, about {photos * TYPICAL_BYTES / 1e6:.0f} MB")
        return ExitCode.DONE
    drawn = synthesize(
        options, tell=talk, make_progress=lambda total, done: progress(total, "originals", "drawing", already_done=done)
    )
    for path, reason in drawn.failed:
        warn(f"left out {path}: {reason}")
    file = options.output / DRAWN_FILE
    if as_json:
        failed = [{"path": path, "reason": reason} for path, reason in drawn.failed]
        print_json({"photos": drawn.counts(), "failed": failed, "files": [str(file)]})
    else:
        for name, count in drawn.counts().items():
            result(f"{count} {name}")
        result(str(file))
    return ExitCode.SOME_INPUTS_FAILED if drawn.failed else ExitCode.DONE
