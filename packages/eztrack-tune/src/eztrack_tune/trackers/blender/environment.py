"""Where Blender is: an executable of it, or its ``bpy`` wheel in an environment of its own that uv makes.

The wheel never shares our environment: it is GPL, weighs 375 MB, and wants a Python and a NumPy of its own.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from footage.errors import InputError, MissingDependency

WORKER = Path(__file__).with_name("worker.py")
DEFAULT_BPY = "5.0.1"
PYTHON_OF_BPY = {
    "4.2": "3.11",
    "4.3": "3.11",
    "4.4": "3.11",
    "4.5": "3.11",
    "5.0": "3.11",
    "5.1": "3.13",
    "5.2": "3.13",
}
"""Which Python each wheel is made for."""
_VERSION = re.compile(r"(\d+\.\d+)\.\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class BlenderCommand:
    """How Blender is started; the arguments of the worker come last.

    Attributes:
        arguments: program and arguments.
        where: in words.
        version: of Blender.
    """

    arguments: tuple[str, ...]
    where: str
    version: str


def blender_command(*, executable: Path | None = None, bpy: str | None = None) -> BlenderCommand:
    """How to start the worker.

    Args:
        executable: Blender itself.
        bpy: the version of the wheel to use instead, ``5.0.1``; uv fetches it where it has not yet.

    Raises:
        MissingDependency: there is no such executable, or no uv.
        InputError: both were given, or the version is none.
    """
    if executable is not None and bpy is not None:
        raise InputError("Blender is wanted as an executable and as a wheel", remedy="name one of them")
    if executable is not None:
        found = shutil.which(executable)
        if found is None:
            raise MissingDependency("is no program", where=executable, remedy="name Blender's executable")
        arguments = (found, "--background", "--factory-startup", "-noaudio", "--python", str(WORKER), "--")
        return BlenderCommand(arguments=arguments, where=found, version=_version_of(found))
    version = DEFAULT_BPY if bpy is None else bpy
    match = _VERSION.fullmatch(version)
    if match is None:
        raise InputError(f"{version!r} is no version of the bpy wheel", remedy=f"write it as {DEFAULT_BPY}")
    uv = shutil.which("uv")
    if uv is None:
        raise MissingDependency(
            "the bpy wheel is started by uv, which is not there", remedy="install uv, or name a Blender executable"
        )
    python = PYTHON_OF_BPY.get(match[1], "3.11")
    older = () if float(match[1]) > 5.0 else ("--with", "numpy<2")  # which their wheels do not ask for
    own = (uv, "run", "--no-project", "--quiet", "--python", python, "--with", f"bpy=={version}", *older)
    return BlenderCommand(arguments=(*own, "python", str(WORKER)), where=f"bpy {version}", version=version)


def _version_of(executable: str) -> str:
    """What Blender says of itself.

    Raises:
        MissingDependency: it is no Blender, or does not start.
    """
    try:
        ended = subprocess.run(
            [executable, "--version"], capture_output=True, text=True, errors="replace", timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingDependency("cannot be started", where=executable, remedy="name Blender's executable") from error
    match = re.search(r"^Blender (\d+\.\d+\.\d+.*)$", ended.stdout, re.MULTILINE)
    if match is None:
        raise MissingDependency("is no Blender", where=executable, remedy="name Blender's executable")
    return match[1].strip()
