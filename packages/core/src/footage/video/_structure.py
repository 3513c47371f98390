"""Whether a container holds all the bytes it declares, read from its outermost boxes only.

Decoders often reach the end of a truncated file without complaint, and frame counts in headers are estimates. The
sizes in the outer structure are exact: when a box that holds media runs past the end of the file, the file was cut.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_MEDIA_BOXES = {b"moov", b"mdat", b"moof"}
_EBML_MAGIC = b"\x1a\x45\xdf\xa3"
_MATROSKA_SEGMENT = b"\x18\x53\x80\x67"


@dataclass(frozen=True, slots=True)
class MissingBytes:
    """The file ends before its container does."""

    declared: int
    present: int

    def __str__(self) -> str:
        return f"the file holds {self.present:,} of the {self.declared:,} bytes its container declares"


def missing_bytes(path: Path) -> MissingBytes | None:
    """What a truncated MP4/MOV, Matroska/WebM or AVI file lacks.

    Returns:
        None for a complete file, for other containers, and where the container declares no size (live recordings).

    Raises:
        OSError: The file cannot be read.
    """
    present = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        file.seek(0)
        if head[:4] == _EBML_MAGIC:
            declared = _matroska_end(file)
        elif head[:4] == b"RIFF":
            declared = _riff_end(file, present)
        elif head[4:8] in {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}:
            declared = _mp4_end(file, present)
        else:
            declared = None
    if declared is None or declared <= present:
        return None
    return MissingBytes(declared, present)


def _mp4_end(file: BinaryIO, present: int) -> int | None:
    """End of the first top-level media box that passes the end of the file (ISO/IEC 14496-12, section 4.2)."""
    position = 0
    while position + 8 <= present:
        file.seek(position)
        box = file.read(8)
        size, kind = int.from_bytes(box[:4], "big"), box[4:]
        if size == 1:
            extended = file.read(8)
            if len(extended) < 8:
                return position + 16
            size = int.from_bytes(extended, "big")
        if size == 0:  # runs to the end of the file, wherever that is
            return None
        if size < 8:
            return None
        position += size
        # Cameras append data that is no box at all: only a box we know can be said to be cut.
        if position > present:
            return position if kind in _MEDIA_BOXES else None
    return None


def _matroska_end(file: BinaryIO) -> int | None:
    """End of the segment (RFC 9559): the EBML header, then one segment with a size, unknown in live recordings."""
    file.seek(4)
    header = _ebml_size(file)
    if header is None:
        return None
    file.seek(header, os.SEEK_CUR)
    if file.read(4) != _MATROSKA_SEGMENT:
        return None
    size = _ebml_size(file)
    return None if size is None else file.tell() + size


def _ebml_size(file: BinaryIO) -> int | None:
    """A variable-length integer (RFC 8794, section 4); None where it is cut off or says "unknown"."""
    first = file.read(1)
    if not first or first[0] == 0:
        return None
    length = 9 - first[0].bit_length()
    rest = file.read(length - 1)
    if len(rest) < length - 1:
        return None
    value = int.from_bytes(bytes([first[0] & ((1 << (8 - length)) - 1)]) + rest, "big")
    return None if value == (1 << (7 * length)) - 1 else value


def _riff_end(file: BinaryIO, present: int) -> int | None:
    """End of the first RIFF chunk that passes the end of the file; OpenDML files have several chunks."""
    position = 0
    while position + 8 <= present:
        file.seek(position)
        chunk = file.read(8)
        kind, size = chunk[:4], int.from_bytes(chunk[4:], "little")
        # Recorders that were switched off leave the size zero or all ones: no promise.
        if kind != b"RIFF" or size in {0, 0xFFFFFFFF}:
            return None
        position += 8 + size + size % 2
        if position > present + 1:  # the padding byte of the last chunk is often left out
            return position
    return None
