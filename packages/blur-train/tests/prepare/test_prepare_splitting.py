"""Every class on every side, no group on two, and the shares that were asked for."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blur_train.classes import BlurClass
from blur_train.prepare.splitting import Shares, deal
from footage.errors import DatasetError

LABELS = list(BlurClass)


@settings(max_examples=40)
@given(
    sizes=st.lists(st.integers(1, 6), min_size=24, max_size=60),
    mixed=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_no_group_is_on_two_sides_and_every_class_on_all(sizes: list[int], mixed: bool, seed: int) -> None:
    groups = [f"g{index}" for index, size in enumerate(sizes) for _ in range(size)]
    labels = [LABELS[(index + (row if mixed else 0)) % 4] for index, size in enumerate(sizes) for row in range(size)]
    sides = deal(groups, labels, Shares(), np.random.default_rng(seed))
    assert all(len({side for side, one in zip(sides, groups, strict=True) if one == group}) == 1 for group in groups)
    assert {*zip(sides, labels, strict=True)} >= {
        (side, label) for side in ("train", "val", "test", "calibration") for label in set(labels)
    }


def test_shares_are_met_within_a_few_photos() -> None:
    groups, labels = [f"g{index}" for index in range(800)], [LABELS[index % 4] for index in range(800)]
    counts = Counter(deal(groups, labels, Shares(val=0.1, test=0.2, calibration=0.1), np.random.default_rng(0)))
    assert counts == {"train": 480, "val": 80, "test": 160, "calibration": 80}


def test_a_class_that_shares_its_few_groups_still_finds_its_sides() -> None:
    # Motion has two groups: one of its own, one with other classes. Only some orders put them on both sides.
    labels = [*[BlurClass.SHARP] * 8, BlurClass.SHARP, BlurClass.MOTION_BLURRED, BlurClass.MOTION_BLURRED]
    groups = [*(f"s{index}" for index in range(8)), "scene", "scene", "own"]
    for seed in range(10):
        sides = deal(groups, labels, Shares(val=0, test=0.3, calibration=0), np.random.default_rng(seed))
        assert {side for side, label in zip(sides, labels, strict=True) if label is BlurClass.MOTION_BLURRED} == {
            "train",
            "test",
        }


def test_the_class_that_is_too_rare_is_named() -> None:
    labels = [*[BlurClass.SHARP] * 30, *[BlurClass.MOTION_BLURRED] * 3]
    groups = [f"g{index}" for index in range(33)]
    with pytest.raises(DatasetError, match=r"motion_blurred has 3 independent group.* train, val, test, calibration"):
        deal(groups, labels, Shares(), np.random.default_rng(0))
