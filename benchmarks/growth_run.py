"""A command run in a process of its own: its time and memory, those of every process below it included."""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

LOOK_EVERY_SECONDS = 0.1
SUBREAPER = 36
"""Linux's PR_SET_CHILD_SUBREAPER: processes whose parent ended become children of this one, which counts them."""
MEGABYTE = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a command.

    Attributes:
        cpu_seconds: of the process and all below it, until the last of them ended.
        wall_seconds: until the process ended.
        peak_mb: the most that all of these processes held at a moment, RSS; pages that they share count in each.
        peak_first_mb: the most that the first process held, the one that collects and writes.
        load: average over a minute, at the end.
    """

    cpu_seconds: float
    wall_seconds: float
    peak_mb: float
    peak_first_mb: float
    load: float


def count_orphans() -> None:
    """From now on processes whose parent ended are this one's to wait for, and count; on Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)


def run(command: Sequence[str | Path], log: Path) -> Run:
    """Run a console script of this environment to its end.

    Raises:
        RuntimeError: it failed; the log says why.
    """
    script = Path(sys.executable).parent / str(command[0])
    before, started = _children_seconds(), time.perf_counter()
    peak = peak_first = 0
    with log.open("wb") as told:
        process = subprocess.Popen(
            [script, *command[1:]],
            stdout=told,
            stderr=subprocess.STDOUT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        while process.poll() is None:
            peak = max(peak, _held(process.pid))
            peak_first = max(peak_first, _most_held(process.pid))
            time.sleep(LOOK_EVERY_SECONDS)
    wall = time.perf_counter() - started
    with suppress(ChildProcessError):  # none is left
        while True:
            os.waitpid(-1, 0)
    if process.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {process.returncode}: {log}")
    return Run(
        cpu_seconds=_children_seconds() - before,
        wall_seconds=wall,
        peak_mb=peak / MEGABYTE,
        peak_first_mb=peak_first / MEGABYTE,
        load=os.getloadavg()[0],
    )


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _held(pid: int) -> int:
    """Bytes that a process and all below it hold."""
    held = 0
    with suppress(psutil.Error):
        first = psutil.Process(pid)
        for process in (first, *first.children(recursive=True)):
            with suppress(psutil.Error):
                held += process.memory_info().rss
    return held


def _most_held(pid: int) -> int:
    """The most bytes that a process ever held."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
