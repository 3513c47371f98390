"""``evaluation.html``: the result in a sentence and beside its rivals, how scores lie, the most confident mistakes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from footage.errors import FootageError, printable
from footage.metrics.intervals import Interval
from footage.report.figures import Curve, bars_with_intervals, confusion, curves, histogram
from footage.report.page import Page
from footage.report.sheets import film_strip
from highlight_train.evaluation.findings import Evaluation, MeasuredClip
from highlight_train.evaluation.measure import BUDGET
from highlight_train.labels import CLASSES
from highlight_train.scoring.sampler import pictures_at
from highlight_train.scoring.video import clock

MISTAKES = 6
PICTURES = 5
BINS = 20
SCORE_COLUMNS = ("way", "average precision", f"precision@{BUDGET}", "balanced accuracy", "Brier", "ECE")


def lay_out(evaluation: Evaluation) -> Page:
    """The page; the pictures of mistakes are read anew."""
    page = Page("How well a highlight model does", evaluation.lead)
    _comparison(page, evaluation)
    for doubt in evaluation.on.doubts:
        page.note(f"{doubt[0].upper()}{doubt[1:]}.", kind="warning")
    page.note(verdict(evaluation), kind="info")
    _figures(page, evaluation)
    _mistakes(page, evaluation)
    _ranking(page, evaluation)
    _calibration(page, evaluation)
    _origin(page, evaluation)
    return page


def score_rows(evaluation: Evaluation) -> list[tuple[str, ...]]:
    """A row a way, for ``SCORE_COLUMNS``: each figure with its interval."""
    return [
        (
            score.name,
            *(
                _value(interval)
                for interval in (
                    score.average_precision,
                    score.precision_at_50,
                    score.balanced_accuracy,
                    score.brier,
                    score.ece,
                )
            ),
        )
        for score in evaluation.measured.scores
    ]


def verdict(evaluation: Evaluation) -> str:
    """Whether the model beats what needs no training, in a sentence."""
    gain = evaluation.measured.gain
    difference = (
        f"Average precision minus that of {evaluation.measured.best_baseline}, the best without training: "
        f"{evaluation.text(gain)}"
    )
    if evaluation.on.doubts:
        return f"{difference}. With the reservations this decides nothing."
    if gain.low is None or gain.high is None:
        return f"{difference}."
    if gain.low > 0:
        return f"{difference}: the model is better."
    worse = gain.high < 0
    return f"{difference}: {'the model is worse' if worse else 'these clips do not tell them apart'}."


def _comparison(page: Page, evaluation: Evaluation) -> None:
    scores = evaluation.measured.scores
    intervals = [score.average_precision for score in scores]
    page.figure(
        bars_with_intervals(
            [score.name for score in scores],
            _ends(intervals, "estimate"),
            _ends(intervals, "low"),
            _ends(intervals, "high"),
            highlight=0,
            value_label="average precision over clips",
            limits=(0.0, 1.0),
        ),
        "Bars of average precision: " + "; ".join(f"{one.name} {one.average_precision.text()}" for one in scores),
        "How well clips are ranked, highlights first, beside what needs no training. Lines are 95 % intervals from "
        f"resampling whole groups ({evaluation.on.kept_together}).",
    )


def _distributions(page: Page, evaluation: Evaluation) -> None:
    edges = np.linspace(0, 1, BINS + 1)
    counts = {
        name: np.histogram([clip.score for clip in evaluation.clips if clip.is_highlight == number], edges)[0]
        for number, name in enumerate(CLASSES)
    }
    threshold = evaluation.decision.threshold
    page.figure(
        histogram(counts, edges, {"threshold": threshold}, value_label="score of a clip", count_label="clips"),
        f"Histogram of scores by class with the threshold at {threshold:.3g}",
        "The scores of normal clips and of highlights. From the dashed line on, a clip is said to be a highlight.",
    )


def _figures(page: Page, evaluation: Evaluation) -> None:
    clips = evaluation.clips
    highlights = sum(clip.is_highlight for clip in clips)
    groups = len({clip.group for clip in clips})
    page.section("Scores")
    page.table(
        SCORE_COLUMNS,
        score_rows(evaluation),
        caption=f"n = {len(clips)} clips, {highlights} of them highlights, of {groups} groups "
        f"({evaluation.on.kept_together}); 95 % intervals from resampling whole groups. precision@{BUDGET} is the "
        f"share of highlights among the {min(BUDGET, len(clips))} that score highest. Brier score and ECE (expected "
        "calibration error) are better when lower.",
    )
    _distributions(page, evaluation)
    page.figure(
        confusion(evaluation.measured.confusion, list(CLASSES)),
        f"Confusion matrix, rows true: {evaluation.measured.confusion.tolist()}",
        f"What was true (rows) and what the model said (columns) at {evaluation.decision.threshold:.3g}, "
        f"{evaluation.decision.threshold_from}.",
    )


def _mistakes(page: Page, evaluation: Evaluation) -> None:
    page.section("Where it is most sure and wrong")
    worst = evaluation.mistakes(MISTAKES)
    if not worst:
        page.text("No clip is on the wrong side of the threshold.")
        return
    for clip in worst:
        _strip(page, clip)
    page.table(
        ("clip", "truth", "score"),
        [(printable(str(clip.path)), CLASSES[clip.is_highlight], f"{clip.score:.3f}") for clip in worst],
    )


def _strip(page: Page, clip: MeasuredClip) -> None:
    times, scores = clip.frames.times_seconds, clip.frames.scores
    shown = np.unique(np.linspace(0, len(times) - 1, PICTURES).round().astype(int)).tolist()
    name = printable(clip.path.name)
    said = f"{name}: {CLASSES[clip.is_highlight]}, and its score is {clip.score:.2f}"
    try:
        pictures = pictures_at(clip.path, [times[number] for number in shown])
    except (FootageError, OSError):
        page.note(f"{said}. It could not be read again for pictures.", kind="warning")
        return
    captions = [f"{clock(times[number])}  {scores[number]:.2f}" for number in shown]
    page.figure(film_strip(pictures, captions, height=150), f"Film strip of {name} with the scores", f"{said}.")


def _ranking(page: Page, evaluation: Evaluation) -> None:
    """Precision over recall, a point for each distinct score."""
    page.section("The ranking")
    scores = np.array([clip.score for clip in evaluation.clips])
    truth = np.array([clip.is_highlight for clip in evaluation.clips])
    levels = np.unique(scores)[::-1]
    found = np.array([truth[scores >= level].sum() for level in levels])
    taken = np.array([(scores >= level).sum() for level in levels])
    recall, precision, share = found / truth.sum(), found / taken, truth.mean()
    page.figure(
        curves(
            [
                Curve(label="the model", x=[0.0, *recall], y=[precision[0], *precision]),
                Curve(label="any order", x=[0.0, 1.0], y=[share, share], reference=True),
            ],
            x_label="recall: share of the highlights that are found",
            y_label="precision",
            x_limits=(0.0, 1.0),
            y_limits=(0.0, 1.05),
        ),
        f"Precision over recall; any order would have a precision of {share:.2f}",
        "Taking clips from the best score down: how many of the taken are highlights.",
    )


def _calibration(page: Page, evaluation: Evaluation) -> None:
    page.section("What a score is worth as a chance")
    page.table(
        ("score from", "to", "clips", "mean score", "share of highlights"),
        [
            (f"{one.low:.1f}", f"{one.high:.1f}", one.n, f"{one.mean_probability:.2f}", f"{one.share_positive:.2f}")
            for one in evaluation.measured.reliability
        ],
        caption="Calibrated scores have the share of highlights that they say. With few clips in a range, the share "
        "says little.",
    )


def _origin(page: Page, evaluation: Evaluation) -> None:
    on = evaluation.on
    page.section("Where the numbers come from")
    page.table(
        ("what", "value"),
        [
            ("model", f"{printable(str(evaluation.model))} (SHA-256 {evaluation.model_sha256[:12]})"),
            ("score of a clip", f"{evaluation.decision.pooling.value} of its pictures' scores"),
            ("pooling and threshold", evaluation.decision.text),
            ("clips left out because training learned from or chose by them", on.left_out),
            ("clips measured on that training learned from or chose by", on.seen),
            ("clips that could not be used", len(on.skipped)),
        ],
    )
    if on.skipped:
        page.table(("clip left out", "reason"), [(printable(one.path), printable(one.reason)) for one in on.skipped])


def _value(interval: Interval) -> str:
    """The figure and its interval; the counts stand in the table's caption."""
    return "\N{EN DASH}" if interval.estimate is None else interval.text().split(" (n =")[0]


def _ends(intervals: Sequence[Interval], name: str) -> list[float]:
    values = [getattr(interval, name) for interval in intervals]
    return [np.nan if value is None else value for value in values]
