"""The one way a photo is opened: header first, pixels only within limits, and never a picture that is not whole.

JPEG is decoded by OpenCV, which gives the same pixels as Pillow in little more than half the time, and in half of that
where luma is enough; every other kind by Pillow, HEIC through pillow-heif. Files are read, never written, and nothing
but their bytes goes to a library.
"""

from __future__ import annotations

import io
import warnings
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pillow_heif import register_heif_opener

from blur_train import jpeg, png
from blur_train.damage import NotWhole
from blur_train.exif import BROKEN, camera_and_time, orientation
from blur_train.jpeg_ending import OneScan, ends_too_early
from blur_train.kinds import sniff
from footage.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

PHOTO_EXTENSIONS: Final = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".heic", ".heif", ".avif"}
)
"""What folders are searched for; a file's kind is told by its content, not by its name."""

# Pillow warns of sizes, for which the limits here are checked instead, and of odd entries, which do no harm.
warnings.filterwarnings("ignore", module=r"PIL\.")

DAMAGE: Final = (*BROKEN, zlib.error, cv2.error)
"""What decoders raise on damaged files: Pillow's parsers trust them, and let much through."""

OPENERS: Final = {"JPEG": ("JPEG", "MPO")}
"""Pillow's names for a kind, where they are not its own; a phone's JPEG with a second picture behind it is an MPO."""

COPY_AGAIN: Final = "copy it again from its source"


class PhotoProblem(StrEnum):
    """Why a photo was refused."""

    MISSING = "missing"
    EMPTY = "empty"
    TOO_MANY_BYTES = "too_many_bytes"
    UNSUPPORTED = "unsupported"
    TRUNCATED = "truncated"
    CORRUPT = "corrupt"
    TOO_SMALL = "too_small"
    TOO_MANY_PIXELS = "too_many_pixels"
    ANIMATED = "animated"


class PhotoError(InputError):
    """A photo cannot be used.

    Attributes:
        problem: which of the reasons it is.
    """

    def __init__(
        self, what: str, *, problem: PhotoProblem, where: str | PathLike[str] | None = None, remedy: str | None = None
    ) -> None:
        self.problem = problem
        super().__init__(what, where=where, remedy=remedy)

    def __reduce__(self) -> tuple[object, ...]:
        """Errors cross processes; keyword arguments need to be told of."""
        return _photo_error, (self.what, self.problem, self.where, self.remedy)


def _photo_error(what: str, problem: PhotoProblem, where: str | None, remedy: str | None) -> PhotoError:
    return PhotoError(what, problem=problem, where=where, remedy=remedy)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoLimits:
    """What is refused, from the header where possible.

    Attributes:
        max_bytes: size of the file.
        max_pixels: width by height; at most Pillow's own bound of 178 million.
        min_side_px: the shorter side; below it there is nothing to judge sharpness by.
    """

    max_bytes: int = 256_000_000
    max_pixels: int = 150_000_000
    min_side_px: int = 64


DEFAULT: Final = PhotoLimits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """A photo, upright.

    Attributes:
        image: RGB uint8 (H, W, 3), or luma uint8 (H, W) where that was asked for.
        width: of the upright picture, in pixels.
        height: likewise.
        format: ``JPEG``, ``PNG``, ``WEBP``, ``TIFF``, ``BMP``, ``HEIF`` or ``AVIF``.
        camera: maker and model by its EXIF; None where it says nothing.
        taken: when, in the camera's own time, with fractions of a second where EXIF has them; None where it has none.
    """

    image: NDArray[np.uint8]
    width: int
    height: int
    format: str
    camera: str | None
    taken: datetime | None


