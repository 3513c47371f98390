"""``report.html``: the result in a sentence, what it is good for as a picture, how it came about and where it fails."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier

from flexpatch_train.clip import Clip
from flexpatch_train.curve_report import lay_out_curve
from flexpatch_train.findings import Findings, objects
from flexpatch_train.holding_out import BLOCKS, PURGE_FRAMES
from flexpatch_train.importance import SHUFFLES
from flexpatch_train.labels import LABELS, MEDIUM_IOU
from flexpatch_train.rules import readable_rules
from flexpatch_train.scores import Evaluation, Score
from flexpatch_train.strips import Strip
from flexpatch_train.table import feature_matrix
from flexpatch_train.tree_drawing import draw_tree
from footage.errors import printable
from footage.metrics.intervals import Interval
from footage.report.figures import bars_with_intervals, confusion, histogram
from footage.report.page import Page
from footage.report.sheets import film_strip


def lay_out(findings: Findings, strips: Sequence[Strip]) -> Page:
    """Lay out the report.

    Args:
        findings: what the run found.
        strips: the worst mistakes, as cut from the video.
    """
    page = Page(f"Tracking failure in {_videos(findings)}", findings.lead)
    if findings.learned.curve is not None:
        lay_out_curve(page, findings.learned.curve)
    else:
        _macro_f1(page, findings)
    for warning in findings.warnings:
        page.note(f"{warning[0].upper()}{warning[1:]}.", kind="warning")
    _comparison(page, findings)
    _mistakes(page, strips)
    _model(page, findings)
    _labels(page, findings)
    _origin(page, findings)
    return page


def _videos(findings: Findings) -> str:
    clips = findings.clips
    return printable(clips[0].source.video.name) if len(clips) == 1 else f"{len(clips)} videos"


def _comparison(page: Page, findings: Findings) -> None:
    learned, held_out = findings.learned, findings.learned.held_out
    page.section("Scores")
    if learned.curve is not None:
        page.text(findings.scores)
        _macro_f1(page, findings)
    if held_out.model.recall_high.estimate is not None:
        page.figure(
            _bars(held_out.scores, [score.recall_high for score in held_out.scores], "recall of high risk"),
            f"Bars of the recall of high: {_in_words(held_out.scores, 'recall_high')}",
            "Share of the boxes at high risk (the tracker no longer touches the object) that were called so.",
        )
    page.note(_verdict(held_out, learned.doubts), kind="info")
    page.table(*_score_table(held_out), caption=f"The model that ships, on {learned.split.words}; {_counts(held_out)}")
    blocks = learned.cross_validated
    if blocks is None:
        page.note(
            f"The video is too short, or its objects stay too long, for {BLOCKS} time blocks without an object "
            "on both sides: there is no cross-validation.",
            kind="info",
        )
    elif len(findings.clips) > 1:
        page.table(
            *_score_table(blocks),
            caption=f"The same recipe over {len(findings.clips)} videos: each is predicted by a model that saw only "
            f"the others; {_counts(blocks)}",
        )
    else:
        page.table(
            *_score_table(blocks),
            caption=f"The same recipe over {BLOCKS} time blocks: each block is predicted by a model that saw neither "
            f"its frames, nor the {PURGE_FRAMES} frames around it, nor its objects; {_counts(blocks)}",
        )
    for clip, table in learned.by_clip.items():
        where = "Held-out boxes" if len(learned.by_clip) == 1 else f"Held-out boxes of {clip}"
        page.figure(
            confusion(table, list(LABELS)),
            f"Confusion matrix of {clip}, rows true: {table.tolist()}",
            f"{where}: what was true (rows) and what the model said (columns); n = {int(table.sum())} boxes.",
        )


def _macro_f1(page: Page, findings: Findings) -> None:
    learned, scores = findings.learned, findings.learned.held_out.scores
    page.figure(
        _bars(scores, [score.macro_f1 for score in scores], "macro-F1 on held-out boxes"),
        f"Bars of macro-F1: {_in_words(scores, 'macro_f1')}",
        f"Macro-F1 of the {learned.options.name} and of what it has to beat, on {learned.split.words}. "
        "Lines are 95 % intervals from resampling whole objects.",
    )


def _mistakes(page: Page, strips: Sequence[Strip]) -> None:
    page.section("Where it is wrong")
    if not strips:
        page.text("The model made no mistake on the held-out boxes.")
        return
    page.text(
        "The gravest mistakes on held-out boxes, one a tracked object. White is where the object really is, where that "
        "is known. The other box is the tracker's, in the colour of its true label: blue low, amber medium, red high "
        "risk. Numbers count frames since the detection."
    )
    for strip in strips:
        page.figure(
            film_strip(strip.images, strip.captions, marks=strip.marks), f"Film strip: {strip.title}", strip.title
        )


def _model(page: Page, findings: Findings) -> None:
    learned = findings.learned
    model, options = learned.model, learned.options
    page.section(f"The {options.name}")
    page.table(
        ("feature", "macro-F1 lost"),
        [(one.feature, _value(one.loss)) for one in learned.importance],
        caption=f"What is lost on held-out boxes when one feature is shuffled, mean of {SHUFFLES} times, with 95 % "
        "intervals from resampling objects. Features that tell the same hide each other. "
        f"{_counts(learned.held_out)}",
    )
    if learned.trials:
        page.table(
            ("depth", "rows of a leaf, at least", "macro-F1"),
            [(one.max_depth, one.min_samples_leaf, f"{one.macro_f1:.3f}") for one in learned.trials],
            caption=f"The search, on training rows alone (n = {len(learned.train)} boxes), by cross-validation over "
            f"objects. Taken: depth {options.depth}, leaves of at least {options.leaf_rows} rows.",
        )
    if not isinstance(model, DecisionTreeClassifier):
        page.text("It is too large to be drawn; a single decision tree can be.")
        return
    values = feature_matrix(learned.train, options.feature_names)
    sometimes_unknown = np.isnan(values).any(axis=0)
    page.figure(
        draw_tree(
            model,
            options.feature_names,
            unknown=[options.feature_names[column] for column in np.flatnonzero(sometimes_unknown)],
        ),
        "The decision tree; its rules stand below as text",
        f"{model.get_n_leaves()} leaves, depth {model.get_depth()}; branches that end in one label are drawn as one. "
        f"Shares at the ends are of training rows, {_weighed(options.class_weight)}.",
    )
    page.code(
        readable_rules(model, options.feature_names),
        caption="The same as text. A value can be unknown: accel right after a detection, ncc without contrast.",
    )


def _weighed(class_weight: str) -> str:
    return "each counted once" if class_weight == "none" else "weighed so that every label counts the same in all"


def _labels(page: Page, findings: Findings) -> None:
    table = findings.table
    page.section("Labels")
    counts = table["iou_label"].value_counts()
    rows = [(label, int(counts.get(label, 0)), f"{counts.get(label, 0) / len(table):.1%}") for label in LABELS]
    page.table(("label", "boxes", "share"), rows, caption=f"Labels from {_labels_from(findings)}.")
    overlaps = table["iou"].dropna().to_numpy(np.float64)
    counts_by_iou, edges = np.histogram(overlaps, bins=20, range=(0, 1))
    page.figure(
        histogram(counts_by_iou, edges, thresholds=[MEDIUM_IOU], value_label="IoU with the same object"),
        f"Histogram of IoU with the same object over {len(overlaps)} boxes",
        f"Overlap of followed boxes with the object they set out on. Above {MEDIUM_IOU} is low risk, 0 is high; "
        f"{int(table['left'].sum())} boxes more are high because their object has left.",
    )


def _labels_from(findings: Findings) -> str:
    return " and ".join(dict.fromkeys(clip.labels_from for clip in findings.clips))


def _origin(page: Page, findings: Findings) -> None:
    split = findings.learned.split
    page.section("Where the numbers come from")
    for clip in findings.clips:
        page.table(("what", "value"), _rows_of_clip(clip), caption=clip.source.name if len(findings.clips) > 1 else "")
    rows: list[tuple[str, object]] = [
        ("objects", _objects_in(findings.table)),
        ("training boxes", f"{len(findings.learned.train)} of {_objects_in(findings.learned.train)} objects"),
        ("held out", split.words),
        ("held-out boxes", f"{len(findings.learned.test)} of {_objects_in(findings.learned.test)} objects"),
        ("boxes on neither side", f"{sum(split.dropped_reasons.values())}" + _reasons(split.dropped_reasons)),
    ]
    page.table(("what", "value"), rows)


def _rows_of_clip(clip: Clip) -> list[tuple[str, object]]:
    video, seen = clip.info, clip.seen
    rate = "unknown" if video.average_rate is None else f"{float(video.average_rate):.2f} frames/s"
    rows: list[tuple[str, object]] = [
        ("video", f"{printable(video.path.name)}, {video.width}x{video.height}, {rate}, {video.codec}"),
        ("frames read", len(seen.detections)),
        ("detector", clip.detector_reason),
        ("detections", f"{clip.detections} ({clip.detections / len(seen.detections):.1f} a frame)"),
        ("tracks started", seen.started_tracks),
        ("tracks the tracker gave up", seen.lost_tracks),
        ("boxes labelled", f"{clip.rows} of {len(seen.samples)} followed"),
        ("labels from", clip.labels_from),
    ]
    if seen.ending is not None:
        rows.append(("end of the video", seen.ending.reason if seen.ending.cut_short else "read to its end"))
    return rows


def _objects_in(table: pd.DataFrame) -> int:
    return len(table.drop_duplicates(["clip", "track_id"]))


def _bars(scores: Sequence[Score], intervals: Sequence[Interval], label: str) -> str:
    def ends(name: str) -> list[float]:
        values = [getattr(interval, name) for interval in intervals]
        return [np.nan if value is None else value for value in values]

    return bars_with_intervals(
        [score.name for score in scores],
        ends("estimate"),
        ends("low"),
        ends("high"),
        highlight=0,
        value_label=label,
        limits=(0.0, 1.0),
    )


def _score_table(evaluation: Evaluation) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    columns = ("predictor", "macro-F1", "recall of high", "balanced accuracy")
    rows = [
        (score.name, _value(score.macro_f1), _value(score.recall_high), _value(score.balanced_accuracy))
        for score in evaluation.scores
    ]
    return columns, rows


def _value(interval: Interval) -> str:
    """The figure and its interval; the counts stand in the table's caption."""
    return interval.text().split(" (n =")[0].replace("one group only", "one object only")


