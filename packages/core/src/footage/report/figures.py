"""Figures of reports as SVG text: drawn without a window, the same bytes for the same numbers, readable light and dark.

Backgrounds are transparent; text and axes take the colour of the page around them; marks use ``palette``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from footage.report._svg import FONT_SIZE, INK, PAPER, STYLE, WIDTH_INCHES, new_figure, to_svg
from footage.report.palette import BLUE, GREY, SERIES, VERMILION

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HALF = 0.5
DASHES = (0, (4, 3))
DOTS = (0, (1, 2))
LINES_AT = 3
"""How far up lines lie: above grid, bands and marks."""
LEGEND_HANDLE_PT = 36
LETTER_PT = 0.55 * FONT_SIZE
FULLEST_SHADE = 0.6
"""How strong a shade behind text may be: any stronger, and the text no longer stands out on a light or a dark page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A line with an optional band around it.

    Attributes:
        label: its name in the legend; empty for none.
        x: ``(N,)``.
        y: ``(N,)``; NaN leaves a gap.
        low: ``(N,)``, the band's lower edge; None for no band.
        high: ``(N,)``, the band's upper edge; None for no band.
        reference: drawn dashed and grey: a baseline or an ideal.
    """

    label: str
    x: ArrayLike
    y: ArrayLike
    low: ArrayLike | None = None
    high: ArrayLike | None = None
    reference: bool = False


def bars_with_intervals(
    labels: Sequence[str],
    values: ArrayLike,
    lows: ArrayLike,
    highs: ArrayLike,
    *,
    highlight: int | None = None,
    value_label: str = "",
    limits: tuple[float, float] | None = None,
    digits: int = 2,
) -> str:
    """Horizontal bars, one a label from top to bottom, each with its interval and its value in figures.

    Args:
        labels: the names of the bars.
        values: ``(N,)``, the lengths; NaN where there is no value.
        lows: ``(N,)``, the lower ends of the intervals; NaN for a bar without one.
        highs: ``(N,)``, the upper ends.
        highlight: the index of the bar the report is about; the others are grey. None draws all in one colour.
        value_label: what the values are, below the axis.
        limits: the ends of the axis; from the values where None.
        digits: decimals of the values written beside the bars.

    Returns:
        The SVG's text.

    Raises:
        ValueError: the lengths differ, or nothing is given.
    """
    count = len(labels)
    value, low, high = (_numbers(given, count) for given in (values, lows, highs))
    with mpl.rc_context(STYLE):
        figure, axes = new_figure(height_inches=0.7 + 0.42 * count)
        colours = [BLUE if highlight is None or index == highlight else GREY for index in range(count)]
        positions = np.arange(count)
        axes.barh(positions, value, height=0.56, color=colours)
        _draw_intervals(axes, positions, low, high)
        for position, end, number in zip(positions, np.fmax(value, high), value, strict=True):
            text = "no value" if np.isnan(number) else f"{number:.{digits}f}"
            weight = "bold" if position == highlight else "normal"
            where = (0.0 if np.isnan(end) else max(float(end), 0.0), position)
            axes.annotate(text, where, xytext=(7, 0), textcoords="offset points", va="center", weight=weight)
        axes.set_yticks(positions, list(labels))
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(value_label)
        axes.grid(axis="x")
        axes.margins(x=0.12)
        if limits is not None:
            axes.set_xlim(*limits)
        return to_svg(figure)


def histogram(
    counts: ArrayLike | Mapping[str, ArrayLike],
    edges: ArrayLike,
    thresholds: Mapping[str, float] | Sequence[float] = (),
    *,
    value_label: str = "",
    count_label: str = "count",
) -> str:
    """How values spread, of one group or of several laid over each other, with thresholds as vertical lines.

    Args:
        counts: ``(B,)``, the counts of the bins as ``numpy.histogram`` gives them, or such an array for each group.
        edges: ``(B + 1,)`` ascending, the bins' edges.
        thresholds: places of the lines, each named or else labelled with its value.
        value_label: what the values are, below the axis.
        count_label: what is counted.

    Returns:
        The SVG's text.

    Raises:
        ValueError: the edges do not ascend, or the counts do not match them.
    """
    groups = counts if isinstance(counts, Mapping) else {"": counts}
    bins = np.asarray(edges, np.float64)
    if not groups or bins.ndim != 1 or bins.size < 2 or not (np.diff(bins) > 0).all():
        msg = "a histogram needs at least one group and two ascending edges"
        raise ValueError(msg)
    named = thresholds if isinstance(thresholds, Mapping) else {f"{place:g}": place for place in thresholds}
    with mpl.rc_context(STYLE):
        figure, axes = new_figure(height_inches=2.6)
        for (name, group), colour in zip(groups.items(), _series(len(groups)), strict=True):
            heights = _numbers(group, bins.size - 1)
            axes.stairs(heights, bins, fill=True, alpha=0.45, color=colour, label=name)
            axes.stairs(heights, bins, color=colour, linewidth=1.2)
        for name, place in named.items():
            axes.axvline(place, color=INK, linewidth=1.1, linestyle=DASHES)
            top = (place, 1.0)
            axes.annotate(
                name, top, xycoords=("data", "axes fraction"), xytext=(4, -2), textcoords="offset points", va="top"
            )
        axes.set_xlim(bins[0], bins[-1])
        axes.set_ylim(bottom=0)
        axes.set(xlabel=value_label, ylabel=count_label)
        axes.yaxis.set_major_locator(MaxNLocator("auto", integer=True))
        axes.grid(axis="y")
        if isinstance(counts, Mapping):
            _legend_above(axes, list(groups))
        return to_svg(figure)


def confusion(matrix: ArrayLike, labels: Sequence[str]) -> str:
    """A confusion matrix: counts in figures, each row shaded by its share.

    Args:
        matrix: ``(K, K)`` counts; rows are the truth, columns the prediction.
        labels: the classes' names.

    Returns:
        The SVG's text.

    Raises:
        ValueError: the shape does not match the labels.
    """
    counts = np.asarray(matrix, np.int64)
    size = len(labels)
    if not size or counts.shape != (size, size):
        msg = f"a matrix {counts.shape} does not match {size} labels"
        raise ValueError(msg)
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    with mpl.rc_context(STYLE):
        figure, axes = new_figure(height_inches=1.1 + 0.5 * size, width_inches=min(5.8, 2.2 + 0.75 * size))
        for row, column in np.ndindex(size, size):
            shade = FULLEST_SHADE * float(shares[row, column])
            colour = BLUE if row == column else VERMILION
            axes.add_patch(Rectangle((column - HALF, row - HALF), 1, 1, color=colour, alpha=shade, lw=0))
            axes.text(column, row, f"{counts[row, column]:,}", ha="center", va="center", color=INK)
        axes.set_xlim(-HALF, size - HALF)
        axes.set_ylim(size - HALF, -HALF)
        turned = max(len(label) for label in labels) > 9
        axes.set_xticks(range(size), list(labels), rotation=35 if turned else 0, ha="right" if turned else "center")
        axes.set_yticks(range(size), list(labels))
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.hlines(np.arange(size + 1) - HALF, -HALF, size - HALF, color=GREY, linewidth=0.5)
        axes.set(xlabel="predicted", ylabel="truth")
        return to_svg(figure)


def curves(
    lines: Sequence[Curve],
    *,
    x_label: str = "",
    y_label: str = "",
    x_limits: tuple[float, float] | None = None,
    y_limits: tuple[float, float] | None = None,
    marks: Sequence[float] = (),
) -> str:
    """Lines with bands: learning curves, precision over recall, reliability.

    Args:
        lines: what to draw, in the order of the legend; where lines cross, the earlier one is on top.
        x_label: what lies along the horizontal axis.
        y_label: what lies along the vertical axis.
        x_limits: the ends of the horizontal axis; from the values where None.
        y_limits: the ends of the vertical axis; from the values where None.
        marks: places on the horizontal axis to mark with an upright dotted line.

    Returns:
        The SVG's text.

    Raises:
        ValueError: nothing is given, or a curve's arrays differ in length.
    """
    if not lines:
        msg = "a figure of curves needs at least one"
        raise ValueError(msg)
    colours = iter(SERIES * len(lines))
    with mpl.rc_context(STYLE):
        figure, axes = new_figure(height_inches=3.2)
        for place in marks:
            axes.axvline(place, color=GREY, linewidth=1.1, linestyle=DOTS, zorder=1)
        for index, line in enumerate(lines):
            x = np.asarray(line.x, np.float64)
            y = _numbers(line.y, x.size)
            colour = GREY if line.reference else next(colours)
            if line.low is not None and line.high is not None:
                low, high = _numbers(line.low, x.size), _numbers(line.high, x.size)
                axes.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
            style = {"linewidth": 1.2, "linestyle": DASHES} if line.reference else {"linewidth": 1.8}
            axes.plot(x, y, color=colour, label=line.label, zorder=LINES_AT - index / len(lines), **style)
        if x_limits is not None:
            axes.set_xlim(*x_limits)
        if y_limits is not None:
            axes.set_ylim(*y_limits)
        axes.set(xlabel=x_label, ylabel=y_label)
        if all(float(x).is_integer() for line in lines for x in np.ravel(line.x)) and x_limits is None:
            axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))  # there is no epoch 1.5
        axes.grid()
        if any(line.label for line in lines):
            _legend_above(axes, [line.label for line in lines])
        return to_svg(figure)


def _numbers(given: ArrayLike, count: int) -> NDArray[np.float64]:
    array = np.asarray(given, np.float64)
    if not count or array.shape != (count,):
        msg = f"an array {array.shape} was given where ({count},) is wanted, and at least one value"
        raise ValueError(msg)
    return array


def _series(count: int) -> list[str]:
    return [SERIES[index % len(SERIES)] for index in range(count)]


def _draw_intervals(
    axes: Axes, positions: NDArray[np.intp], low: NDArray[np.float64], high: NDArray[np.float64]
) -> None:
    """Lines with end caps, edged in the page's background so that they show on the bars too."""
    bounded = np.isfinite(low) & np.isfinite(high)
    place, left, right = positions[bounded], low[bounded], high[bounded]
    for colour, width in ((PAPER, 3.6), (INK, 1.4)):
        axes.hlines(place, left, right, color=colour, linewidth=width)
        for end in (left, right):
            axes.vlines(end, place - 0.11, place + 0.11, color=colour, linewidth=width)


def _legend_above(axes: Axes, labels: Sequence[str]) -> None:
    """A legend of up to three columns, of fewer where the labels would not fit the figure's width."""
    widest = LEGEND_HANDLE_PT + LETTER_PT * max(len(label) for label in labels)
    columns = min(len(labels), 3, max(int(72 * WIDTH_INCHES / widest), 1))
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, borderaxespad=0, handlelength=1.4)
