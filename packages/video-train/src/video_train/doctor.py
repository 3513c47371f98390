"""The verb ``doctor``: what video-train needs of a machine."""

from __future__ import annotations

from pathlib import Path

from footage.cli import doctor as checks
from footage.cli.exits import ExitCode


def examine(*, as_json: bool) -> ExitCode:
    """Look at versions, codecs, devices and disk, and say how to mend what is missing.

    Args:
        as_json: print one JSON document.
    """
    return checks.run_doctor(
        [
            checks.check_python,
            lambda: checks.check_package("torch", purpose="training"),
            lambda: checks.check_package("torchvision", purpose="the networks"),
            checks.check_video,
            checks.check_onnxruntime,
            lambda: checks.check_package(
                "timm",
                purpose="networks beyond torchvision's",
                required=False,
                remedy="uv pip install 'video-train[timm]'",
            ),
            checks.check_cuda,
            lambda: checks.check_disk(Path.cwd()),
        ],
        as_json=as_json,
    )
