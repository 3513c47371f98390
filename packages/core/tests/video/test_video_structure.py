"""Where a container says that it ends: headers written byte by byte."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from footage.video._structure import missing_bytes

FTYP = struct.pack(">I", 16) + b"ftypisom\0\0\0\0"
EBML = b"\x1a\x45\xdf\xa3"
SEGMENT = b"\x18\x53\x80\x67"


def box(size: int, kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", size) + kind + content


def riff(size: int, content: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", size) + content


@pytest.mark.parametrize(
    ("content", "declared"),
    [
        # MP4: a box cut short; one of 64 bit; one whose long size is itself cut.
        (FTYP + box(100, b"mdat", bytes(10)), 116),
        (FTYP + box(1, b"mdat", struct.pack(">Q", 2**33) + bytes(4)), 16 + 2**33),
        (FTYP + box(1, b"mdat", bytes(4)), 32),
        # Matroska: a segment of ten bytes of which three came; a size of two bytes.
        (EBML + b"\x81x" + SEGMENT + b"\x8aabc", 21),
        (EBML + b"\x81x" + SEGMENT + b"\x41\x00abc", 12 + 256),
        # AVI: one chunk cut; a second one cut; an odd size is padded.
        (riff(100, bytes(20)), 108),
        (riff(4, bytes(4)) + riff(50, bytes(4)), 12 + 58),
        (riff(101, bytes(20)), 110),
    ],
)
def test_a_promise_that_was_not_kept_is_told(tmp_path: Path, content: bytes, declared: int) -> None:
    (tmp_path / "video").write_bytes(content)
    found = missing_bytes(tmp_path / "video")
    assert found is not None
    assert (found.declared, found.present) == (declared, len(content))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nothing that is a video",
        # MP4: whole; a box to the end of the file; a size that cannot be; what a camera appended.
        FTYP + box(16, b"mdat", bytes(8)),
        FTYP + box(0, b"mdat", bytes(3)),
        FTYP + box(4, b"mdat"),
        FTYP + box(900, b"\0\0\0\0"),
        # Matroska: whole; of unknown size, as a live recording; no segment; headers that are cut.
        EBML + b"\x81x" + SEGMENT + b"\x83abc",
        EBML + b"\x81x" + SEGMENT + b"\xffabc",
        EBML + b"\x81x" + b"nope" + b"\x8aabc",
        EBML + b"\x81x" + SEGMENT,
        EBML + b"\x81x" + SEGMENT + b"\x00abc",
        EBML + b"\x41",
        EBML + b"\x00",
        # AVI: whole; without the last padding byte; a recorder that was switched off; other data behind.
        riff(20, bytes(20)),
        riff(21, bytes(21)),
        riff(0, bytes(20)),
        riff(0xFFFFFFFF, bytes(20)),
        riff(4, bytes(4)) + b"JUNK" + struct.pack("<I", 900),
    ],
)
def test_where_nothing_was_promised_nothing_is_missing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "video").write_bytes(content)
    assert missing_bytes(tmp_path / "video") is None
