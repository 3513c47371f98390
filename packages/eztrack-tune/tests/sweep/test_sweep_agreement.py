"""How far two trackers agree, on rows whose order is known."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from eztrack_tune.settings import SIX
from eztrack_tune.sweep.agreement import agreements
from eztrack_tune.sweep.rows import Row

MakeRow = Callable[..., Row]
BACKENDS = ("blender", "opencv")


def rows(make_row: MakeRow, clip: str, blender: list[float], opencv: list[float]) -> list[Row]:
    return [
        make_row(clip, settings, backend=backend, score=score)
        for backend, scores in (("blender", blender), ("opencv", opencv))
        for settings, score in zip(SIX, scores, strict=True)
    ]


def test_the_same_order_is_one_and_the_opposite_minus_one(make_row: MakeRow) -> None:
    same = rows(make_row, "a", [1, 2, 3, 4, 5, 6], [0.1, 0.3, 0.4, 0.5, 0.6, 0.9])
    opposite = rows(make_row, "b", [1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1])
    for of_clips, expected in ((same, 1.0), (opposite, -1.0), ([*same, *opposite], 0.0)):
        by_score = agreements(of_clips, BACKENDS)[0]
        assert by_score.measure == "score"
        assert by_score.correlation.estimate == pytest.approx(expected)
    assert agreements([*same, *opposite], BACKENDS)[0].correlation.n == 2


def test_clips_that_rank_nothing_and_those_of_one_tracker_do_not_count(make_row: MakeRow) -> None:
    flat = rows(make_row, "a", [1] * 6, [1, 2, 3, 4, 5, 6])
    alone = [row for row in rows(make_row, "b", [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]) if row.backend == "blender"]
    found = agreements([*flat, *alone], BACKENDS)[0].correlation
    assert (found.n, found.estimate) == (0, None)


def test_a_setting_without_a_value_is_left_out(make_row: MakeRow) -> None:
    of_clip = rows(make_row, "a", [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6])
    of_clip[0] = make_row("a", SIX[0], backend="blender", score=1.0, cleaned_error_px=None)
    by_error = next(one for one in agreements(of_clip, BACKENDS) if one.measure == "cleaned error")
    assert by_error.correlation.n == 0  # the others have one value all
