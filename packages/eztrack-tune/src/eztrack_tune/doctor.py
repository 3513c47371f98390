"""The verb ``doctor``: what eztrack-tune needs of a machine."""

from __future__ import annotations

import shutil
from pathlib import Path

from footage.cli import doctor as checks
from footage.cli.doctor import Check
from footage.cli.exits import ExitCode


def examine(*, as_json: bool) -> ExitCode:
    """Look at versions, codecs, Blender and disk, and say how to mend what is missing.

    Args:
        as_json: print one JSON document.
    """
    return checks.run_doctor(
        [
            checks.check_python,
            checks.check_video,
            lambda: checks.check_package("opencv-python", purpose="the embedded tracker"),
            lambda: checks.check_package("pycolmap", purpose="the embedded tracker's camera solve"),
            lambda: checks.check_package("optuna", purpose="searching settings"),
            lambda: checks.check_package("libcst", purpose="writing the add-on's table"),
            lambda: checks.check_package("openpyxl", purpose="spreadsheets"),
            check_blender,
            check_uv,
            lambda: checks.check_package(
                "distributed",
                purpose="sweeping on a Dask cluster",
                required=False,
                remedy="uv pip install 'eztrack-tune[cluster]'",
            ),
            lambda: checks.check_disk(Path.cwd()),
        ],
        as_json=as_json,
    )


def check_blender() -> Check:
    """Whether a Blender is on the PATH; any other can be named, and none is needed where uv fetches the module."""
    found = shutil.which("blender")
    return Check(
        name="blender",
        ok=found is not None,
        required=False,
        detail=found or "not on the PATH; the bpy package, fetched by uv, does as well",
    )


def check_uv() -> Check:
    """Whether uv is there, which makes the environment that Blender's Python module runs in."""
    found = shutil.which("uv")
    return Check(
        name="uv",
        ok=found is not None,
        required=False,
        detail=found or "not on the PATH; needed to fetch Blender as a Python module",
        remedy=None if found else "install uv, or install Blender and name its executable",
    )
