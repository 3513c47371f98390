"""Which side of a split each part of a run's data was on, by what its folder says; and what is on two."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from footage.runs.saved import PREDICTIONS_FILES, as_interval

SPLIT_FILES = ("split.json", "manifest.json", "scan.json")
CONTENT_KEYS = ("source_sha256", "sha256", "content_sha256", "fingerprint", "content")


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A part of the data and its side.

    Attributes:
        side: its name.
        content: hash of what it holds; None where the folder does not say.
        group: what it had to stay together with; None where the folder does not say.
        first_seconds: where in the content it begins.
        last_seconds: where it ends.
    """

    side: str
    content: str | None = None
    group: str | None = None
    first_seconds: float = -math.inf
    last_seconds: float = math.inf


def placed_parts(folder: Path) -> list[Placed]:
    """Everything of which a folder says on which side it was; empty where it says that of nothing."""
    found = [part for name in SPLIT_FILES for part in _of_document(document(folder / name))]
    return [*found, *(part for name in PREDICTIONS_FILES for part in _of_table(folder / name))]


def on_two_sides(parts: list[Placed]) -> list[str]:
    """What of a split's data is on more than one side, in words: a group, or a moment of a recording."""
    wrong = []
    groups: dict[str, set[str]] = {}
    contents: dict[str, list[Placed]] = {}
    for part in parts:
        if part.group is not None:
            groups.setdefault(part.group, set()).add(part.side)
        if part.content is not None:
            contents.setdefault(part.content, []).append(part)
    wrong += [f"group {group} is in {_and(sides)}" for group, sides in groups.items() if len(sides) > 1]
    for content, places in contents.items():
        sides = {side for one, other in combinations(places, 2) if _meet(one, other) for side in (one.side, other.side)}
        if sides:
            wrong.append(f"content {content} is in {_and(sides)}")
    return wrong


def entries(value: object) -> Iterator[dict[str, Any]]:
    """Every object in a document, however deep; figures with an interval are passed over."""
    if isinstance(value, dict):
        if as_interval(value) is not None:
            return
        yield value
        for item in value.values():
            yield from entries(item)
    elif isinstance(value, list):
        for item in value:
            yield from entries(item)


def document(path: Path) -> object:
    """The content of a JSON file; None where there is none that can be read."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def _meet(one: Placed, other: Placed) -> bool:
    """Whether two parts of one content are on different sides and share a moment."""
    apart = one.last_seconds <= other.first_seconds or other.last_seconds <= one.first_seconds
    return one.side != other.side and not apart


def _and(sides: set[str]) -> str:
    return " and ".join(sorted(sides))


def _of_document(value: object) -> Iterator[Placed]:
    """Entries with a ``side``; where there are none, lists of entries each under the name of its side."""
    sided = [entry for entry in entries(value) if isinstance(entry.get("side"), str)]
    if sided:
        yield from (_placed(entry, entry["side"]) for entry in sided)
    elif isinstance(value, dict) and all(isinstance(parts, list) for parts in value.values()):
        for side, parts in value.items():
            yield from (_placed(part, side) for part in parts if isinstance(part, dict))


def _placed(entry: dict[str, Any], side: str) -> Placed:
    content = next((entry[key] for key in CONTENT_KEYS if isinstance(entry.get(key), str)), None)
    group = entry.get("group")
    first, last = entry.get("start_seconds"), entry.get("end_seconds")
    return Placed(
        side=side,
        content=content,
        group=group if isinstance(group, str) else None,
        first_seconds=first if isinstance(first, int | float) else -math.inf,
        last_seconds=last if isinstance(last, int | float) else math.inf,
    )


def _of_table(path: Path) -> Iterator[Placed]:
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        reader = csv.DictReader(file)
        if {"side", "group"} <= set(reader.fieldnames or ()):
            yield from {Placed(side=row["side"], group=row["group"]): None for row in reader}
