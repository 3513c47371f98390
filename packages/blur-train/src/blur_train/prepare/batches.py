"""The two long parts of preparing, in worker processes and with a journal: looking at photos, and writing them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from blur_train.prepare.grouping import Known
from blur_train.prepare.looking import file_stamp, look, seen
from blur_train.prepare.manifest import LeftOut, PreparedPhoto, prepared_photo
from blur_train.prepare.sources import Candidate
from blur_train.prepare.writing import CopyJob, DrawJob
from footage.cli.progress import Progress
from footage.parallel import parallel_map
from footage.runs.journal import Journal

MakeProgress = Callable[[int, int, str], Progress]
Job = TypeVar("Job", CopyJob, DrawJob)


def look_at_all(
    candidates: Sequence[Candidate], journal: Journal, jobs: int | None, make_progress: MakeProgress
) -> tuple[list[Known], list[LeftOut]]:
    """Look at every photo that the journal does not have as it is now.

    Returns:
        The photos that can be used, in the order given, and the others with the reason.
    """
    records = {str(record["path"]): record for record in journal}
    there = {str(one.path): one for one in candidates}
    done = {path: records[path] for path, one in there.items() if _is_as_seen(one, records.get(path))}
    todo = [one for path, one in there.items() if path not in done]
    unreadable = []
    with make_progress(len(candidates), len(done), "looking") as progress:
        for outcome in parallel_map(look, todo, jobs=jobs, ordered=False):
            if outcome.value is None:
                reason = "failed" if outcome.error is None else outcome.error.message
                unreadable.append(LeftOut(path=str(outcome.item.path), reason=reason))
                progress.fail()
                continue
            journal.append(outcome.value)
            done[str(outcome.item.path)] = outcome.value
            progress.advance()
    return [Known(one, seen(done[path])) for path, one in there.items() if path in done], unreadable


def _is_as_seen(candidate: Candidate, record: Mapping[str, Any] | None) -> bool:
    return record is not None and record["stamp"] == file_stamp(candidate.path)


class Writer:
    """Writes the files of jobs in worker processes, each once, whatever interrupts it.

    Attributes:
        failed: photos whose file could not be written, with the reason.
    """

    def __init__(self, output: Path, journal: Journal, jobs: int | None, make_progress: MakeProgress) -> None:
        self.failed: list[LeftOut] = []
        self._output = output
        self._journal = journal
        self._jobs = jobs
        self._make_progress = make_progress
        self._written: dict[str, dict[str, Any]] = {str(record["job"]): _entry(record["photo"]) for record in journal}

    def all(self, doing: str, jobs: Sequence[Job], write: Callable[[Job], PreparedPhoto]) -> list[PreparedPhoto]:
        """Write the files of all jobs; gives what they hold, in the order of the jobs."""
        keys = {job.key: job for job in jobs}
        done = {key: prepared_photo(self._written[key]) for key in keys if self._is_there(key)}
        todo = [job for key, job in keys.items() if key not in done]
        with self._make_progress(len(jobs), len(done), doing) as progress:
            for outcome in parallel_map(write, todo, jobs=self._jobs, ordered=False):
                key = outcome.item.key
                if outcome.value is None:
                    reason = "failed" if outcome.error is None else outcome.error.message
                    self.failed.append(LeftOut(path=str(outcome.item.photo.known.candidate.path), reason=reason))
                    progress.fail()
                    continue
                self._journal.append({"job": key, "photo": asdict(outcome.value)})
                done[key] = outcome.value
                progress.advance()
        return [done[key] for key in keys if key in done]

    def _is_there(self, key: str) -> bool:
        record = self._written.get(key)
        return record is not None and (self._output / record["file"]).is_file()


def _entry(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"a journal's photo is {type(value).__name__}")
    return value
