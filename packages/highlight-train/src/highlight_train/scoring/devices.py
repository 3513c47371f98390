"""Where models run, and how several workers share several GPUs."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import onnxruntime as ort

from footage.errors import InputError
from footage.runs.lock import lock_exclusively


def devices_of(device: str) -> tuple[str, ...]:
    """The devices that a choice stands for.

    Args:
        device: ``auto`` (every GPU that ONNX Runtime can use here, else the CPU), ``cpu``, ``cuda`` (every GPU) or
            ``cuda:N``.

    Raises:
        InputError: ONNX Runtime computes nothing on such a device.
    """
    has_cuda = "CUDAExecutionProvider" in ort.get_available_providers()
    if device == "cpu" or (device == "auto" and not has_cuda):
        return ("cpu",)
    if device.startswith("cuda:"):
        return (device,)
    if device in {"auto", "cuda"}:
        # Torch takes seconds to import, and only the machines with a GPU pay for it.
        import torch

        count = torch.cuda.device_count() if has_cuda else 1
        return tuple(f"cuda:{number}" for number in range(count)) or (("cpu",) if device == "auto" else ("cuda:0",))
    raise InputError(f"scoring does not run on {device}", remedy="choose auto, cpu or cuda")


@cache
def device_of_this_process(device: str, locks: Path | None) -> str:
    """One of the devices that a choice stands for, which this process keeps until it ends.

    Args:
        device: as for :func:`devices_of`.
        locks: a folder for lock files, the same for all processes that share the devices: each takes the first that no
            other has. None takes the first.

    Raises:
        InputError: as :func:`devices_of`.
    """
    devices = devices_of(device)
    if locks is None or len(devices) == 1:
        return devices[0]
    for number, one in enumerate(devices):
        descriptor = os.open(locks / f"device-{number}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        if lock_exclusively(descriptor):  # held until the process ends: the descriptor is never closed
            return one
        os.close(descriptor)
    return devices[os.getpid() % len(devices)]
