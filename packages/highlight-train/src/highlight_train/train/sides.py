"""Which clips are learned from, which choose, which test; and whether a score on them would mean anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from footage.dataset.audit import audit_split, perceptual_hashes
from footage.dataset.splits import by_group
from footage.errors import DatasetError
from footage.training.randomness import generator_at
from highlight_train.train.pictures import Pictures
from highlight_train.train.rows import Frames, by_clip
from highlight_train.train.split_file import MIN_TEST_GROUPS, MIN_TEST_POSITIVES, SIDES, Split, SplitClip

FRACTIONS = (0.6, 0.2, 0.2)
_DEALS = 200
_HASHED_FRAMES = 3
_SPLIT, _GROUPS_NEEDED = 11, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """A split of clips.

    Attributes:
        frames: the table, with the groups that were split by.
        train: clips to learn from.
        val: clips that choose the epoch, the pooling and the threshold.
        test: clips looked at once, at the end.
        grouped_by: what was kept together, in words.
        doubts: why figures on this split should not be relied on; empty when nothing speaks against them.
    """

    frames: Frames
    train: NDArray[np.intp]
    val: NDArray[np.intp]
    test: NDArray[np.intp]
    grouped_by: str
    doubts: tuple[str, ...]

    def side(self, name: str) -> NDArray[np.intp]:
        """The clips of a side."""
        return {"train": self.train, "val": self.val, "test": self.test}[name]

    def sha256(self) -> str:
        """Hash of which clip is on which side."""
        return self.split().sha256()

    def split(self) -> Split:
        """What ``split.json`` keeps of it."""
        clips = self.frames.clips
        return Split(
            grouped_by=self.grouped_by,
            clips=tuple(
                SplitClip(
                    side=name,
                    path=Path(clips[number].path),
                    fingerprint=clips[number].fingerprint,
                    group=clips[number].group,
                    is_highlight=clips[number].is_highlight,
                )
                for name in SIDES
                for number in self.side(name).tolist()
            ),
        )


def deal(frames: Frames, *, seed: int) -> Sides:
    """Deal whole groups of clips into training, validation and test.

    Where all clips are of fewer than three groups, each clip becomes a group of its own, and the doubts say so. Of
    many random deals the first is taken in which every side has clips of both classes, where there is one.

    Raises:
        DatasetError: there are fewer than three clips.
    """
    doubts = []
    grouped_by = "flight or day folder"
    groups = len(np.unique(frames.clip_groups))
    if groups == len(frames.clips):
        grouped_by = "clip"
    if groups < _GROUPS_NEEDED:
        if len(frames.clips) < _GROUPS_NEEDED:
            raise DatasetError(
                f"{len(frames.clips)} clips cannot be dealt out to learn from, to choose by and to test on",
                remedy="label more clips, best from several flights",
            )
        doubts.append(
            f"the clips lie in {groups} folder{'' if groups == 1 else 's'}, too few to keep flights apart: the split "
            "is by clip, and clips of one flight on both sides flatter every score"
        )
        frames, grouped_by = by_clip(frames), "clip"
    rng = generator_at(seed, _SPLIT)
    best: tuple[int, tuple[NDArray[np.intp], ...]] | None = None
    for _ in range(_DEALS):
        split = by_group(frames.clip_groups, FRACTIONS, rng)
        sides = (split.train, split.val, split.test)
        lacking = sum(len(np.unique(frames.clip_labels[side])) < 2 for side in sides)
        if best is None or lacking < best[0]:
            best = lacking, sides
        if lacking == 0:
            break
    assert best is not None  # noqa: S101 - there was at least one deal
    train, val, test = best[1]
    doubts += _lacks(frames, {"validation": val, "test": test})
    return Sides(frames=frames, train=train, val=val, test=test, grouped_by=grouped_by, doubts=tuple(doubts))


def _lacks(frames: Frames, sides: dict[str, NDArray[np.intp]]) -> list[str]:
    doubts = []
    for name, clips in sides.items():
        highlights = int(frames.clip_labels[clips].sum())
        for count, kind in ((highlights, "highlight"), (len(clips) - highlights, "normal")):
            if count == 0:
                doubts.append(f"the {name} side has no {kind} clip, and no deal of the groups gives it one")
    highlights = int(frames.clip_labels[sides["test"]].sum())
    if 0 < highlights < MIN_TEST_POSITIVES:
        doubts.append(
            f"the test side has {highlights} highlight clip{'' if highlights == 1 else 's'} and at least "
            f"{MIN_TEST_POSITIVES} are needed to say how well they are found: label more clips"
        )
    return doubts


def audited(sides: Sides, pictures: Pictures) -> list[str]:
    """What an audit of the split finds: too few groups, and pictures that look the same on two sides.

    Args:
        sides: the split.
        pictures: of its frames; the first, middle and last of every clip are compared.

    Returns:
        Doubts, each a clause without a full stop.
    """
    frames = sides.frames
    chosen = np.array(sorted({int(row) for clip in range(len(frames.clips)) for row in _some(frames, clip)}))
    hashes = np.stack([perceptual_hashes(pictures(int(row))) for row in chosen])
    groups = frames.clip_groups[frames.clip[chosen]]
    rows = {name: np.flatnonzero(np.isin(frames.clip[chosen], sides.side(name))) for name in SIDES}
    audit = audit_split(rows, groups, hashes, min_groups=1)
    doubts = [finding.text for finding in audit.findings if finding.kind == "group-overlap"]
    copies = [finding for finding in audit.findings if finding.kind == "near-duplicate"]
    if copies:
        pair = [frames.clips[frames.clip[chosen[row]]].path for row in copies[0].rows]
        doubts.append(
            f"{audit.counts['near-duplicate']} pairs of pictures on different sides look the same, such as one of "
            f"{pair[0]} and one of {pair[1]}: put copies and neighbours of one flight into one folder"
        )
    test_groups = audit.groups["test"]
    if test_groups < MIN_TEST_GROUPS:
        doubts.append(
            f"the test side has {test_groups} group{'' if test_groups == 1 else 's'} ({sides.grouped_by}) and at least "
            f"{MIN_TEST_GROUPS} are needed for an interval to mean something: label clips of more flights"
        )
    return doubts


def _some(frames: Frames, clip: int) -> Sequence[int]:
    rows = np.flatnonzero(frames.clip == clip)
    return [int(rows[place]) for place in np.linspace(0, len(rows) - 1, _HASHED_FRAMES).round().astype(int)]
