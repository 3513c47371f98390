"""``evaluation.html``: the result in a sentence, beside its rivals, where it is wrong, what it may claim."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from blur_train.evaluation.findings import Evaluation
from blur_train.evaluation.mistakes import show_mistakes
from blur_train.evaluation.tables import WAY_COLUMNS, claim_line, lay_out_confusion, lay_out_figures, way_rows
from footage.errors import printable
from footage.metrics.intervals import Interval
from footage.report.figures import bars_with_intervals
from footage.report.page import Page


def lay_out(evaluation: Evaluation, dataset: Path) -> Page:
    """The page; the pictures of mistakes are read anew."""
    page = Page("How well a blur classifier does", evaluation.lead)
    ways = evaluation.ways
    intervals = [way.accuracy for way in ways]
    page.figure(
        bars_with_intervals(
            [way.name for way in ways],
            _ends(intervals, "estimate"),
            _ends(intervals, "low"),
            _ends(intervals, "high"),
            highlight=0,
            value_label="right answers",
            limits=(0.0, 1.0),
        ),
        "Bars of accuracy: " + "; ".join(f"{way.name} {way.accuracy.text()}" for way in ways),
        "Right answers, beside measures of focus that learn next to nothing. Lines are 95 % intervals over groups.",
    )
    for doubt in evaluation.doubts:
        page.note(f"{doubt[0].upper()}{doubt[1:]}.", kind="warning")
    page.note(f"{claim_line(ways[0]).capitalize()}.")
    page.section("Figures")
    page.table(
        WAY_COLUMNS,
        way_rows(ways),
        caption=f"n = {len(evaluation.photos)} photos of {ways[0].accuracy.groups} groups, preset "
        f"{evaluation.preset.value}; every way has operating points of its own, chosen in the same way.",
    )
    lay_out_confusion(page, ways[0])
    lay_out_figures(page, ways[0])
    show_mistakes(page, evaluation.photos, evaluation.probabilities, evaluation.said, dataset)
    page.section("Where the numbers come from")
    page.table(
        ("what", "value"),
        [
            ("model", printable(str(evaluation.model))),
            ("SHA-256", evaluation.model_sha256),
            ("data set", printable(str(dataset))),
            ("side", evaluation.side),
            ("photos that could not be read", len(evaluation.left_out)),
        ],
    )
    if evaluation.left_out:
        page.table(
            ("photo left out", "reason"), [(printable(one.path), printable(one.reason)) for one in evaluation.left_out]
        )
    return page


def _ends(intervals: list[Interval], name: str) -> list[float]:
    values = [getattr(interval, name) for interval in intervals]
    return [np.nan if value is None else value for value in values]
