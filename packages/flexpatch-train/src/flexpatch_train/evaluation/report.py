"""``evaluation.html``: the result in a sentence, the product curve, then FlexPatch beside full frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flexpatch_train.curve_report import curve_sentence, lay_out_curve
from flexpatch_train.evaluation.results import WayResult
from flexpatch_train.evaluation.scoring import BLOCK_FRAMES
from footage.errors import printable
from footage.metrics.intervals import Interval
from footage.report.figures import Curve, curves
from footage.report.page import Page

if TYPE_CHECKING:
    from flexpatch_train.evaluation.evaluation import RuntimeEvaluation, SequenceResult

SCORE_COLUMNS = ("way", "HOTA", "of full", "DetA", "AssA", "MOTA", "IDF1", "AP50", "F1", "switches")
COST_COLUMNS = (
    "way",
    "pixels",
    "network pixels",
    "calls",
    "ms median",
    "ms mean",
    "ms p95",
    "CPU ms median",
    "CPU ms mean",
)
_HALF_MARK = 0.006


def lead_of(evaluation: RuntimeEvaluation) -> str:
    """The result in two sentences."""
    full = evaluation.ways[0]
    ours = [way for way in evaluation.ways if way.budget is not None]
    sentences = []
    if ours:
        way = ours[0]
        rival = nearest_rival(evaluation.ways, way)
        beside = ""
        if rival is not None:
            beside = f"; {rival.name} with {_percent(rival.pixel_share)}: {_brief(rival.scores.hota)} in "
            beside += f"{rival.total.mean:.1f} ms"
        sentences.append(
            f"Over {_counts(full)} FlexPatch reaches a HOTA of {_brief(way.scores.hota)} with "
            f"{_percent(way.pixel_share)} of the pixels in {way.total.mean:.1f} ms a frame; {full.name}: "
            f"{_brief(full.scores.hota)} in {full.total.mean:.1f} ms{beside}."
        )
    if evaluation.product is not None:
        sentences.append(curve_sentence(evaluation.product))
    return " ".join(sentences)


def nearest_rival(ways: Sequence[WayResult], ours: WayResult) -> WayResult | None:
    """The full frame every so many frames whose share of the pixels is nearest."""
    rivals = [way for way in ways if way.every_n is not None and way.every_n > 1]
    return min(rivals, key=lambda way: abs(way.pixel_share - ours.pixel_share), default=None)


def cheaper_and_as_good(ways: Sequence[WayResult]) -> str | None:
    """Says where full frames every so many frames reach FlexPatch's HOTA in less time and on no more pixels."""
    for ours in ways:
        if ours.budget is None or ours.scores.hota is None:
            continue
        better = [
            way.name
            for way in ways
            if way.every_n is not None
            and way.scores.hota is not None
            and way.scores.hota >= ours.scores.hota
            and way.total.mean < ours.total.mean
            and way.pixel_share <= ours.pixel_share
        ]
        if better:
            return (
                f"These sequences show no gain from {ours.name}. At least its HOTA, in less time a frame and on no "
                f"more pixels: {'; '.join(better)}."
            )
    return None


def lay_out(evaluation: RuntimeEvaluation) -> Page:
    """Lay out the report."""
    page = Page(f"The runtime with {evaluation.model}", lead_of(evaluation))
    if evaluation.product is not None:
        lay_out_curve(page, evaluation.product)
    else:
        _hota_figure(page, evaluation.ways)
        page.note(f"There is no curve of failures caught: {evaluation.product_missing}", kind="warning")
    _comparison(page, evaluation)
    for sequence in evaluation.sequences:
        _sequence(page, sequence)
    _origin(page, evaluation)
    return page


def score_row(way: WayResult) -> tuple[object, ...]:
    """A way's scores, for ``SCORE_COLUMNS``."""
    s = way.scores
    kept = None if way.hota_kept is None else _percent(way.hota_kept)
    values = (s.hota, None, s.deta, s.assa, s.mota, s.idf1, s.ap50)
    shown: list[object] = [None if value is None else f"{value:.3f}" for value in values]
    shown[1] = kept
    return (way.name, *shown, _value(s.f1, digits=3), s.identity_switches)


def cost_row(way: WayResult) -> tuple[object, ...]:
    """A way's costs, for ``COST_COLUMNS``."""
    times = (way.total.median, way.total.mean, way.total.p95, way.cpu.median, way.cpu.mean)
    return (
        way.name,
        f"{100 * way.pixel_share:.1f} %",
        f"{100 * way.network_pixel_share:.1f} %",
        way.detector_calls,
        *(f"{value:.1f}" for value in times),
    )


