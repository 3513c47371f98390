"""How reports and consoles show a product curve: a sentence, the figure, then the table."""

from __future__ import annotations

from flexpatch_train.product_curve import MARKS, MODEL, ORACLE, RANDOM, ProductCurve, Ranking
from footage.metrics.intervals import Interval
from footage.report.figures import Curve, curves
from footage.report.page import Page

CURVE_COLUMNS = (
    "order",
    *(f"at {100 * mark:.0f} % of boxes" for mark in MARKS),
    *(f"at {100 * mark:.0f} % of pixels" for mark in MARKS),
    "average precision",
)


def curve_sentence(product: ProductCurve) -> str:
    """What the model catches at the first mark, beside its best rival."""
    model, rival = (_percent(product.ranking(name).at_marks[0]) for name in (MODEL, product.best_rival))
    return (
        f"Detecting again the {100 * MARKS[0]:.0f} % of boxes that the model ranks first catches {model} of the "
        f"{product.failures} lost ones among {product.rows} held-out boxes of {product.objects} objects; "
        f"the best simple order, {product.best_rival}, catches {rival}."
    )


def curve_row(ranking: Ranking) -> tuple[str, ...]:
    """A ranking's figures, for ``CURVE_COLUMNS``; the counts they rest on are the same for all."""
    return (
        ranking.name,
        *map(_value, (*ranking.at_marks, *ranking.at_marks_pixels, ranking.average_precision)),
    )


def rests_on(product: ProductCurve) -> str:
    """The counts behind the curve, in words."""
    return (
        f"{product.rows} held-out boxes of {product.objects} objects, {product.failures} of them failures "
        f"({100 * product.prevalence:.1f} %); held out: {product.held_out}"
    )


def lay_out_curve(page: Page, product: ProductCurve) -> None:
    """Add the curve to a page: figure, table, whether the model beats its best rival, and its calibration."""
    page.figure(
        curve_figure(product),
        "Failures caught by budget: "
        + "; ".join(f"{one.name} {_value(one.at_marks[0])} at 25 %" for one in product.rankings),
        "Share of the lost boxes (IoU of at most .5 with their object) caught, by share of the boxes detected again; "
        f"{rests_on(product)}. Grey: what lies between random and the oracle. A full frame every N frames takes all "
        "boxes of one frame in N, lost or not, and so catches what random does. Dotted: the budgets of the table.",
    )
    page.table(
        CURVE_COLUMNS,
        [curve_row(one) for one in product.rankings],
        caption="Recall of failures, and its average precision, to be held against the share of failures, "
        f"{product.prevalence:.2f}; 95 % intervals from resampling whole objects. Pixels are those of the padded "
        f"patch a box needs. {rests_on(product)}.",
    )
    page.note(
        f"Recall at {100 * MARKS[0]:.0f} % of the boxes, {MODEL} minus {product.best_rival}: "
        f"{product.gain.text(group='object')}. {_verdict(product.gain)}",
        kind="info",
    )
    calibration = product.calibration
    if calibration is not None:
        page.text(
            f"P(failure) is off by {calibration.error:.3f} on average (expected calibration error, ten ranges); its "
            f"Brier score is {calibration.brier:.3f}, that of always saying the share of failures "
            f"{calibration.brier_of_prevalence:.3f}. Where the latter is lower, read P(failure) "
            "as an order, not as a probability."
        )


def curve_figure(product: ProductCurve) -> str:
    """Recall of failures by share of the boxes detected again, one line a ranking, as SVG text."""
    random = product.ranking(RANDOM)
    lines = [
        Curve(
            label=one.name,
            x=product.budgets,
            y=one.by_boxes,
            low=random.by_boxes if one.name == ORACLE else None,
            high=one.by_boxes if one.name == ORACLE else None,
            reference=one.name in {RANDOM, ORACLE},
        )
        for one in product.rankings
    ]
    return curves(
        lines,
        x_label="share of boxes detected again",
        y_label="share of failures caught",
        x_limits=(0, 1),
        y_limits=(0, 1),
        marks=MARKS,
    )


def _verdict(gain: Interval) -> str:
    if gain.low is None or gain.high is None:
        return "There is no interval, so nothing follows from it."
    if gain.low > 0:
        return "The model is better."
    return "The model is worse." if gain.high < 0 else "These data do not tell them apart."


def _value(interval: Interval) -> str:
    """The figure and its interval; the counts stand in the caption."""
    return interval.text().split(" (n =", maxsplit=1)[0]


def _percent(interval: Interval) -> str:
    return interval.text(percent=True).split(" (n =", maxsplit=1)[0]
