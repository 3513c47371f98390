"""Pieces of work on a real Dask cluster: every piece once, with its value or its error."""

from __future__ import annotations

import operator
import subprocess
import sys
from collections.abc import Iterator
from functools import partial

import pytest

from footage.cluster import map_on_cluster, workers_died
from footage.errors import InputError

pytest.importorskip("distributed", reason="no trainer's extra cluster is installed")

SCHEDULER = """
import asyncio, sys, distributed
async def serve():
    async with distributed.Scheduler(host="127.0.0.1", port=0, dashboard=False) as scheduler:
        print(scheduler.address, flush=True)
        await scheduler.finished()
asyncio.run(serve())
"""
WORKER = """
import asyncio, sys, distributed
async def serve():
    async with distributed.Worker(sys.argv[1], nthreads=1, dashboard=False) as worker:
        print(worker.address, flush=True)
        await worker.finished()
asyncio.run(serve())
"""
divide = partial(operator.truediv, 60)
"""Something that workers can import; it fails on 0."""
REMEDY = "install it"


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    with subprocess.Popen([sys.executable, "-c", SCHEDULER], stdout=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        address = serving.stdout.readline().strip()
        with subprocess.Popen([sys.executable, "-c", WORKER, address], stdout=subprocess.PIPE, text=True) as worker:
            assert worker.stdout is not None
            assert worker.stdout.readline().startswith("tcp://")
            yield address
            worker.kill()
        serving.kill()


def test_every_piece_comes_back_once_with_its_value_or_its_error(scheduler: str) -> None:
    found = {piece: (value, error) for piece, value, error in map_on_cluster(
        divide, [1, 2, 0, 4, 5, 6], scheduler=scheduler, remedy=REMEDY
    )}  # fmt: skip
    assert sorted(found) == [0, 1, 2, 4, 5, 6]
    assert {piece: value for piece, (value, _) in found.items() if piece} == {1: 60, 2: 30, 4: 15, 5: 12, 6: 10}
    value, error = found[0]
    assert value is None
    assert isinstance(error, ZeroDivisionError)
    assert not workers_died(error)


def test_a_piece_that_goes_wrong_is_done_again_in_smaller_ones(scheduler: str) -> None:
    asked = []

    def one_by_one(piece: list[float], error: BaseException) -> list[list[float]]:
        asked.append((piece, type(error)))
        return [[number] for number in piece] if len(piece) > 1 else []

    # max() of a list that holds a word and a number fails; of each by itself it does not.
    pieces = [[1.0, 5.0], [2.0, "x", 3.0], []]
    done = list(map_on_cluster(max, pieces, scheduler=scheduler, remedy=REMEDY, again=one_by_one))  # type: ignore[arg-type]  # max has no one type
    assert sorted((str(piece), value) for piece, value, _ in done) == [
        ("['x']", "x"),
        ("[1.0, 5.0]", 5.0),
        ("[2.0]", 2.0),
        ("[3.0]", 3.0),
        ("[]", None),
    ]
    assert ([2.0, "x", 3.0], TypeError) in asked
    assert ([], ValueError) in asked


def test_pieces_are_taken_as_workers_come_free(scheduler: str) -> None:
    taken = []

    def pieces() -> Iterator[int]:
        for number in range(1, 41):
            taken.append(number)
            yield number

    doing = map_on_cluster(divide, pieces(), scheduler=scheduler, remedy=REMEDY)
    next(doing)
    assert len(taken) <= 4, "a library of terabytes is not listed before the first file is done"
    assert len(list(doing)) == 39


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://x"])
def test_a_scheduler_that_cannot_be_reached_is_named(address: str) -> None:
    with pytest.raises(InputError, match="cannot be reached") as caught:
        next(map_on_cluster(divide, [1], scheduler=address, remedy=REMEDY))
    assert caught.value.where == address
