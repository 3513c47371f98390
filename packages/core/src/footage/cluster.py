"""Work on a Dask cluster: pieces are handed out a few at a time, and come back as they are done.

Futures rather than joblib's Dask backend: each piece has its own outcome, so that one which kills worker after worker
ends as a failure of its own and not as the end of the run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from importlib import import_module
from typing import Any, TypeVar

from footage.errors import InputError, MissingDependency

Piece = TypeVar("Piece")
Value = TypeVar("Value")
Done = tuple[Piece, Value | None, BaseException | None]
"""A piece with what came of it, or with what went wrong."""

PIECES_A_THREAD = 2
"""Handed out ahead: a worker that is done finds its next piece there."""
_CONNECT_SECONDS = 10
_WORKER_SECONDS = 30


def map_on_cluster(
    work: Callable[[Piece], Value],
    pieces: Iterable[Piece],
    *,
    scheduler: str,
    remedy: str,
    again: Callable[[Piece, BaseException], Sequence[Piece]] = lambda _piece, _error: (),
) -> Iterator[Done[Piece, Value]]:
    """Do pieces of work on the workers of a Dask scheduler; workers may come and go.

    What a worker was doing when it died is done again by another.

    Args:
        work: what to do; it goes to the workers by pickle.
        pieces: taken a bounded number at a time.
        scheduler: its address, such as ``tcp://10.0.0.5:8786``.
        remedy: what to install where ``distributed`` is missing.
        again: smaller pieces to hand out in place of one that went wrong; none lets its error stand.

    Yields:
        Every piece once, as they are done, with its value or its error.

    Raises:
        MissingDependency: ``distributed`` is not installed.
        InputError: the scheduler cannot be reached or went away, or it has no worker.
    """
    try:
        distributed: Any = import_module("distributed")  # half of it has no types
    except ImportError as error:
        raise MissingDependency("working on a cluster needs the package distributed", remedy=remedy) from error
    with _connected(distributed, scheduler) as client:
        try:
            yield from _done(client, distributed.as_completed(loop=client.loop), work, iter(pieces), again)
        except (OSError, CancelledError) as error:
            raise InputError(
                "the scheduler went away",
                where=scheduler,
                remedy="start it again, then run the same command: what was done is kept",
            ) from error


def workers_died(error: BaseException) -> bool:
    """Whether a piece went wrong because every worker that took it died."""
    return type(error).__name__ == "KilledWorker"


def _done(
    client: Any,
    completed: Any,
    work: Callable[[Piece], Value],
    waiting: Iterator[Piece],
    again: Callable[[Piece, BaseException], Sequence[Piece]],
) -> Iterator[Done[Piece, Value]]:
    given: dict[Any, Piece] = {}

    def hand_out(piece: Piece) -> None:
        future = client.submit(work, piece, pure=False)
        given[future] = piece
        completed.add(future)

    def fill() -> None:
        ahead = PIECES_A_THREAD * max(1, sum(client.nthreads().values()))
        while len(given) < ahead:
            try:
                piece = next(waiting)
            except StopIteration:
                return
            hand_out(piece)

    fill()
    for future in completed:
        piece = given.pop(future)
        if future.status == "finished":
            yield piece, future.result(), None
        elif future.status != "error":
            raise CancelledError  # nobody else cancels
        else:
            error = future.exception()
            smaller = again(piece, error)
            for one in smaller:
                hand_out(one)
            if not smaller:
                yield piece, None, error
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
