"""The work on a Dask cluster: this process hands out files and writes the journal, workers elsewhere read and score.

Futures rather than joblib's Dask backend: each piece of work has its own outcome, so that one which kills worker after
worker ends as a failed file and not as the end of the run.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from importlib import import_module
from typing import Any

from footage.errors import FootageError, InputError, MissingDependency
from highlight_train.batch.journal import FileState
from highlight_train.batch.local import FILES_A_TASK, Answered, chunks, score_chunk
from highlight_train.batch.work import Failure, Place, Scoring

TASKS_A_THREAD = 2
"""Handed out ahead: a worker that is done finds its next files there."""
_CONNECT_SECONDS = 10
_WORKER_SECONDS = 30


def score_on_cluster(
    files: Iterable[FileState], scoring: Scoring, *, scheduler: str, device: str = "cpu"
) -> Iterator[Answered]:
    """Score files on the workers of a Dask scheduler; workers may come and go.

    The library and the models must lie under the same paths on every worker. What a worker was doing when it died is
    done again by another; a file that outlives several workers gets a failure.

    Args:
        files: taken a bounded number at a time.
        scoring: what to score with.
        scheduler: its address, such as ``tcp://10.0.0.5:8786``.
        device: what each worker computes on; of several GPUs it takes the first that it sees.

    Yields:
        A few files with their answers, each file once, as they come.

    Raises:
        MissingDependency: ``distributed`` is not installed, or a worker lacks what the device needs.
        InputError: the scheduler cannot be reached or went away, or it has no worker.
        ModelError: the models cannot be used on a worker.
    """
    try:
        distributed: Any = import_module("distributed")  # half of it has no types
    except ImportError as error:
        raise MissingDependency(
            "working on a cluster needs the package distributed", remedy="install highlight-train[cluster]"
        ) from error
    with _connected(distributed, scheduler) as client:
        try:
            yield from _answers(client, distributed.as_completed(loop=client.loop), files, scoring, device)
        except (OSError, CancelledError) as error:
            raise InputError(
                "the scheduler went away",
                where=scheduler,
                remedy="start it again, then run the same command: what was scored is kept",
            ) from error


def _answers(
    client: Any, completed: Any, files: Iterable[FileState], scoring: Scoring, device: str
) -> Iterator[Answered]:
    place = Place(device=device)
    waiting = chunks(files, FILES_A_TASK)
    given: dict[Any, Sequence[FileState]] = {}

    def hand_out(chunk: Sequence[FileState]) -> None:
        future = client.submit(score_chunk, list(chunk), scoring, place, pure=False)
        given[future] = chunk
        completed.add(future)

    def fill() -> None:
        ahead = TASKS_A_THREAD * max(1, sum(client.nthreads().values()))
        while len(given) < ahead and (chunk := next(waiting, None)) is not None:
            hand_out(chunk)

    fill()
    for future in completed:
        chunk = given.pop(future)
        if future.status == "finished":
            yield chunk, future.result()
        elif future.status != "error":
            raise CancelledError  # nobody else cancels
        elif len(chunk) > 1 and not isinstance(future.exception(), FootageError):
            for file in chunk:  # one of them is to blame: each by itself
                hand_out([file])
        else:
            yield chunk, [_failure(future.exception())]
        fill()


def _connected(distributed: Any, scheduler: str) -> Any:
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what goes wrong is said once, by us
    try:
        client = distributed.Client(scheduler, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"the scheduler cannot be reached ({error})", where=scheduler, remedy="check its address and that it runs"
        ) from error
    try:
        client.wait_for_workers(1, timeout=_WORKER_SECONDS)
    except TimeoutError as error:
        client.close()
        raise InputError("the scheduler has no worker", where=scheduler, remedy="start `dask worker` on it") from error
    return client


def _failure(error: BaseException | None) -> Failure:
    """What to write of a file whose work ended badly on its own.

    Raises:
        FootageError: the models or the device are to blame, not the file.
    """
    if isinstance(error, FootageError):
        raise error
    if type(error).__name__ == "KilledWorker":
        return Failure("every worker that read it died: they crashed or ran out of memory")
    return Failure(f"{type(error).__name__}: {error}")