def read_photo(source: str | PathLike[str] | bytes, *, limits: PhotoLimits = DEFAULT, luma: bool = False) -> Photo:
    """Read a photo upright by its EXIF orientation.

    Sixteen-bit pictures are scaled to eight bits, palettes, grey and CMYK are converted, alpha is dropped. Of a file
    with several still pictures (a phone's depth map, a scan's pages) the first is taken; an animation is refused.

    Args:
        source: a file, or the bytes of one.
        limits: what to refuse.
        luma: give the picture's luma alone (ITU-R BT.601). A JPEG's is what it stores, so that its colours need not be
            decoded: within one level of the luma of its RGB wherever that is not cut off at 0 or 255.

    Raises:
        PhotoError: the photo cannot be used; its ``problem`` says why.
    """
    where = None if isinstance(source, bytes) else Path(source)
    try:
        return _decoded(source if isinstance(source, bytes) else _bytes_of(Path(source), limits), limits, luma=luma)
    except PhotoError as error:
        if where is None:
            raise
        raise PhotoError(error.what, problem=error.problem, where=where, remedy=error.remedy) from None


def _bytes_of(path: Path, limits: PhotoLimits) -> bytes:
    """A file's content, opened for reading only."""
    try:
        if not path.is_file():  # also keeps pipes and devices, which may never end, unopened
            what = "is no regular file" if path.exists() else "does not exist"
            raise PhotoError(what, problem=PhotoProblem.MISSING, remedy="check the path")
        with path.open("rb") as file:
            data = file.read(limits.max_bytes + 1)
    except OSError as error:
        what = f"cannot be read ({error.strerror or error})"
        raise PhotoError(what, problem=PhotoProblem.MISSING, remedy="check the file and its permissions") from None
    return data


def _decoded(data: bytes, limits: PhotoLimits, *, luma: bool) -> Photo:
    if not data:
        raise PhotoError("is empty", problem=PhotoProblem.EMPTY, remedy=COPY_AGAIN)
    if len(data) > limits.max_bytes:
        what = f"has more than {limits.max_bytes:,} bytes"
        raise PhotoError(what, problem=PhotoProblem.TOO_MANY_BYTES, remedy="give a smaller file")
    kind = sniff(data)
    if kind is None:
        what = "is no picture of a kind that is read"
        raise PhotoError(what, problem=PhotoProblem.UNSUPPORTED, remedy="give JPEG, PNG, WebP, TIFF, BMP, HEIC or AVIF")
    if kind == "WEBP":
        _check_webp(data, limits)
    if kind == "HEIF":
        register_heif_opener(thumbnails=False)
    with _damage_told():
        scan = _check_whole(kind, data)
    with _damage_told(), Image.open(io.BytesIO(data), formats=OPENERS.get(kind, (kind,))) as image:
        _check_size(*image.size, limits)
        if kind in {"PNG", "WEBP", "AVIF"} and getattr(image, "is_animated", False):
            raise PhotoError("is an animation", problem=PhotoProblem.ANIMATED, remedy="give a single picture")
        camera, taken = camera_and_time(image)
        pixels = _jpeg_pixels(data, image, luma=luma) if kind == "JPEG" else _pixels(image)
        if scan is not None and _lacks_rows(data, scan, pixels, image):
            raise NotWhole("lacks its last rows", is_truncated=True)
        if luma and pixels.ndim == 3:
            pixels = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
        # Asked for behind the pixels: of some kinds Pillow turns them itself, and then says that they are upright.
        pixels = _upright(pixels, orientation(image))
    height, width = pixels.shape[:2]
    return Photo(image=pixels, width=width, height=height, format=kind, camera=camera, taken=taken)


def _check_whole(kind: str, data: bytes) -> OneScan | None:
    """Ask a file's own structure whether all of it is there, where decoders do not.

    Returns:
        The coded data whose end is to be looked at beside the pixels; None for what needs no such look.

    Raises:
        NotWhole: it is not.
    """
    if kind == "JPEG":
        return jpeg.check_complete(data)
    if kind == "PNG":
        png.check_complete(data)
    elif kind == "WEBP" and len(data) < 8 + int.from_bytes(data[4:8], "little"):
        raise NotWhole("ends before its picture does", is_truncated=True)
    return None


