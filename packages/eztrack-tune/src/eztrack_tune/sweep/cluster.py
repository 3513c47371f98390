"""Trials on a Dask cluster: this process hands them out and writes the journal, workers elsewhere track and solve."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from importlib import import_module
from typing import Any

from eztrack_tune.outcome import TrackOutcome
from eztrack_tune.sweep.work import Trial, Work
from footage.errors import FootageError, InputError, MissingDependency
from footage.parallel import ItemError

TRIALS_A_THREAD = 2
"""Handed out ahead: a worker that is done finds its next trial there."""
_CONNECT_SECONDS = 10
_WORKER_SECONDS = 30


def do_on_cluster(
    trials: Sequence[Trial], work: Work, *, scheduler: str
) -> Iterator[tuple[Trial, TrackOutcome | None, ItemError | None]]:
    """Do trials on the workers of a Dask scheduler; workers may come and go.

    The clips and the output folder must lie under the same paths on every worker, which should have one thread each:
    a tracker does one trial at a time. What a worker was doing when it died is done again by another.

    Args:
        trials: what to do.
        work: what is the same in all of them.
        scheduler: its address, such as ``tcp://10.0.0.5:8786``.

    Yields:
        Each trial with its outcome or with why there is none, as they come.

    Raises:
        MissingDependency: ``distributed`` is not installed.
        InputError: the scheduler cannot be reached or went away, or it has no worker.
    """
    if not trials:
        return
    try:
        distributed: Any = import_module("distributed")  # half of it has no types
    except ImportError as error:
        raise MissingDependency(
            "working on a cluster needs the package distributed", remedy="install eztrack-tune[cluster]"
        ) from error
    with _connected(distributed, scheduler) as client:
        try:
            yield from _answers(client, distributed.as_completed(loop=client.loop), trials, work)
        except (OSError, CancelledError) as error:
            raise InputError(
                "the scheduler went away",
                where=scheduler,
                remedy="start it again, then run the same command: what was done is kept",
            ) from error


def _answers(
    client: Any, completed: Any, trials: Sequence[Trial], work: Work
) -> Iterator[tuple[Trial, TrackOutcome | None, ItemError | None]]:
    waiting = iter(trials)
    given: dict[Any, Trial] = {}

    def fill() -> None:
        ahead = TRIALS_A_THREAD * max(1, sum(client.nthreads().values()))
        while len(given) < ahead and (trial := next(waiting, None)) is not None:
            future = client.submit(work, trial, pure=False)
            given[future] = trial
            completed.add(future)

    fill()
    for future in completed:
        trial = given.pop(future)
        if future.status == "finished":
            yield trial, future.result(), None
        elif future.status == "error":
            yield trial, None, _error(future.exception())
        else:
            raise CancelledError  # nobody else cancels
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


def _error(error: BaseException | None) -> ItemError:
    name = type(error).__name__
    died = name == "KilledWorker"
    return ItemError(
        kind="WorkerDied" if died else name,
        message="every worker that took it died: they crashed or ran out of memory" if died else str(error),
        explained=isinstance(error, FootageError | OSError),
        traceback="",
    )
