"""The curve of failures caught, against the slow definitions of what it counts."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from flexpatch_train.curve_report import CURVE_COLUMNS, curve_row, curve_sentence, lay_out_curve
from flexpatch_train.product_curve import (
    MARKS,
    MODEL,
    OLDEST,
    ORACLE,
    RANDOM,
    UNLIKE,
    ProductCurve,
    padded_pixels,
    product_curve,
    scores_of,
)
from flexpatch_train.ranked_rows import RankedRows
from flexpatch_train.table import object_groups
from footage.errors import DatasetError
from footage.metrics.classification import average_precision
from footage.metrics.intervals import group_bootstrap
from footage.metrics.ranking import recall_at_budget
from footage.report.page import Page

GROUPS = 5
ROWS = st.lists(
    st.tuples(st.integers(0, 4), st.booleans(), st.integers(1, 3), st.integers(0, GROUPS - 1)), min_size=1, max_size=30
)
TIMES = st.lists(st.integers(0, 3), min_size=GROUPS, max_size=GROUPS)


@given(ROWS, TIMES, st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.5, 0.9, 1.0]), st.booleans())
def test_counting_with_weights_is_counting_the_rows_over_and_over(
    rows: list[tuple[int, bool, int, int]], times: list[int], budget: float, has_cost: bool
) -> None:
    scores, failed, cost, groups = (np.array(column) for column in zip(*rows, strict=True))
    costs = cost.astype(np.float64) if has_cost else None
    ranked = RankedRows(scores.astype(np.float64), failed, costs, groups)
    weights = np.array([times], np.float64)
    again = np.repeat(np.arange(len(rows)), np.array(times)[groups])
    there = again.size > 0
    recall = recall_at_budget(scores[again], failed[again], None if costs is None else costs[again], budget)
    precision = average_precision(failed[again], scores[again]).value if there else None
    recalls, precisions = ranked.recalls(weights, np.array([budget])), ranked.average_precisions(weights)
    assert recalls[0, 0] == pytest.approx(np.nan if recall is None else recall, nan_ok=True)
    assert precisions[0] == pytest.approx(np.nan if precision is None else precision, nan_ok=True)


def table(rng: np.random.Generator, rows: int = 400) -> pd.DataFrame:
    """Two clips whose objects have the same numbers."""
    corner = rng.uniform(0, 50, (rows, 2))
    size = rng.uniform(5, 40, (rows, 2))
    start = rng.integers(0, 50, rows)
    return pd.DataFrame(
        {
            "ncc": np.where(rng.random(rows) < 0.1, np.nan, rng.uniform(-1, 1, rows)),
            "confidence": rng.random(rows),
            "clip": rng.choice(["a.mp4", "b.mp4"], rows),
            "track_id": rng.integers(0, 8, rows),
            "start_frame": start,
            "frame": start + rng.integers(1, 31, rows),
            "x1": corner[:, 0],
            "y1": corner[:, 1],
            "x2": corner[:, 0] + size[:, 0],
            "y2": corner[:, 1] + size[:, 1],
        }
    )


@cache
def made(*, probability: bool = True) -> tuple[pd.DataFrame, NDArray[np.bool_], NDArray[np.float64], ProductCurve]:
    """A model whose risk is the true one."""
    rng = np.random.default_rng(3)
    rows = table(rng)
    risk = np.round(rng.random(len(rows)), 1)
    failed = rng.random(len(rows)) < risk**2
    curve = product_curve(
        rows,
        failed,
        risk,
        risk**2 if probability else None,
        groups=object_groups(rows),
        held_out="the end",
        rng=np.random.default_rng(0),
    )
    return rows, failed, risk, curve


@pytest.mark.parametrize("name", [MODEL, OLDEST])
@pytest.mark.parametrize("mark", range(len(MARKS)))
def test_the_intervals_are_those_of_ranking_every_resample_anew(name: str, mark: int) -> None:
    rows, failed, risk, curve = made()
    scores, pixels = scores_of(rows, failed, risk)[name], padded_pixels(rows)

    def by_boxes(at: NDArray[np.intp]) -> float | None:
        return recall_at_budget(scores[at], failed[at], None, MARKS[mark])

    def by_pixels(at: NDArray[np.intp]) -> float | None:
        return recall_at_budget(scores[at], failed[at], pixels[at], MARKS[mark])

    ranking = curve.ranking(name)
    for recall, found in ((by_boxes, ranking.at_marks[mark]), (by_pixels, ranking.at_marks_pixels[mark])):
        slow = group_bootstrap(recall, object_groups(rows), np.random.default_rng(1), resamples=300)
        assert found.estimate == pytest.approx(slow.estimate)
        assert (found.n, found.groups) == (slow.n, slow.groups) == (len(rows), 16)
        # Other resamples of the same objects: the ends differ by their own spread only.
        assert (found.low, found.high) == pytest.approx((slow.low, slow.high), abs=0.04)


def test_objects_of_two_clips_with_one_number_are_two_objects() -> None:
    rows, _, _, curve = made()
    assert curve.objects == len(rows.drop_duplicates(["clip", "track_id"])) == 16
    assert rows["track_id"].nunique() == 8


def test_the_order_by_correlation_puts_the_unknown_first() -> None:
    rows, failed, risk, _ = made()
    unknown = rows["ncc"].isna().to_numpy()
    score = scores_of(rows, failed, risk)[UNLIKE]
    assert unknown.any()
    assert score[unknown].min() > score[~unknown].max()
    assert (np.argsort(score[~unknown]) == np.argsort(-rows["ncc"].to_numpy()[~unknown])).all()


def test_a_true_risk_beats_its_rivals_and_no_more_than_the_oracle() -> None:
    _, failed, _, curve = made()
    at_a_quarter = {one.name: one.at_marks[0].estimate or 0.0 for one in curve.rankings}
    assert at_a_quarter[RANDOM] == pytest.approx(0.25)
    assert at_a_quarter[RANDOM] < at_a_quarter[MODEL] < at_a_quarter[ORACLE]
    assert curve.gain.low is not None
    assert curve.gain.low > 0
    assert curve.best_rival not in {MODEL, ORACLE}
    random, oracle = curve.ranking(RANDOM), curve.ranking(ORACLE)
    assert random.average_precision.estimate == pytest.approx(failed.mean()) == pytest.approx(curve.prevalence)
    assert oracle.average_precision.estimate == 1
    for one in curve.rankings:
        assert (one.by_boxes[0], one.by_boxes[-1], one.by_pixels[-1]) == (0, 1, 1)
        assert list(one.by_boxes) == sorted(one.by_boxes)


def test_a_model_without_probabilities_has_a_curve_without_calibration() -> None:
    curve = made(probability=False)[-1]
    assert curve.calibration is None
    page = Page("title", "lead")
    lay_out_curve(page, curve)
    assert "Brier" not in page.html()


def test_without_a_failure_there_is_nothing_to_catch() -> None:
    rows = table(np.random.default_rng(0), rows=20)
    nothing = np.zeros(20)
    with pytest.raises(DatasetError, match="nothing to catch"):
        product_curve(
            rows,
            nothing.astype(np.bool_),
            nothing,
            nothing,
            groups=object_groups(rows),
            held_out="the end",
            rng=np.random.default_rng(0),
        )


def test_the_page_shows_figure_then_table_with_the_numbers_of_the_curve() -> None:
    curve = made()[-1]
    page = Page("title", curve_sentence(curve))
    lay_out_curve(page, curve)
    html = page.html()
    assert html.index("<svg") < html.index("<table")
    figure = html[html.index("<svg") : html.index("</svg>")]
    for one in curve.rankings:
        assert one.name in figure
        row = curve_row(one)
        assert len(row) == len(CURVE_COLUMNS)
        assert all(cell in html for cell in row)
    assert "400 held-out boxes of 16 objects" in html
    assert "The model is better." in html
