"""Read session files: single ones, folders of them, and the archives that the add-on exports."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from eztrack_tune.sessions.parse import is_session, parse_session
from eztrack_tune.sessions.record import Session
from footage.dataset.discover import Skipped, find_media
from footage.dataset.manifest import rows_sha256
from footage.errors import DatasetError

SESSION_EXTENSIONS = frozenset({".json", ".zip"})
LARGEST_BYTES = 64 * 1024**2
"""No session comes near this; an archive that claims to hold more is not unpacked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsRead:
    """What was read.

    Attributes:
        sessions: in the order of their files.
        skipped: files, or entries of archives, that could not be used, with the reason.
        others: JSON files beside the sessions that are none: the add-on's model, its records of edits.
        duplicates: sessions that were there already, word for word.
    """

    sessions: tuple[Session, ...]
    skipped: tuple[Skipped, ...]
    others: int
    duplicates: int


def read_sessions(given: Iterable[str | PathLike[str]]) -> SessionsRead:
    """Read every session of files, folders and globs; one bad file never ends it.

    Raises:
        DatasetError: there is no JSON file or archive, or no session in any of them.
    """
    names = list(given)
    discovery = find_media(names, SESSION_EXTENSIONS)
    sessions: list[Session] = []
    skipped = list(discovery.skipped)
    seen: set[str] = set()
    others = duplicates = 0
    for file in discovery.files:
        for source, content in _documents(file, skipped):
            try:
                found = _sessions_in(content)
            except (ValueError, RecursionError) as error:
                skipped.append(Skipped(Path(source), f"is no JSON ({error})"))
                continue
            others += not found
            for name, values in _numbered(source, found):
                key = rows_sha256(json.dumps(values, sort_keys=True))
                if key in seen:
                    duplicates += 1
                    continue
                seen.add(key)
                try:
                    sessions.append(parse_session(values, name))
                except DatasetError as error:
                    skipped.append(Skipped(Path(name), error.what))
    if not sessions:
        shown = ", ".join(str(name) for name in names)
        why = f"; {skipped[0].path}: {skipped[0].reason}" if skipped else ""
        raise DatasetError(
            f"no session in {shown} ({others} other JSON files{why})",
            remedy="give the folder of a sweep, the add-on's sessions folder, or an archive that it exported",
        )
    return SessionsRead(sessions=tuple(sessions), skipped=tuple(skipped), others=others, duplicates=duplicates)


def _documents(file: Path, skipped: list[Skipped]) -> Iterator[tuple[str, bytes]]:
    """The JSON texts of a file: itself, or the entries of an archive."""
    try:
        if file.stat().st_size > LARGEST_BYTES:
            skipped.append(Skipped(file, f"is larger than {LARGEST_BYTES // 1024**2} MiB"))
            return
        content = file.read_bytes()
    except OSError as error:
        skipped.append(Skipped(file, f"cannot be read ({error.strerror})"))
        return
    if file.suffix.lower() != ".zip":
        yield str(file), content
        return
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield from _entries(archive, file, skipped)
    except zipfile.BadZipFile:
        skipped.append(Skipped(file, "is no ZIP archive, or is damaged"))


def _entries(archive: zipfile.ZipFile, file: Path, skipped: list[Skipped]) -> Iterator[tuple[str, bytes]]:
    unpacked = 0
    for entry in archive.infolist():
        if entry.is_dir() or not entry.filename.lower().endswith(".json"):
            continue
        unpacked += entry.file_size
        if unpacked > LARGEST_BYTES:
            skipped.append(Skipped(file, f"unpacks to more than {LARGEST_BYTES // 1024**2} MiB"))
            return
        try:
            yield f"{file}/{entry.filename}", archive.read(entry)
        except (RuntimeError, NotImplementedError, zipfile.BadZipFile) as error:
            skipped.append(Skipped(file / entry.filename, f"cannot be unpacked ({error})"))


def _sessions_in(content: bytes) -> list[dict[str, object]]:
    """The sessions of a JSON text: itself, a list of them, or what lies under ``sessions``.

    Raises:
        ValueError: it is no JSON.
    """
    document = json.loads(content, parse_constant=lambda _: None)
    if isinstance(document, dict) and not is_session(document):
        document = document.get("sessions")
    several = document if isinstance(document, list) else [document]
    return [values for values in several if is_session(values)]


def _numbered(source: str, found: list[dict[str, object]]) -> Iterator[tuple[str, dict[str, object]]]:
    if len(found) == 1:
        yield source, found[0]
        return
    for number, values in enumerate(found, start=1):
        yield f"{source} ({number})", values
