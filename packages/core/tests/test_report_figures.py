"""Figures are valid SVG, the same for the same numbers, and refuse numbers that do not match."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest

from footage.report.figures import Curve, bars_with_intervals, confusion, curves, histogram

NASTY = '<b>&"$5 and $6" id="x"'
NAN = float("nan")


def bars() -> str:
    return bars_with_intervals([NASTY, "b"], [0.8, 0.5], [0.7, NAN], [0.9, NAN], highlight=0, limits=(0, 1))


def spread() -> str:
    return histogram({NASTY: [3, 0, 5], "b": [1, 1, 1]}, [0, 1, 2, 3], {"gate": 1.5}, value_label="score")


def matrix() -> str:
    return confusion([[1203, 31], [0, 0]], [NASTY, "a rather long name"])


def lines() -> str:
    return curves(
        [
            Curve(label=NASTY, x=[0, 1], y=[0, 1], low=[0, 0.9], high=[0.1, 1.1]),
            Curve(label="ideal", x=[0, 1], y=[0, 1], reference=True),
        ],
        x_label="x",
        y_label="y",
        y_limits=(0, 1),
    )


ALL = pytest.mark.parametrize("draw", [bars, spread, matrix, lines])


def texts(svg: str) -> list[str]:
    return ["".join(element.itertext()) for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]  # noqa: S314 - our own


@ALL
def test_the_same_numbers_give_the_same_bytes(draw: Callable[[], str]) -> None:
    assert draw() == draw()


@ALL
def test_text_stays_text_as_it_was_given(draw: Callable[[], str]) -> None:
    assert NASTY in texts(draw())


@ALL
def test_nothing_of_a_figure_reaches_the_rest_of_the_page(draw: Callable[[], str]) -> None:
    svg = draw()
    assert svg.startswith("<svg ")
    assert "<style" not in svg
    identifiers = re.findall(r'<[^<>]* id="([^"]*)"', svg)
    assert all(f"#{identifier}" in svg for identifier in identifiers)


@ALL
def test_ink_follows_the_page(draw: Callable[[], str]) -> None:
    assert "currentColor" in draw()
    assert "#000000" not in draw()


def test_ids_differ_between_figures() -> None:
    names = re.compile(r'<clipPath id="([^"]*)"')
    first, second = (set(names.findall(svg)) for svg in (spread(), lines()))
    assert first
    assert not first & second


def test_references_lead_somewhere() -> None:
    for svg in (bars(), spread(), lines()):
        identifiers = set(re.findall(r'<[^<>]* id="([^"]*)"', svg))
        references = re.findall(r'xlink:href="#([^"]*)"', svg) + re.findall(r"url\(#([^)]*)\)", svg)
        assert references
        assert set(references) <= identifiers


def test_values_are_written_beside_their_bars() -> None:
    shown = texts(bars_with_intervals(["a", "b", "c"], [0.8, NAN, -0.25], [NAN] * 3, [NAN] * 3, digits=3))
    assert {"0.800", "no value", "-0.250"} <= set(shown)


def test_counts_are_written_into_the_matrix() -> None:
    assert {"1,203", "31", "0"} <= set(texts(matrix()))


def test_thresholds_without_a_name_show_their_value() -> None:
    assert "0.45" in texts(histogram([1, 2], [0, 0.5, 1], [0.45]))


def test_marks_and_the_band_of_a_reference_are_drawn() -> None:
    ideal = Curve(label="ideal", x=[0, 1], y=[1, 1], reference=True)
    banded = Curve(label="ideal", x=[0, 1], y=[1, 1], low=[0, 0], high=[1, 1], reference=True)

    def paths(line: Curve, *marks: float) -> int:
        return curves([line], marks=marks, y_limits=(0, 1)).count("<path")

    assert paths(ideal, 0.25, 0.5) == paths(ideal) + 2
    assert paths(banded) > paths(ideal)


def test_long_names_get_a_legend_of_fewer_columns() -> None:
    def columns(*labels: str) -> int:
        svg = curves([Curve(label=label, x=[0, 1], y=[0, 1]) for label in labels])
        named = (one for one in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text") if one.text in labels)  # noqa: S314 - our own
        places = [one.get("x") for one in named]
        assert len(places) == len(labels)
        return len(set(places))

    assert columns("abc", "def", "ghi") == 3
    assert columns("a" * 25, "b" * 25, "c" * 25) == 2
    assert columns("a" * 60, "b" * 60, "c" * 60) == 1


def test_numbers_that_do_not_match_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2,\)"):
        bars_with_intervals(["a", "b"], [1.0], [NAN], [NAN])
    with pytest.raises(ValueError, match="at least one value"):
        bars_with_intervals([], [], [], [])
    with pytest.raises(ValueError, match="ascending"):
        histogram([1], [1, 1])
    with pytest.raises(ValueError, match=r"\(3,\)"):
        histogram([1, 2, 3], [0, 1, 2])
    with pytest.raises(ValueError, match="does not match 2 labels"):
        confusion([[1]], ["a", "b"])
    with pytest.raises(ValueError, match="at least one"):
        curves([])


def test_no_window_and_no_global_state_is_touched() -> None:
    script = (
        "import sys, footage.report.figures as f; f.curves([f.Curve(label='', x=[0, 1], y=np.arange(2))]); "
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", f"import numpy as np; {script}"], check=True, timeout=60)
