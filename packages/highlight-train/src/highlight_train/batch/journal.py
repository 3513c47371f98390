"""The journal of a library's scores: an SQLite file that survives ``kill -9`` and tells what is still to do.

One row a file and settings. A row counts where the file's size and time of modification are still those of the row.
Names are the bytes of the file system, relative to the library where the file lies below it, so that the library may
be mounted elsewhere the next time.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Self

from footage.errors import InputError, printable
from highlight_train.batch.work import Failure
from highlight_train.scoring.sampler import Way
from highlight_train.scoring.video import FrameScores

FORMAT_VERSION = 1
_TABLE = """
CREATE TABLE IF NOT EXISTS files (
    name BLOB NOT NULL,
    settings TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    frames TEXT,
    duration_seconds REAL,
    way TEXT,
    remark TEXT,
    failure TEXT,
    PRIMARY KEY (name, settings)
) WITHOUT ROWID
"""
_INSERT = "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_SELECT = """
SELECT frames, duration_seconds, way, remark, failure FROM files
WHERE name = ? AND settings = ? AND size = ? AND mtime_ns = ?
"""


@dataclass(frozen=True, slots=True)
class FileState:
    """A file as the scan found it.

    Attributes:
        path: where it lies.
        name: what the journal calls it.
        size: in bytes.
        mtime_ns: when it was last changed.
    """

    path: Path
    name: bytes
    size: int
    mtime_ns: int


def file_state(path: Path, root: Path) -> FileState:
    """Look at a file.

    Args:
        path: the file.
        root: the library's folder.

    Raises:
        OSError: it is gone, or its folder may not be entered.
    """
    status = path.stat()
    name = path.relative_to(root) if path.is_relative_to(root) else path.absolute()
    return FileState(path, os.fsencode(name), status.st_size, status.st_mtime_ns)


class ScoreJournal:
    """The journal, held by one process at a time. Use it as a context manager.

    What ``record`` was given is safe from the death of the process when it returns, and from a power cut some seconds
    later; the file stays whole in either case.
    """

    def __init__(self, path: str | PathLike[str], settings: str) -> None:
        """Open a journal, or make one.

        Args:
            path: the file; its folder must exist.
            settings: what decides the scores, as :meth:`highlight_train.batch.work.Scoring.key` names it.

        Raises:
            InputError: the file is no such journal, is of a later format, or another process holds it.
        """
        self._path = Path(path)
        self._settings = settings
        try:
            # Transactions are begun and ended by hand.
            self._connection = sqlite3.connect(self._path, isolation_level=None, timeout=1.0)
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        try:
            self._open()
        except sqlite3.Error as error:
            self._connection.close()
            raise self._unusable(error) from error
        except InputError:
            self._connection.close()
            raise

    def _open(self) -> None:
        # Exclusive: then the write-ahead log needs no memory shared between processes, and works on network shares.
        self._connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version not in {0, FORMAT_VERSION}:
            raise InputError(
                f"is a journal of format {version}, and this version reads {FORMAT_VERSION}",
                where=self._path,
                remedy="use the version that wrote it, or another output folder",
            )
        with self._transaction():
            self._connection.execute(_TABLE)
            self._connection.execute(f"PRAGMA user_version={FORMAT_VERSION}")

    def __len__(self) -> int:
        """The number of rows, of all settings."""
        (count,) = self._connection.execute("SELECT count(*) FROM files").fetchone()
        return int(count)

    def find(self, file: FileState) -> FrameScores | Failure | None:
        """What is known of a file; None where nothing is, or the file has changed since."""
        row = self._connection.execute(_SELECT, (file.name, self._settings, file.size, file.mtime_ns)).fetchone()
        if row is None:
            return None
        frames, duration, way, remark, failure = row
        if failure is not None:
            return Failure(failure)
        pairs = json.loads(frames)
        return FrameScores(
            times_seconds=tuple(float(time) for time, _ in pairs),
            scores=tuple(float(score) for _, score in pairs),
            duration_seconds=duration,
            way=Way(way),
            remark=remark,
        )

    def record(self, answers: Iterable[tuple[FileState, FrameScores | Failure]]) -> None:
        """Write what became of some files: all of them or none.

        Raises:
            OSError: the disk is full or went away.
        """
        rows = [self._row(file, answer) for file, answer in answers]
        try:
            with self._transaction():
                self._connection.executemany(_INSERT, rows)
        except sqlite3.Error as error:
            raise OSError(f"{self._path}: the journal cannot be written ({error})") from error

    def _row(self, file: FileState, answer: FrameScores | Failure) -> tuple[object, ...]:
        key = (file.name, self._settings, file.size, file.mtime_ns)
        if isinstance(answer, Failure):
            return (*key, None, None, None, None, printable(answer.reason))
        frames = json.dumps(list(zip(answer.times_seconds, answer.scores, strict=True)), separators=(",", ":"))
        return (*key, frames, answer.duration_seconds, answer.way.value, answer.remark, None)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:  # an interrupt must not leave half of it to the next transaction
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Let the file go. Closing twice is harmless."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _unusable(self, error: sqlite3.Error) -> InputError:
        if "locked" in str(error):
            return InputError("another process holds this journal", where=self._path, remedy="wait for it to end")
        return InputError(
            f"cannot be used as the journal of scores ({error})",
            where=self._path,
            remedy="move it away, or choose another output folder",
        )
