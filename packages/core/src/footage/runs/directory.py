"""The folder of one run: what it was made with, its journal, and the results, each written whole or not at all."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Self

from footage.errors import InputError
from footage.runs.environment import environment
from footage.runs.files import atomic_path, atomic_write_bytes, atomic_write_json, atomic_write_text
from footage.runs.journal import Journal
from footage.runs.lock import lock_exclusively

__all__ = ["RunDirectory", "atomic_path", "atomic_write_bytes", "atomic_write_json", "atomic_write_text"]

RUN_FILE = "run.json"
JOURNAL_FILE = "journal.jsonl"
LOCK_FILE = ".lock"
FORMAT_VERSION = 1


class RunDirectory:
    """A folder that one command at a time writes to.

    ::

        with RunDirectory(output).open(tool="flexpatch-train", seed=0, settings=settings) as run:
            with run.journal(key) as journal: ...
            atomic_write_text(run.file("report.html"), page)
            run.finish(metrics=metrics)

    ``run.json`` is written at once with ``"finished": null``, so that a folder tells an interrupted run from a finished
    one, and again by ``finish``.

    Attributes:
        path: the folder.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)
        self._descriptor: int | None = None
        self._record: dict[str, object] = {}
        self._started_at = 0.0

    def open(self, *, tool: str, seed: int | None = None, settings: Mapping[str, object] | None = None) -> Self:
        """Make the folder where it is missing, take it for this process, and write the first ``run.json``.

        Args:
            tool: the distribution whose command runs; its version is recorded.
            seed: the seed of the run, where it has one.
            settings: everything else that decides the result: options, data and split hashes.

        Raises:
            InputError: the path is a file, or another process is working in the folder.
            OSError: the folder cannot be made or written.
        """
        if self.path.exists() and not self.path.is_dir():
            what = "this is a file, and a folder is wanted for the results"
            raise InputError(what, where=self.path, remedy="choose another output folder")
        self.path.mkdir(parents=True, exist_ok=True)
        self._take()
        self._started_at = time.monotonic()
        self._record = {
            "format_version": FORMAT_VERSION,
            "tool": tool,
            "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
            "seed": seed,
            "settings": dict(settings or {}),
            "environment": environment(tool),
            "started": _now(),
            "finished": None,
        }
        atomic_write_json(self.file(RUN_FILE), self._record)
        return self

    def file(self, name: str) -> Path:
        """The path of a file in the folder."""
        return self.path / name

    def journal(self, key: Mapping[str, object], *, name: str = JOURNAL_FILE) -> Journal:
        """Open a journal in the folder; see ``Journal``."""
        return Journal(self.file(name), key)

    def finish(self, **results: object) -> None:
        """Write ``run.json`` anew with the results, when it finished and how long it took.

        Args:
            results: further entries of the record, such as ``data``, ``split`` and ``metrics``.
        """
        duration = round(time.monotonic() - self._started_at, 3)
        self._record = {**self._record, **results, "finished": _now(), "duration_seconds": duration}
        atomic_write_json(self.file(RUN_FILE), self._record)

    def close(self) -> None:
        """Let the folder go. Closing twice is harmless."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _take(self) -> None:
        self._descriptor = os.open(self.file(LOCK_FILE), os.O_RDWR | os.O_CREAT, 0o666)
        if not lock_exclusively(self._descriptor):
            self.close()
            what = "another process is working in this folder"
            raise InputError(what, where=self.path, remedy="wait for it to end, or choose another output folder")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
