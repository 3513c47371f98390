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
OutputFolder = Annotated[Path, typer.Option("--output", "-o", file_okay=False, help="Folder for everything written.")]
