"""The work on this machine: worker processes, one a processor, or one a GPU."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

from footage.errors import FootageError, InputError, MissingDependency, ModelError
from footage.parallel import ItemError, parallel_map
from footage.runs.environment import usable_cpu_count
from highlight_train.batch.journal import FileState
from highlight_train.batch.work import Failure, Place, Scoring, score_files
from highlight_train.scoring.devices import devices_of
from highlight_train.scoring.video import FrameScores

Answer = FrameScores | Failure
Answered = tuple[Sequence[FileState], Sequence[Answer]]

FILES_A_TASK = 4
"""Files whose pictures go through the models together, for each that is read at once. A CPU gains nothing by that: its
workers are given one file at a time, so that all of them end at about the same time."""

_ENDS_THE_RUN: dict[str, type[FootageError]] = {
    kind.__name__: kind for kind in (ModelError, MissingDependency, InputError)
}
"""What no other file would fare better with."""


def score_locally(
    files: Iterable[FileState], scoring: Scoring, *, jobs: int | None = None, device: str = "cpu"
) -> Iterator[Answered]:
    """Score files in worker processes; each file gets an answer, whatever it does to its worker.

    Args:
        files: taken a bounded number at a time.
        scoring: what to score with.
        jobs: worker processes; None takes one a processor, or one a GPU.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Yields:
        A few files with their answers, as they come.

    Raises:
        ModelError: the models cannot be used.
        MissingDependency: ONNX Runtime here cannot compute on the device.
        InputError: it computes nothing on such a device.
    """
    devices, processors = devices_of(device), usable_cpu_count()
    on_cpu = devices == ("cpu",)
    workers = jobs or (processors if on_cpu else len(devices))
    threads = 1 if on_cpu else max(1, processors // workers)
    with tempfile.TemporaryDirectory() as locks:
        place = Place(device=device, locks=Path(locks), decoding_threads=threads)
        work = partial(score_chunk, scoring=scoring, place=place)
        together = 1 if on_cpu else FILES_A_TASK * threads
        alone: list[FileState] = []
        for size, given in ((together, files), (1, alone)):
            for outcome in parallel_map(work, chunks(given, size), jobs=workers, ordered=False):
                if outcome.error is None and outcome.value is not None:
                    yield outcome.item, outcome.value
                    continue
                raise_if_general(outcome.error)
                if len(outcome.item) > 1:
                    alone.extend(outcome.item)  # one of them is to blame: each by itself, afterwards
                else:
                    yield outcome.item, [Failure(outcome.error.message if outcome.error is not None else "no answer")]


def score_chunk(files: Sequence[FileState], scoring: Scoring, place: Place) -> list[Answer]:
    """What a worker is given: files as the scan found them."""
    return score_files([file.path for file in files], scoring, place)


def chunks(files: Iterable[FileState], size: int) -> Iterator[list[FileState]]:
    """Files in lists of ``size``, the last one shorter."""
    waiting = iter(files)
    while chunk := list(islice(waiting, size)):
        yield chunk


def raise_if_general(error: ItemError | None) -> None:
    """End the run where the reason is not one of the files.

    Raises:
        FootageError: the error, where another file would have met it too.
    """
    if error is not None and error.kind in _ENDS_THE_RUN:
        raise _ENDS_THE_RUN[error.kind](error.message)
