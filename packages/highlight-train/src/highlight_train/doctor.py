"""The verb ``doctor``: what highlight-train needs of a machine."""

from __future__ import annotations

from pathlib import Path

from footage.cli import doctor as checks
from footage.cli.exits import ExitCode

_EXTRA = "uv pip install 'highlight-train[{}]'"


def examine(*, as_json: bool) -> ExitCode:
    """Look at versions, codecs, devices and disk, and say how to mend what is missing.

    Args:
        as_json: print one JSON document.
    """
    return checks.run_doctor(
        [
            checks.check_python,
            lambda: checks.check_package("torch", purpose="training"),
            checks.check_video,
            checks.check_onnxruntime,
            lambda: checks.check_package(
                "fastapi", purpose="the labelling page", required=False, remedy=_EXTRA.format("label")
            ),
            lambda: checks.check_package(
                "distributed", purpose="scoring on a Dask cluster", required=False, remedy=_EXTRA.format("cluster")
            ),
            lambda: checks.check_package(
                "opentimelineio", purpose="timelines for editors", required=False, remedy=_EXTRA.format("otio")
            ),
            checks.check_cuda,
            lambda: checks.check_disk(Path.cwd()),
        ],
        as_json=as_json,
    )
