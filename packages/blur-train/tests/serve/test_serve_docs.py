"""The pages name every code, column and option that there is, and none that there is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from blur_train.classify.outputs import COLUMNS
from blur_train.cli import app
from blur_train.photos import PhotoProblem
from blur_train.serve import problems
from blur_train.serve.answers import FullAnswer, JobStatus, TargetedAnswer

ROOT = Path(__file__).resolve().parents[4]
PAGE = (ROOT / "docs" / "tools" / "blur-service.md").read_text("utf-8")
FORMATS = (ROOT / "docs" / "formats" / "blur.md").read_text("utf-8")


def section(page: str, heading: str) -> str:
    _, found, rest = page.partition(f"\n{heading}\n")
    assert found, heading
    return rest.split("\n## ")[0]


def codes_in_rows(text: str) -> set[str]:
    """Codes stand in the second column; those of batches alone in the third of the row of faults."""
    cells = re.findall(r"^\| [\d, ]+ \|([^|]*)\|", text, re.MULTILINE)
    return {code for cell in cells for code in re.findall(r"`(\w+)`", cell)} | {"gave_up", "photo_lost"}


def test_every_code_is_on_the_page() -> None:
    source = "".join(path.read_text("utf-8") for path in Path(problems.__file__).parent.glob("*.py"))
    used = set(re.findall(r"ApiError\(\s*\d+,\s*\"(\w+)\"", source))
    used |= {code for _, code in problems.PHOTO_PROBLEMS.values()} | {"not_found", "method_not_allowed"}
    used |= {"malformed_request"}
    assert codes_in_rows(section(PAGE, "## Refusals")) == used


def test_every_problem_of_a_photo_has_a_status() -> None:
    assert set(problems.PHOTO_PROBLEMS) == set(PhotoProblem)


def test_every_field_is_on_the_page() -> None:
    text = section(PAGE, "## Answers")
    for name in {*FullAnswer.model_fields, *TargetedAnswer.model_fields, *JobStatus.model_fields}:
        assert f"`{name}`" in text, name


@pytest.mark.parametrize(("verb", "heading"), [("serve", "## What is let in"), ("verify", "## `verify`")])
def test_every_option_is_on_the_page(verb: str, heading: str) -> None:
    command = typer.main.get_command(app).commands[verb]  # type: ignore[attr-defined] # a group
    options = {name for one in command.params for name in one.opts if name.startswith("--")}
    known = {"--help", "--model", "--json", "--dry-run", "--smoke"}
    rows = re.findall(r"^\|([^|]*)\|", section(PAGE, heading), re.MULTILINE)
    named = {option for row in rows for option in re.findall(r"`(--[a-z-]+)`", row)}
    assert named - known == options - known


def test_every_column_is_on_the_page() -> None:
    rows = re.findall(r"^\|([^|]*)\|", section(FORMATS, "## The folder of answers"), re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert named == list(COLUMNS)
    for problem in PhotoProblem:
        assert f"`{problem}`" in FORMATS
