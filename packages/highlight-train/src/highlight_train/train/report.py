"""``report.html``: the result in a sentence, the comparison as a picture, where it is wrong, and how it came about."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from footage.errors import printable
from footage.metrics.intervals import Interval
from footage.persistence.parity import Parity
from footage.report.figures import Curve, bars_with_intervals, confusion, curves
from footage.report.page import Page
from footage.report.sheets import contact_sheet
from highlight_train.labels import CLASSES
from highlight_train.train.findings import Findings, counted
from highlight_train.train.pictures import Pictures
from highlight_train.train.split_file import SIDES

_MISTAKES = 8


def lay_out(findings: Findings, pictures: Pictures, parity: Parity) -> Page:
    """Lay out the report.

    Args:
        findings: what the training found.
        pictures: from which the mistakes are shown.
        parity: how the exported model compares with the one that was measured.
    """
    page = Page("A highlight model", findings.lead)
    _comparison(page, findings)
    _mistakes(page, findings, pictures)
    _training(page, findings)
    _origin(page, findings, parity)
    return page


def _comparison(page: Page, findings: Findings) -> None:
    evaluation = findings.evaluation
    intervals = [score.average_precision for score in evaluation.scores]
    page.figure(
        bars_with_intervals(
            [score.name for score in evaluation.scores],
            _ends(intervals, "estimate"),
            _ends(intervals, "low"),
            _ends(intervals, "high"),
            highlight=0,
            value_label="average precision over test clips",
            limits=(0.0, 1.0),
        ),
        "Bars of average precision: "
        + "; ".join(f"{score.name} {score.average_precision.text()}" for score in evaluation.scores),
        "How well clips are ranked, highlights first, beside what needs no training. Lines are 95 % intervals from "
        f"resampling whole groups ({findings.sides.grouped_by}).",
    )
    for doubt in findings.doubts:
        page.note(f"{doubt[0].upper()}{doubt[1:]}.", kind="warning")
    page.note(_verdict(findings), kind="info")
    page.section("Scores")
    page.table(
        ("way", "average precision", "balanced accuracy", "threshold"),
        [
            (
                score.name,
                _value(score.average_precision),
                _value(score.balanced_accuracy),
                f"{score.threshold:.3g}",
            )
            for score in evaluation.scores
        ],
        caption=f"On the test clips, looked at once: {_counts(findings, 'test')}. Thresholds were chosen on "
        "validation, in each way's own unit.",
    )
    page.table(
        ("pooling", "average precision on validation"),
        [(name, None if value is None else f"{value:.3f}") for name, value in evaluation.pooling_on_validation.items()],
        caption=f"How frames' scores become a clip's: {evaluation.pooling.value} was taken.",
    )
    page.figure(
        confusion(evaluation.confusion, list(CLASSES)),
        f"Confusion matrix, rows true: {evaluation.confusion.tolist()}",
        "Test clips: what was true (rows) and what the model said (columns).",
    )


def _verdict(findings: Findings) -> str:
    gain, rival = findings.evaluation.gain, findings.evaluation.best_baseline
    difference = f"Average precision minus that of {rival}: {findings.text(gain)}"
    if findings.doubts:
        return f"{difference}. With the reservations above this decides nothing: the model is not ready."
    if gain.low is None or gain.high is None:
        return f"{difference}."
    if gain.low > 0:
        return f"{difference}: the model is better."
    return (
        f"{difference}: the model is worse." if gain.high < 0 else f"{difference}: these clips do not tell them apart."
    )


def _mistakes(page: Page, findings: Findings, pictures: Pictures) -> None:
    """The test clips on the wrong side of the threshold, furthest first, each by its highest frame."""
    page.section("Where it is wrong")
    sides, evaluation = findings.sides, findings.evaluation
    frames, threshold = sides.frames, evaluation.model.threshold
    truth = frames.clip_labels[sides.test]
    wrong = np.flatnonzero((evaluation.clip_scores >= threshold) != truth)
    worst = wrong[np.argsort(-np.abs(evaluation.clip_scores[wrong] - threshold), kind="stable")][:_MISTAKES]
    if not len(worst):
        page.text("No test clip is on the wrong side of the threshold.")
        return
    images: list[NDArray[np.uint8]] = []
    rows = []
    for number in worst:
        clip = int(sides.test[number])
        own = np.flatnonzero(frames.clip == clip)
        highest = int(own[np.argmax(findings.frame_scores[own])])
        images.append(pictures(highest))
        name = printable(frames.clips[clip].path)
        rows.append(
            (
                name,
                CLASSES[int(truth[number])],
                f"{evaluation.clip_scores[number]:.2f}",
                f"{frames.seconds[highest]:.1f} s",
            )
        )
    page.figure(
        contact_sheet(images, [f"{kind}, said {score}" for _, kind, score, _ in rows], columns=4),
        f"{len(rows)} clips that were scored wrong: {'; '.join(row[0] for row in rows)}",
        "The gravest mistakes among the test clips, by their highest frame, squeezed as the model sees it.",
    )
    page.table(("clip", "truth", "score", "highest frame"), rows)


def _training(page: Page, findings: Findings) -> None:
    fitted = findings.fitted
    page.section("Training")
    epochs = [record.epoch + 1 for record in fitted.history]
    metric = [np.nan if record.val_metric is None else record.val_metric for record in fitted.history]
    page.figure(
        curves(
            [
                Curve(label="loss in training", x=epochs, y=[record.train_loss for record in fitted.history]),
                Curve(label="loss on validation", x=epochs, y=[record.val_loss for record in fitted.history]),
                Curve(label="average precision on validation", x=epochs, y=metric),
            ],
            x_label="epoch",
        ),
        f"Learning curves over {counted(len(epochs), 'epoch')}",
        f"{fitted.stopped[0].upper()}{fitted.stopped[1:]}; the model is that of epoch {fitted.best_epoch + 1}.",
    )


def _origin(page: Page, findings: Findings, parity: Parity) -> None:
    sides = findings.sides
    page.section("Where the numbers come from")
    rows: list[tuple[str, object]] = [
        ("backbone", findings.backbone),
        ("started from", findings.start),
        ("computed on", findings.device),
        ("kept together in the split", sides.grouped_by),
        *((f"{name} clips", _counts(findings, name)) for name in SIDES),
        ("labelled clips that could not be used", len(findings.skipped)),
        ("exported model", parity.text()),
    ]
    page.table(("what", "value"), rows)
    if findings.skipped:
        page.table(
            ("clip left out", "reason"),
            [(printable(one.path), printable(one.reason)) for one in findings.skipped],
        )


def _counts(findings: Findings, name: str) -> str:
    frames, clips = findings.sides.frames, findings.sides.side(name)
    groups = len(np.unique(frames.clip_groups[clips]))
    highlights = counted(int(frames.clip_labels[clips].sum()), "highlight")
    return f"{len(clips)} of {counted(groups, 'group')}, {highlights}, {counted(len(frames.of_clips(clips)), 'frame')}"


def _value(interval: Interval) -> str:
    """The figure and its interval; the counts stand in the table's caption."""
    return interval.text().split(" (n =")[0]


def _ends(intervals: Sequence[Interval], name: str) -> list[float]:
    values = [getattr(interval, name) for interval in intervals]
    return [np.nan if value is None else value for value in values]
