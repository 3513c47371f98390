"""The options of several verbs, as the command line names them; it loads nothing heavy."""

from __future__ import annotations

import re
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer


class GroupByName(StrEnum):
    """What must stay on one side of a split."""

    FOLDER = "folder"
    CLIP = "clip"


class EnsembleName(StrEnum):
    """How several models' answers become one."""

    MEAN = "mean"
    MAX = "max"


class PoolingName(StrEnum):
    """How the scores of frames become that of a video."""

    MAX = "max"
    TOP = "top"
    SOFTMAX = "softmax"
    MEAN = "mean"


class TransitionName(StrEnum):
    """How one clip follows another."""

    CROSSFADE = "crossfade"
    NONE = "none"


class SideName(StrEnum):
    """On which clips to measure."""

    TEST = "test"
    ALL = "all"


class OrderName(StrEnum):
    """In which order clips come."""

    SCORE = "score"
    TIME = "time"


Models = Annotated[
    list[Path] | None,
    typer.Argument(metavar="MODEL", help="model.onnx or its folder; several are an ensemble. Default: the last run's."),
]
Ensembling = Annotated[EnsembleName, typer.Option(help="How several models' answers become one.")]
Pooled = Annotated[
    PoolingName | None,
    typer.Option(help="How the scores of frames become that of a video. Default: as chosen in training, else softmax."),
]
Samples = Annotated[int, typer.Option(metavar="N", min=1, help="Pictures looked at in a video.")]
GroupBy = Annotated[GroupByName, typer.Option(help="What stays on one side of a split: a folder's clips, or a clip.")]


def check_size(text: str | None) -> str | None:
    """Refuse, as a usage error, what is no even size."""
    if text is not None and (
        re.fullmatch(r"\d{2,5}[xX]\d{2,5}", text) is None or any(side % 2 for side in size_of(text))
    ):
        msg = f"{text!r} is no WIDTHxHEIGHT in even pixels, such as 1920x1080"
        raise typer.BadParameter(msg)
    return text


def size_of(text: str) -> tuple[int, int]:
    """Width and height of a text that ``check_size`` let pass."""
    width, height = text.lower().split("x")
    return int(width), int(height)


def check_rate(text: str | None) -> str | None:
    """Refuse, as a usage error, what is no frame rate."""
    if text is not None and (re.fullmatch(r"\d{1,6}(/\d{1,6}|\.\d{1,3})?", text) is None or not _is_rate(text)):
        msg = f"{text!r} is no frame rate from 1 to 240, such as 25 or 30000/1001"
        raise typer.BadParameter(msg)
    return text


def _is_rate(text: str) -> bool:
    try:
        return 1 <= Fraction(text) <= 240
    except ZeroDivisionError:
        return False