@contextmanager
def _damage_told() -> Iterator[None]:
    """Turn whatever a decoder raises into the problem that the file has."""
    try:
        yield
    except PhotoError:
        raise
    except NotWhole as damage:
        problem = PhotoProblem.TRUNCATED if damage.is_truncated else PhotoProblem.CORRUPT
        raise PhotoError(str(damage), problem=problem, remedy=COPY_AGAIN) from None
    except Image.DecompressionBombError:
        raise PhotoError("has too many pixels", problem=PhotoProblem.TOO_MANY_PIXELS, remedy="scale it down") from None
    except DAMAGE as error:
        if "truncated" in str(error).lower():
            raise PhotoError("is truncated", problem=PhotoProblem.TRUNCATED, remedy=COPY_AGAIN) from None
        raise PhotoError("is damaged", problem=PhotoProblem.CORRUPT, remedy=COPY_AGAIN) from None


def _check_size(width: int, height: int, limits: PhotoLimits) -> None:
    if width * height > limits.max_pixels:
        what = f"has {width} x {height} pixels, more than {limits.max_pixels:,}"
        raise PhotoError(what, problem=PhotoProblem.TOO_MANY_PIXELS, remedy="scale it down")
    if min(width, height) < limits.min_side_px:
        what = f"is too small to judge: {width} x {height} pixels, and each side must have {limits.min_side_px}"
        raise PhotoError(what, problem=PhotoProblem.TOO_SMALL, remedy="give the photo as the camera took it")


def _check_webp(data: bytes, limits: PhotoLimits) -> None:
    """Check a WebP's canvas: Pillow already makes room for its pixels when it opens one (RFC 9649, section 2.5)."""
    chunk = data[12:16]
    if chunk == b"VP8X":
        width, height = 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    elif chunk == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    else:
        width, height = (int.from_bytes(data[place : place + 2], "little") & 0x3FFF for place in (26, 28))
    _check_size(width, height, limits)


def _jpeg_pixels(data: bytes, image: Image.Image, *, luma: bool) -> NDArray[np.uint8]:
    if image.mode not in {"RGB", "L"}:
        return _pixels(image)
    wanted = cv2.IMREAD_GRAYSCALE if luma else cv2.IMREAD_COLOR_RGB
    found = cv2.imdecode(np.frombuffer(data, np.uint8), wanted | cv2.IMREAD_IGNORE_ORIENTATION)
    if found is None:
        raise PhotoError("cannot be decoded to its end", problem=PhotoProblem.TRUNCATED, remedy=COPY_AGAIN)
    return np.asarray(found, dtype=np.uint8)


def _lacks_rows(data: bytes, scan: OneScan, pixels: NDArray[np.uint8], image: Image.Image) -> bool:
    if pixels.ndim == 2 and ends_too_early(data, scan, pixels):
        pixels = _jpeg_pixels(data, image, luma=False)  # rows of one luma may differ in colour: then they are picture
    return ends_too_early(data, scan, pixels)


def _pixels(image: Image.Image) -> NDArray[np.uint8]:
    image.load()
    if image.mode.startswith("I;16"):
        grey = np.rint(np.asarray(image, dtype=np.float32) / 257.0).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.mode in {"I", "F"}:
        what = "has 32 bits a pixel, whose scale is not known"
        raise PhotoError(what, problem=PhotoProblem.UNSUPPORTED, remedy="save it with 8 or 16 bits")
    return np.array(image if image.mode == "RGB" else image.convert("RGB"), dtype=np.uint8)


_FLIPS: Final = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}
"""OpenCV's flips that make a picture upright, by EXIF orientation; behind a transposition from 5 on."""


def _upright(pixels: NDArray[np.uint8], turned: int) -> NDArray[np.uint8]:
    found = cv2.transpose(pixels) if turned in {5, 6, 7, 8} else pixels
    if turned in _FLIPS:
        found = cv2.flip(found, _FLIPS[turned])
    return np.ascontiguousarray(found, dtype=np.uint8)
