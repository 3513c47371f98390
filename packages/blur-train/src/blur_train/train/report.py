"""``report.html``: the result in a sentence, where it is right and where wrong, and how it came about."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from blur_train.classes import BLUR_TYPES, CLASSES
from blur_train.decision import probabilities_of
from blur_train.evaluation.mistakes import show_mistakes
from blur_train.evaluation.tables import WAY_COLUMNS, claim_line, lay_out_confusion, lay_out_figures, way_rows
from blur_train.train.findings import Findings
from footage.errors import printable
from footage.persistence.parity import Parity
from footage.report.figures import Curve, curves
from footage.report.page import Page


def lay_out(findings: Findings, parity: Parity, dataset: Path) -> Page:
    """Lay out the report.

    Args:
        findings: what the training found.
        parity: how the exported model compares with the one that was measured.
        dataset: the folder of the data set, from which mistakes are shown.
    """
    page = Page("A blur classifier", findings.lead)
    if findings.measured is not None:
        lay_out_confusion(page, findings.measured)
    for doubt in findings.doubts:
        page.note(f"{doubt[0].upper()}{doubt[1:]}.", kind="warning")
    if findings.measured is not None:
        page.table(
            WAY_COLUMNS,
            way_rows([findings.measured]),
            caption=f"On the test side, looked at once: n = {findings.measured.accuracy.n} photos of "
            f"{findings.measured.accuracy.groups} groups. 95 % intervals, that of the accuracy over groups.",
        )
        page.note(f"{claim_line(findings.measured).capitalize()}.")
        lay_out_figures(page, findings.measured)
        test = findings.inputs.rows("test")
        probabilities = probabilities_of(findings.logits[test], findings.rule.temperature)
        photos = tuple(findings.inputs.photos[row] for row in test)
        show_mistakes(page, photos, probabilities, findings.rule.predict(probabilities), dataset)
    _rule(page, findings)
    _training(page, findings)
    _origin(page, findings, parity)
    return page


def _rule(page: Page, findings: Findings) -> None:
    rule = findings.rule
    page.section("How it decides")
    page.table(
        ("preset", *BLUR_TYPES),
        [(preset.value, *points.at_least) for preset, points in rule.points.items()],
        caption="A photo is said to be of its most probable blur type where the chance that it is not sharp reaches "
        f"this point, else sharp. Chosen on the {findings.chosen_on} side ({rule.chosen_on_sharp} sharp photos, "
        f"{rule.chosen_on_blurred} blurred) so that moderate calls at most {rule.false_positives:.1%} of sharp photos "
        f"blurred; strict a fifth of that, lenient four times as many. Temperature {rule.temperature:.2f}.",
    )


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
                Curve(label="balanced accuracy on validation", x=epochs, y=metric),
            ],
            x_label="epoch",
        ),
        f"Learning curves over {len(epochs)} epochs",
        f"{fitted.stopped[0].upper()}{fitted.stopped[1:]}; the model is that of epoch {fitted.best_epoch + 1}.",
    )


def _origin(page: Page, findings: Findings, parity: Parity) -> None:
    page.section("Where the numbers come from")
    rows: list[tuple[str, object]] = [
        ("network", findings.backend),
        ("started from", findings.start),
        ("computed on", findings.device),
        ("photos that could not be used", len(findings.inputs.left_out)),
        ("exported model", parity.text()),
    ]
    page.table(("what", "value"), rows)
    counts = findings.counts()
    page.table(
        ("side", *CLASSES),
        [(side, *(found.get(name, 0) for name in CLASSES)) for side, found in counts.items()],
        caption="Photos by side and class.",
    )
    if findings.inputs.left_out:
        page.table(
            ("photo left out", "reason"),
            [(printable(one.path), printable(one.reason)) for one in findings.inputs.left_out],
        )
