"""Which rows a model learns from and which it is tested on: no object and no moment is on both sides."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from flexpatch_train.table import object_groups
from footage.dataset.splits import Fold, by_group, group_folds, temporal_holdout, time_blocks
from footage.errors import DatasetError

TEST_FRACTION = 0.3
PURGE_FRAMES = 15
"""Frames left out between training and test: neighbours in time are near copies."""
BLOCKS = 5
"""Time blocks that one video is cut into, and parts that its objects are dealt into."""

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldOut:
    """Which rows are learned from and which are kept for the test.

    Attributes:
        train: row indices.
        test: row indices, of other objects than ``train``.
        dropped_reasons: how many rows are on neither side, by reason.
        by_time: whether the test rows of every clip in training come from its later frames.
        whole: the clips that are held out whole.
        divided: the clips that are on both sides, each with other frames or other objects.
    """

    train: Rows
    test: Rows
    dropped_reasons: dict[str, int]
    by_time: bool
    whole: tuple[str, ...] = ()
    divided: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """What is held out, in words."""
        share, count = f"{TEST_FRACTION * 100:.0f} %", len(self.divided)
        alone = self.divided[0] if self.whole else "the video"
        where = alone if count == 1 else f"each of {count} videos"
        if self.by_time:
            words = f"the last {share} of {where} and objects not seen before"
        else:
            words = f"{share} of the objects of {where}, in the same frames as the others"
        return f"{words}, and the whole of {' and '.join(self.whole)}" if self.whole else words

    @property
    def sha256(self) -> str:
        """Of both sides' row numbers."""
        return sha256(json.dumps([self.train.tolist(), self.test.tolist()]).encode("ascii")).hexdigest()


def hold_out(table: pd.DataFrame, rng: np.random.Generator, *, whole: Sequence[str] = ()) -> HoldOut:
    """Set rows aside for the test, no object on both sides.

    Of every clip its end, where that leaves something on both sides. Where it does not (a short video whose objects
    stay from beginning to end) a share of the objects, which is weaker: background and light are the same.

    Args:
        table: labelled rows of one or several clips.
        rng: decides which objects are held out where time cannot decide.
        whole: clips that are tested on and not learned from.

    Raises:
        DatasetError: there is nothing to hold out because there is one object only, nothing is left to learn from, or a
            clip that is to be held out whole is not in the table.
    """
    clips = table["clip"].to_numpy(dtype=np.str_)
    absent = sorted(set(whole) - set(clips))
    if absent:
        known = ", ".join(sorted(set(clips)))
        raise DatasetError(f"there is no clip {' or '.join(absent)} to hold out", remedy=f"the clips are: {known}")
    divided = [clip for clip in dict.fromkeys(clips) if clip not in whole]
    if not divided:
        raise DatasetError("every clip is held out whole: nothing is left to learn from", remedy="hold out fewer")
    parts = [
        _of_clip(table, np.flatnonzero(clips == clip), rng, alone=not whole and len(divided) == 1) for clip in divided
    ]
    reasons: dict[str, int] = {}
    for part in parts:
        for reason, count in part.dropped_reasons.items():
            reasons[reason] = reasons.get(reason, 0) + count
    return HoldOut(
        train=np.sort(np.concatenate([part.train for part in parts])),
        test=np.sort(np.concatenate([*(part.test for part in parts), np.flatnonzero(np.isin(clips, list(whole)))])),
        dropped_reasons=reasons,
        by_time=all(part.by_time for part in parts),
        whole=tuple(whole),
        divided=tuple(divided),
    )


def _of_clip(table: pd.DataFrame, rows: Rows, rng: np.random.Generator, *, alone: bool) -> HoldOut:
    """One clip's two sides, as rows of the whole table."""
    own = table.iloc[rows]
    groups = object_groups(own)
    try:
        split = temporal_holdout(
            own["start_frame"].to_numpy(),
            own["frame"].to_numpy(),
            groups,
            test_fraction=TEST_FRACTION,
            purge=PURGE_FRAMES,
        )
    except DatasetError:
        if groups.max() == 0 and not alone:
            # A single object cannot be divided; the other clips are there to test on.
            return HoldOut(train=rows, test=rows[:0], dropped_reasons={}, by_time=True)
        by_object = by_group(groups, (1 - TEST_FRACTION, 0.0, TEST_FRACTION), rng)
        return HoldOut(train=rows[by_object.train], test=rows[by_object.test], dropped_reasons={}, by_time=False)
    return HoldOut(
        train=rows[split.train], test=rows[split.test], dropped_reasons=dict(split.dropped_reasons), by_time=True
    )


def folds_over_clips_or_time(table: pd.DataFrame) -> list[Fold] | None:
    """Folds that cover the table: each clip once where there are several, else ``BLOCKS`` blocks of time.

    Returns:
        The folds; None where the one video is too short, or its objects stay too long, for blocks without an object on
        both sides.
    """
    clips, codes = np.unique(table["clip"].to_numpy(dtype=np.str_), return_inverse=True)
    if len(clips) > 1:
        nothing = np.zeros(0, np.intp)
        return [
            Fold(train=np.flatnonzero(codes != clip), test=np.flatnonzero(codes == clip), dropped=nothing)
            for clip in range(len(clips))
        ]
    try:
        return time_blocks(
            table["start_frame"].to_numpy(),
            table["frame"].to_numpy(),
            object_groups(table),
            blocks=BLOCKS,
            purge=PURGE_FRAMES,
        )
    except DatasetError:
        return None


def folds_over_objects(table: pd.DataFrame, rng: np.random.Generator) -> list[Fold] | None:
    """Folds with no object on both sides, for choices made within the training rows; None with a single object."""
    groups = object_groups(table)
    count = min(BLOCKS, int(groups.max()) + 1)
    return group_folds(groups, count, rng) if count > 1 else None
