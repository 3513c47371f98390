"""Every figure on the page of benchmarks can be made again: its section names a command that exists, and its date."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
SCRIPTS = ROOT / "benchmarks"
HEADING = re.compile(r"^## (?P<title>.+)$", re.MULTILINE)
COMMAND = re.compile(r"\bpython -m benchmarks\.(?P<script>\w+)")
VERB = re.compile(r"^    uv run (?!python)[\w-]+ [\w-]+", re.MULTILINE)
DATE = re.compile(r"\b20\d\d-\d\d-\d\d\b")
NOT_MEASURED = "On a GPU: not run yet"
GLANCE = "At a glance"


def sections() -> dict[str, str]:
    found = list(HEADING.finditer(PAGE))
    ends = [one.start() for one in found[1:]] + [len(PAGE)]
    return {one["title"]: PAGE[one.end() : end] for one, end in zip(found, ends, strict=True)}


def anchor(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


MEASURED = {title: text for title, text in sections().items() if title not in {NOT_MEASURED, GLANCE}}


@pytest.mark.parametrize("title", MEASURED)
def test_a_section_says_how_and_when_its_figures_were_made(title: str) -> None:
    text = MEASURED[title]
    scripts = COMMAND.findall(text)
    assert scripts or VERB.search(text), "no command"
    for script in scripts:
        assert (SCRIPTS / f"{script}.py").is_file(), script
    assert DATE.search(text), "no date"


def test_the_table_at_a_glance_has_every_section_and_what_its_figure_stands_beside() -> None:
    rows = [line.strip("|").split("|") for line in sections()[GLANCE].splitlines() if line.startswith("| [")]
    linked = [match[1] for row in rows if (match := re.search(r"\(#([^)]+)\)", row[0]))]
    assert linked == [anchor(title) for title in MEASURED]
    for row in rows:
        cells = [cell.strip() for cell in row]
        assert len(cells) == 5
        assert all(cells), cells[0]
        assert re.search(r"\d", cells[1]), f"{cells[0]}: no figure"
        assert re.search(r"\d", cells[3]), f"{cells[0]}: no n"
        assert DATE.fullmatch(cells[4]), f"{cells[0]}: no date"


def test_every_script_is_listed_with_the_others() -> None:
    listed = (SCRIPTS / "README.md").read_text(encoding="utf-8")
    programs = [path for path in SCRIPTS.glob("*.py") if "__main__" in path.read_text(encoding="utf-8")]
    assert len(programs) > 15
    missing = [path.stem for path in programs if path.stem not in listed]
    assert not missing
