"""What a photo's EXIF says of its camera, its time and its orientation; damaged entries are as good as none."""

from __future__ import annotations

import struct
from datetime import datetime
from typing import Final

from PIL import ExifTags, Image

BROKEN: Final = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, AttributeError, AssertionError, EOFError,
    ArithmeticError, RuntimeError, struct.error,
)  # fmt: skip
"""What Pillow's parser raises on entries that lie about their type, place or length."""
UPRIGHT: Final = 1


def orientation(image: Image.Image) -> int:
    """From 1 (upright) to 8, as EXIF numbers them; 1 where it says nothing that can be understood."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, UPRIGHT)
    except BROKEN:
        return UPRIGHT
    return value if isinstance(value, int) and 1 <= value <= 8 else UPRIGHT


def camera_and_time(image: Image.Image) -> tuple[str | None, datetime | None]:
    """Maker and model, and when the photo was taken in the camera's own time; None for what is not there."""
    try:
        exif = image.getexif()
        maker, model = _text(exif.get(ExifTags.Base.Make)), _text(exif.get(ExifTags.Base.Model))
        details = exif.get_ifd(ExifTags.IFD.Exif)
        stamp = _text(details.get(ExifTags.Base.DateTimeOriginal)) or _text(exif.get(ExifTags.Base.DateTime))
        fraction = _text(details.get(ExifTags.Base.SubsecTimeOriginal))
    except BROKEN:
        return None, None
    if model.lower().startswith(maker.lower()):
        maker = ""  # "Canon" "Canon EOS R6"
    return f"{maker} {model}".strip() or None, _time(stamp, fraction)


def _text(value: object) -> str:
    return " ".join(value.replace("\0", " ").split()) if isinstance(value, str) else ""


def _time(stamp: str, fraction: str) -> datetime | None:
    try:
        taken = datetime.strptime(stamp, "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return None
    is_fraction = fraction.isascii() and fraction.isdigit()
    return taken.replace(microsecond=int(fraction[:6].ljust(6, "0"))) if is_fraction else taken
