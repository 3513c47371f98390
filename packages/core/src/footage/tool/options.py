"""Choices of the command line, by names that cost no import."""

from __future__ import annotations

import re
from enum import StrEnum
from fractions import Fraction

import typer

LOWEST_RATE, HIGHEST_RATE = Fraction(1, 3600), Fraction(1000)


class PolicyName(StrEnum):
    """Which moments of a video to take."""

    UNIFORM = "uniform"
    RANDOM = "random"
    PER_SECOND = "per-second"
    KEYFRAMES = "keyframes"


class PictureName(StrEnum):
    """Formats of pictures; PNG keeps every value."""

    PNG = "png"
    JPG = "jpg"


def check_rate(text: str) -> str:
    """Refuse, as a usage error, what is no rate."""
    found = re.fullmatch(r"\d{1,6}(/[1-9]\d{0,5}|\.\d{1,6})?", text)
    if found is None or not LOWEST_RATE <= Fraction(text) <= HIGHEST_RATE:
        msg = f"{text!r} is no number of frames a second, such as 2, 0.5 or 1/10"
        raise typer.BadParameter(msg)
    return text
