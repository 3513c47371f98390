"""Processes that train one network together: torch's DDP as ``torch.distributed.run`` starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist

from footage.errors import FootageError

_PATIENCE = timedelta(hours=12)
"""The others wait while the first process validates, which on a CPU may take long."""


@dataclass(frozen=True, slots=True)
class Team:
    """This process among those that train together.

    Attributes:
        rank: its number, from 0; 0 validates, writes and talks.
        size: how many there are.
    """

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process validates, writes and talks."""
        return self.rank == 0

    def shared(self, values: Sequence[float], device: torch.device) -> list[float]:
        """The first process's numbers, in every process."""
        if self.size == 1:
            return list(values)
        tensor = torch.tensor(values, dtype=torch.float64, device=device)
        dist.broadcast(tensor, src=0)
        return [float(value) for value in tensor.tolist()]

    def summed(self, value: float, device: torch.device) -> float:
        """The sum of a number over the processes."""
        if self.size == 1:
            return value
        tensor = torch.tensor(value, dtype=torch.float64, device=device)
        dist.all_reduce(tensor)
        return float(tensor.item())


ALONE = Team()


@contextmanager
def joined(device_type: str) -> Iterator[tuple[Team, torch.device]]:
    """Join the processes that ``torch.distributed.run`` started this one with.

    Args:
        device_type: ``cuda``, a GPU a process, or ``cpu``.

    Yields:
        This process's place, and its device.
    """
    rank, size, local = (int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"))
    device = torch.device("cuda", local) if device_type == "cuda" else torch.device("cpu")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=_PATIENCE)
    try:
        yield Team(rank, size), device
    finally:
        dist.destroy_process_group()


def run_team(module: str, arguments: Sequence[str], *, processes: int) -> None:
    """Run a module in so many processes on this machine and wait for them.

    Args:
        module: the name of a module that runs as a program and calls :func:`joined`.
        arguments: of the program.
        processes: how many.

    Raises:
        FootageError: a process failed; it has said why on standard error.
    """
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    threads = {"OMP_NUM_THREADS": str(max(1, torch.get_num_threads() // processes))}
    ended = subprocess.run([*command, "-m", module, *arguments], check=False, env={**threads, **os.environ})
    if ended.returncode:
        raise FootageError(
            f"training in {processes} processes ended with code {ended.returncode}",
            remedy="the lines above say what happened; the same command goes on from the last checkpoint",
        )
