"""A journal of finished work: JSON lines that survive ``kill -9`` and tell what is still to do.

The first line is the key: the settings and content hashes the records depend on. A journal whose key differs holds
results of other settings; it is set aside and a new one is started, and the journal says so.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Self

from footage.errors import InputError
from footage.runs.jsonable import to_jsonable
from footage.runs.lock import lock_exclusively

KEY = "journal_key"
PREVIOUS_SUFFIX = ".previous"


class Journal:
    """An append-only file of records, held by one process at a time.

    Every record is on its way to the disk when ``append`` returns, so that a killed process loses none; it is forced
    to the disk at least every ``fsync_seconds``, so that a power cut loses at most that much work.

    Attributes:
        path: the journal's file.
        restarted_because: why earlier records were set aside (they lie beside it, with ``.previous`` added to the
            name); None where the journal was continued or is new.
        repaired: what was wrong at the journal's end and was removed; None where nothing was.
    """

    def __init__(self, path: str | PathLike[str], key: Mapping[str, object], *, fsync_seconds: float = 1.0) -> None:
        """Open a journal, continue it where its key is the same, and hold it until ``close``.

        Args:
            path: the file; it is made where it is missing, its folder must exist.
            key: everything the records depend on, in values that have a JSON form.
            fsync_seconds: the longest time a record may lie in the system's memory; 0 forces every record to the disk.

        Raises:
            InputError: another process holds this journal.
            OSError: the file cannot be made, read or written.
        """
        self.path = Path(path)
        self.restarted_because: str | None = None
        self.repaired: str | None = None
        self._fsync_seconds = fsync_seconds
        self._synced_at = time.monotonic()
        self._descriptor: int | None = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | _BINARY, 0o666)
        try:
            self._take(self._descriptor)
            self._count = self._continue_or_restart(json.loads(_encode({KEY: key}))[KEY])
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        """The number of records."""
        return self._count

    def __iter__(self) -> Iterator[dict[str, object]]:
        """The records in the order they were appended, read from the file: as many as there are at this moment."""
        with self.path.open("rb") as file:
            file.readline()
            for _ in range(self._count):
                yield json.loads(file.readline())

    def append(self, record: Mapping[str, object]) -> None:
        """Add one record; floats, NaN and infinities among them, read back exactly.

        Raises:
            OSError: the disk is full or went away; the journal then ends with the record before this one.
            TypeError: the record holds something without a JSON form.
            ValueError: the journal is closed.
        """
        self._write_line(_encode(record))
        self._count += 1
        if time.monotonic() - self._synced_at >= self._fsync_seconds:
            self.sync()

    def sync(self) -> None:
        """Force what was appended to the disk."""
        os.fsync(self._open_descriptor())
        self._synced_at = time.monotonic()

    def close(self) -> None:
        """Force the records to the disk and let the journal go. Closing twice is harmless."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _take(self, descriptor: int) -> None:
        if not lock_exclusively(descriptor):
            what = "this journal is in use by another process"
            raise InputError(what, where=self.path, remedy="wait for it to end, or choose another output folder")

    def _open_descriptor(self) -> int:
        if self._descriptor is None:
            msg = f"{self.path}: the journal is closed"
            raise ValueError(msg)
        return self._descriptor

    def _continue_or_restart(self, key: object) -> int:
        """Read what is there; returns the number of records that stay."""
        size = os.fstat(self._open_descriptor()).st_size
        found, count, valid_size = _scan(self.path)
        if size and found == {KEY: key}:
            if valid_size < size:
                self.repaired = f"{size - valid_size} bytes of an unfinished record were removed from its end"
                os.ftruncate(self._open_descriptor(), valid_size)
            return count
        if size:
            self._set_aside(_difference(found, key))
        self._write_line(_encode({KEY: key}))
        self.sync()
        return 0

    def _set_aside(self, reason: str) -> None:
        """Copy the old content beside the journal and empty it: the file itself stays, since it carries the lock."""
        previous = self.path.with_name(self.path.name + PREVIOUS_SUFFIX)
        previous.write_bytes(self.path.read_bytes())
        os.ftruncate(self._open_descriptor(), 0)
        self.restarted_because = f"{reason}; the earlier records are in {previous.name}"

    def _write_line(self, line: bytes) -> None:
        """Write a whole line or none: half a line of a full disk is taken back."""
        descriptor = self._open_descriptor()
        size = os.fstat(descriptor).st_size
        try:
            written = 0
            while written < len(line):
                written += os.write(descriptor, line[written:])
        except OSError:
            os.ftruncate(descriptor, size)
            raise


_BINARY = getattr(os, "O_BINARY", 0)  # Windows would else turn line feeds into two characters


def _encode(record: Mapping[str, object]) -> bytes:
    plain = to_jsonable(record, keep_non_finite=True)
    return json.dumps(plain, separators=(",", ":"), sort_keys=False).encode("ascii") + b"\n"


def _scan(path: Path) -> tuple[object, int, int]:
    """The first line's value (None where it is damaged), the number of whole records, and where the last one ends."""
    found: object = None
    count = -1
    valid_size = 0
    with path.open("rb") as file:
        for line in file:
            try:
                value = json.loads(line) if line.endswith(b"\n") else None
            except (ValueError, RecursionError):
                break
            if not isinstance(value, dict):
                break
            if count < 0:
                found = value
            count += 1
            valid_size += len(line)
    return found, max(count, 0), valid_size


def _difference(found: object, key: object) -> str:
    """Which settings of the journal's key are not the ones asked for, in words."""
    earlier = found.get(KEY) if isinstance(found, dict) else None
    if not isinstance(earlier, dict) or not isinstance(key, dict):
        return "the file there was no readable journal"
    changed = sorted(name for name in {*earlier, *key} if earlier.get(name) != key.get(name) or name not in earlier)
    return f"the journal there was made with another {', '.join(changed)}"
