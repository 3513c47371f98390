"""``report.html`` of a training: the result in a sentence and as a picture, the mistakes, and how it came about."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from footage.errors import printable
from footage.persistence.parity import Parity
from footage.report.figures import Curve, bars_with_intervals, confusion, curves
from footage.report.page import Page
from footage.report.sheets import contact_sheet
from video_train.catalogue.sides import SIDES
from video_train.measure import Measured
from video_train.train.findings import Findings, Trained, short
from video_train.train.rows import Row

_MISTAKES = 8
_PARTS = 4
"""How many pictures stand for a clip."""


def lay_out(findings: Findings, held_out: Sequence[Row], parity: Parity) -> Page:
    """Lay out the report.

    Args:
        findings: what the training found.
        held_out: clips of validation and test, from which the mistakes are shown.
        parity: how the exported model compares with the one that was measured.
    """
    page = Page("A classifier of videos", findings.lead)
    _accuracy(page, findings)
    _comparison(page, findings)
    _mistakes(page, findings, held_out)
    _training(page, findings)
    _origin(page, findings, parity)
    return page


def _accuracy(page: Page, findings: Findings) -> None:
    found: list[tuple[str, Measured]] = [("student", findings.student.measured)]
    if findings.teacher is not None:
        found.append(("teacher", findings.teacher.measured))
    names = [*(name for name, _ in found), "most frequent class"]
    chance = findings.student.measured.chance
    estimates = [_number(one.accuracy.estimate) for _, one in found]
    page.figure(
        bars_with_intervals(
            names,
            [*estimates, chance],
            [*(_number(one.accuracy.low) for _, one in found), chance],
            [*(_number(one.accuracy.high) for _, one in found), chance],
            highlight=0,
            value_label="accuracy over test events",
            limits=(0.0, 1.0),
        ),
        "Bars of accuracy: "
        + "; ".join(f"{name} {one.accuracy.text()}" for name, one in found)
        + f"; chance {chance:.2f}",
        f"Accuracy on the test side, looked at once; lines are 95 % intervals from resampling whole groups "
        f"({findings.sides.grouped_by}).",
    )
    for doubt in findings.doubts:
        page.note(f"{doubt[0].upper()}{doubt[1:]}.", kind="warning")
    measured = findings.student.measured
    page.note(f"Accuracy minus that of the most frequent class: {measured.gain.text()}.", kind="info")
    page.section("By class")
    page.table(
        ("class", "precision", "recall", "F1", "test events"),
        [
            (findings.classes[int(one.label)], one.precision, one.recall, one.f1, one.support)
            for one in measured.by_class
        ],
    )
    page.figure(
        confusion(measured.confusion, list(findings.classes)),
        f"Confusion matrix, rows true: {measured.confusion.tolist()}",
        "Test events: what was true (rows) and what the student said (columns).",
    )
    if findings.student.consistency is not None:
        page.text(
            f"Two clips of one video get the same class in {findings.student.consistency:.0%} of the pairs "
            "(temporal consistency)."
        )


def _comparison(page: Page, findings: Findings) -> None:
    compared = findings.comparison
    if compared is None:
        return
    page.section("With the teacher and without")
    page.table(
        ("seed", "taught", "alone", "taught minus alone"),
        [
            (seed, taught, alone, taught - alone)
            for seed, taught, alone in zip(compared.seeds, compared.taught, compared.alone, strict=True)
        ],
        caption="Accuracy on the same test events; both had the same clips, steps and start.",
    )
    seeds = f"{len(compared.seeds)} seed{'' if len(compared.seeds) == 1 else 's'}"
    verdict = f"Taught minus alone, mean over {seeds}: {compared.difference.text()}"
    spread = "" if compared.over_seeds is None else f" Its standard deviation over seeds is {compared.over_seeds:.3f}."
    page.note(f"{verdict}: {compared.verdict}.{spread}", kind="info")


def _mistakes(page: Page, findings: Findings, held_out: Sequence[Row]) -> None:
    """The test events that got another class, the surest first, each by some frames of its clip."""
    page.section("Where it is wrong")
    logits = findings.student.logits
    chances = np.exp(logits - logits.max(1, keepdims=True))
    chances /= chances.sum(1, keepdims=True)
    truth = np.array([findings.classes.index(findings.sides.events[n].event.label) for n in findings.test_events])
    wrong = np.flatnonzero(logits.argmax(1) != truth)
    worst = wrong[np.argsort(-chances[wrong].max(1), kind="stable")][:_MISTAKES]
    if not len(worst):
        page.text("No test event got another class.")
        return
    by_video = {(row.video.path, row.video.start_seconds): row for row in held_out}
    images, captions, rows = [], [], []
    for place in worst.tolist():
        number = int(findings.test_events[place])
        one, said = findings.sides.events[number], findings.classes[int(logits[place].argmax())]
        part = next(
            findings.sides.parts[at]
            for at in findings.sides.rows("test").tolist()
            if int(findings.sides.event_of[at]) == number
        )
        clip = np.load(by_video[part.path, part.start_seconds].file, mmap_mode="r")[0]
        images.append(_strip(np.asarray(clip)))
        captions.append(f"{one.event.label}, said {said}")
        rows.append((printable(one.event.identity), one.event.label, said, f"{chances[place].max():.2f}"))
    page.figure(
        contact_sheet(images, captions, columns=2),
        f"{len(rows)} events that got another class: {'; '.join(row[0] for row in rows)}",
        "The surest mistakes among the test events, as the network sees them.",
    )
    page.table(("event", "truth", "said", "probability"), rows)


def _strip(clip: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Some frames of a clip side by side."""
    chosen = np.linspace(0, len(clip) - 1, min(_PARTS, len(clip))).round().astype(int)
    return np.concatenate([clip[number] for number in chosen], axis=1)


def _training(page: Page, findings: Findings) -> None:
    fitted = findings.student.fitted
    if fitted is None:
        return
    page.section("Training")
    epochs = [record.epoch + 1 for record in fitted.history]
    accuracy = [_number(record.val_metric) for record in fitted.history]
    page.figure(
        curves(
            [
                Curve(label="loss in training", x=epochs, y=[record.train_loss for record in fitted.history]),
                Curve(label="loss on validation", x=epochs, y=[record.val_loss for record in fitted.history]),
                Curve(label="accuracy on validation", x=epochs, y=accuracy),
            ],
            x_label="epoch",
        ),
        f"Learning curves over {len(epochs)} epochs",
        f"{fitted.stopped[0].upper()}{fitted.stopped[1:]}; the model is that of epoch {fitted.best_epoch + 1}.",
    )


def _origin(page: Page, findings: Findings, parity: Parity) -> None:
    sides = findings.sides
    page.section("Where the numbers come from")
    rows: list[tuple[str, object]] = [
        ("student", _words(findings.student)),
        ("teacher", "none" if findings.teacher is None else _words(findings.teacher)),
        ("computed on", findings.device),
        ("labels", findings.source),
        ("kept together in the split", sides.grouped_by),
        *((f"{name} events (groups)", "{} ({})".format(*sides.count(name))) for name in SIDES),
        ("videos that could not be used", len(findings.skipped)),
        ("exported model", parity.text()),
    ]
    page.table(("what", "value"), rows)
    if findings.skipped:
        page.table(
            ("video left out", "reason"),
            [(printable(str(one.path)), printable(one.reason)) for one in findings.skipped],
        )


def _words(trained: Trained) -> str:
    return f"{trained.name}, from {trained.start}: accuracy {short(trained.measured.accuracy)}"


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)
