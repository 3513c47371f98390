"""``report.html`` of an evaluation: the figures as a picture, the mistakes, the recordings beside them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from footage.errors import FootageError, printable
from footage.metrics.intervals import Interval
from footage.report.figures import bars_with_intervals, confusion
from footage.report.page import Page
from footage.report.sheets import contact_sheet
from footage.training.clips import read_clip
from video_train.evaluation.findings import Evaluation, Result
from video_train.train.findings import short

_MISTAKES = 8
_PICTURES = 4
_PICTURE_PX = 160
QUALITY_WORDS = {
    "sharpness": "sharpness (variance of the Laplacian)",
    "brightness": "brightness (0 to 1)",
    "dark_share": "share of black pixels",
    "bright_share": "share of white pixels",
    "dropped": "frames missing",
    "repeated": "share of repeated frames",
}


def lay_out(found: Evaluation) -> Page:
    """Lay out the report; pictures of mistakes are read anew."""
    page = Page("A classifier of videos, measured", found.lead)
    _accuracy(page, found)
    _by_class(page, found)
    _mistakes(page, found)
    _quality(page, found)
    _latency(page, found)
    _origin(page, found)
    return page


def score_rows(found: Evaluation) -> list[tuple[str, Interval]]:
    """Every accuracy by name, the model's own first."""
    figures = found.figures
    rows = [("the model", figures.student.accuracy)]
    if figures.ordered is not None:
        rows.append(("frames in another order", figures.ordered.shuffled))
    if figures.single_views is not None:
        rows.append(("views one by one", figures.single_views))
    if figures.teacher is not None:
        rows.append(("the teacher", figures.teacher.measured.accuracy))
    return rows


def _accuracy(page: Page, found: Evaluation) -> None:
    rows, chance = score_rows(found), found.figures.student.chance
    page.figure(
        bars_with_intervals(
            [*(name for name, _ in rows), "most frequent class"],
            [*(_number(one.estimate) for _, one in rows), chance],
            [*(_number(one.low) for _, one in rows), chance],
            [*(_number(one.high) for _, one in rows), chance],
            highlight=0,
            value_label="accuracy over events",
            limits=(0.0, 1.0),
        ),
        "; ".join(f"{name} {one.text()}" for name, one in rows) + f"; chance {chance:.2f}",
        "Accuracy; lines are 95 % intervals from resampling whole groups. The most frequent class is that of the "
        "events measured here.",
    )
    for doubt in found.doubts:
        page.note(f"{doubt[0].upper()}{doubt[1:]}.", kind="warning")
    for note in verdicts(found):
        page.note(note, kind="info")


def verdicts(found: Evaluation) -> list[str]:
    """What the figures say, in sentences."""
    figures = found.figures
    notes = [f"Accuracy minus that of the most frequent class: {figures.student.gain.text()}."]
    if figures.ordered is not None:
        notes.append(
            f"Accuracy in the true order minus that in another: {figures.ordered.loss.text()}: "
            f"{figures.ordered.verdict}."
        )
    if figures.consistency is not None:
        notes.append(
            f"Two clips of one video get the same class in {figures.consistency:.0%} of the pairs (temporal "
            f"consistency, n = {len(found.chosen.parts)} videos)."
        )
    if figures.teacher is not None:
        notes.append(
            f"The teacher says the same for {short(figures.teacher.agreement)} of the events; accuracy minus that of "
            f"the teacher: {figures.teacher.difference.text()}."
        )
    return notes


def _by_class(page: Page, found: Evaluation) -> None:
    classes, student = found.chosen.classes, found.figures.student
    page.section("By class")
    page.table(
        ("class", "precision", "recall", "F1", "events"),
        [(classes[int(one.label)], one.precision, one.recall, one.f1, one.support) for one in student.by_class],
    )
    page.figure(
        confusion(student.confusion, list(classes)),
        f"Confusion matrix, rows true: {student.confusion.tolist()}",
        "Events: what was true (rows) and what the model said (columns).",
    )


