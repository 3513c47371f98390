"""Every item gives an outcome, in one process and in several, whatever an item does."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import textwrap
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from footage.errors import VideoError
from footage.parallel import ITEMS_IN_FLIGHT_PER_JOB, Outcome, parallel_map


def make_square() -> Callable[[int], int]:
    # a function of a function travels to the workers by value: they cannot import a test module
    def square(value: int) -> int:
        if value % 10 == 3:
            msg = "no frame could be read"
            raise VideoError(msg, where=f"clip{value}.mp4")
        if value % 10 == 5:
            msg = "two\nlines"
            raise ValueError(msg)
        if value == 107:
            os._exit(9)
        return value * value

    return square


square = make_square()


@pytest.mark.parametrize("jobs", [1, 2])
def test_order_is_kept_and_errors_end_nothing(jobs: int) -> None:
    seen: list[int] = []
    outcomes = list(parallel_map(square, range(100), jobs=jobs, on_progress=lambda one: seen.append(one.index)))
    assert [one.index for one in outcomes] == [one.item for one in outcomes] == seen == list(range(100))
    for one in outcomes:
        if one.item % 10 == 3:
            assert one.value is None
            assert one.error is not None
            assert (one.error.kind, one.error.explained) == ("VideoError", True)
            assert one.error.message == f"clip{one.item}.mp4: no frame could be read"
        elif one.item % 10 == 5:
            assert one.error is not None
            assert (one.error.kind, one.error.message, one.error.explained) == ("ValueError", "ValueError: two", False)
            assert "test_parallel.py" in one.error.traceback
        else:
            assert (one.value, one.error) == (one.item**2, None)


def test_without_order_every_item_comes_once() -> None:
    outcomes = list(parallel_map(square, range(70), jobs=2, ordered=False))
    assert sorted(one.index for one in outcomes) == list(range(70))


@pytest.mark.parametrize("ordered", [True, False])
def test_a_worker_that_dies_takes_no_other_item_with_it(ordered: bool) -> None:
    outcomes = sorted(parallel_map(square, range(100, 112), jobs=2, ordered=ordered), key=lambda one: one.index)
    assert [one.item for one in outcomes] == list(range(100, 112))
    died = [one for one in outcomes if one.error is not None and one.error.kind == "WorkerDied"]
    assert [one.item for one in died] == [107]
    assert [one.value for one in outcomes if one.error is None] == [
        n * n for n in range(100, 112) if n % 10 not in {3, 5, 7}
    ]


@pytest.mark.parametrize("jobs", [1, 2])
def test_only_a_few_items_are_taken_ahead(jobs: int) -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for value in range(10_000):
            taken += 1
            yield value

    most_ahead = 0
    outcomes = parallel_map(abs, items(), jobs=jobs)
    for given, _ in enumerate(outcomes, start=1):
        most_ahead = max(most_ahead, taken - given)
        if given == 300:
            outcomes.close()  # type: ignore[attr-defined]  # a generator, and leaving early must be quiet
            break
    assert most_ahead <= (0 if jobs == 1 else ITEMS_IN_FLIGHT_PER_JOB * jobs)
    assert taken < 10_000


class Payload:
    """Something whose end can be seen."""


def test_values_are_let_go_as_they_are_given() -> None:
    def make(_: int) -> Payload:
        return Payload()

    alive: list[weakref.ref[Payload]] = []
    for one in parallel_map(make, range(10_000), jobs=1):
        assert one.value is not None
        alive.append(weakref.ref(one.value))
        assert sum(reference() is not None for reference in alive[-20:]) <= 2


def test_leaving_early_is_quiet(tmp_path: Path) -> None:
    script = tmp_path / "early.py"
    script.write_text(
        textwrap.dedent(
            """
            from footage.parallel import parallel_map

            if __name__ == "__main__":
                for outcome in parallel_map(abs, range(1000), jobs=2):
                    if outcome.index == 5:
                        break
                print("left")
            """
        )
    )
    ended = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "left\n", "")


def test_no_items_give_no_outcomes() -> None:
    assert list(parallel_map(square, [], jobs=2)) == []


def test_no_jobs_are_refused() -> None:
    outcomes: Iterator[Outcome[int, int]] = parallel_map(square, [1], jobs=0)
    with pytest.raises(ValueError, match="at least 1"):
        next(outcomes)


def out_of_room(number: int) -> int:
    if number == 2:
        raise OSError(errno.ENOSPC, "No space left on device", "/full/part.npy")
    if number == 1:
        raise OSError(errno.ENOENT, "No such file or directory", "one.mp4")
    return number


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_full_disk_ends_the_batch_and_is_no_items_fault(jobs: int) -> None:
    seen: list[Outcome[int, int]] = []
    with pytest.raises(OSError, match="No space left") as caught:
        list(parallel_map(out_of_room, range(5), jobs=jobs, on_progress=seen.append))
    assert [(one.item, one.error is None) for one in seen] == [(0, True), (1, False)]
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, "/full/part.npy")
