"""The ``doctor`` command's checks: what is there, what is missing, and how to mend it. Nothing is installed."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from footage.cli.console import print_json, result
from footage.cli.exits import ExitCode
from footage.errors import FootageError
from footage.runs.environment import installed_version, usable_cpu_count

LOWEST_PYTHON = (3, 11)
FREE_BYTES_WANTED = 2 * 1024**3
GIBIBYTE = 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the doctor.

    Attributes:
        name: what was looked at.
        ok: it works.
        required: the tool cannot work without it.
        detail: what was found.
        remedy: how to mend it; None where it is well or nothing is known.
    """

    name: str
    ok: bool
    required: bool
    detail: str
    remedy: str | None = None


def check_python() -> Check:
    """The interpreter's version and the processors it may use."""
    version = ".".join(map(str, sys.version_info[:3]))
    detail = f"{version} at {sys.executable}, {usable_cpu_count()} processors"
    return Check(name="python", ok=sys.version_info >= LOWEST_PYTHON, required=True, detail=detail)


def check_package(distribution: str, *, purpose: str, required: bool = True, remedy: str | None = None) -> Check:
    """Whether a package is installed, without importing it.

    Args:
        distribution: its name as it is installed.
        purpose: what it is needed for, as in "needed for YOLO detectors".
        required: the tool cannot work without it.
        remedy: how to install it.
    """
    version = installed_version(distribution)
    detail = f"{version}" if version is not None else f"not installed; needed for {purpose}"
    return Check(
        name=distribution,
        ok=version is not None,
        required=required,
        detail=detail,
        remedy=None if version is not None else remedy,
    )


def check_video(codec: str = "libx264") -> Check:
    """Whether a video can be written with a codec and read back with every frame: done, not asked."""
    import numpy as np

    from footage.video import open_video
    from footage.video.writer import VideoWriter

    frames = 8
    name = f"video ({codec})"
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "doctor.mp4"
            with VideoWriter(path, size=(64, 48), rate=Fraction(25), codec=codec) as writer:
                for index in range(frames):
                    writer.write(np.full((48, 64, 3), index * 30, np.uint8))
            with open_video(path) as reader:
                read = sum(1 for _ in reader.frames())
    except (FootageError, OSError) as error:
        return Check(name=name, ok=False, required=True, detail=str(error), remedy="reinstall the package av")
    detail = f"wrote {frames} frames and read {read} back"
    return Check(name=name, ok=read == frames, required=True, detail=detail)


def check_onnxruntime() -> Check:
    """Which execution providers onnxruntime offers."""
    try:
        import onnxruntime
    except ImportError as error:
        return Check(name="onnxruntime", ok=False, required=True, detail=str(error), remedy="reinstall onnxruntime")
    detail = f"{onnxruntime.__version__}, providers: {', '.join(onnxruntime.get_available_providers())}"
    return Check(name="onnxruntime", ok=True, required=True, detail=detail)


def check_cuda() -> Check:
    """Whether torch is installed and sees a GPU; no tool needs one."""
    try:
        import torch
    except ImportError:
        return Check(name="cuda", ok=False, required=False, detail="torch is not installed, so no GPU is used by it")
    if not torch.cuda.is_available():
        return Check(name="cuda", ok=False, required=False, detail=f"torch {torch.__version__} sees no GPU")
    names = ", ".join(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count()))
    return Check(name="cuda", ok=True, required=False, detail=f"torch {torch.__version__} sees {names}")


def check_disk(folder: Path) -> Check:
    """How much room is left where results would go."""
    free = shutil.disk_usage(folder).free
    detail = f"{free / GIBIBYTE:.1f} GiB free at {folder.resolve()}"
    remedy = None if free >= FREE_BYTES_WANTED else "free some disk space, or write results to another disk"
    return Check(name="disk", ok=free >= FREE_BYTES_WANTED, required=False, detail=detail, remedy=remedy)


def run_doctor(checks: Sequence[Callable[[], Check]], *, as_json: bool = False) -> ExitCode:
    """Run the checks one after another and print what they found.

    Args:
        checks: what to look at, in the order to print.
        as_json: print one JSON document instead of lines.

    Returns:
        ``FAILED`` where something the tool cannot work without is missing, else ``DONE``.
    """
    found = []
    for check in checks:
        one = check()
        found.append(one)
        if not as_json:
            state = "ok     " if one.ok else "MISSING" if one.required else "absent "
            result(f"{state}  {one.name}: {one.detail}")
            if one.remedy is not None:
                result(f"         to mend it: {one.remedy}")
    healthy = all(one.ok for one in found if one.required)
    if as_json:
        print_json({"healthy": healthy, "checks": found})
    return ExitCode.DONE if healthy else ExitCode.FAILED
