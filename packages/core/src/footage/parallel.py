"""The same function over many items: in worker processes, where no item, however bad, ends the batch.

Workers are joblib's: local processes by default, a cluster within ``joblib.parallel_config("dask")``.
"""

from __future__ import annotations

import errno
import os
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from joblib import Parallel, delayed
from joblib.externals.loky.process_executor import TerminatedWorkerError

from footage.errors import FootageError
from footage.runs.environment import usable_cpu_count

Item = TypeVar("Item")
Value = TypeVar("Value")

OF_THE_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
"""A full disk, a used-up quota and a disk that must not be written would fail every item after this one."""
ITEMS_IN_FLIGHT_PER_JOB = 16
"""Items handed out together, a job: what bounds memory, and large enough that workers seldom wait for the last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemError:
    """Why an item failed, in a form that crosses processes.

    Attributes:
        kind: the class of the exception, or ``WorkerDied`` where the worker process ended (crash, out of memory).
        message: the exception in one line.
        explained: the exception was one that says what is wrong with the item; else a fault in the function is likely.
        traceback: where it was raised; empty where the worker died.
        of_the_disk: number, words and path of an ``OSError`` that is the disk's fault and not the item's.
    """

    kind: str
    message: str
    explained: bool
    traceback: str
    of_the_disk: tuple[int, str, str | None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Generic[Item, Value]):
    """What became of an item: a value or an error.

    Attributes:
        index: the item's place among the items, from 0.
        item: the item as it was given.
        value: what the function returned; None where it failed.
        error: why it failed; None where it did not.
    """

    index: int
    item: Item
    value: Value | None
    error: ItemError | None


def parallel_map(
    function: Callable[[Item], Value],
    items: Iterable[Item],
    *,
    jobs: int | None = None,
    ordered: bool = True,
    on_progress: Callable[[Outcome[Item, Value]], None] | None = None,
) -> Iterator[Outcome[Item, Value]]:
    """Apply a function to every item; each gives an outcome, whatever happens to it.

    Items are taken, and values kept, a bounded number at a time: memory does not grow with the number of items, and
    ``items`` may be a generator. A worker that dies takes no other item with it: those that were with it are run again,
    one by one, so the function must bear being called twice on an item.

    Args:
        function: what to apply; with several jobs it and its values must be picklable.
        items: what to apply it to.
        jobs: worker processes; 1 runs in this process, None uses every processor this process may run on.
        ordered: give the outcomes in the order of the items, else as they come.
        on_progress: called with every outcome before it is given.

    Yields:
        An outcome an item.

    Raises:
        ValueError: ``jobs`` is below 1.
        OSError: an item could not be worked on because a disk is full or must not be written: no item's own fault, so
            that the batch ends.
    """
    count = usable_cpu_count() if jobs is None else jobs
    if count < 1:
        msg = f"jobs must be at least 1, not {count}"
        raise ValueError(msg)
    numbered = enumerate(items)
    outcomes = _in_process(function, numbered) if count == 1 else _in_workers(function, numbered, count, ordered)
    for outcome in outcomes:
        if outcome.error is not None and outcome.error.of_the_disk is not None:
            raise OSError(*outcome.error.of_the_disk)
        if on_progress is not None:
            on_progress(outcome)
        yield outcome


def _in_process(
    function: Callable[[Item], Value], numbered: Iterable[tuple[int, Item]]
) -> Iterator[Outcome[Item, Value]]:
    for index, item in numbered:
        _, value, error = _attempt(function, index, item)
        yield Outcome(index=index, item=item, value=value, error=error)


def _in_workers(
    function: Callable[[Item], Value], numbered: Iterator[tuple[int, Item]], jobs: int, ordered: bool
) -> Iterator[Outcome[Item, Value]]:
    # joblib goes on dispatching while nobody takes its results; a window at a time keeps both ends bounded
    while window := dict(islice(numbered, ITEMS_IN_FLIGHT_PER_JOB * jobs)):
        try:
            for index, value, error in _run(function, window, jobs, ordered):
                yield Outcome(index=index, item=window.pop(index), value=value, error=error)
        except TerminatedWorkerError:
            for index, item in window.items():  # which of them killed the worker is not known: each in its own
                yield _run_alone(function, index, item)


def _run(
    function: Callable[[Item], Value], window: dict[int, Item], jobs: int, ordered: bool
) -> Iterator[tuple[int, Value | None, ItemError | None]]:
    parallel = Parallel(n_jobs=jobs, return_as="generator" if ordered else "generator_unordered", batch_size=1)
    results = parallel([delayed(_attempt)(function, index, item) for index, item in window.items()])
    try:
        while (result := next(results, None)) is not None:
            yield result
    finally:
        with warnings.catch_warnings():
            # said when the caller stops early, which is the caller's business
            warnings.filterwarnings("ignore", category=UserWarning, module="joblib.parallel")
            results.close()


def _run_alone(function: Callable[[Item], Value], index: int, item: Item) -> Outcome[Item, Value]:
    try:
        _, value, error = next(_run(function, {index: item}, 2, ordered=True))
    except TerminatedWorkerError:
        message = "the worker process died: it crashed or ran out of memory"
        error = ItemError(kind="WorkerDied", message=message, explained=False, traceback="")
        return Outcome(index=index, item=item, value=None, error=error)
    return Outcome(index=index, item=item, value=value, error=error)


def _attempt(function: Callable[[Item], Value], index: int, item: Item) -> tuple[int, Value | None, ItemError | None]:
    try:
        return index, function(item), None
    except Exception as error:  # noqa: BLE001 - whatever one item does, the others go on; the outcome tells
        summary = "".join(traceback.format_exception_only(error)).strip().splitlines()
        explained = isinstance(error, FootageError | OSError)
        message = str(error) if isinstance(error, FootageError) else summary[0]
        trace = "".join(traceback.format_exception(error))
        kind = type(error).__name__
        return (
            index,
            None,
            ItemError(
                kind=kind, message=message, explained=explained, traceback=trace, of_the_disk=_of_the_disk(error)
            ),
        )


def _of_the_disk(error: BaseException) -> tuple[int, str, str | None] | None:
    if not isinstance(error, OSError) or error.errno not in OF_THE_DISK:
        return None
    name = error.filename
    return error.errno, error.strerror or "", None if name is None else os.fsdecode(name)
