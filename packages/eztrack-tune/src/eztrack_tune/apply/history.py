"""The version history of the add-on's guide: a Markdown table to which a row is added."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from footage.errors import InputError

_HEAD = re.compile(r"\|\s*version\s*\|\s*date\s*\|\s*changes\s*\|", re.IGNORECASE)
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


def with_row(path: Path, content: bytes, *, release: str | None, on: date, changes: str) -> bytes:
    """The file with a further row; the same bytes where the row is there.

    Args:
        path: the file, for messages.
        content: what it holds.
        release: the version of the row; None takes the minor version after the last dated one.
        on: the day.
        changes: what changed.

    Raises:
        InputError: the file is no UTF-8, has no such table, or has another row for this version.
    """
    try:
        lines = content.decode("utf-8").splitlines(keepends=True)
    except UnicodeDecodeError as error:
        raise InputError("is no UTF-8 text", where=path) from error
    head = next((number for number, line in enumerate(lines) if _HEAD.match(line.strip())), None)
    if head is None:
        raise InputError("has no table with the columns Version, Date, Changes", where=path)
    end = head
    while end < len(lines) and lines[end].strip().startswith("|"):
        end += 1
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines[head + 2 : end]]
    told = changes.replace("|", "/")
    if any(row[1:] == [on.isoformat(), told] for row in rows):
        return content
    version = release or _next(rows)
    same = [number for number, row in enumerate(rows) if row and row[0] == version]
    newline = "\r\n" if lines[head].endswith("\r\n") else "\n"
    row = f"| {version} | {on.isoformat()} | {told} |{newline}"
    if same and _is_dated(rows[same[0]]):
        raise InputError(f"has a row for {version} already", where=path, remedy="name another release")
    if same:
        lines[head + 2 + same[0]] = row
    else:
        if not lines[end - 1].endswith(("\n", "\r")):
            lines[end - 1] += newline
        lines.insert(end, row)
    return "".join(lines).encode("utf-8")


def _next(rows: list[list[str]]) -> str:
    """The minor version after the last one that has a date: rows that are planned have none."""
    found = [match for row in rows if _is_dated(row) and (match := _VERSION.fullmatch(row[0]))]
    if not found:
        return "v1.0.0"
    major, minor = max((int(match[1]), int(match[2])) for match in found)
    return f"v{major}.{minor + 1}.0"


def _is_dated(row: list[str]) -> bool:
    return len(row) > 1 and re.fullmatch(r"\d{4}-\d{2}-\d{2}", row[1]) is not None
