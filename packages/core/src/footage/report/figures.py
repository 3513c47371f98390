"""Figures of reports as SVG text: drawn without a window, the same bytes for the same numbers, readable light and dark.

Backgrounds are transparent; text and axes take the colour of the page around them (``currentColor``); marks use the
colours of Okabe and Ito, "Color Universal Design" (2008), which colour-blind readers can tell apart.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.typing import RcKeyType

BLUE = "#0072b2"
SKY = "#56b4e9"
ORANGE = "#e69f00"
GREEN = "#009e73"
VERMILION = "#d55e00"
PURPLE = "#cc79a7"
GREY = "#8a949e"
PALETTE = (BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE)

INK = "#010203"
"""Stands for the page's text colour while drawing: no mark uses it, and it becomes ``currentColor``."""
SVG_STYLE = re.compile(r"<style.*?</style>", re.DOTALL)
"""Matplotlib's rule for every element: inside a page it would reach all of the page."""
FONT_FAMILY = re.compile(r"font-family: [^;\"]*")
IDENTIFIER = re.compile(r'(<[^<>]*) id="([^"]*)"')
REFERENCE = re.compile(r"#([\w.-]+)")
FONT_SIZE = 10.0
WIDTH_INCHES = 5.8
STYLE: dict[RcKeyType, object] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.size": FONT_SIZE,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.frameon": False,
    "grid.color": GREY,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
}


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
        values: ``(N,)``, the lengths.
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
    value, low, high = (np.asarray(given, np.float64) for given in (values, lows, highs))
    count = len(labels)
    if not count or not value.shape == low.shape == high.shape == (count,):
        msg = f"{count} labels, values {value.shape}, lows {low.shape} and highs {high.shape} do not match"
        raise ValueError(msg)
    with mpl.rc_context(STYLE):
        figure, axes = _new_figure(height_inches=0.75 + 0.48 * count)
        colours = [BLUE if highlight is None or index == highlight else GREY for index in range(count)]
        positions = np.arange(count)
        axes.barh(positions, value, height=0.56, color=colours)
        bounded = np.isfinite(low) & np.isfinite(high)
        axes.hlines(positions[bounded], low[bounded], high[bounded], color=INK, linewidth=1.3)
        for end in (low, high):
            axes.vlines(end[bounded], positions[bounded] - 0.09, positions[bounded] + 0.09, color=INK, linewidth=1.3)
        ends = np.fmax(value, high)
        for position, end, number in zip(positions, ends, value, strict=True):
            text = "no value" if np.isnan(number) else f"{number:.{digits}f}"
            where = (0.0 if np.isnan(end) else end, position)
            axes.annotate(text, where, xytext=(7, 0), textcoords="offset points", va="center")
        axes.set_yticks(positions, list(labels))
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(value_label)
        axes.grid(axis="x")
        axes.set_axisbelow(True)
        if limits is not None:
            axes.set_xlim(*limits)
        else:
            axes.margins(x=0.12)
        return to_svg(figure)


def _new_figure(*, height_inches: float, width_inches: float = WIDTH_INCHES) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width_inches, height_inches), layout="constrained")
    figure.patch.set_visible(False)
    axes = figure.add_subplot()
    axes.patch.set_visible(False)
    return figure, axes


def to_svg(figure: Figure) -> str:
    """A figure as SVG text for the inside of a page: text stays text, no date, ids that differ between figures.

    Args:
        figure: a figure drawn within ``STYLE``.
    """
    drawn = _print_svg(figure, "footage")
    # the ids of one page's figures must differ: salt them with the figure's own content
    text = _print_svg(figure, hashlib.sha256(drawn.encode()).hexdigest())
    text = text[text.index("<svg") :].replace(INK, "currentColor")
    text = SVG_STYLE.sub("", text).replace("<svg ", '<svg style="stroke-linejoin: round; stroke-linecap: butt" ', 1)
    text = FONT_FAMILY.sub("font-family: inherit", text)
    used = set(REFERENCE.findall(text))
    return IDENTIFIER.sub(lambda found: found[0] if found[2] in used else found[1], text)


def _print_svg(figure: Figure, salt: str) -> str:
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": salt}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return buffer.getvalue()
