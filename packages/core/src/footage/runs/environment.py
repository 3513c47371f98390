"""What a run was made with: versions, platform and processors, without importing the libraries it names."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

LIBRARIES = (
    "av",
    "joblib",
    "matplotlib",
    "numpy",
    "onnxruntime",
    "opencv-python",
    "pandas",
    "pillow",
    "scikit-learn",
    "scipy",
    "tensorrt",
    "torch",
    "torchvision",
    "ultralytics",
)
"""The libraries whose version can change a number."""


def environment(*distributions: str) -> dict[str, object]:
    """Versions of Python, of footage-core, of the given distributions and of every library that is installed.

    Args:
        distributions: further distributions to name, such as the trainer itself.

    Returns:
        ``python``, ``platform``, ``machine``, ``cpu_count`` (processors this process may use) and ``versions``, a dict
        from distribution to version in which a library that is not installed is left out.
    """
    versions = {}
    for name in ("footage-core", *distributions, *LIBRARIES):
        found = installed_version(name)
        if found is not None:
            versions[name] = found
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpu_count": usable_cpu_count(),
        "versions": versions,
    }


def installed_version(distribution: str) -> str | None:
    """The version of an installed distribution, None where it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def usable_cpu_count() -> int:
    """The processors this process may run on, which a container or ``taskset`` can make fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
