"""Whether two photos that look alike are one picture, written twice, or two shots of one scene.

Two shots of a scene, one sharp and one blurred, differ in their finest detail somewhere; a copy that was compressed
again, made smaller, flipped or turned has the same detail everywhere.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from blur_train.photos import read_photo
from blur_train.prepare.looking import Seen
from blur_train.prepare.sources import Candidate
from footage.dataset.audit import hash_distances

AS_SHARP = 0.06
"""Photos whose sharpness differs by more than this share are not one picture."""

THUMBNAIL_LEVELS = 4.0
"""Thumbnails of copies differ by at most so many levels on average."""

BLOCKS = 12
LEAST_CORRELATION = 0.8
LEAST_GAIN = 0.75
"""Detail of a block is the same where it correlates so well and is at least so strong in one as in the other."""

SAME_BLOCKS = 0.95
"""Share of the blocks with detail in which it must be the same."""


def as_sharp(one: Seen, other: Seen) -> bool:
    """Whether two photos are about as sharp, at full size if it is the same, else at one they both have."""
    same_size = {one.width, one.height} == {other.width, other.height}
    a, b = (one.sharpness, other.sharpness) if same_size else (one.sharpness_small, other.sharpness_small)
    return abs(a - b) <= AS_SHARP * max(a, b)


def is_one_picture(one: tuple[Candidate, Seen], other: tuple[Candidate, Seen]) -> bool:
    """Compare the finest detail of two photos that look alike, block by block.

    Both are read anew, but only where their thumbnails differ no more than copies do.

    Raises:
        PhotoError: one of them cannot be read any more.
    """
    upright, turned = np.array(one[1].hashes[:1], np.uint64), np.array(other[1].hashes, np.uint64)
    turn = int(np.argmin(hash_distances(upright, turned)[0]))
    small, other_small = one[1].pixels().astype(np.int16), _turned_back(other[1].pixels(), turn).astype(np.int16)
    if np.abs(small - other_small).mean() > THUMBNAIL_LEVELS:
        return False
    first, second = _grey(one[0]), _turned_back(_grey(other[0]), turn)
    size = min(first.shape[::-1], second.shape[::-1])
    return _same_detail(_detail(first, size), _detail(second, size))


def _grey(candidate: Candidate) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(read_photo(candidate.path).image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def _turned_back(image: NDArray[np.uint8], turn: int) -> NDArray[np.uint8]:
    """A picture flipped and turned as the hash number ``turn`` of :func:`footage.dataset.audit.perceptual_hashes`."""
    return np.ascontiguousarray(np.rot90(image if turn < 4 else image[:, ::-1], turn % 4))


def _detail(grey: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.float32]:
    """What is finer than about two pixels, at a common size."""
    if grey.shape[::-1] != size:
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    light = grey.astype(np.float32)
    return np.asarray(light - cv2.GaussianBlur(light, (0, 0), 1.5), dtype=np.float32)


def _same_detail(a: NDArray[np.float32], b: NDArray[np.float32]) -> bool:
    rows, columns = (np.linspace(0, side, BLOCKS + 1).astype(int) for side in a.shape)
    strengths, same = [], []
    for top, bottom in pairwise(rows):
        for left, right in pairwise(columns):
            x, y = a[top:bottom, left:right], b[top:bottom, left:right]
            strong_x, strong_y = float(np.square(x).mean()) ** 0.5, float(np.square(y).mean()) ** 0.5
            strongest = max(strong_x, strong_y, 1e-6)
            correlation = float((x * y).mean()) / max(strong_x * strong_y, 1e-6)
            strengths.append(strongest)
            same.append(correlation >= LEAST_CORRELATION and min(strong_x, strong_y) >= LEAST_GAIN * strongest)
    # Where there is hardly any detail, compression decides what is left of it.
    told = np.array(strengths) >= np.median(strengths)
    return float(np.array(same)[told].mean()) >= SAME_BLOCKS
