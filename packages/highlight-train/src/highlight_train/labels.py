"""``labels.json``: which clips are highlights, which are not, and which moments of a clip are meant.

The form users have is ``{"highlights": [path, ...], "normal": [path, ...]}``. Moments extend it by a further key that
older readers pass over::

    "spans": {path: [{"start_seconds": 3.0, "end_seconds": 9.5, "label": "highlight"}]}

A clip with spans stands among the highlights too; what lies outside its spans counts as normal.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, TypeGuard

from footage.errors import DatasetError
from footage.runs.files import atomic_write_json

CLASSES = ("normal", "highlight")
"""In the order of the labels 0 and 1, and of a model's outputs."""

_LISTS = ("highlights", "normal")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A clip and the moments that are meant.

    Attributes:
        path: the clip; absolute where it was read from a file.
        spans: (start, end) of each highlight in seconds from the first frame, end exclusive; ascending and apart.
            Empty: the whole clip.
    """

    path: Path
    spans: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        """Sort the spans and join those that touch.

        Raises:
            ValueError: a span is not finite, begins before 0, or does not end after its start.
        """
        for start, end in self.spans:
            if not (math.isfinite(start) and math.isfinite(end) and 0 <= start < end):
                raise ValueError(f"{start} to {end} s is no span")
        object.__setattr__(self, "spans", _joined(self.spans))


@dataclass(frozen=True, slots=True)
class Labels:
    """The labelled clips, each in one of the two lists."""

    highlights: tuple[Labelled, ...] = ()
    normal: tuple[Labelled, ...] = ()

    def __len__(self) -> int:
        """The number of labelled clips."""
        return len(self.highlights) + len(self.normal)


def read_labels(path: str | PathLike[str]) -> Labels:
    """Read ``labels.json``, of either form.

    Clips need not exist. Relative paths start from the folder of the file; a clip listed twice counts once.

    Raises:
        DatasetError: the file is missing or no such JSON, a span is none, or a clip is both highlight and normal.
    """
    file = Path(path)
    document = _document(file)
    spans = _spans(document.get("spans", {}), file)
    highlights = dict.fromkeys([*(_absolute(name, file) for name in _names(document, "highlights", file)), *spans])
    normal = dict.fromkeys(_absolute(name, file) for name in _names(document, "normal", file))
    both = next((clip for clip in highlights if clip in normal), None)
    if both is not None:
        raise DatasetError(
            f"{both} is labelled both highlight and normal" + (" (it has spans)" if both in spans else ""),
            where=file,
            remedy="remove it from one of the two; moments of a clip are marked under spans, and the clip is then a "
            "highlight",
        )
    return Labels(
        highlights=tuple(Labelled(clip, spans.get(clip, ())) for clip in highlights),
        normal=tuple(Labelled(clip) for clip in normal),
    )


def write_labels(labels: Labels, path: str | PathLike[str]) -> None:
    """Write ``labels.json``, whole or not at all; older readers find the two lists they know.

    A clip that the file already names keeps its spelling, so that a file of relative paths can still be moved with its
    clips. Clips that are new to it are named relative to its folder where all others are and they lie below it.

    Raises:
        DatasetError: there is a file of that name which is no ``labels.json``.
        OSError: the folder is missing or not writable, or the disk is full.
        ValueError: a clip is both highlight and normal, or a normal clip has spans.
    """
    file = Path(path)
    known = _spellings(file) if file.exists() else {}
    relative = bool(known) and not any(Path(name).is_absolute() for name in known.values())
    folder = file.parent.absolute()

    def spell(clip: Path) -> str:
        whole = Path(os.path.normpath(folder / clip))
        if whole in known:
            return known[whole]
        return whole.relative_to(folder).as_posix() if relative and whole.is_relative_to(folder) else str(whole)

    if {folder / one.path for one in labels.highlights} & {folder / one.path for one in labels.normal}:
        raise ValueError("a clip is both highlight and normal")
    if any(one.spans for one in labels.normal):
        raise ValueError("a normal clip has no spans: it is normal as a whole")
    document: dict[str, object] = {
        "highlights": [spell(one.path) for one in labels.highlights],
        "normal": [spell(one.path) for one in labels.normal],
    }
    spans = {
        spell(one.path): [{"start_seconds": a, "end_seconds": b, "label": CLASSES[1]} for a, b in one.spans]
        for one in labels.highlights
        if one.spans
    }
    atomic_write_json(file, {**document, "spans": spans} if spans else document)


def label_at(labelled: Labelled, *, is_highlight: bool, seconds: float) -> int:
    """1 where a moment of a clip is a highlight, else 0.

    Args:
        labelled: the clip.
        is_highlight: whether it stands among the highlights.
        seconds: the moment, from the clip's first frame.
    """
    if not is_highlight:
        return 0
    return int(not labelled.spans or any(start <= seconds < end for start, end in labelled.spans))


def _joined(spans: Iterable[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    joined: list[tuple[float, float]] = []
    for start, end in sorted((float(a), float(b)) for a, b in spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return tuple(joined)


def _document(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_bytes())
    except OSError as error:
        raise DatasetError(f"cannot be read ({error.strerror})", where=file, remedy="check the path") from error
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"is not JSON ({error})", where=file) from error
    if not isinstance(document, dict) or not any(name in document for name in _LISTS):
        raise DatasetError(
            "has neither a list of highlights nor one of normal clips",
            where=file,
            remedy='the form is {"highlights": ["a.mp4"], "normal": ["b.mp4"]}',
        )
    return document


def _names(document: Mapping[str, Any], key: str, file: Path) -> list[str]:
    names = document.get(key, [])
    if not isinstance(names, list):
        raise DatasetError(f"{key} is not a list of paths", where=file)
    for number, name in enumerate(names):
        _check_name(name, f"entry {number} of {key}", file)
    return names


def _check_name(name: object, place: str, file: Path) -> None:
    if not isinstance(name, str) or not name or "\0" in name:
        raise DatasetError(f"{place} is no path ({name!r})", where=file)


def _spans(value: object, file: Path) -> dict[Path, tuple[tuple[float, float], ...]]:
    if not isinstance(value, dict):
        raise DatasetError("spans is not an object from paths to lists", where=file)
    spans: dict[Path, tuple[tuple[float, float], ...]] = {}
    for name, entries in value.items():
        _check_name(name, "a name under spans", file)
        if not isinstance(entries, list):
            raise DatasetError(f"the spans of {name} are not a list", where=file)
        if entries:
            clip = _absolute(name, file)
            spans[clip] = (*spans.get(clip, ()), *(_span(entry, name, file) for entry in entries))
    return spans


def _span(entry: object, name: str, file: Path) -> tuple[float, float]:
    """One span.

    Raises:
        DatasetError: its times are no times, or it is labelled anything but highlight.
    """
    if not isinstance(entry, dict):
        raise DatasetError(f"a span of {name} is not an object", where=file)
    start, end, label = entry.get("start_seconds"), entry.get("end_seconds"), entry.get("label", CLASSES[1])
    if label != CLASSES[1]:
        raise DatasetError(
            f"a span of {name} is labelled {label!r}",
            where=file,
            remedy="mark the moments that are highlights; what lies outside them counts as normal",
        )
    if not _is_time(start) or not _is_time(end) or start >= end:
        raise DatasetError(f"a span of {name} goes from {start!r} to {end!r}, which are no times in order", where=file)
    return float(start), float(end)


def _is_time(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0


def _absolute(name: str, file: Path) -> Path:
    """The clip's path without ``..``, links left as they are."""
    return Path(os.path.normpath(file.parent.absolute() / name))


def _spellings(file: Path) -> dict[Path, str]:
    document = _document(file)
    names = [name for key in _LISTS for name in _names(document, key, file)]
    return {_absolute(name, file): name for name in names}
