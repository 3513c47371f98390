"""A page is one file, safe with any text, and the same bytes for the same content."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from footage.report.figures import bars_with_intervals
from footage.report.page import Page, Picture, format_cell, format_column
from footage.report.sheets import film_strip

NASTY = '<script>alert("x")</script> & "quotes" \' $x$'


def picture() -> bytes:
    return film_strip([np.full((20, 30, 3), 128, np.uint8)], ["frame 1"])


def full_page() -> Page:
    page = Page(f"title {NASTY}", f"lead {NASTY}")
    bars = bars_with_intervals([NASTY, "baseline"], [0.8, 0.5], [0.7, np.nan], [0.9, np.nan], highlight=0)
    page.figure(bars, alt=f"alt {NASTY}", caption=f"caption {NASTY}").numbers([("recall", 0.8, "0.7 to 0.9")])
    page.note(f"note {NASTY}", "warning").section(f"Mistakes {NASTY}").text(f"one {NASTY}\n\ntwo")
    page.images([Picture(image=picture(), alt="a", caption="b")]).code(f"  if x < 1: {NASTY}")
    page.section("Numbers").table(["name", "value"], [[NASTY, 0.25], ["other", None]], f"caption {NASTY}")
    return page.section("Numbers").note("done", "good")


class Elements(HTMLParser):
    """Collects the elements of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def elements(page: Page) -> list[tuple[str, dict[str, str | None]]]:
    parser = Elements()
    parser.feed(page.html())
    return parser.seen


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    full_page().write(tmp_path / "a.html")
    full_page().write(tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_nothing_is_asked_from_anywhere() -> None:
    for tag, attributes in elements(full_page()):
        assert tag not in {"script", "link", "iframe", "object", "embed"}
        for name in ("src", "href", "xlink:href", "srcset", "data", "action"):
            address = attributes.get(name)
            assert address is None or address.startswith(("#", "data:image/")), (tag, address)
    text = full_page().html()
    assert "@import" not in text
    assert all(address.startswith("#") for address in re.findall(r"url\(([^)]*)\)", text))


def test_texts_stay_texts() -> None:
    text = full_page().html()
    assert "<script" not in text
    assert text.count("&lt;script&gt;") >= 9


def test_every_picture_says_what_it_shows() -> None:
    seen = elements(full_page())
    assert all(attributes.get("alt") for tag, attributes in seen if tag == "img")
    assert all(attributes.get("aria-label") for tag, attributes in seen if tag == "svg")
    with pytest.raises(ValueError, match="alt text"):
        Page("t", "l").figure(picture(), alt=" ")


def test_sections_can_be_linked_to_and_ids_are_unique() -> None:
    seen = elements(full_page())
    identifiers = [attributes["id"] for _, attributes in seen if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    assert {"numbers", "numbers-2"} <= set(identifiers)
    links = [attributes["href"] for tag, attributes in seen if tag == "a"]
    assert all(link is not None and link[1:] in identifiers for link in links)


def test_the_lead_comes_first_and_then_the_picture() -> None:
    order = [
        tag if tag != "p" else str(attributes.get("class"))
        for tag, attributes in elements(full_page())
        if tag in {"svg", "table", "h2"} or attributes.get("class") == "lead"
    ]
    assert order[:3] == ["lead", "svg", "h2"]


def test_pictures_travel_inside_the_page() -> None:
    (source,) = [str(attributes["src"]) for tag, attributes in elements(full_page()) if tag == "img"]
    data = base64.b64decode(source.removeprefix("data:image/jpeg;base64,"))
    assert Image.open(io.BytesIO(data)).size[1] >= 20


def test_pictures_of_other_kinds_are_refused() -> None:
    with pytest.raises(ValueError, match="PNG, JPEG or WebP"):
        Page("t", "l").figure(b"GIF89a", alt="a")
    with pytest.raises(ValueError, match="must be an SVG"):
        Page("t", "l").figure("hello", alt="a")
    for active in ("<svg><script>1</script></svg>", '<svg onload="x()"></svg>', '<svg><a href="javascript:1"/></svg>'):
        with pytest.raises(ValueError, match="scripts"):
            Page("t", "l").figure(active, alt="a")


def test_rows_must_fit_the_columns() -> None:
    with pytest.raises(ValueError, match="row 2 has 1 cells, and the table 2 columns"):
        Page("t", "l").table(["a", "b"], [[1, 2], [3]])


def test_numbers_stand_to_the_right_and_names_to_the_left() -> None:
    page = Page("t", "l").table(
        ["file", "count", "share", "interval"],
        [["0001.mp4", 3, "12.5%", "0.91 [0.85, 0.95]"], ["2024-05-01.mp4", np.int64(4), "9%", None]],
    )
    heads = [attributes.get("class") for tag, attributes in elements(page) if tag == "th"]
    assert heads == [None, "number", "number", "number"]


def test_floats_of_a_column_share_their_decimals() -> None:
    assert format_column([0.9412, 0.71, None, np.float32(0.5)]) == ["0.941", "0.710", "–", "0.500"]  # noqa: RUF001
    assert format_column([1234.5, 1.0]) == ["1,234", "1.00"]
    assert format_column([12.0, 3.25]) == ["12.0", "3.2"]
    assert format_column(["x", 3]) == ["x", "3"]
    assert format_column([0.0, 0.25]) == ["0.000", "0.250"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (float("nan"), "–"), (True, "yes"), (12345, "12,345"), (0.12345, "0.123"), (1e-9, "1.00e-09")],  # noqa: RUF001
)
def test_single_values(value: object, shown: str) -> None:
    assert format_cell(value) == shown


def test_a_file_name_that_is_not_utf8_can_be_written(tmp_path: Path) -> None:
    Page("t", "clip\udcff.mp4").write(tmp_path / "report.html")
    assert b"clip\\udcff.mp4" in (tmp_path / "report.html").read_bytes()
