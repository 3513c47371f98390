"""The pages about video-train list the options it has and the keys of the files it writes."""

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
TOOL_PAGE = (ROOT / "docs" / "tools" / "video-train.md").read_text(encoding="utf-8")
FORMATS_PAGE = (ROOT / "docs" / "formats" / "annotations.md").read_text(encoding="utf-8")
VERBS = ("train", "evaluate", "predict", "export", "from-frames", "stream", "demo", "doctor")


def ended(*arguments: str) -> str:
    """What a verb prints; it must end with 0."""
    command = [sys.executable, "-c", "from video_train.cli import main; main()", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=600, check=False)
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


def test_the_shown_annotations_can_be_read(tmp_path: Path) -> None:
    from video_train.catalogue.labels import read_labels

    shown = re.findall(r"```json\n(.*?)```", part("annotations.json"), re.DOTALL)[0]
    (tmp_path / "annotations.json").write_text(shown, encoding="utf-8")
    for name in ("walk-01.mp4", "cam1/jump7.mp4", "cam2/jump7.mp4", "match.mkv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    labelled = read_labels(tmp_path, annotations=tmp_path / "annotations.json")
    assert {(one.label, len(one.views)) for one in labelled.events} == {("walking", 1), ("jumping", 2), ("goal", 1)}
    assert not labelled.skipped
    keys = {key for entry in json.loads(shown) for key in entry}
    assert keys | {"sampled_frames"} == names_in_table("annotations.json")


@pytest.mark.slow
def test_the_demos_files_have_the_keys_of_the_page(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="training needs torch")
    document = json.loads(ended("demo", "--smoke", "-o", str(tmp_path), "--json"))
    assert "says nothing about your videos" in document["what_it_is"]
    assert document["files"][-1] == str(tmp_path / "evaluation" / "report.html")
    assert not [file for file in document["files"] if not Path(file).is_file()]
    assert names_in_table("video_evaluation.json") == set(read(tmp_path / "evaluation" / "video_evaluation.json"))
    written = {path.name for path in (tmp_path / "training").iterdir() if not path.name.startswith(".")}
    assert written | {"teacher.pt", "teacher", "compare"} == names_in_table("The folder of a training")
    for table, heading in (("clips.csv", "video_evaluation.json"), ("predictions.csv", "video_evaluation.json")):
        with (tmp_path / "evaluation" / table).open(encoding="utf-8", newline="") as rows:
            columns = set(next(csv.reader(rows))) - {"left", "right"}
        assert not {name for name in columns if f"`{name}`" not in part(heading)}
    with (tmp_path / "labels.csv").open(encoding="utf-8", newline="") as rows:
        columns = {name for name in next(csv.reader(rows)) if not name.startswith("probability of")}
    assert not {name for name in columns if f"`{name}`" not in part("Labels over time")}
