"""Whether the last rows of a JPEG are picture, or what a decoder fills in where its data ended too early.

Where data end before an end marker that something added again, decoders go on with blocks like the last one: the rows
that are missing have a single colour. A photo may end like that too (a frame, a black sky). Then its data end with the
same few bits again and again, one group for each unit of that colour; data that were cut end with anything else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

ROWS_LOOKED_AT: Final = 2
"""Of units: what is missing in the last of them is too little to change an answer."""
FEWEST_BITS: Final = 4
MOST_BITS: Final = 10 * 32
"""Of a unit of one colour: at most ten blocks (T.81, B.2.3), a code of up to 16 bits for each one's mean and end."""
MOST_BYTES: Final = 400
_PADDING_BITS: Final = 8
_BLEND_PX: Final = 2
"""Colour, which has half the rows, is blended into the first ones of what was filled in."""
STUFFED, PLAIN = b"\xff\x00", b"\xff"


@dataclass(frozen=True, slots=True, kw_only=True)
class OneScan:
    """The coded data of a picture that is coded in one go, without restarts.

    Attributes:
        start: its first byte.
        end: the first byte behind it.
        unit_height_px: of the coded units.
        units_across: of them.
    """

    start: int
    end: int
    unit_height_px: int
    units_across: int


def ends_too_early(data: bytes, scan: OneScan, pixels: NDArray[np.uint8]) -> bool:
    """Whether the last rows of a decoded picture were filled in.

    Args:
        data: the file.
        scan: where its coded data are.
        pixels: as decoded, not yet turned upright, uint8 (H, W) or (H, W, 3).
    """
    rows_px = ROWS_LOOKED_AT * scan.unit_height_px - _BLEND_PX
    tail = pixels[-rows_px:]
    if len(tail) == len(pixels) or np.any(tail != tail[-1, -1]):
        return False
    # The last unit row may lie partly outside the picture; one whole row of units is there for certain.
    return not _repeats(data[max(scan.start, scan.end - MOST_BYTES) : scan.end], scan.units_across)


def _repeats(coded: bytes, units: int) -> bool:
    """Whether coded data end with so many times the same bits."""
    bits = np.unpackbits(np.frombuffer(coded.replace(STUFFED, PLAIN), np.uint8))[:-_PADDING_BITS]
    for period in range(FEWEST_BITS, MOST_BITS + 1):
        looked_at = bits[-min(period * units, len(bits)) :]
        if len(looked_at) > period and np.array_equal(looked_at[period:], looked_at[:-period]):
            return True
    return False
