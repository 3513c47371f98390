"""The work on a Dask cluster: this process hands out files and writes the journal, workers elsewhere read and score."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from footage.cluster import map_on_cluster, workers_died
from footage.errors import FootageError
from highlight_train.batch.journal import FileState
from highlight_train.batch.local import FILES_A_TASK, Answered, chunks, score_chunk
from highlight_train.batch.work import Failure, Place, Scoring


def score_on_cluster(
    files: Iterable[FileState], scoring: Scoring, *, scheduler: str, device: str = "cpu"
) -> Iterator[Answered]:
    """Score files on the workers of a Dask scheduler.

    The library and the models must lie under the same paths on every worker. A file that outlives several workers gets
    a failure.

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
    score = partial(score_chunk, scoring=scoring, place=Place(device=device))
    for chunk, answers, error in map_on_cluster(
        score,
        chunks(files, FILES_A_TASK),
        scheduler=scheduler,
        remedy="install highlight-train[cluster]",
        again=_one_by_one,
    ):
        if answers is not None:
            yield chunk, answers
        elif error is not None:
            yield chunk, [_failure(error)]


def _one_by_one(chunk: list[FileState], error: BaseException) -> list[list[FileState]]:
    """One of several files is to blame: each by itself; where the models are, it would fail again."""
    return [[file] for file in chunk] if len(chunk) > 1 and not isinstance(error, FootageError) else []


def _failure(error: BaseException) -> Failure:
    """What to write of a file whose work ended badly on its own.

    Raises:
        FootageError: the models or the device are to blame, not the file.
    """
    if isinstance(error, FootageError):
        raise error
    if workers_died(error):
        return Failure("every worker that read it died: they crashed or ran out of memory")
    return Failure(f"{type(error).__name__}: {error}")
