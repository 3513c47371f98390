"""Batches: what is known of one, where its photos wait, and how it is done in this process."""

from __future__ import annotations

import logging
import re
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

from blur_train.decision import Preset
from blur_train.photos import PhotoError
from blur_train.serve.answers import (
    BlurType,
    FailedItem,
    FullAnswer,
    FullItem,
    Item,
    JobState,
    JobStatus,
    TargetedItem,
)
from blur_train.serve.engine import model_unavailable
from blur_train.serve.judging import ModelHolder, judge
from blur_train.serve.options import Limits
from blur_train.serve.problems import ApiError, photo_refused
from footage.errors import FootageError

LOGGER: Final = logging.getLogger("blur_train.serve")
JOB_ID: Final = re.compile(r"[0-9a-f]{32}")
QUEUE_FULL_RETRY_SECONDS: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A batch as it was asked for.

    Attributes:
        job_id: its name, 32 hexadecimal digits that nobody can guess.
        owner: who may ask for it.
        filenames: of its photos, as the client named them.
        blur_type: the type asked for; None for full answers.
        preset: how readily a photo is called blurred.
        expires_at: from when on it is not known any more, in seconds since 1970.
    """

    job_id: str
    owner: str
    filenames: tuple[str, ...]
    blur_type: BlurType | None
    preset: Preset
    expires_at: float


class Jobs(Protocol):
    """Where batches are done."""

    def submit(self, job: Job) -> None:
        """Take a batch whose photos are in the spool.

        Raises:
            ApiError: there is no room, or no queue.
        """
        ...

    def find(self, job_id: str) -> tuple[Job, Mapping[int, Item]] | None:
        """A batch and what there is of its results; None where it is unknown or has expired.

        Raises:
            ApiError: there is no queue.
        """
        ...

    def check(self) -> None:
        """See that batches can be taken.

        Raises:
            ApiError: there is no queue.
        """
        ...

    def close(self) -> None:
        """Let go of what is held."""
        ...


class Spool:
    """A folder in which the photos of batches wait; a queue gets their names, never their pixels."""

    def __init__(self, folder: Path) -> None:
        """Take a folder, made where it is missing.

        Raises:
            OSError: it cannot be made.
        """
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, job_id: str, index: int) -> Path:
        """Where a photo lies."""
        return self.folder / job_id / f"{index}.photo"

    def done(self, job_id: str, index: int) -> None:
        """Remove a photo that has its result, and the folder with the last one."""
        path = self.path(job_id, index)
        with suppress(OSError):
            path.unlink(missing_ok=True)
            path.parent.rmdir()

    def drop(self, job_id: str) -> None:
        """Remove all photos of a batch."""
        shutil.rmtree(self.folder / job_id, ignore_errors=True)

    def sweep(self, older_than_seconds: float) -> None:
        """Remove what was left by batches that nobody knows any more."""
        oldest = time.time() - older_than_seconds
        for folder in self.folder.iterdir():
            with suppress(OSError):
                if JOB_ID.fullmatch(folder.name) and folder.stat().st_mtime < oldest:
                    shutil.rmtree(folder)


def status_of(job: Job, items: Mapping[int, Item]) -> JobStatus:
    """How far a batch has come."""
    state = JobState.QUEUED if not items else JobState.RUNNING
    return JobStatus(
        job_id=job.job_id,
        status=JobState.FINISHED if len(items) == len(job.filenames) else state,
        total=len(job.filenames),
        done=len(items),
        failed=sum(isinstance(item, FailedItem) for item in items.values()),
        expires_at=datetime.fromtimestamp(job.expires_at, UTC),
    )


def failed_item(job: Job, index: int, error: ApiError) -> FailedItem:
    """The result of a photo that could not be judged."""
    return FailedItem(index=index, filename=job.filenames[index], error=error.body)


def judged_item(job: Job, index: int, path: Path, model: ModelHolder, limits: Limits) -> Item:
    """The result of a photo: its answer, or why it has none.

    Raises:
        FootageError: the model cannot be used; another try may help.
        OSError: likewise for a folder that went away.
    """
    try:
        answer = judge(path, model, limits, blur_type=job.blur_type, preset=job.preset)
    except PhotoError as error:
        return failed_item(job, index, photo_refused(error))
    named = {"index": index, "filename": job.filenames[index]}
    kind = FullItem if isinstance(answer, FullAnswer) else TargetedItem
    return kind.model_validate(answer.model_dump() | named)


def unforeseen(error: BaseException) -> ApiError:
    """What is told of a photo whose judging failed in a way that nobody foresaw."""
    LOGGER.error("a photo of a batch could not be judged", exc_info=error)
    if isinstance(error, FootageError):
        return model_unavailable(error)
    return ApiError(500, "internal_error", "The server failed on this photo; its log says why.")


class LocalJobs:
    """Batches done by threads of this process; they are gone when it ends."""

    def __init__(
        self, spool: Spool, model: ModelHolder, limits: Limits, *, threads: int, now: Callable[[], float] = time.time
    ) -> None:
        """Start without batches.

        Args:
            spool: where the photos are.
            model: to decide with.
            limits: what is let in.
            threads: photos judged at once.
            now: seconds since 1970.
        """
        self._spool = spool
        self._model = model
        self._limits = limits
        self._now = now
        self._lock = threading.Lock()
        self._jobs: dict[str, tuple[Job, dict[int, Item]]] = {}
        self._pending = 0
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="batch")

    def submit(self, job: Job) -> None:
        """Take a batch; see :class:`Jobs`."""
        with self._lock:
            self._expire()
            if self._pending + len(job.filenames) > self._limits.pending_items:
                raise queue_full()
            self._pending += len(job.filenames)
            self._jobs[job.job_id] = (job, {})
        for index in range(len(job.filenames)):
            self._pool.submit(self._do, job, index)

    def find(self, job_id: str) -> tuple[Job, Mapping[int, Item]] | None:
        """A batch; see :class:`Jobs`."""
        with self._lock:
            self._expire()
            found = self._jobs.get(job_id)
            return None if found is None else (found[0], dict(found[1]))

    def check(self) -> None:
        """Nothing can be missing here."""

    def close(self) -> None:
        """End the threads once they are done with their photos; those that wait are given up."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _do(self, job: Job, index: int) -> None:
        item: Item
        try:
            item = judged_item(job, index, self._spool.path(job.job_id, index), self._model, self._limits)
        except Exception as error:  # noqa: BLE001 - whatever happens to a photo, it gets a result
            item = failed_item(job, index, unforeseen(error))
        with self._lock:
            self._pending -= 1
            if job.job_id in self._jobs:
                self._jobs[job.job_id][1][index] = item
        self._spool.done(job.job_id, index)

    def _expire(self) -> None:
        now = self._now()
        for job_id in [name for name, (job, _) in self._jobs.items() if job.expires_at <= now]:
            del self._jobs[job_id]


def queue_full() -> ApiError:
    """The refusal of a batch for which there is no room."""
    message = "Too many photos of batches wait already."
    return ApiError(503, "queue_full", message, retry_after_seconds=QUEUE_FULL_RETRY_SECONDS)
