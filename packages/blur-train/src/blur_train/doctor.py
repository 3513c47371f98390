"""The verb ``doctor``: what blur-train needs of a machine."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

from footage.cli import doctor as checks
from footage.cli.doctor import Check
from footage.cli.exits import ExitCode

_EXTRA = "uv pip install 'blur-train[{}]'"


def examine(*, as_json: bool) -> ExitCode:
    """Look at versions, picture formats, devices and disk, and say how to mend what is missing.

    Args:
        as_json: print one JSON document.
    """
    return checks.run_doctor(
        [
            checks.check_python,
            lambda: checks.check_package("torch", purpose="training"),
            *(lambda kind=kind: check_pictures(kind) for kind in ("JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF")),
            checks.check_onnxruntime,
            *(
                lambda name=name: checks.check_package(
                    name, purpose="serving", required=False, remedy=_EXTRA.format("serve")
                )
                for name in ("fastapi", "celery", "redis")
            ),
            check_redis,
            lambda: checks.check_package(
                "ultralytics", purpose="its backend", required=False, remedy=_EXTRA.format("ultralytics")
            ),
            checks.check_cuda,
            lambda: checks.check_disk(Path.cwd()),
        ],
        as_json=as_json,
    )


def check_pictures(kind: str) -> Check:
    """Whether a picture can be written, read back, and is refused when it is cut: done, not asked.

    Args:
        kind: as Pillow names it.
    """
    import numpy as np
    from PIL import Image
    from pillow_heif import register_heif_opener

    from blur_train.photos import PhotoError, read_photo

    register_heif_opener()
    name = f"pictures ({kind})"
    remedy = "reinstall the packages pillow, pillow-heif and opencv-python"
    drawn = np.random.default_rng(0).integers(0, 256, (80, 96, 3), dtype=np.uint8)
    try:
        file = io.BytesIO()
        Image.fromarray(drawn).save(file, kind)
        read = read_photo(file.getvalue()).image.shape
    except (OSError, KeyError, RuntimeError, PhotoError) as error:
        return Check(name=name, ok=False, required=True, detail=str(error), remedy=remedy)
    try:
        read_photo(file.getvalue()[: len(file.getvalue()) * 2 // 3])
    except PhotoError:
        detail = "written, read back, and refused when cut short"
        return Check(name=name, ok=read == drawn.shape, required=True, detail=detail)
    return Check(name=name, ok=False, required=True, detail="a picture that was cut short was read", remedy=remedy)


def check_redis() -> Check:
    """Whether a Redis server is installed; only batches with a queue need one, which may run elsewhere."""
    program = shutil.which("redis-server")
    detail = program or "redis-server is not installed; needed for batches with a queue, here or elsewhere"
    remedy = None if program else "install the system's package redis-server, or use a Redis that runs elsewhere"
    return Check(name="redis-server", ok=program is not None, required=False, detail=detail, remedy=remedy)
