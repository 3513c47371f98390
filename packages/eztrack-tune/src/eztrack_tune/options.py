"""The options of several verbs, as the command line names them; it loads nothing heavy."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class BackendName(StrEnum):
    """Which tracker."""

    BLENDER = "blender"
    OPENCV = "opencv"


class ErrorName(StrEnum):
    """Which error of a solve."""

    PLAIN = "plain"
    CLEANED = "cleaned"


Sessions = Annotated[
    list[Path],
    typer.Argument(metavar="SESSIONS", help="Session files, folders, globs or archives.", show_default=False),
]


class TrackerName(StrEnum):
    """What ``--tracker`` takes."""

    BLENDER = "blender"
    OPENCV = "opencv"
    BOTH = "both"


class SideName(StrEnum):
    """What ``--side`` takes."""

    TUNING = "tuning"
    HELD_OUT = "held_out"
    ALL = "all"
