"""Checks that a split is what it claims: no group on both sides, no near copies across it, enough groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

HASH_BITS = 64
_GREY_SIDE = 32
_HASH_SIDE = 8

Kind = Literal["group-overlap", "near-duplicate", "too-few-groups"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing wrong with a split.

    Attributes:
        kind: what sort of thing.
        text: one line that says it.
        rows: row indices it concerns; for near duplicates the pair.
    """

    kind: Kind
    text: str
    rows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The findings on a split.

    Attributes:
        findings: empty for a clean split; at most ``limit`` of each kind, see ``counts``.
        counts: how many there are of each kind in all.
        groups: groups on each side.
    """

    findings: tuple[Finding, ...]
    counts: dict[str, int]
    groups: dict[str, int]

    @property
    def ready(self) -> bool:
        """Whether a model judged on this split may be called ready."""
        return not self.findings


def perceptual_hash(image: NDArray[np.uint8]) -> int:
    """64-bit DCT hash of a picture: near copies differ in few bits, whatever their size and compression.

    The picture is made grey, shrunk to 32x32 by area, and transformed; bit ``i`` says whether coefficient ``i`` of the
    8x8 lowest frequencies is above their median (Zauner, 2010).

    Args:
        image: RGB uint8 ``(H, W, 3)`` or grey ``(H, W)``.
    """
    return _hash_of(_small_grey(image))


def perceptual_hashes(image: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """The hashes ``(8,)`` of a picture and its flips and quarter turns, the picture as it is first."""
    grey = _small_grey(image)
    turns = [np.rot90(side, k) for side in (grey, grey[:, ::-1]) for k in range(4)]
    return np.array([_hash_of(turn) for turn in turns], dtype=np.uint64)


def _small_grey(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    if image.dtype != np.uint8 or image.ndim not in {2, 3} or 0 in image.shape:
        raise ValueError(f"expected a uint8 picture (H, W, 3) or (H, W), got {image.dtype} {image.shape}")
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    # Shrunk before it is turned, so that a turned copy has exactly the turned 32x32 picture.
    small = cv2.resize(grey.astype(np.float32), (_GREY_SIDE, _GREY_SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.float32)


def _hash_of(grey: NDArray[np.float32]) -> int:
    low = np.asarray(cv2.dct(np.ascontiguousarray(grey)))[:_HASH_SIDE, :_HASH_SIDE].ravel()
    # Coefficients that are rounding noise (a picture without detail) count as exactly 0.
    low = np.where(np.abs(low) < 1e-2, 0.0, low)
    bits = low > np.median(low)
    return int(np.packbits(bits).view(">u8")[0])


def hash_distances(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Differing bits of every hash of ``a (N,)`` and every hash of ``b (M,)``: uint8 ``(N, M)``, 0 to 64."""
    return np.bitwise_count(np.bitwise_xor(a[:, None], b[None, :])).astype(np.uint8)


def near_duplicates(
    a: NDArray[np.uint64], b: NDArray[np.uint64], *, max_distance: int = 6
) -> list[tuple[int, int, int]]:
    """Pairs of near copies between two sets of pictures, also where one is flipped or turned.

    Args:
        a: hashes ``(N, 8)`` from :func:`perceptual_hashes`, or ``(N,)`` to ignore flips and turns.
        b: hashes ``(M, 8)`` or ``(M,)``.
        max_distance: differing bits that still count as a copy.

    Returns:
        ``(index in a, index in b, distance)``, nearest first.
    """
    upright = a[:, 0] if a.ndim == 2 else a
    turned = b if b.ndim == 2 else b[:, None]
    found: list[tuple[int, int, int]] = []
    # A few hundred rows at a time keep the table of distances small whatever the library's size.
    for start in range(0, len(upright), 256):
        block = upright[start : start + 256]
        distance = np.full((len(block), len(turned)), HASH_BITS, dtype=np.uint8)
        for column in range(turned.shape[1]):
            np.minimum(distance, hash_distances(block, turned[:, column]), out=distance)
        rows, columns = np.nonzero(distance <= max_distance)
        found.extend(
            (int(i) + start, int(j), int(d)) for i, j, d in zip(rows, columns, distance[rows, columns], strict=True)
        )
    return sorted(found, key=lambda pair: (pair[2], pair[0], pair[1]))


