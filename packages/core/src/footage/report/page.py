"""One self-contained HTML page that opens with a sentence, then a picture, then tables.

The page asks for nothing from anywhere: style, figures and pictures are inside it. It follows the reader's light or
dark setting, fits a phone, and prints. The same content gives the same bytes.
"""

from __future__ import annotations

import base64
import html
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from os import PathLike
from typing import Literal, TypeGuard

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from footage.runs.files import atomic_write_bytes

NoteKind = Literal["info", "warning", "good"]
Alignment = Literal["left", "right"]

SIGNATURES = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"RIFF", "image/webp"))
NUMBER_FIRST = re.compile(r"[-+\N{MINUS SIGN}]?\d[\d,]*(\.\d+)?(%|\s.*)?")
MISSING = "\N{EN DASH}"
SIGNIFICANT_DIGITS = 3
MOST_DECIMALS = 6
ACTIVE_SVG = re.compile(r"<(script|foreignObject|[^>]*\son\w+\s*=|[^>]*javascript:)", re.IGNORECASE)
"""What a figure of ours never has: an SVG with any of it was not made by ``figures``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture with what it shows in words.

    Attributes:
        image: PNG, JPEG or WebP data, or the text of an SVG made by ``footage.report.figures``.
        alt: what the picture shows, for those who cannot see it.
        caption: what to notice in it; empty for none.
    """

    image: bytes | str
    alt: str
    caption: str = ""


@dataclass(slots=True)
class _Section:
    """A heading and the blocks below it."""

    title: str | None
    anchor: str | None
    blocks: list[dict[str, object]] = field(default_factory=list)


