"""Options that several verbs share, and what the command line takes as text, checked as it is read."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

_MOST_PX = 16384
_RATES = (Fraction(1, 100), Fraction(1000))


VideoDir = Annotated[Path, typer.Option("--video-dir", metavar="DIR", help="Folder of videos.")]
Annotations = Annotated[
    Path | None, typer.Option(metavar="FILE", help="JSON list of labels. Default: the folders' names.")
]
Pattern = Annotated[
    str | None, typer.Option(metavar="TEXT", help="Labels are in the file names, such as {id}_{label}.")
]
Model = Annotated[Path, typer.Argument(metavar="MODEL", help="A training's folder, model.onnx or best_student.pt.")]
Weights = Annotated[
    str, typer.Option(metavar="imagenet|none|FILE", help="What it starts from; imagenet is downloaded.")
]
Window = Annotated[
    float | None, typer.Option(metavar="SECONDS", min=0.01, help="Length of a window. Default: as it learned.")
]
Step = Annotated[
    float | None, typer.Option(metavar="SECONDS", min=0.01, help="From one to the next. Default: no overlap.")
]


def check_size(text: str | None) -> str | None:
    """Refuse, as a usage error, what is no size of a picture."""
    if text is not None:
        size_of(text)
    return text


def size_of(text: str) -> tuple[int, int]:
    """Width and height of ``WxH``.

    Raises:
        typer.BadParameter: it is none.
    """
    match = re.fullmatch(r"(\d{1,5})[xX](\d{1,5})", text)
    if match is None or not all(1 <= int(side) <= _MOST_PX for side in match.groups()):
        msg = f"{text!r} is no size such as 640x360"
        raise typer.BadParameter(msg)
    return int(match[1]), int(match[2])


def check_rate(text: str) -> str:
    """Refuse, as a usage error, what is no frame rate."""
    found = re.fullmatch(r"\d{1,6}(/[1-9]\d{0,5}|\.\d{1,3})?", text)
    if found is None or not _RATES[0] <= Fraction(text) <= _RATES[1]:
        msg = f"{text!r} is no frame rate, such as 25 or 30000/1001"
        raise typer.BadParameter(msg)
    return text


Rate = Annotated[
    str, typer.Option(metavar="FPS", callback=check_rate, help="Frames a second: 25, 29.97 or 30000/1001.")
]
Size = Annotated[str | None, typer.Option(metavar="WxH", callback=check_size, help="Default: as the frames are.")]
