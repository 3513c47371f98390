"""The pages about eztrack-tune list the verbs and options it has and the keys of the files it writes."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from eztrack_tune.sharing.contribution import KEYS
from eztrack_tune.validate.validation import Validation

ROOT = Path(__file__).resolve().parents[1]
TOOL_PAGE = (ROOT / "docs" / "tools" / "eztrack-tune.md").read_text(encoding="utf-8")
FORMATS_PAGE = (ROOT / "docs" / "formats" / "sessions.md").read_text(encoding="utf-8")


def helped(*arguments: str) -> str:
    command = [sys.executable, "-m", "eztrack_tune.cli", *arguments, "--help"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


VERBS = re.findall(r"^\| `([a-z]+)[ `]", TOOL_PAGE.partition("## Verbs")[2].partition("\n## ")[0], re.MULTILINE)


def names_in_table(heading: str, column: str = "key") -> set[str]:
    """The names in the first column of a section's table whose head begins with ``column``."""
    _, found, rest = FORMATS_PAGE.partition(f"\n## {heading}\n")
    assert found, heading
    _, found, table = rest.partition("\n## ")[0].partition(f"| {column} |")
    assert found, column
    cells = re.findall(r"^\|([^|]+)\|", table.partition("\n\n")[0], re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def test_every_verb_is_there() -> None:
    listed = re.findall(r"^  ([a-z]+)  ", helped().partition("Commands:")[2], re.MULTILINE)
    assert sorted(VERBS) == sorted(listed)


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_is_explained(verb: str) -> None:
    options = set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", helped(verb), re.MULTILINE)) - {"--help"}
    assert options
    assert not {option for option in options if f"`{option}" not in TOOL_PAGE}


def test_a_contributions_keys_are_all_listed() -> None:
    assert names_in_table("A contribution", "key of a session") - {"easy", "medium", "hard", "null"} == set(KEYS)


def test_a_validations_keys_are_all_listed() -> None:
    names = {field.name for field in fields(Validation)} - {"defaults"}
    assert names_in_table("validation.json") == {*names, "format_version", "lead", "passed", "defaults_sha256"}
