"""The verb ``doctor``: this machine, the libraries that read video, and which of the trainers are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from footage.cli import doctor as checks
from footage.cli.doctor import GIBIBYTE, Check
from footage.cli.exits import ExitCode
from footage.runs.environment import LIBRARIES, installed_version, usable_cpu_count

TRAINERS = ("eztrack-tune", "flexpatch-train", "highlight-train", "blur-train", "video-train")
DECODERS = ("h264", "hevc", "av1", "vp9", "mpeg4", "prores", "mjpeg")
ENCODERS = ("libx264", "aac")
LEAST_MEMORY_BYTES = 3 * GIBIBYTE
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
GPU_SECONDS = 10


def examine(*, as_json: bool) -> ExitCode:
    """Look at the machine, and say how to mend what is missing.

    Args:
        as_json: print one JSON document.
    """
    return checks.run_doctor(
        [
            checks.check_python,
            check_memory,
            check_codecs,
            checks.check_video,
            checks.check_onnxruntime,
            check_driver,
            checks.check_cuda,
            check_libraries,
            *(lambda name=name: check_trainer(name) for name in TRAINERS),
            lambda: checks.check_disk(Path.cwd()),
        ],
        as_json=as_json,
    )


def check_memory() -> Check:
    """How much memory this process may use: the machine's, or a container's limit where that is lower."""
    if not hasattr(os, "sysconf"):
        return Check(name="memory", ok=True, required=False, detail="this system does not say how much there is")
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = CGROUP_LIMIT.read_text().strip() if CGROUP_LIMIT.is_file() else "max"
    bytes_usable = min(memory, int(limit)) if limit.isdecimal() else memory
    each = bytes_usable / usable_cpu_count() / GIBIBYTE
    enough = bytes_usable >= LEAST_MEMORY_BYTES
    return Check(
        name="memory",
        ok=enough,
        required=False,
        detail=f"{bytes_usable / GIBIBYTE:.1f} GiB, {each:.1f} GiB for each processor",
        remedy=None if enough else "use one worker process, or a machine with more memory",
    )


def check_codecs() -> Check:
    """Which of the common codecs PyAV's FFmpeg decodes and encodes."""
    try:
        from footage.video.codecs import codec_library, missing_codecs
    except ImportError as error:
        return Check(name="codecs", ok=False, required=True, detail=str(error), remedy="reinstall the package av")
    missing = missing_codecs(DECODERS, ENCODERS)
    wanted = f"decodes {', '.join(DECODERS)} and encodes {', '.join(ENCODERS)}"
    detail = f"{codec_library()}: " + (f"lacks {', '.join(missing)}" if missing else wanted)
    remedy = "install the package av from its wheels, not from the system's FFmpeg" if missing else None
    return Check(name="codecs", ok=not missing, required=True, detail=detail, remedy=remedy)


def check_driver() -> Check:
    """Which GPUs NVIDIA's driver shows, with their memory."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return Check(name="gpu", ok=False, required=False, detail="no NVIDIA driver is installed; none is needed")
    query = [program, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=GPU_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Check(name="gpu", ok=False, required=False, detail=f"the driver does not answer ({error})")
    lines = "; ".join(done.stdout.split("\n")).strip("; ")
    ok = done.returncode == 0 and bool(lines)
    return Check(name="gpu", ok=ok, required=False, detail=lines or "the driver shows no GPU")


def check_libraries() -> Check:
    """The versions of every library that can change a number."""
    found = [f"{name} {version}" for name in LIBRARIES if (version := installed_version(name)) is not None]
    return Check(name="libraries", ok=True, required=False, detail=", ".join(found))


def check_trainer(name: str) -> Check:
    """Whether a trainer is installed beside this tool, in the same version."""
    version, own = installed_version(name), installed_version("footage-core")
    if version is None:
        remedy = f"in a checkout: uv sync, or uv tool install ./packages/{name}"
        return Check(name=name, ok=False, required=False, detail="not installed here", remedy=remedy)
    same = version == own
    detail = version if same else f"{version}, and footage-core is {own}"
    return Check(name=name, ok=same, required=not same, detail=detail, remedy=None if same else "install one version")
