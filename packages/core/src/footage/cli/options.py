"""Options that mean the same in every tool, ready for a command's signature: ``seed: Seed = 0``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

DEVICE_PATTERN = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


def check_device(value: str) -> str:
    """Refuse, as a usage error, a device that no tool knows.

    Raises:
        typer.BadParameter: ``value`` is none of ``auto``, ``cpu``, ``cuda``, ``cuda:N`` and ``mps``.
    """
    if DEVICE_PATTERN.fullmatch(value) is None:
        msg = f"{value!r} is none of auto, cpu, cuda, cuda:N, mps"
        raise typer.BadParameter(msg)
    return value


Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON document.")]
Seed = Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Seed of everything random.")]
Device = Annotated[
    str, typer.Option("--device", metavar="auto|cpu|cuda[:N]|mps", callback=check_device, help="Where models run.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the plan (counts, disk, time) and stop.")]
Smoke = Annotated[bool, typer.Option("--smoke", help="Take only a few items through the whole path.")]
Jobs = Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Worker processes. Default: one a core.")]
OutputFolder = Annotated[
    Path, typer.Option("--output-dir", "-o", file_okay=False, help="Folder for everything written.")
]
Scheduler = Annotated[
    str | None, typer.Option("--scheduler", metavar="ADDRESS", help="A Dask scheduler, as tcp://HOST:8786.")
]
MultiGpu = Annotated[bool, typer.Option("--multi-gpu", help="Train on all GPUs at once.")]
Processes = Annotated[
    int | None,
    typer.Option("--processes", metavar="N", min=1, help="With --multi-gpu: how many. Default: one a GPU."),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the training in the folder, or fail.")]
Patience = Annotated[
    int, typer.Option("--patience", metavar="N", min=1, help="Epochs without gain after which it ends.")
]
