"""The verb ``export``: what it prints, and the code it ends with."""

from __future__ import annotations

from dataclasses import asdict

from blur_train.export.export import ExportOptions, plan, run
from footage.cli.console import print_json, result
from footage.cli.exits import ExitCode
from footage.cli.progress import progress
from footage.errors import DatasetError, printable


def show(options: ExportOptions, *, dry_run: bool, as_json: bool) -> ExitCode:
    """Run the verb and print what it found.

    Args:
        options: what to export.
        dry_run: print the plan only.
        as_json: print one JSON document.

    Returns:
        ``GATE_NOT_MET`` where the eight-bit model was refused.

    Raises:
        FootageError: as :func:`blur_train.export.export.run`.
    """
    try:
        if dry_run:
            planned = plan(options)
            if as_json:
                print_json(planned)
            else:
                for name, value in planned.items():
                    result(printable(f"{name.replace('_', ' ')}: {value}"))
            return ExitCode.DONE
        exported = run(
            options, make_progress=lambda total, done: progress(total, "photos", "comparing", already_done=done)
        )
    except DatasetError as error:
        error.add_note("--dataset names the data set of the training, where it lies now")
        raise
    if as_json:
        print_json({"lead": exported.lead, **asdict(exported)})
    else:
        result(exported.lead)
        if exported.int8 is not None:
            result(f"int8: {exported.int8_refused or exported.int8.text()}")
        for doubt in exported.doubts:
            result(f"not to be relied on: {doubt}")
        for file in exported.files:
            result(str(file))
    return ExitCode.GATE_NOT_MET if exported.int8_refused else ExitCode.DONE