def _mistakes(page: Page, found: Evaluation) -> None:
    page.section("Where it is most sure and wrong")
    wrong = [(number, one) for number, one in enumerate(found.results()) if not one.correct]
    worst = sorted(wrong, key=lambda pair: -pair[1].probabilities[pair[1].predicted])[:_MISTAKES]
    if not worst:
        page.text("No event got another class.")
        return
    images, captions = [], []
    for number, one in worst:
        strip = _strip(found, number)
        if strip is not None:
            images.append(strip)
            captions.append(f"{one.action_label}, said {one.predicted}")
    if images:
        page.figure(
            contact_sheet(images, captions, columns=2),
            f"{len(images)} events that got another class: {'; '.join(printable(one.video_id) for _, one in worst)}",
            "The surest mistakes: frames of the first clip of each.",
        )
    page.table(("event", "truth", "said", "probability", "teacher said"), [_row(one) for _, one in worst])


def _row(one: Result) -> tuple[object, ...]:
    chance = f"{one.probabilities[one.predicted]:.2f}"
    return printable(one.video_id), one.action_label, one.predicted, chance, one.teacher_predicted


def _strip(found: Evaluation, event: int) -> NDArray[np.uint8] | None:
    """Some frames of an event's first clip side by side; None where its file is gone."""
    place = next(place for place, part in enumerate(found.chosen.parts) if part.event == event)
    times = found.answers[place].moments[0]
    chosen = times[np.linspace(0, len(times) - 1, min(_PICTURES, len(times))).round().astype(int)]
    try:
        return np.concatenate(read_clip(found.chosen.parts[place].video.path, chosen, _PICTURE_PX), axis=1)
    except (FootageError, OSError):
        return None


def _quality(page: Page, found: Evaluation) -> None:
    student = found.figures.student
    right = int(np.trace(student.confusion))
    page.section("The recordings")
    page.table(
        ("median over videos", "class found", "class missed"),
        [(QUALITY_WORDS[row.name], row.right, row.wrong) for row in found.figures.quality],
        caption=f"Recordings of the {right} events whose class was found beside those of the "
        f"{len(found.chosen.events) - right} others. Sharpness depends on what is seen and on the size of the picture; "
        "each video's own figures are in video_evaluation.json.",
    )


def _latency(page: Page, found: Evaluation) -> None:
    times = found.times
    rows: list[tuple[str, object, object]] = [
        ("reading a clip", "a process a file", f"{times.decode_ms:.1f} ms (median over videos)")
    ]
    named = (("the model", times.student), ("the model", times.paired), ("the teacher", times.teacher))
    rows += [(name, one.runtime, one.text()) for name, one in named if one is not None]
    page.section("Time for a clip")
    faster = "" if times.speedup is None else f" The teacher takes {times.speedup:.1f} times as long as the model."
    page.table(("what", "runs in", "time"), rows, caption=f"Median (one in ten less, one in ten more).{faster}")


def _origin(page: Page, found: Evaluation) -> None:
    chosen = found.chosen
    page.section("Where the numbers come from")
    model, teacher = found.student, found.teacher
    rows: list[tuple[str, object]] = [
        ("model", f"{printable(str(model.model.path))} (SHA-256 {model.sha256[:12]}), {model.runtime}"),
        ("teacher", "none" if teacher is None else f"{printable(str(teacher.model.path))}, {teacher.runtime}"),
        ("labels", found.source),
        ("events and groups", f"{len(chosen.events)} and {len({one.group for one in chosen.events})}"),
        ("videos, clips of each", f"{len(chosen.parts)}, {found.windows}"),
        ("events left out because training saw them", len(chosen.left_out)),
        ("events measured that training saw", chosen.seen),
        ("videos that could not be used", len(found.failed)),
    ]
    page.table(("what", "value"), rows)
    passed = [*found.failed, *found.skipped]
    if passed:
        page.table(("left out", "reason"), [(printable(str(one.path)), printable(one.reason)) for one in passed])


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)
