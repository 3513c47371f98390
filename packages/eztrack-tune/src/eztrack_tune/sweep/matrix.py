"""The settings of a matrix: the six, or those of a JSON or CSV file."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path

from eztrack_tune.classes import default_settings
from eztrack_tune.settings import SETTING_NAMES, SIX, TrackerSettings
from footage.errors import InputError

_MOST_SETTINGS = 100_000


def read_matrix(path: Path) -> tuple[TrackerSettings, ...]:
    """Read settings from a file.

    A CSV file has one choice a row, with the names of the settings as its header. A JSON file is a list of objects, or
    one object whose entries are lists: then every combination is meant.

    Raises:
        InputError: the file cannot be read, or holds no settings or impossible ones.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InputError(f"the matrix cannot be read ({reason})", where=path) from error
    rows = _csv_rows(text) if path.suffix.lower() == ".csv" else _json_rows(text, path)
    found: dict[TrackerSettings, None] = {}  # a set that keeps the order
    for number, row in enumerate(rows, start=1):
        try:
            settings = TrackerSettings.from_dict(row)
        except InputError as error:
            raise InputError(f"entry {number}: {error.what}", where=path, remedy="mend the matrix") from error
        found[settings] = None
    if not found:
        raise InputError("the matrix is empty", where=path, remedy=f"give {', '.join(SETTING_NAMES)}")
    return tuple(found)


def settings_for(class_name: str, matrix: Sequence[TrackerSettings] = SIX) -> tuple[TrackerSettings, ...]:
    """The settings to try on a clip of a class: what the add-on uses for it today comes first, to compare with."""
    today = default_settings(class_name)
    return (today, *(settings for settings in matrix if settings != today))


def _csv_rows(text: str) -> list[dict[str, object]]:
    return [{name: _number(value) for name, value in row.items()} for row in csv.DictReader(text.splitlines())]


def _number(value: object) -> object:
    try:
        return float(str(value))
    except ValueError:
        return value


def _json_rows(text: str, path: Path) -> Iterable[Mapping[str, object]]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"the matrix is no JSON ({error})", where=path, remedy="mend it") from error
    if isinstance(document, dict):
        return _combinations(document, path)
    if isinstance(document, list) and all(isinstance(row, dict) for row in document):
        return document
    raise InputError("the matrix is neither a list of settings nor an object of lists", where=path, remedy="mend it")


def _combinations(document: Mapping[str, object], path: Path) -> list[dict[str, object]]:
    lists = {name: value if isinstance(value, list) else [value] for name, value in document.items()}
    count = 1
    for values in lists.values():
        count *= len(values)
    if count > _MOST_SETTINGS:
        raise InputError(f"the matrix has {count:,} combinations", where=path, remedy="search instead")
    return [dict(zip(lists, values, strict=True)) for values in product(*lists.values())]
