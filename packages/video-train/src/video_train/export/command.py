"""The verb ``export``: what it prints."""

from __future__ import annotations

from footage.cli.console import print_json, result, talk
from footage.errors import DatasetError, InputError
from video_train.export.export import ExportOptions, export


def show(options: ExportOptions, *, as_json: bool) -> None:
    """Run the verb and print what it wrote.

    Args:
        options: what to export, and where to.
        as_json: print one JSON document.

    Raises:
        FootageError: as :func:`video_train.export.export.export`.
    """
    try:
        found = export(options, tell=talk)
    except DatasetError as error:
        error.add_note("--videos names videos to compare on")
        raise
    except InputError as error:
        error.add_note("RUN is the folder of a finished training, OUT a folder for the exported model")
        raise
    if as_json:
        print_json(found)
        return
    result(f"The exported model is the one that was measured: {found.parity.text()} ({found.compared_on}).")
    for file in found.files:
        result(str(file))
