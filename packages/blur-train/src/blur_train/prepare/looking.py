"""What is looked at in each photo, in a worker process: content, appearance, sharpness, and what EXIF says."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from blur_train.exif import UPRIGHT, orientation
from blur_train.photos import read_photo
from blur_train.prepare.sources import Candidate
from footage.dataset.audit import perceptual_hashes

THUMBNAIL_PX = 24
COMPARED_PX = 1024
"""Sharpness of photos of different sizes is compared at this long side: there a copy is as sharp as its photo."""

SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}
"""Formats that every trainer reads, by content and not by name; others are written anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen in a photo.

    Attributes:
        sha256: of the file.
        hashes: perceptual hashes of the photo and its flips and turns, 8 of them.
        thumbnail: RGB, ``THUMBNAIL_PX`` squared, as base64.
        sharpness: by :func:`sharpness`, at full size.
        sharpness_small: likewise at a long side of ``COMPARED_PX``.
        camera: maker and model, where the file says.
        taken: in the camera's own time, where the file says.
        width: upright, in px.
        height: likewise.
        format: of the file.
        as_it_is: the file can be copied: its pixels are upright RGB or grey, in a format that every trainer reads.
    """

    sha256: str
    hashes: tuple[int, ...]
    thumbnail: str
    sharpness: float
    sharpness_small: float
    camera: str | None
    taken: datetime | None
    width: int
    height: int
    format: str
    as_it_is: bool

    def pixels(self) -> NDArray[np.uint8]:
        """The thumbnail, ``(24, 24, 3)``."""
        flat = np.frombuffer(base64.b64decode(self.thumbnail), np.uint8)
        return flat.reshape(THUMBNAIL_PX, THUMBNAIL_PX, 3)


def look(candidate: Candidate) -> dict[str, Any]:
    """Look at a photo; the file is read once, and nothing but its bytes is handed on.

    Returns:
        A record for the journal, which :func:`seen` understands.

    Raises:
        PhotoError: the photo cannot be used.
    """
    stamp = file_stamp(candidate.path)
    data = candidate.path.read_bytes()
    photo = read_photo(data)
    with Image.open(io.BytesIO(data)) as image:
        plain = orientation(image) == UPRIGHT and image.mode in {"RGB", "L"}
    grey = np.asarray(cv2.cvtColor(photo.image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    small = cv2.resize(photo.image, (THUMBNAIL_PX, THUMBNAIL_PX), interpolation=cv2.INTER_AREA)
    what = Seen(
        sha256=hashlib.sha256(data).hexdigest(),
        hashes=tuple(int(one) for one in perceptual_hashes(photo.image)),
        thumbnail=base64.b64encode(small.tobytes()).decode("ascii"),
        sharpness=sharpness(grey),
        sharpness_small=sharpness(_at_most(grey, COMPARED_PX)),
        camera=photo.camera,
        taken=photo.taken,
        width=photo.width,
        height=photo.height,
        format=photo.format,
        as_it_is=plain and photo.format in SUFFIXES,
    )
    return {"path": str(candidate.path), "stamp": stamp, **asdict(what)}


_PLAIN = ("sha256", "thumbnail", "sharpness", "sharpness_small", "camera", "width", "height", "format", "as_it_is")


def seen(record: Mapping[str, Any]) -> Seen:
    """What a journal's record says.

    Raises:
        KeyError: the record lacks an entry.
    """
    taken = record["taken"]
    return Seen(
        **{name: record[name] for name in _PLAIN},
        hashes=tuple(record["hashes"]),
        taken=datetime.fromisoformat(taken) if isinstance(taken, str) else taken,
    )


def file_stamp(path: Path) -> list[int]:
    """Size and time of change: what tells that a file is still the one that was looked at.

    Raises:
        OSError: the file is gone.
    """
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


def sharpness(grey: NDArray[np.uint8]) -> float:
    """Mean difference of neighbouring pixels, relative to the contrast of the picture.

    Args:
        grey: uint8 ``(H, W)``.
    """
    across = cv2.absdiff(grey[:, 1:], grey[:, :-1]).mean()
    down = cv2.absdiff(grey[1:], grey[:-1]).mean()
    return float((across + down) / max(float(grey.std()), 1.0))


def _at_most(grey: NDArray[np.uint8], long_side_px: int) -> NDArray[np.uint8]:
    scale = min(1.0, long_side_px / max(grey.shape))
    size = (max(2, round(grey.shape[1] * scale)), max(2, round(grey.shape[0] * scale)))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8) if scale < 1 else grey