class Page:
    """A report, built from top to bottom; every method returns the page, so that calls can be chained.

    Attributes:
        title: the page's title.
        lead: the result in one sentence, set large below the title.
    """

    def __init__(self, title: str, lead: str) -> None:
        """Begin a page.

        Args:
            title: the title, plain text.
            lead: the result in one sentence, plain text.
        """
        self.title = title
        self.lead = lead
        self._sections = [_Section(None, None)]
        self._anchors: set[str] = set()

    def section(self, title: str) -> Page:
        """Begin a section with a heading that can be linked to."""
        self._sections.append(_Section(title, self._anchor(title)))
        return self

    def text(self, text: str) -> Page:
        """Add paragraphs of plain text; an empty line parts them."""
        paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", text.strip())]
        return self._add("text", paragraphs=paragraphs)

    def code(self, text: str, caption: str = "") -> Page:
        """Add text whose lines and spaces matter: a decision tree, settings, a command."""
        return self._add("code", text=text, caption=caption)

    def note(self, text: str, kind: NoteKind = "info") -> Page:
        """Add a remark that should not be overlooked: what limits the result, or what to do next."""
        return self._add("note", text=text, kind=kind)

    def numbers(self, items: Sequence[tuple[str, object, str]]) -> Page:
        """Add the few numbers that matter, set large.

        Args:
            items: for each its name, its value (numbers are formatted as in tables) and a remark such as the interval.
        """
        shown = [{"name": name, "value": format_cell(value), "remark": remark} for name, value, remark in items]
        return self._add("numbers", items=shown)

    def figure(self, image: bytes | str, alt: str, caption: str = "") -> Page:
        """Add a picture over the full width.

        Args:
            image: PNG, JPEG or WebP data, or the text of an SVG made by ``footage.report.figures``.
            alt: what the picture shows, in words; required.
            caption: what to notice in it.

        Raises:
            ValueError: ``alt`` is empty, or ``image`` is of no such kind.
        """
        return self._add("figure", **self._picture(Picture(image=image, alt=alt, caption=caption)))

    def images(self, pictures: Iterable[Picture]) -> Page:
        """Add small pictures side by side, each with its caption.

        Raises:
            ValueError: as for ``figure``.
        """
        return self._add("images", pictures=[self._picture(picture) for picture in pictures])

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "") -> Page:
        """Add a table. Columns of numbers stand to the right; None is shown as a dash.

        Args:
            columns: the headings.
            rows: the cells; the floats of a column share their decimals, about three significant digits: give strings
                where others are wanted.
            caption: what the table shows.

        Raises:
            ValueError: a row has more or fewer cells than there are columns.
        """
        content = [list(row) for row in rows]
        for number, row in enumerate(content, start=1):
            if len(row) != len(columns):
                msg = f"row {number} has {len(row)} cells, and the table {len(columns)} columns"
                raise ValueError(msg)
        alignments = [_alignment([row[index] for row in content]) for index in range(len(columns))]
        heads = list(zip(columns, alignments, strict=True))
        shown = [format_column([row[index] for row in content]) for index in range(len(columns))]
        cells = [list(zip(row, alignments, strict=True)) for row in zip(*shown, strict=True)]
        return self._add("table", heads=heads, rows=cells, caption=caption)

    def html(self) -> str:
        """The page's text."""
        environment = Environment(
            loader=PackageLoader("footage.report"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        style = Markup((environment.get_template("page.css")).render())  # noqa: S704 - our own file, no input in it
        return environment.get_template("page.html").render(
            title=self.title,
            lead=self.lead,
            sections=[section for section in self._sections if section.title or section.blocks],
            style=style,
            footage_version=version("footage-core"),
        )

    def write(self, path: str | PathLike[str]) -> None:
        """Write the page, whole or not at all.

        Raises:
            OSError: the folder is missing or not writable, or the disk is full.
        """
        # what cannot be UTF-8 (bytes of a file name) becomes a character reference that says so
        atomic_write_bytes(path, self.html().encode("utf-8", "backslashreplace"))

    def _add(self, block: str, **content: object) -> Page:
        self._sections[-1].blocks.append({"block": block, **content})
        return self

    def _anchor(self, title: str) -> str:
        base = re.sub(r"[^\w]+", "-", title.lower()).strip("-") or "section"
        anchor, number = base, 1
        while anchor in self._anchors:
            number += 1
            anchor = f"{base}-{number}"
        self._anchors.add(anchor)
        return anchor

    @staticmethod
    def _picture(picture: Picture) -> dict[str, object]:
        if not picture.alt.strip():
            msg = "a picture needs alt text: say in words what it shows"
            raise ValueError(msg)
        if isinstance(picture.image, str):
            return {"svg": inline_svg(picture.image, picture.alt), "alt": picture.alt, "caption": picture.caption}
        return {"source": data_uri(picture.image), "alt": picture.alt, "caption": picture.caption}


def inline_svg(svg: str, alt: str) -> Markup:
    """An SVG for the inside of a page: without XML prologue, with a label for screen readers.

    Raises:
        ValueError: ``svg`` is no SVG element, or holds scripts.
    """
    start, end = svg.find("<svg"), svg.rfind("</svg>")
    if start < 0 or end < 0:
        msg = "a figure given as text must be an SVG"
        raise ValueError(msg)
    element = svg[start : end + len("</svg>")]
    if ACTIVE_SVG.search(element):
        msg = "this SVG holds scripts: only figures made by footage.report.figures go into a report"
        raise ValueError(msg)
    label = f'<svg role="img" aria-label="{html.escape(alt)}"'
    return Markup(label + element[len("<svg") :])  # noqa: S704 - checked above, and the label is escaped


def data_uri(image: bytes) -> str:
    """PNG, JPEG or WebP data as the address of an ``img`` element.

    Raises:
        ValueError: the data is of no such kind.
    """
    for signature, kind in SIGNATURES:
        if image.startswith(signature):
            return f"data:{kind};base64,{base64.b64encode(image).decode('ascii')}"
    msg = "a picture must be PNG, JPEG or WebP data"
    raise ValueError(msg)


def format_cell(value: object) -> str:
    """A value by itself as it is shown: thousands parted, floats with three significant digits, None as a dash."""
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return MISSING if math.isnan(value) else _format_float(value, _decimals(value))
    as_item = getattr(value, "item", None)  # NumPy's scalars, without importing NumPy
    return str(value) if as_item is None else format_cell(as_item())


def format_column(cells: Sequence[object]) -> list[str]:
    """The cells of one column: floats share their decimals, so that they can be compared down the column.

    Where that would leave a small value without its digits, each float is shown by itself instead.
    """
    floats = [float(cell) for cell in cells if _is_float(cell) and math.isfinite(float(cell)) and cell]
    if not floats:
        return [format_cell(cell) for cell in cells]
    shared = min(_decimals(value) for value in floats)
    if max(_decimals(value) for value in floats) - shared >= SIGNIFICANT_DIGITS - 1:
        return [format_cell(cell) for cell in cells]
    return [
        _format_float(float(cell), shared) if _is_float(cell) and not math.isnan(float(cell)) else format_cell(cell)
        for cell in cells
    ]


def _is_float(cell: object) -> TypeGuard[float]:
    kind = getattr(getattr(cell, "dtype", None), "kind", None)  # NumPy's scalars, without importing NumPy
    return isinstance(cell, float) or kind == "f"


def _decimals(value: float) -> int:
    """Decimals that give a number its significant digits; large numbers have none, and keep all before the point."""
    if not value or not math.isfinite(value):
        return 0
    return max(SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(abs(value))), 0)


def _format_float(value: float, decimals: int) -> str:
    return f"{value:,.{min(decimals, MOST_DECIMALS)}f}" if decimals <= MOST_DECIMALS else f"{value:.2e}"


def _alignment(cells: Sequence[object]) -> Alignment:
    present = [cell for cell in cells if cell not in (None, "", MISSING)]
    numeric = bool(present) and all(_looks_numeric(cell) for cell in present)
    return "right" if numeric else "left"


def _looks_numeric(cell: object) -> bool:
    """Numbers, and strings that begin with one and go on with a blank: ``3.4 ms``, ``0.91 [0.85, 0.95]``, ``12%``."""
    if isinstance(cell, bool):
        return False
    if isinstance(cell, str):
        return NUMBER_FIRST.fullmatch(cell) is not None
    return isinstance(cell, int | float) or hasattr(cell, "item")
