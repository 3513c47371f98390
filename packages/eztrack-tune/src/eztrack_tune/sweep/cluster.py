"""Trials on a Dask cluster: this process hands them out and writes the journal, workers elsewhere track and solve."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from eztrack_tune.outcome import TrackOutcome
from eztrack_tune.sweep.work import Trial, Work
from footage.cluster import map_on_cluster, workers_died
from footage.errors import FootageError
from footage.parallel import ItemError


def do_on_cluster(
    trials: Sequence[Trial], work: Work, *, scheduler: str
) -> Iterator[tuple[Trial, TrackOutcome | None, ItemError | None]]:
    """Do trials on the workers of a Dask scheduler.

    The clips and the output folder must lie under the same paths on every worker, which should have one thread each:
    a tracker does one trial at a time.

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
    for trial, outcome, error in map_on_cluster(
        work, trials, scheduler=scheduler, remedy="install eztrack-tune[cluster]"
    ):
        yield trial, outcome, None if error is None else _error(error)


def _error(error: BaseException) -> ItemError:
    died = workers_died(error)
    return ItemError(
        kind="WorkerDied" if died else type(error).__name__,
        message="every worker that took it died: they crashed or ran out of memory" if died else str(error),
        explained=isinstance(error, FootageError | OSError),
        traceback="",
    )
