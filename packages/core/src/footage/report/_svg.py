"""From a Matplotlib figure to SVG text for the inside of a page."""

from __future__ import annotations

import hashlib
import io
import re
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure

from footage.report.palette import GREY, NAMES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.typing import RcKeyType

INK = "#010203"
"""Stands for the page's text colour while drawing: no mark uses it, and it becomes ``currentColor``."""
PAPER = "#fdfcfb"
"""Stands for the page's background in the same way."""
WIDTH_INCHES = 5.0
"""Narrow, so that the text can still be read where a phone scales it down."""
FONT_SIZE = 9.5
LARGEST_SCALE = 1.33
"""How far a wide page may scale a figure up."""
PIXELS_PER_INCH = 96
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
    "axes.axisbelow": True,
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
STYLE_ELEMENT = re.compile(r"<defs>\s*<style.*?</style>\s*</defs>", re.DOTALL)
"""Matplotlib's rule for every element: inside a page it would reach all of the page."""
FONT_FAMILY = re.compile(r"font-family: [^;\"]*")
IDENTIFIER = re.compile(r'(<[^<>]*) id="([^"]*)"')
REFERENCE = re.compile(r"#([\w.-]+)")


def new_figure(*, height_inches: float, width_inches: float = WIDTH_INCHES) -> tuple[Figure, Axes]:
    """A transparent figure with one pair of axes; draw on it within ``matplotlib.rc_context(STYLE)``."""
    figure = Figure(figsize=(width_inches, height_inches), layout="constrained")
    figure.patch.set_visible(False)
    axes = figure.add_subplot()
    axes.patch.set_visible(False)
    return figure, axes


def to_svg(figure: Figure) -> str:
    """A figure as one SVG element: text stays text, colours follow the page, the same bytes for the same drawing.

    Args:
        figure: a figure of ``new_figure``, drawn and given here within ``matplotlib.rc_context(STYLE)``.
    """
    drawn = _print(figure, "footage")
    # the ids of one page's figures must differ: salt them with the figure's own content
    text = _print(figure, hashlib.sha256(drawn.encode()).hexdigest())
    text = text[text.index("<svg") :]
    text = STYLE_ELEMENT.sub("", text)
    widest = figure.get_figwidth() * PIXELS_PER_INCH * LARGEST_SCALE
    rules = f"max-width: {widest:.0f}px; stroke-linejoin: round; stroke-linecap: butt"
    text = text.replace("<svg ", f'<svg style="{rules}" ', 1)
    text = text.replace(INK, "currentColor").replace(PAPER, "var(--paper, white)")
    for colour, name in NAMES.items():  # a page brightens the darker ones on a dark background
        text = text.replace(colour, f"var(--{name}, {colour})")
    text = FONT_FAMILY.sub("font-family: inherit", text)
    used = set(REFERENCE.findall(text))
    return IDENTIFIER.sub(lambda found: found[0] if found[2] in used else found[1], text)


def _print(figure: Figure, salt: str) -> str:
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": salt}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return buffer.getvalue()