def audit_split(
    sides: Mapping[str, ArrayLike],
    groups: Sequence[str] | ArrayLike,
    hashes: NDArray[np.uint64] | None = None,
    *,
    min_groups: int = 5,
    max_distance: int = 6,
    limit: int = 20,
) -> Audit:
    """Audit a split.

    Args:
        sides: row indices of each side by name, such as ``{"train": ..., "test": ...}``; empty sides are passed over.
        groups: group of every row ``(N,)``.
        hashes: of every row's picture, ``(N, 8)`` or ``(N,)``; None to skip the search for near copies.
        min_groups: fewer independent groups than this on a side make its figures meaningless.
        max_distance: differing hash bits that still count as a copy.
        limit: findings listed of each kind.

    Raises:
        ValueError: a row index is out of range, a row is on two sides, or there are not as many hashes as rows.
    """
    names = np.asarray(groups).reshape(-1)
    rows = {name: np.asarray(side, dtype=np.intp).reshape(-1) for name, side in sides.items() if np.size(side)}
    everything = np.concatenate([*rows.values(), np.zeros(0, dtype=np.intp)])
    if len(everything) and (everything.min() < 0 or everything.max() >= len(names)):
        raise ValueError("a side names a row that does not exist")
    if len(np.unique(everything)) != len(everything):
        raise ValueError("a row is on two sides of the split")
    if hashes is not None and len(hashes) != len(names):
        raise ValueError(f"got {len(hashes)} hashes for {len(names)} rows")
    found = [*_few_groups(rows, names, min_groups), *_overlaps(rows, names)]
    if hashes is not None:
        found += _copies(rows, hashes, max_distance)
    counts: dict[str, int] = {}
    kept: list[Finding] = []
    for finding in found:
        counts[finding.kind] = counts.get(finding.kind, 0) + 1
        if counts[finding.kind] <= limit:
            kept.append(finding)
    return Audit(
        findings=tuple(kept), counts=counts, groups={name: len(np.unique(names[side])) for name, side in rows.items()}
    )


def _few_groups(rows: dict[str, NDArray[np.intp]], names: NDArray[np.generic], minimum: int) -> list[Finding]:
    found = []
    for name, side in rows.items():
        count = len(np.unique(names[side]))
        if count < minimum:
            found.append(
                Finding(kind="too-few-groups", text=f"{name} has {count} independent groups, at least {minimum} needed")
            )
    return found


def _pairs(rows: dict[str, NDArray[np.intp]]) -> list[tuple[str, str]]:
    order = list(rows)
    return [(a, b) for i, a in enumerate(order) for b in order[i + 1 :]]


def _overlaps(rows: dict[str, NDArray[np.intp]], names: NDArray[np.generic]) -> list[Finding]:
    found = []
    for a, b in _pairs(rows):
        for group in np.intersect1d(names[rows[a]], names[rows[b]]):
            both = tuple(int(row) for side in (a, b) for row in rows[side] if names[row] == group)
            found.append(Finding(kind="group-overlap", text=f"group {group} is in {a} and in {b}", rows=both))
    return found


def _copies(rows: dict[str, NDArray[np.intp]], hashes: NDArray[np.uint64], max_distance: int) -> list[Finding]:
    found = []
    for a, b in _pairs(rows):
        for i, j, distance in near_duplicates(hashes[rows[a]], hashes[rows[b]], max_distance=max_distance):
            first, second = int(rows[a][i]), int(rows[b][j])
            text = f"row {first} of {a} and row {second} of {b} look the same ({distance} of {HASH_BITS} bits differ)"
            found.append(Finding(kind="near-duplicate", text=text, rows=(first, second)))
    return found