def _counts(evaluation: Evaluation) -> str:
    every, high = evaluation.model.macro_f1, evaluation.model.recall_high
    return f"n = {every.n} boxes of {objects(every.groups)}, {high.n} of them (of {objects(high.groups)}) at high risk."


def _in_words(scores: Sequence[Score], metric: str) -> str:
    return "; ".join(f"{score.name} {getattr(score, metric).text(group='object')}" for score in scores)


def _verdict(evaluation: Evaluation, doubts: Sequence[str]) -> str:
    """Whether the tree is better than its best rival, as far as the data can say."""
    gain, rival = evaluation.gain, evaluation.best_baseline
    difference = f"Macro-F1 minus that of {rival}: {gain.text(group='object')}"
    if doubts:
        return f"{difference}. With the reservations above this decides nothing."
    if gain.low is None or gain.high is None:
        return f"{difference}."
    if gain.low > 0:
        verdict = "the model is better by macro-F1"
    elif gain.high < 0:
        verdict = "the model is worse by macro-F1"
    else:
        verdict = "these data do not tell the two apart by macro-F1"
    mine = evaluation.model.recall_high.estimate or 0.0
    ahead = [score for score in evaluation.scores[1:] if (score.recall_high.estimate or 0.0) > mine]
    more = "".join(
        f" {score.name[0].upper()}{score.name[1:]} finds more of the boxes at high risk "
        f"({score.recall_high.estimate:.2f} against {mine:.2f}), at the price of a lower macro-F1."
        for score in ahead
    )
    return f"{difference}: {verdict}.{more}"


def _reasons(reasons: dict[str, int]) -> str:
    return f" ({', '.join(f'{count} {reason}' for reason, count in reasons.items())})" if reasons else ""
