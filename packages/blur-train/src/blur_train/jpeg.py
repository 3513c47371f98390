"""Whether a JPEG file holds all of its picture, read from its markers before anything is decoded.

Decoders fill what is missing with grey or, in a progressive file, with a coarse version of the picture: a photo that
was cut short would be called blurred. Each looks at the data only up to a point, so the file's own structure is asked:
it must end, hold every scan that it needs, and every restart marker between. Segments and markers: ITU-T T.81,
annex B; which coefficients a progressive file's scans bring: annex G.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from blur_train.damage import NotWhole
from blur_train.jpeg_ending import OneScan

START = b"\xff\xd8"
MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
RESTART = re.compile(rb"\xff[\xd0-\xd7]")
END_OF_IMAGE, START_OF_SCAN, RESTART_INTERVAL = 0xD9, 0xDA, 0xDD
FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
SEQUENTIAL = frozenset({0xC0, 0xC1})
PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})
COEFFICIENTS = 64
ENDS_EARLY = "ends before its picture does"
MOST_SCANS = 64
"""Encoders write about ten; each costs a pass over the picture, so that a small file could keep a decoder busy long."""


@dataclass(slots=True)
class _Frame:
    """What the markers said so far of a picture.

    Attributes:
        marker: says how it is coded.
        width: in pixels.
        height: likewise.
        units: sampling factors (horizontal, vertical) by component.
        missing: for each component the lowest bit that each coefficient still lacks; 0 when it is complete.
    """

    marker: int
    width: int
    height: int
    units: dict[int, tuple[int, int]]
    missing: dict[int, list[int]] = field(default_factory=dict)


def check_complete(data: bytes) -> OneScan | None:
    """Walk a JPEG's markers from its start to its end; what lies behind its end does not count.

    Args:
        data: the whole file.

    Returns:
        Where the coded data are, if their end can be looked at only when they are decoded; else None.

    Raises:
        NotWhole: it ends too early, lacks a part of its picture, or holds what no encoder writes.
    """
    frame: _Frame | None = None
    interval = 0
    scans = 0
    last: OneScan | None = None
    for marker, segment, coded in _segments(data):
        if marker in FRAMES:
            frame = _frame(marker, segment)
        elif marker == RESTART_INTERVAL:
            interval = int.from_bytes(segment[:2], "big")
        elif marker == START_OF_SCAN:
            if frame is None:
                raise NotWhole("holds picture data before it says of which size", is_truncated=False)
            scans += 1
            if scans > MOST_SCANS:
                raise NotWhole(f"holds more than {MOST_SCANS} scans", is_truncated=False)
            _take_scan(frame, segment)
            last = None if interval or scans > 1 else _one_scan(frame, segment, coded)
            if interval:
                _check_restarts(data, coded, _units_of_scan(frame, segment), interval)
    if frame is None or not scans:
        raise NotWhole("holds no picture", is_truncated=False)
    if any(bit for bits in frame.missing.values() for bit in bits):
        raise NotWhole("lacks the last of its scans, which hold the detail", is_truncated=True)
    return last


def _segments(data: bytes) -> Iterator[tuple[int, bytes, tuple[int, int]]]:
    """Each marker up to the end of the image, its segment, and from where to where coded data follow it."""
    place = len(START)
    while True:
        marker, place = _marker(data, place)
        if marker == END_OF_IMAGE:
            return
        if marker in STANDALONE:
            continue
        length = int.from_bytes(data[place : place + 2], "big")
        if place + max(length, 2) > len(data):
            raise NotWhole(ENDS_EARLY, is_truncated=True)
        if length < 2:
            raise NotWhole(f"has a segment without length at byte {place:,}", is_truncated=False)
        segment = data[place + 2 : place + length]
        place += length
        start = place
        if marker == START_OF_SCAN:
            found = MARKER.search(data, place)
            if found is None:
                raise NotWhole(ENDS_EARLY, is_truncated=True)
            place = found.start()
        yield marker, segment, (start, place)


def _marker(data: bytes, place: int) -> tuple[int, int]:
    """The marker at a place, which any number of fill bytes may precede, and the place behind it."""
    while data[place : place + 2] == b"\xff\xff":
        place += 1
    if place + 2 > len(data):
        raise NotWhole(ENDS_EARLY, is_truncated=True)
    if data[place] != 0xFF:
        raise NotWhole(f"has no marker at byte {place:,}, where one must be", is_truncated=False)
    return data[place + 1], place + 2


def _frame(marker: int, segment: bytes) -> _Frame:
    height, width = int.from_bytes(segment[1:3], "big"), int.from_bytes(segment[3:5], "big")
    count = segment[5] if len(segment) > 5 else 0
    components = segment[6 : 6 + 3 * count]
    units = {number: (size >> 4, size & 15) for number, size in zip(components[::3], components[1::3], strict=False)}
    if len(components) < 3 * count or len(units) != count or not all(all(unit) for unit in units.values()):
        raise NotWhole("has a damaged header", is_truncated=False)
    # A coefficient of which no scan has told lacks every bit; what is above 13 counts as that.
    missing = {number: [COEFFICIENTS] * COEFFICIENTS for number in units}
    return _Frame(marker, width, height, units, missing)


def _scanned(frame: _Frame, segment: bytes) -> tuple[list[int], bytes]:
    """The components of a scan, and the three bytes behind them: first and last coefficient, and bits."""
    count = segment[0] if segment else 0
    components = list(segment[1 : 1 + 2 * count : 2])
    rest = segment[1 + 2 * count :]
    if not components or len(rest) != 3 or any(number not in frame.units for number in components):
        raise NotWhole("has a scan of parts that its header does not name", is_truncated=False)
    return components, rest


def _take_scan(frame: _Frame, segment: bytes) -> None:
    """Note which coefficients, to which bit, a scan brings."""
    components, (first, last, bits) = _scanned(frame, segment)
    if frame.marker not in PROGRESSIVE:
        first, last, bits = 0, COEFFICIENTS - 1, 0
    for number in components:
        for coefficient in range(first, min(last, COEFFICIENTS - 1) + 1):
            frame.missing[number][coefficient] = bits & 15


def _units_of_scan(frame: _Frame, segment: bytes) -> int:
    """How many coded units a scan holds; restart markers are counted in these (T.81, A.2)."""
    components, _ = _scanned(frame, segment)
    widest, highest = (max(unit[axis] for unit in frame.units.values()) for axis in (0, 1))
    if len(components) > 1:
        return _ceil(frame.width, 8 * widest) * _ceil(frame.height, 8 * highest)
    across, down = frame.units[components[0]]
    return _ceil(_ceil(frame.width * across, widest), 8) * _ceil(_ceil(frame.height * down, highest), 8)


def _ceil(value: int, divisor: int) -> int:
    return -(-value // divisor)


def _one_scan(frame: _Frame, segment: bytes, coded: tuple[int, int]) -> OneScan | None:
    """The only scan of a picture, where it is of the common kind that holds every component."""
    components, _ = _scanned(frame, segment)
    if frame.marker not in SEQUENTIAL or len(components) != len(frame.units):
        return None
    across, down = (max(unit[axis] for unit in frame.units.values()) for axis in (0, 1))
    if len(components) == 1:
        across = down = 1
    units = _ceil(frame.width, 8 * across)
    return OneScan(start=coded[0], end=coded[1], unit_height_px=8 * down, units_across=units)


def _check_restarts(data: bytes, coded: tuple[int, int], units: int, interval: int) -> None:
    wanted = -(-units // interval) - 1
    found = sum(1 for _ in RESTART.finditer(data, *coded))
    if found < wanted:
        raise NotWhole(
            f"lacks {wanted - found:,} of {wanted:,} restart markers: parts of it are gone", is_truncated=True
        )
