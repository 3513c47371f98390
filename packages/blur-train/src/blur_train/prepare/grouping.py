"""Which photos belong together: copies, photos of one scene, bursts; and labels that contradict each other.

Sharp and blurred photos of one scene look alike to a perceptual hash (2 to 14 of 64 bits differ, where other scenes
differ in 24 to 38): they make a group, and groups stay on one side of the split. What must not be is one *picture* with
two labels: the same file, or a copy of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

import numpy as np

from blur_train.prepare.copies import as_sharp, is_one_picture
from blur_train.prepare.looking import Seen
from blur_train.prepare.manifest import LeftOut
from blur_train.prepare.sources import Candidate
from footage.dataset.audit import near_duplicates
from footage.errors import DatasetError

SAME_SCENE_BITS = 10
COPY_BITS = 4
"""Photos of one scene, and copies of one picture, differ in at most so many hash bits."""

BURST_GAP = timedelta(seconds=2)
"""Photos of one camera that follow each other within this time are one burst."""

CONFLICTS_SHOWN = 5
_ROWS = 128


@dataclass(frozen=True, slots=True)
class Known:
    """A photo that can be used, and what was seen in it."""

    candidate: Candidate
    seen: Seen


@dataclass(frozen=True, slots=True)
class Grouped:
    """A photo with its group."""

    known: Known
    group: str


def group_photos(known: Sequence[Known], *, by_folder: bool = False) -> tuple[list[Grouped], list[LeftOut]]:
    """Keep one of every set of identical files, and say what belongs together.

    Args:
        known: the photos, sorted by path.
        by_folder: photos that lie in folders of one name belong together, those of classes and edge cases aside.

    Returns:
        The photos that stay, each with its group, and the identical files that do not.

    Raises:
        DatasetError: one picture has two labels.
    """
    kept, left_out = _without_copies(known)
    union = _Union(len(kept))
    conflicts = []
    for i, j, distance in _alike(kept):
        union.join(i, j)
        if distance <= COPY_BITS and _contradict(kept[i], kept[j]):
            conflicts.append((kept[i], kept[j]))
    _refuse(conflicts)
    for i, j in _bursts(kept):
        union.join(i, j)
    for key in ("provenance", "folder") if by_folder else ("provenance",):
        first: dict[str, int] = {}
        for i, one in enumerate(kept):
            name = getattr(one.candidate, key)
            if name is not None:
                union.join(i, first.setdefault(name, i))
    names = union.names([one.seen.sha256 for one in kept])
    return [Grouped(one, name) for one, name in zip(kept, names, strict=True)], left_out


def _alike(kept: Sequence[Known]) -> Iterator[tuple[int, int, int]]:
    """Pairs of photos that look alike, and in how many bits they differ."""
    hashes = np.array([one.seen.hashes for one in kept], dtype=np.uint64)
    # A few rows at a time: of a thousand photos of one podium every pair is alike.
    for start in range(0, len(kept), _ROWS):
        for i, j, distance in near_duplicates(
            hashes[start : start + _ROWS], hashes[start:], max_distance=SAME_SCENE_BITS
        ):
            if i < j:
                yield start + i, start + j, distance


def _without_copies(known: Sequence[Known]) -> tuple[list[Known], list[LeftOut]]:
    first: dict[str, Known] = {}
    left_out, conflicts = [], []
    for one in known:
        same = first.setdefault(one.seen.sha256, one)
        if same is one:
            continue
        if same.candidate.label is not one.candidate.label:
            conflicts.append((same, one))
        left_out.append(LeftOut(path=str(one.candidate.path), reason=f"the same file as {same.candidate.path}"))
    _refuse(conflicts)
    return list(first.values()), left_out


def _contradict(one: Known, other: Known) -> bool:
    """Whether two photos that look alike are one picture with two labels; drawn photos are labelled by construction."""
    if one.candidate.label is other.candidate.label or (one.candidate.drawn and other.candidate.drawn):
        return False
    return as_sharp(one.seen, other.seen) and is_one_picture((one.candidate, one.seen), (other.candidate, other.seen))


def _refuse(conflicts: Sequence[tuple[Known, Known]]) -> None:
    if not conflicts:
        return
    shown = "; ".join(
        f"{a.candidate.path} is {a.candidate.label} and {b.candidate.path} is {b.candidate.label}"
        for a, b in conflicts[:CONFLICTS_SHOWN]
    )
    more = f"; and {len(conflicts) - CONFLICTS_SHOWN} more" if len(conflicts) > CONFLICTS_SHOWN else ""
    raise DatasetError(
        f"one picture has two labels: {shown}{more}", remedy="leave each picture in the folder of one class only"
    )


def _bursts(kept: Sequence[Known]) -> list[tuple[int, int]]:
    """Pairs of photos that one camera took right after each other."""
    timed = [
        (one.seen.camera, one.seen.taken, i)
        for i, one in enumerate(kept)
        if one.seen.camera is not None and one.seen.taken is not None
    ]
    timed.sort()
    return [
        (i, j)
        for (camera, taken, i), (next_camera, next_taken, j) in pairwise(timed)
        if camera == next_camera and next_taken - taken <= BURST_GAP
    ]


class _Union:
    """Disjoint sets of indices."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def root(self, i: int) -> int:
        """The set's representative."""
        while self._parent[i] != i:
            self._parent[i] = self._parent[self._parent[i]]
            i = self._parent[i]
        return i

    def join(self, i: int, j: int) -> None:
        """Make two sets one."""
        self._parent[self.root(i)] = self.root(j)

    def names(self, contents: Sequence[str]) -> list[str]:
        """A name for each index's set, from the content of its members: the same wherever the files lie."""
        least: dict[int, str] = {}
        roots = [self.root(i) for i in range(len(self._parent))]
        for root, content in zip(roots, contents, strict=True):
            least[root] = min(content, least.get(root, content))
        return [least[root][:16] for root in roots]
