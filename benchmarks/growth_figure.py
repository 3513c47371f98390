"""The picture of ``growth``: time and memory over the number of items, in one SVG file that follows light and dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from footage.report._svg import STYLE, to_svg
from footage.report.palette import SERIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE_INCHES = (7.2, 3.0)
AGAIN = (0, (4, 3))
COLOURS = """<style>
svg { color: #1c2126; background: #ffffff; --paper: #ffffff; font-family: system-ui, sans-serif; }
@media (prefers-color-scheme: dark) {
  svg { color: #e6eaed; background: #14181c; --paper: #14181c; }
  svg { --blue: #2b8fd0; --green: #1fae86; --vermilion: #ee7733; }
}
</style>"""
"""A file of its own asks no page for colours, and brings its background: it can be read on any."""


def draw(documents: Sequence[Mapping[str, Any]]) -> str:
    """Two pairs of axes: CPU time an item, and what the first process held; dashed where everything was done.

    Args:
        documents: of ``growth --json``, one a verb. One with a ``remark`` gives its memory only, and the remark stands
            in the legend; a run that was not measured is None in it.

    Returns:
        The text of an SVG file.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=SIZE_INCHES, layout="constrained")
        figure.patch.set_visible(False)
        time, memory = figure.subplots(1, 2)
        for document, colour in zip(documents, SERIES, strict=False):
            remark = document.get("remark")
            for run, style in (("first", "-"), ("again", AGAIN)):
                sizes = [size for size in document["sizes"] if size[run] is not None]
                items = [size["items"] for size in sizes]
                look = {"color": colour, "linestyle": style, "marker": "o", "markersize": 3}
                if not remark:
                    time.plot(items, [size[run]["cpu_seconds"] / size["items"] * 1e3 for size in sizes], **look)
                label = f"{document['verb']} ({remark or document['items']})" if run == "first" else ""
                memory.plot(items, [size[run]["peak_first_mb"] for size in sizes], label=label, **look)
        time.set_yscale("log")
        memory.set_ylim(bottom=0)
        _finish(time, "CPU time an item, ms")
        _finish(memory, "peak of the first process, MB")
        figure.legend(loc="outside upper left", ncols=2)
        text = to_svg(figure)
    start = text.index(">", text.index("<svg")) + 1
    return f"{text[:start]}\n{COLOURS}{text[start:]}\n"


def _finish(axes: Axes, y_label: str) -> None:
    axes.set_xscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
        axis.set_minor_formatter(NullFormatter())
    axes.set(xlabel="items", ylabel=y_label)
    axes.patch.set_visible(False)
    axes.grid()
