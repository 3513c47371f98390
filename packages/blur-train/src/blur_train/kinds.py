"""The kinds of picture that are read, told by their first bytes: a name may say anything."""

from __future__ import annotations

from typing import Final

STARTS: Final = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
}

BRANDS: Final = {
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "HEIF"),
}
"""Kinds of picture in an ISO media file, by its major brand."""


def sniff(data: bytes) -> str | None:
    """The kind of picture that bytes begin as; None for what is not among the kinds that are read.

    Args:
        data: a file's bytes, or at least its first 32.
    """
    for start, kind in STARTS.items():
        if data.startswith(start):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[:2] == b"BM" and data[6:10] == bytes(4):
        return "BMP"
    return BRANDS.get(data[8:12]) if data[4:8] == b"ftyp" else None
