"""``seqinfo.ini``, in which MOTChallenge says what a sequence is."""

from __future__ import annotations

import configparser
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from flexpatch_train.mot import read_text
from footage.errors import DatasetError


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceInfo:
    """A MOTChallenge ``seqinfo.ini``: its name, frames a second, number of frames, and picture size in pixels."""

    name: str
    rate: Fraction
    frame_count: int
    width: int
    height: int


def read_seqinfo(path: Path) -> SequenceInfo:
    """Read ``seqinfo.ini``.

    Raises:
        DatasetError: missing, not an INI file, or without one of the keys; the key is named.
    """
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(read_text(path))
    except configparser.Error as error:
        raise DatasetError("not an INI file", where=path, remedy="expected a [Sequence] section") from error
    if "Sequence" not in parser:
        raise DatasetError("no [Sequence] section", where=path)
    section = parser["Sequence"]
    return SequenceInfo(
        name=section.get("name") or path.parent.name,
        rate=_positive(section, "frameRate", path),
        frame_count=int(_positive(section, "seqLength", path)),
        width=int(_positive(section, "imWidth", path)),
        height=int(_positive(section, "imHeight", path)),
    )


def _positive(section: configparser.SectionProxy, key: str, path: Path) -> Fraction:
    text = section.get(key)
    try:
        value = Fraction(text or "")
    except (ValueError, ZeroDivisionError) as error:
        raise DatasetError(f"{key} is {text!r}", where=path, remedy=f"give a number as {key}=") from error
    if value <= 0 or (key != "frameRate" and value.denominator != 1):
        raise DatasetError(f"{key} is {text}", where=path, remedy=f"give a positive number as {key}=")
    return value
