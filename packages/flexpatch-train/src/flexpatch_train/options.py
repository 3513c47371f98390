"""The options of several verbs, as the command line names them; it loads nothing heavy."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

import typer

LEAST_CANVAS_SIDE_PX = 32


class DetectorName(StrEnum):
    """The kinds of detector, as the command line names them."""

    AUTO = "auto"
    ONNX = "onnx"
    ULTRALYTICS = "ultralytics"
    TENSORRT = "tensorrt"
    MOT = "mot"
    MOTION = "motion"


class ModelName(StrEnum):
    """The kinds of model."""

    TREE = "tree"
    FOREST = "forest"
    BOOSTING = "boosting"


class FeatureSetName(StrEnum):
    """The sets of features."""

    SEED = "seed"
    EXTENDED = "extended"


class ClassWeight(StrEnum):
    """How labels are weighed in training."""

    BALANCED = "balanced"
    NONE = "none"


Confidence = Annotated[float, typer.Option(metavar="0..1", min=0, max=1, help="Least score of a detection.")]
Nms = Annotated[float, typer.Option(metavar="0..1", min=0, max=1, help="Overlap that ends the weaker detection.")]
Classes = Annotated[str | None, typer.Option(metavar="NAMES", help="Only these classes, as in: person,car")]


def size_of(text: str) -> tuple[int, int]:
    """Width and height of a text that ``check_size`` let pass."""
    width, height = text.lower().split("x")
    return int(width), int(height)


def check_size(text: str) -> str:
    """Refuse, as a usage error, what is no size."""
    if re.fullmatch(r"\d{1,5}[xX]\d{1,5}", text) is None or min(size_of(text)) < LEAST_CANVAS_SIDE_PX:
        msg = f"{text!r} is no WIDTHxHEIGHT in pixels, such as 640x360, of at least {LEAST_CANVAS_SIDE_PX} each"
        raise typer.BadParameter(msg)
    return text
