"""Choices of the command line, by names that cost no import."""

from __future__ import annotations

from enum import StrEnum


class SideName(StrEnum):
    """A side of a prepared data set."""

    TEST = "test"
    CALIBRATION = "calibration"
    VAL = "val"
    TRAIN = "train"


class PresetName(StrEnum):
    """How readily a photo is called blurred."""

    STRICT = "strict"
    MODERATE = "moderate"
    LENIENT = "lenient"


class SidecarName(StrEnum):
    """A file of its own for every photo."""

    NONE = "none"
    JSON = "json"
    XMP = "xmp"
