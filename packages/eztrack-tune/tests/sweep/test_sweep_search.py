"""The search, on a score that can be computed: what it tries, what it gives up, and that a seed decides it all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from eztrack_tune.classes import default_settings
from eztrack_tune.settings import CORRELATION_RANGE, SIX, THRESHOLD_RANGE, MotionModel, TrackerSettings
from eztrack_tune.sweep.matrix import settings_for
from eztrack_tune.sweep.rows import Row
from eztrack_tune.sweep.search import Search, fields
from eztrack_tune.sweep.sources import SweepClip

MakeRow = Callable[..., Row]
Pairs = Sequence[tuple[SweepClip, TrackerSettings]]


def clips(count: int) -> list[SweepClip]:
    return [clip(n) for n in range(count)]


def clip(number: int) -> SweepClip:
    name = str(number)
    return SweepClip(
        path=Path(f"{name}.mp4"),
        content_sha256=f"sha of {name}",
        class_name="SD_24fps",
        side=None,
        difficulty=None,
        width=320,
        height=180,
        fps=24.0,
    )


def worth(settings: TrackerSettings) -> float:
    """Best at 25/111 .50 .20 Affine."""
    far = abs(settings.pattern_size - 25) / 20 + abs(settings.search_size - 111) / 100
    far += abs(settings.correlation - 0.5) / 0.4 + abs(settings.threshold - 0.2) / 0.4
    return max(0.0, 1.0 - far / 2) * (1.0 if settings.motion_model is MotionModel.AFFINE else 0.9)


class Tried:
    """Does trials by computing them, and remembers which."""

    def __init__(self, make_row: MakeRow, *, unreadable: str = "") -> None:
        self.pairs: list[tuple[str, TrackerSettings]] = []
        self._make_row = make_row
        self._unreadable = unreadable

    def __call__(self, pairs: Pairs) -> list[Row]:
        self.pairs += [(clip.content_sha256, settings) for clip, settings in pairs]
        rows = []
        for clip, settings in pairs:
            if clip.content_sha256 != self._unreadable:
                score = worth(settings) * (1 - 0.05 * int(clip.path.stem))
                rows.append(self._make_row(clip.path.stem, settings, score=score))
        return rows


def test_what_ships_and_the_six_come_first_on_every_clip(make_row: MakeRow) -> None:
    tried = Tried(make_row)
    found = Search(clips(3), tried, seed=0).run(7)
    assert found.settings == settings_for("SD_24fps")
    assert len(tried.pairs) == len(set(tried.pairs)) == found.runs == 21
    assert found.best == max(settings_for("SD_24fps"), key=worth)
    assert found.given_up == ()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_more_trials_find_better_settings_and_hard_losers_cost_less(make_row: MakeRow, seed: int) -> None:
    tried = Tried(make_row)
    found = Search(clips(6), tried, seed=seed).run(40)
    assert len(found.settings) > 40
    assert 39 * 6 < found.runs == len(tried.pairs) <= 40 * 6
    assert found.given_up
    assert found.best is not None
    assert worth(found.best) > max(map(worth, SIX))
    for settings in found.given_up:
        assert len([one for one in tried.pairs if one[1] == settings]) in {1, 2, 4}
    for settings in found.settings[7:]:
        assert not settings.outside_ranges()
        assert CORRELATION_RANGE[0] <= settings.correlation <= CORRELATION_RANGE[1]
        assert THRESHOLD_RANGE[0] <= settings.threshold <= THRESHOLD_RANGE[1]


def test_a_matrix_races_and_its_best_comes_through_in_half_of_the_runs(make_row: MakeRow) -> None:
    matrix = [
        TrackerSettings(
            pattern_size=pattern, search_size=search, correlation=correlation, threshold=threshold, motion_model=model
        )
        for pattern, search, correlation, threshold, model in product(
            (11, 21, 31), (51, 101), (0.5, 0.7), (0.2, 0.4), (MotionModel.LOC, MotionModel.AFFINE)
        )
    ]
    best = max(map(worth, matrix))
    for seed in range(10):
        tried = Tried(make_row)
        found = Search(clips(5), tried, seed=seed, matrix=matrix).run(len(matrix) // 2)
        assert found.runs == len(tried.pairs) <= len(matrix) * 5 / 2
        assert {settings for _, settings in tried.pairs} >= {*matrix, default_settings("SD_24fps")}
        assert found.best is not None
        assert worth(found.best) >= best


@pytest.mark.parametrize(("settings", "clips", "runs"), [(48, 6, 138), (48, 3, 69), (5, 3, 15), (90, 4, 20), (9, 1, 4)])
def test_a_race_gets_smaller_and_uses_its_runs(settings: int, clips: int, runs: int) -> None:
    found = fields(settings, clips, runs)
    assert len(found) == clips
    assert sorted(found, reverse=True) == found
    assert found[0] == min(settings, runs - clips + 1)
    assert found[-1] >= 1
    assert 0.9 * runs <= sum(found) <= runs


def test_a_matrix_that_the_runs_do_not_suffice_for_is_tried_in_part(make_row: MakeRow) -> None:
    matrix = [replace(SIX[0], pattern_size=size, search_size=size + 40) for size in range(11, 61, 2)]
    found = Search(clips(3), Tried(make_row), seed=0, matrix=matrix).run(6)
    assert found.runs <= 18
    assert found.best is not None
    assert set(found.given_up) < set(found.settings)
    assert Search(clips(3), Tried(make_row), seed=0, matrix=matrix).run(1).runs == 3


def test_the_clips_on_which_settings_differ_most_come_first_and_the_best_was_tried_on_all(make_row: MakeRow) -> None:
    def telling(clip: SweepClip, settings: TrackerSettings) -> float:
        return worth(settings) if clip.path.stem == "4" else 0.8

    tried: list[tuple[str, TrackerSettings]] = []

    def try_all(pairs: Pairs) -> list[Row]:
        tried.extend((clip.path.stem, settings) for clip, settings in pairs)
        return [make_row(clip.path.stem, settings, score=telling(clip, settings)) for clip, settings in pairs]

    found = Search(clips(6), try_all, seed=0).run(12)
    later = dict.fromkeys(settings for _, settings in tried[7 * 6 :])
    for settings in later:
        assert next(clip for clip, one in tried if one == settings) == "4"
    assert found.best not in found.given_up
    assert {clip for clip, settings in tried if settings == found.best} == set("012345")


def test_the_same_seed_tries_the_same_and_another_one_something_else(make_row: MakeRow) -> None:
    found = [Search(clips(3), Tried(make_row), seed=seed).run(20) for seed in (5, 5, 6)]
    assert found[0] == found[1]
    assert found[0].settings != found[2].settings


def test_a_clip_that_cannot_be_read_does_not_decide(make_row: MakeRow) -> None:
    found = Search(clips(3), Tried(make_row, unreadable="sha of 1"), seed=0).run(10)
    assert found.best is not None
    assert found.runs <= 2 * 10


def test_no_readable_clip_gives_no_best(make_row: MakeRow) -> None:
    found = Search(clips(1), Tried(make_row, unreadable="sha of 0"), seed=0).run(8)
    assert (found.best, found.best_score, found.runs) == (None, None, 0)
