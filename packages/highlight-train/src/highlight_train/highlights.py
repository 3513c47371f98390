"""``highlights.json``: the clips of a library that were found worth keeping, best first, and when in them.

::

    {"scanned": 18000,
     "highlights": [{"path": "day1/DJI_0001.MP4", "score": 0.93, "timestamp": 41.5,
                     "windows": [{"start_seconds": 38.0, "end_seconds": 45.0, "score": 0.97}]}],
     "processed_at": "2025-06-01T09:30:00+00:00",
     "status": "complete"}

``timestamp`` is the middle of the best window, in seconds. Files without ``windows`` are read too.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from footage.errors import DatasetError
from footage.runs.files import atomic_write_json


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a clip.

    Attributes:
        start_seconds: from the clip's first frame.
        end_seconds: after ``start_seconds``.
        score: in [0, 1].
    """

    start_seconds: float
    end_seconds: float
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Highlight:
    """A clip that was found worth keeping.

    Attributes:
        path: the clip.
        score: the clip's score, in [0, 1].
        timestamp_seconds: the middle of the best window, from the clip's first frame.
        windows: its best stretches, in the order of the file; empty where only the moment is known.
    """

    path: Path
    score: float
    timestamp_seconds: float
    windows: tuple[Window, ...] = ()

    @property
    def best_window(self) -> Window | None:
        """The window with the highest score, the earliest of equals; None where there is none."""
        return max(self.windows, key=lambda window: (window.score, -window.start_seconds), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Highlights:
    """The content of a ``highlights.json``.

    Attributes:
        scanned: how many clips were looked at; None where the file does not say.
        highlights: those worth keeping.
        processed_at: when, as the file has it: ISO 8601.
        status: ``complete``, or ``partial`` where the scan was interrupted; None where the file does not say.
    """

    scanned: int | None
    highlights: tuple[Highlight, ...]
    processed_at: str | None = None
    status: str | None = None


def read_highlights(path: str | PathLike[str]) -> Highlights:
    """Read a ``highlights.json``. Relative paths in it are taken from the folder it lies in.

    Raises:
        DatasetError: The file is missing or unreadable, is not JSON, or an entry in it makes no sense.
    """
    path = Path(path)
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        what = f"cannot be read ({error.strerror})"
        raise DatasetError(what, where=path, remedy="name the highlights.json that a scan wrote") from None
    except (ValueError, RecursionError) as error:  # bytes that are no text as well as text that is no JSON
        raise DatasetError(f"this is not JSON ({error})", where=path, remedy="make it again with a scan") from None
    try:
        return _highlights(document, path.absolute().parent)
    except _Malformed as error:
        raise DatasetError(str(error), where=path, remedy="mend the entry, or make the file again") from None


def write_highlights(path: str | PathLike[str], highlights: Highlights) -> None:
    """Write a ``highlights.json`` whole or not at all. Paths of clips are written absolute.

    Raises:
        OSError: The folder is missing or not writable, or the disk is full.
    """
    entries = (
        {
            "path": os.path.abspath(highlight.path),  # noqa: PTH100 - Path.absolute keeps ".."
            "score": highlight.score,
            "timestamp": highlight.timestamp_seconds,
            "windows": highlight.windows,
        }
        for highlight in highlights.highlights
    )
    atomic_write_json(
        path,
        {
            "scanned": highlights.scanned,
            "highlights": entries,
            "processed_at": highlights.processed_at,
            "status": highlights.status,
        },
    )


class _Malformed(Exception):  # noqa: N818 - becomes a DatasetError that names the file
    """Something in the document is not what it should be."""


def _highlights(document: object, folder: Path) -> Highlights:
    if not isinstance(document, dict) or not isinstance(document.get("highlights"), list):
        raise _Malformed('there is no list "highlights" in it')
    scanned, processed_at, status = (document.get(key) for key in ("scanned", "processed_at", "status"))
    return Highlights(
        scanned=scanned if isinstance(scanned, int) else None,
        highlights=tuple(
            _highlight(entry, f"highlights[{index}]", folder) for index, entry in enumerate(document["highlights"])
        ),
        processed_at=processed_at if isinstance(processed_at, str) else None,
        status=status if isinstance(status, str) else None,
    )


def _highlight(entry: object, name: str, folder: Path) -> Highlight:
    fields = _object(entry, name)
    path = fields.get("path")
    if not isinstance(path, str) or not path or "\0" in path:
        raise _Malformed(f"{name}: path is not a file's name")
    windows = fields.get("windows") or []
    if not isinstance(windows, list):
        raise _Malformed(f"{name}: windows is not a list")
    return Highlight(
        path=folder / path,
        score=_number(fields, "score", name, most=1.0),
        timestamp_seconds=_number(fields, "timestamp", name),
        windows=tuple(_window(window, f"{name}.windows[{index}]") for index, window in enumerate(windows)),
    )


def _window(entry: object, name: str) -> Window:
    fields = _object(entry, name)
    start, end = (_number(fields, key, name) for key in ("start_seconds", "end_seconds"))
    if end <= start:
        raise _Malformed(f"{name}: it ends at {end:g} s, which is not after its start at {start:g} s")
    return Window(start, end, _number(fields, "score", name, most=1.0))


def _object(entry: object, name: str) -> Mapping[str, object]:
    if not isinstance(entry, dict):
        raise _Malformed(f"{name} is not an object")
    return entry


def _number(fields: Mapping[str, object], key: str, name: str, *, most: float = math.inf) -> float:
    value = fields.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Malformed(f"{name}: {key} is not a number")
    if not (math.isfinite(value) and 0 <= value <= most):
        raise _Malformed(f"{name}: {key} is {value}, which is not {'in 0 to 1' if most == 1 else '0 or more'}")
    return float(value)
