"""Evaluation: what is held out, what leaks and what does not, and what a score says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from flexpatch_train.features import EXTRA_FEATURES, FEATURES
from flexpatch_train.holding_out import PURGE_FRAMES, hold_out
from flexpatch_train.labels import LABELS
from flexpatch_train.learn import learn
from flexpatch_train.scores import cross_validate, evaluate, fit_predictors
from flexpatch_train.table import COLUMNS, label_array
from flexpatch_train.train import ModelOptions, fit_baselines, fit_model, predictor
from footage.errors import DatasetError


def make_table(rng: np.random.Generator, *, frames: int = 400, objects: int = 40, signal: float = 2.0) -> pd.DataFrame:
    """Rollouts of objects that pass through one after another; ncc tells the label as far as ``signal`` says."""
    rows = []
    for track in range(1, objects + 1):
        enters = int((track - 1) / objects * (frames - 40))
        for start in range(enters, enters + 40, 10):
            for frame in range(start + 1, min(start + 20, frames)):
                label = rng.choice(3, p=[0.2, 0.2, 0.6])
                features = rng.normal(size=len(FEATURES))
                features[1] += signal * label
                features[4] = track  # an identity in disguise: what a leak would feed on
                origin = ("clip", track, start, frame, frame / 25, 0.6, 0, 0, 0, 9, 9)
                rows.append((*features, LABELS[label], *origin, *[np.nan] * len(EXTRA_FEATURES)))
    return pd.DataFrame.from_records(rows, columns=list(COLUMNS))


def test_no_object_and_no_frame_is_on_both_sides() -> None:
    table = make_table(np.random.default_rng(0))
    split = hold_out(table, np.random.default_rng(0))
    train, test = table.iloc[split.train], table.iloc[split.test]
    assert split.by_time
    assert not set(train["track_id"]) & set(test["track_id"])
    assert test["start_frame"].min() >= train["frame"].max() + PURGE_FRAMES
    assert len(train) + len(test) + sum(split.dropped_reasons.values()) == len(table)


def test_a_video_too_short_for_time_is_held_out_by_object_and_says_so() -> None:
    table = make_table(np.random.default_rng(1), frames=60, objects=10)
    table["track_id"] = table.groupby("track_id").ngroup() % 6 + 1
    table["start_frame"], table["frame"] = table["start_frame"] % 10, 12 + table["frame"] % 10
    split = hold_out(table, np.random.default_rng(0))
    assert not split.by_time
    assert not set(table.iloc[split.train]["track_id"]) & set(table.iloc[split.test]["track_id"])
    assert any("too short" in doubt for doubt in learn(table, ModelOptions(), np.random.default_rng(0)).doubts)


def test_one_object_cannot_be_held_out() -> None:
    table = make_table(np.random.default_rng(2), objects=1)
    with pytest.raises(DatasetError):
        hold_out(table, np.random.default_rng(0))


def test_a_feature_that_tells_the_label_is_found_and_noise_is_not() -> None:
    rng = np.random.default_rng(3)
    told = learn(make_table(rng, signal=3.0), ModelOptions(), rng)
    noise = learn(make_table(rng, signal=0.0), ModelOptions(), rng)
    assert told.held_out.gain.low is not None
    assert told.held_out.gain.low > 0
    assert noise.held_out.model.macro_f1.estimate is not None
    assert noise.held_out.model.macro_f1.estimate < 0.45


def test_rows_dealt_at_random_would_flatter_what_groups_do_not() -> None:
    """An identity in disguise is worth much when its rows are on both sides and nothing when they are not."""
    rng = np.random.default_rng(4)
    table = make_table(rng, signal=0.0)
    per_track = {track: LABELS[rng.integers(3)] for track in table["track_id"].unique()}
    table["iou_label"] = table["track_id"].map(per_track)
    options = ModelOptions(max_depth=12, min_samples_split=2)
    shuffled = rng.permutation(len(table))
    halves = table.iloc[shuffled[: len(table) // 2]], table.iloc[shuffled[len(table) // 2 :]]
    leaky = predictor(fit_model(halves[0], options), options)
    leaky_accuracy = float(np.mean(leaky(halves[1]) == label_array(halves[1])))
    honest = learn(table, options, rng).held_out
    assert leaky_accuracy > 0.9
    assert honest.model.balanced_accuracy.estimate is not None
    assert honest.model.balanced_accuracy.estimate < 0.6


def test_baselines_are_what_they_say() -> None:
    rng = np.random.default_rng(5)
    table = make_table(rng)
    baselines = fit_baselines(table, ModelOptions())
    assert set(baselines) == {"always the majority", "confidence only", "time since detection only"}
    assert set(baselines["always the majority"](table)) == {"low"}
    other = table.assign(min_eig=0.0, ncc=0.0, accel=0.0, flow_std=0.0)
    np.testing.assert_array_equal(baselines["confidence only"](table), baselines["confidence only"](other))
    later = table.assign(frame=table["frame"] + 50, start_frame=table["start_frame"] + 50, confidence=0.0)
    age = baselines["time since detection only"]
    np.testing.assert_array_equal(age(table), age(later))


def test_recall_of_high_counts_the_high_rows_alone() -> None:
    rng = np.random.default_rng(6)
    table = make_table(rng)
    always_high = dict.fromkeys(("a model", "a baseline"), lambda t: np.full(len(t), "high"))
    score = evaluate(table, always_high, rng).model
    assert score.recall_high.estimate == 1.0
    assert score.recall_high.n == int((table["iou_label"] == "high").sum())


def test_without_a_high_row_recall_is_no_number() -> None:
    rng = np.random.default_rng(7)
    table = make_table(rng)
    calm = table[table["iou_label"] != "high"]
    score = evaluate(calm, fit_predictors(calm, ModelOptions()), rng)
    assert score.model.recall_high.estimate is None
    assert score.model.macro_f1.estimate is not None


def test_time_blocks_cover_the_video_and_say_no_when_they_cannot() -> None:
    rng = np.random.default_rng(8)
    blocks = cross_validate(make_table(rng, signal=3.0), ModelOptions(), rng)
    assert blocks is not None
    assert blocks.scores[0].name == "decision tree"
    assert blocks.model.macro_f1.groups is not None
    assert blocks.model.macro_f1.groups > 20
    assert cross_validate(make_table(rng, objects=1), ModelOptions(), rng) is None


def test_the_same_seed_gives_the_same_scores() -> None:
    table = make_table(np.random.default_rng(9))
    one, two = (learn(table, ModelOptions(), np.random.default_rng(3)).held_out.scores for _ in range(2))
    assert one == two
