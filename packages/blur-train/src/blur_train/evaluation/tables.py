"""The figures of a way of answering as tables and pictures, for the reports and for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from blur_train.classes import CLASSES
from blur_train.decision import needed_without_error
from blur_train.evaluation.measure import Measured, PartScore
from footage.metrics.intervals import Interval
from footage.report.figures import Curve, confusion, curves
from footage.report.page import Page

WAY_COLUMNS = ("way", "accuracy", "sharp called blurred", "blurred called sharp", "calibration error")
CLASS_COLUMNS = ("class", "precision", "recall", "average precision")
PART_COLUMNS = ("photos", "right", "sharp called blurred", "blurred called sharp")
CLAIM = 0.005


def way_rows(ways: Sequence[Measured]) -> list[tuple[str, ...]]:
    """A row a way, for ``WAY_COLUMNS``."""
    return [
        (
            way.name,
            shown(way.accuracy),
            shown(way.false_positives),
            shown(way.missed),
            way.calibration_error.text(digits=3).split(" (n =")[0],
        )
        for way in ways
    ]


def class_rows(way: Measured) -> list[tuple[str | None, ...]]:
    """A row a class, for ``CLASS_COLUMNS``."""
    return [
        (one.name, counted(one.precision), counted(one.recall), one.average_precision.text(digits=3).split(" (n =")[0])
        for one in way.classes
    ]


def part_rows(parts: Sequence[PartScore]) -> list[tuple[str | None, ...]]:
    """A row a part, for ``PART_COLUMNS``."""
    return [
        (part.name, *(counted(one) for one in (part.accuracy, part.called_blurred, part.called_sharp)))
        for part in parts
    ]


def lay_out_confusion(page: Page, way: Measured) -> None:
    """The confusion alone: a report may begin with it."""
    page.figure(
        confusion(way.confusion, list(CLASSES)),
        f"Confusion matrix, rows true: {way.confusion.tolist()}",
        f"Photos by what was true (rows) and what was said (columns); n = {way.accuracy.n}.",
    )


def lay_out_figures(page: Page, way: Measured) -> None:
    """The classes, the kinds of photo, the cameras, the widths, the calibration."""
    page.table(CLASS_COLUMNS, class_rows(way), caption="By class. Wilson intervals; those of the ranking over groups.")
    page.section("By kind of photo")
    page.table(PART_COLUMNS, part_rows(way.by_kind), caption="Edge cases by the folder or the drawing they come from.")
    if way.by_width:
        page.table(
            PART_COLUMNS,
            part_rows(way.by_width),
            caption="Blurred photos whose blur is known: radius, or half the length of the motion, at 1536 px.",
        )
    if way.by_camera:
        page.table(PART_COLUMNS, part_rows(way.by_camera), caption="Cameras with at least ten photos.")
    page.section("Whether probabilities mean what they say")
    confidence = [one.mean_probability for one in way.reliability]
    page.figure(
        curves(
            [
                Curve(label="the model", x=confidence, y=[one.share_positive for one in way.reliability]),
                Curve(label="ideal", x=np.array([0.0, 1.0]), y=np.array([0.0, 1.0]), reference=True),
            ],
            x_label="mean confidence of a range",
            y_label="share of right answers",
            x_limits=(0.0, 1.0),
            y_limits=(0.0, 1.0),
        ),
        "Reliability: share of right answers over confidence",
        f"Expected calibration error {way.calibration_error.text(digits=3)}; Brier score {way.brier.text(digits=3)}.",
    )


def claim_line(way: Measured) -> str:
    """What the number of sharp photos allows to be said about false positives."""
    needed = needed_without_error(CLAIM)
    found = way.false_positives
    if found.estimate is None or found.high is None:
        return f"no sharp photo was looked at: a claim of 99.5 % needs {needed} independent ones without an error"
    errors = round(found.estimate * found.n)
    if found.high <= CLAIM:
        return f"{errors} of {found.n} sharp photos were called blurred: a claim of 99.5 % is covered"
    return (
        f"{errors} of {found.n} sharp photos were called blurred, which allows up to {found.high:.1%}; a claim of "
        f"99.5 % needs {needed} independent sharp photos without an error, and more with each error"
    )


def shown(interval: Interval) -> str:
    """``97.3 % [95.9, 98.2]``; the counts stand in the caption."""
    return interval.text(percent=True, digits=1).split(" (n =")[0]


def counted(interval: Interval) -> str | None:
    """``97.3 % [95.9, 98.2] of 240``; None where there is nothing to count."""
    return None if interval.estimate is None else f"{shown(interval)} of {interval.n}"