def _comparison(page: Page, evaluation: RuntimeEvaluation) -> None:
    ways = evaluation.ways
    page.section("FlexPatch beside full frames")
    for note in evaluation.notes:
        page.note(note, kind="info")
    failures = sum(way.detector_failures for way in ways)
    if failures:
        page.note(f"The detector failed at {failures} calls.", kind="warning")
    verdict = cheaper_and_as_good(ways)
    if verdict is not None:
        page.note(verdict, kind="warning")
    _tables(page, ways)
    if evaluation.product is not None:
        _hota_figure(page, ways)


def _hota_figure(page: Page, ways: Sequence[WayResult]) -> None:
    full = [way for way in ways if way.every_n is not None]
    ours = [way for way in ways if way.budget is not None]
    lines = [
        line for line in (_hota_line("full frame every N", full), _hota_line("FlexPatch", ours)) if line is not None
    ]
    if lines:
        page.figure(
            curves(lines, x_label="share of the full frames' pixels", y_label="HOTA", x_limits=(0, 1.02)),
            "HOTA by share of the pixels: " + "; ".join(f"{w.name} {_brief(w.scores.hota)}" for w in ways),
            f"HOTA by what the detector was shown; {_counts(ways[0])}.",
        )


def _hota_line(label: str, ways: Sequence[WayResult]) -> Curve | None:
    points = sorted((way.pixel_share, way.scores.hota) for way in ways if way.scores.hota is not None)
    if not points:
        return None
    if len(points) == 1:  # a line of one point would not show
        x, y = points[0]
        points = [(x - _HALF_MARK, y), (x + _HALF_MARK, y)]
    return Curve(label=label, x=[x for x, _ in points], y=[y for _, y in points])


def _tables(page: Page, ways: Sequence[WayResult]) -> None:
    page.table(
        SCORE_COLUMNS,
        [score_row(way) for way in ways],
        caption=f"{_counts(ways[0])}. The interval of F1 is from resampling blocks of {BLOCK_FRAMES} frames and speaks "
        "of these sequences only; HOTA, MOTA and IDF1 follow identities through a whole sequence and have none: "
        "with few objects, differences of some hundredths may be chance.",
    )
    page.table(
        COST_COLUMNS,
        [cost_row(way) for way in ways],
        caption="Cost. Pixels are those of the pictures given to the detector, as a share of all frames'; network "
        "pixels those the network computed on, as a share of those for the full frame on every frame. Every-N ways "
        "skip the detector in most frames: compare their mean, and p95 for the slowest frames.",
    )
    stages = list(dict.fromkeys(name for way in ways for name in way.stages))
    page.table(
        ("way", *stages),
        [(way.name, *(_stage(way, name) for name in stages)) for way in ways],
        caption="Milliseconds a frame by stage: median (mean).",
    )


def _sequence(page: Page, sequence: SequenceResult) -> None:
    size = f"{sequence.size[0]}x{sequence.size[1]}"
    page.section(sequence.name if size in sequence.name else f"{sequence.name}, {size}")
    for note in sequence.notes:
        page.note(f"{note[0].upper()}{note[1:]}.", kind="warning")
    _tables(page, sequence.ways)


def _origin(page: Page, evaluation: RuntimeEvaluation) -> None:
    page.section("Where the numbers come from")
    page.table(
        ("what", "value"), [(name, str(value)) for name, value in evaluation.detector.items()], caption="Detector."
    )
    canvases = [
        (way.name, ", ".join(f"{w}x{h}" for w, h in way.canvas_sizes)) for way in evaluation.ways if way.canvas_sizes
    ]
    page.table(("way", "canvas"), canvases, caption="The pictures FlexPatch gave to the detector.")
    if evaluation.left_out:
        rows = [(printable(item.path.name), item.reason) for item in evaluation.left_out]
        page.table(("left out", "why"), rows)


def _counts(way: WayResult) -> str:
    s = way.scores
    return f"{s.frames} frames with {s.boxes} true boxes of {s.objects} objects"


def _stage(way: WayResult, name: str) -> str | None:
    spent = way.stages.get(name)
    return None if spent is None else f"{spent.median:.2f} ({spent.mean:.2f})"


def _value(interval: Interval, digits: int = 2) -> str:
    """The figure and its interval; the counts stand in the caption."""
    return interval.text(digits=digits).split(" (n =", maxsplit=1)[0]


def _brief(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
