"""The pages about highlight-train list the options it has and the keys of the files it writes."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOOL_PAGE = (ROOT / "docs" / "tools" / "highlight-train.md").read_text(encoding="utf-8")
FORMATS_PAGE = (ROOT / "docs" / "formats" / "highlights.md").read_text(encoding="utf-8")
VERBS = (
    "label",
    "prepare-dataset",
    "train",
    "evaluate",
    "test-video",
    "batch-classify",
    "create-reel",
    "demo",
    "doctor",
)


def ended(*arguments: str) -> str:
    """What a verb prints; it must end with 0."""
    command = [sys.executable, "-m", "highlight_train.cli", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def part(heading: str) -> str:
    """The text of a section of the page about files."""
    _, found, rest = FORMATS_PAGE.partition(f"\n## {heading}\n")
    assert found, heading
    return rest.partition("\n## ")[0]


def names_in_table(heading: str) -> set[str]:
    cells = re.findall(r"^\|([^|]+)\|", part(heading), re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def read(path: Path) -> Any:
    return json.loads(path.read_bytes())


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_and_option_is_explained(verb: str) -> None:
    options = set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", ended(verb, "--help"), re.MULTILINE)) - {"--help"}
    assert options
    assert not {option for option in options if f"`{option}`" not in TOOL_PAGE}
    assert re.search(rf"^\| `{verb}[ `]", TOOL_PAGE, re.MULTILINE)


@pytest.mark.slow
def test_the_keys_are_those_of_the_files(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="training needs torch")
    ended("demo", "--smoke", "-o", str(tmp_path))
    assert names_in_table("dataset.json and manifest.json") == set(read(tmp_path / "dataset" / "manifest.json"))
    assert names_in_table("evaluation.json") == set(read(tmp_path / "evaluation" / "evaluation.json"))
    assert names_in_table("The sidecar of a reel") == set(read(tmp_path / "reel.json"))
    written = {path.name for path in (tmp_path / "training").iterdir() if not path.name.startswith(".")}
    assert names_in_table("The folder of a training") == written
    training = part("The folder of a training")
    keys = {*read(tmp_path / "training" / "model.json")["details"], *read(tmp_path / "training" / "split.json")}
    assert not {key for key in keys if f"`{key}`" not in training}
    for table, heading in (
        ("training/predictions.csv", "The folder of a training"),
        ("scores/scores.csv", "scores.csv"),
    ):
        with (tmp_path / table).open(encoding="utf-8", newline="") as rows:
            assert not {name for name in next(csv.reader(rows)) if f"`{name}`" not in part(heading)}
    shown = json.loads(re.findall(r"```json\n(.*?)```", part("highlights.json"), re.DOTALL)[0])
    found = read(tmp_path / "scores" / "highlights.json")
    assert set(found) == set(shown)
    assert {key for one in found["highlights"] for key in one} <= set(shown["highlights"][0])
