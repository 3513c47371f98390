"""What a drawn set holds: each photo with its blur, in ``synth.json`` beside the class folders."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blur_train.classes import BlurClass, EdgeCase
from footage.errors import DatasetError
from footage.runs.files import atomic_write_json

DRAWN_FILE = "synth.json"
FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnPhoto:
    """A photo with a known blur. Lengths are in px of the file.

    Attributes:
        file: its path from the set's folder, ``CLASS/NAME`` or ``CLASS/EDGE CASE/NAME``.
        label: its class.
        edge_case: None for an ordinary photo.
        way: how it came to look as it does.
        radius_px: of the subject's defocus; None where it is in focus.
        motion_px: length of the subject's path; None where it stood still.
        background_radius_px: of the background's defocus, likewise.
        background_motion_px: length of the background's path, likewise.
        subject_box: ``(x0, y0, x1, y1)``.
        group: the scene; what must stay on one side of a split.
        family: ``photo``, or the family of a drawn scene.
        source: the sharp original; None for a drawn scene.
        sha256: of the file.
    """

    file: str
    label: BlurClass
    edge_case: EdgeCase | None
    way: str
    radius_px: float | None
    motion_px: float | None
    background_radius_px: float | None
    background_motion_px: float | None
    subject_box: tuple[int, int, int, int]
    group: str
    family: str
    source: str | None
    sha256: str


def write_drawn(photos: Sequence[DrawnPhoto], settings: dict[str, Any], folder: Path) -> None:
    """Write ``synth.json``.

    Raises:
        OSError: the folder is missing or not writable, or the disk is full.
    """
    document = {"format_version": FORMAT_VERSION, "settings": settings, "photos": photos}
    atomic_write_json(folder / DRAWN_FILE, document)


def read_drawn(folder: Path) -> tuple[DrawnPhoto, ...]:
    """The photos of a drawn set.

    Raises:
        DatasetError: ``synth.json`` is missing, damaged, of another format, or an entry is incomplete.
    """
    file = folder / DRAWN_FILE
    try:
        document = json.loads(file.read_bytes())
    except OSError as error:
        raise DatasetError(f"cannot be read ({error.strerror})", where=file) from error
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"is not JSON ({error})", where=file) from error
    version = document.get("format_version") if isinstance(document, dict) else None
    if version != FORMAT_VERSION:
        raise DatasetError(f"has format version {version!r}, expected {FORMAT_VERSION}", where=file)
    try:
        return tuple(drawn_photo(entry) for entry in document["photos"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        what = f"is not a valid list of drawn photos ({type(error).__name__}: {error})"
        raise DatasetError(what, where=file, remedy="draw the set again") from error


def drawn_photo(entry: dict[str, Any]) -> DrawnPhoto:
    """A photo as it stands in a manifest or a journal.

    Raises:
        KeyError: the entry lacks a field.
        ValueError: a field has no valid value.
    """
    x0, y0, x1, y1 = (int(side) for side in entry["subject_box"])
    return DrawnPhoto(
        file=str(entry["file"]),
        label=BlurClass(entry["label"]),
        edge_case=None if entry["edge_case"] is None else EdgeCase(entry["edge_case"]),
        way=str(entry["way"]),
        radius_px=_length(entry["radius_px"]),
        motion_px=_length(entry["motion_px"]),
        background_radius_px=_length(entry["background_radius_px"]),
        background_motion_px=_length(entry["background_motion_px"]),
        subject_box=(x0, y0, x1, y1),
        group=str(entry["group"]),
        family=str(entry["family"]),
        source=None if entry["source"] is None else str(entry["source"]),
        sha256=str(entry["sha256"]),
    )


def _length(value: Any) -> float | None:
    return None if value is None else float(value)
