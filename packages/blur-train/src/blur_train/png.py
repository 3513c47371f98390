"""Whether a PNG file holds all of its picture: Pillow looks at no checksum of pixels, and stops when it has enough."""

from __future__ import annotations

import zlib
from typing import Final

from blur_train.damage import NotWhole

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
END: Final = b"IEND"
ENDS_EARLY: Final = "ends before its picture does"


def check_complete(data: bytes) -> None:
    """Walk a PNG's chunks to its end and compare their checksums (RFC 2083, section 3.2).

    Args:
        data: the whole file.

    Raises:
        NotWhole: it ends too early, or its bytes are not those that were written.
    """
    view = memoryview(data)
    place = len(SIGNATURE)
    while True:
        length = int.from_bytes(view[place : place + 4], "big")
        end = place + 12 + length
        if end > len(data):
            raise NotWhole(ENDS_EARLY, is_truncated=True)
        if zlib.crc32(view[place + 4 : end - 4]) != int.from_bytes(view[end - 4 : end], "big"):
            raise NotWhole(
                f"was changed since it was written: its checksum at byte {end - 4:,} is wrong", is_truncated=False
            )
        if data[place + 4 : place + 8] == END:
            return
        place = end
