"""Which device computes: the one asked for or none, and why."""

from __future__ import annotations

import re
from dataclasses import dataclass

import torch

from footage.errors import MissingDependency


@dataclass(frozen=True, slots=True)
class Device:
    """A device that is there.

    Attributes:
        name: as torch has it: ``cpu``, ``cuda:0``, ``mps``.
        reason: why this one, in words for the user.
    """

    name: str
    reason: str

    @property
    def torch(self) -> torch.device:
        """The same as torch's own kind."""
        return torch.device(self.name)


def resolve_device(wanted: str) -> Device:
    """The device for ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.

    Only ``auto`` chooses; every other name is that device or an error.

    Raises:
        MissingDependency: torch cannot compute on the device asked for.
        ValueError: there is no such name.
    """
    match = re.fullmatch(r"auto|cpu|mps|cuda(?::(\d+))?", wanted)
    if match is None:
        raise ValueError(f"device is {wanted!r}, expected auto, cpu, cuda, cuda:N or mps")
    if wanted == "cpu":
        return Device("cpu", "the CPU, as asked for")
    if wanted == "mps":
        return _mps()
    if wanted.startswith("cuda"):
        return _cuda(int(match[1] or 0))
    if torch.cuda.is_available():
        return Device("cuda:0", f"{torch.cuda.get_device_name(0)}, the first GPU")
    if torch.backends.mps.is_available():
        return Device("mps", "the GPU of this Mac")
    return Device("cpu", f"the CPU: torch {torch.__version__} finds no GPU")


def _mps() -> Device:
    if not torch.backends.mps.is_available():
        raise MissingDependency(
            f"torch {torch.__version__} cannot compute on mps here", remedy="that needs a Mac with Apple silicon"
        )
    return Device("mps", "the GPU of this Mac, as asked for")


def _cuda(index: int) -> Device:
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if index >= count:
        found = "no GPU" if count == 0 else f"{count} GPU{'' if count == 1 else 's'}, numbered from 0"
        raise MissingDependency(
            f"cannot compute on cuda:{index}: torch {torch.__version__} finds {found}",
            remedy="install a torch built for CUDA and the NVIDIA driver, or compute on the CPU",
        )
    return Device(f"cuda:{index}", f"{torch.cuda.get_device_name(index)}, as asked for")
