"""What is held out where there are several clips: whole clips, ends of clips, objects of clips."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from flexpatch_train.holding_out import PURGE_FRAMES, folds_over_clips_or_time, folds_over_objects, hold_out
from flexpatch_train.table import object_groups
from footage.errors import DatasetError


def passing(clip: str, *, objects: int = 20, frames: int = 300) -> pd.DataFrame:
    """Objects that pass through one after another."""
    rows = [
        (clip, track, start, frame)
        for track in range(1, objects + 1)
        for start in [int((track - 1) / objects * (frames - 30))]
        for frame in range(start + 1, start + 20)
    ]
    return pd.DataFrame.from_records(rows, columns=["clip", "track_id", "start_frame", "frame"])


def several(*clips: pd.DataFrame) -> pd.DataFrame:
    return pd.concat(clips, ignore_index=True)


def test_every_clip_gives_its_end_and_the_same_number_elsewhere_is_another_object() -> None:
    table = several(passing("a"), passing("b", frames=600))
    split = hold_out(table, np.random.default_rng(0))
    groups = object_groups(table)
    assert split.by_time
    assert not set(groups[split.train]) & set(groups[split.test])
    for clip in ("a", "b"):
        train, test = (rows[rows["clip"] == clip] for rows in (table.iloc[split.train], table.iloc[split.test]))
        assert len(train)
        assert test["start_frame"].min() >= train["frame"].max() + PURGE_FRAMES
    assert len(split.train) + len(split.test) + sum(split.dropped_reasons.values()) == len(table)
    assert split.words == "the last 30 % of each of 2 videos and objects not seen before"


def test_a_clip_held_out_whole_is_never_learned_from() -> None:
    table = several(passing("a"), passing("b"))
    split = hold_out(table, np.random.default_rng(0), whole=["b"])
    assert set(table.iloc[split.train]["clip"]) == {"a"}
    assert (table.iloc[split.test]["clip"] == "b").sum() == (table["clip"] == "b").sum()
    assert split.words == "the last 30 % of a and objects not seen before, and the whole of b"


def test_a_clip_with_one_object_is_learned_from_where_others_are_there_to_test_on() -> None:
    alone = passing("alone", objects=1)
    table = several(passing("a"), alone)
    split = hold_out(table, np.random.default_rng(0))
    assert (table.iloc[split.train]["clip"] == "alone").sum() == len(alone)
    with pytest.raises(DatasetError):
        hold_out(alone, np.random.default_rng(0))


def test_what_cannot_be_held_out_is_said() -> None:
    table = several(passing("a"), passing("b"))
    with pytest.raises(DatasetError, match="no clip c to hold out"):
        hold_out(table, np.random.default_rng(0), whole=["c"])
    with pytest.raises(DatasetError, match="nothing is left to learn from"):
        hold_out(table, np.random.default_rng(0), whole=["a", "b"])


def test_folds_are_clips_where_there_are_several_and_blocks_of_time_of_one() -> None:
    table = several(passing("a"), passing("b"), passing("c"))
    folds = folds_over_clips_or_time(table)
    assert folds is not None
    assert [set(table.iloc[fold.test]["clip"]) for fold in folds] == [{"a"}, {"b"}, {"c"}]
    assert all(not set(table.iloc[f.test]["clip"]) & set(table.iloc[f.train]["clip"]) for f in folds)
    blocks = folds_over_clips_or_time(passing("a", frames=900))
    assert blocks is not None
    assert len(blocks) == 5


def test_choices_within_the_training_rows_never_see_an_object_twice() -> None:
    table = several(passing("a"), passing("b"))
    groups = object_groups(table)
    folds = folds_over_objects(table, np.random.default_rng(0))
    assert folds is not None
    assert np.array_equal(np.sort(np.concatenate([fold.test for fold in folds])), np.arange(len(table)))
    assert all(not set(groups[fold.train]) & set(groups[fold.test]) for fold in folds)
    assert folds_over_objects(passing("a", objects=1), np.random.default_rng(0)) is None
