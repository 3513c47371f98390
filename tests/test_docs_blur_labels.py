"""The page on label rules is true of the code, and its pictures are those that the script beside them draws."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from blur_train.classes import CLASSES, EDGE_CASES, class_of_folder, edge_case_of_folder
from blur_train.prepare.manifest import PreparedPhoto
from blur_train.scenes.cases import Way
from blur_train.synth.manifest import DrawnPhoto

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "learn" / "blur-labels.md"
FORMATS = (ROOT / "docs" / "formats" / "blur.md").read_text(encoding="utf-8")
PICTURES = ROOT / "docs" / "images" / "blur"
LARGEST_BYTES = 60_000


def part(heading: str) -> str:
    _, found, rest = FORMATS.partition(f"\n## {heading}\n")
    assert found, heading
    return rest.partition("\n## ")[0]


def named(text: str) -> set[str]:
    cells = re.findall(r"^\|([^|]+)\|", text, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def test_folders_mean_what_the_page_says() -> None:
    rows = re.findall(r"^\| (`.+) \| `(\w+)` \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {label for _, label in rows} == set(CLASSES)
    for folders, label in rows:
        for folder in re.findall(r"`([^`]+)`", folders):
            assert class_of_folder(folder) == label
            assert class_of_folder(folder.upper().replace("_", "-")) == label
    for name in EDGE_CASES:
        assert f"`{name}`" in PAGE.read_text(encoding="utf-8")
        assert edge_case_of_folder(name) == name


def test_every_picture_is_small_and_shown() -> None:
    shown = re.findall(r"!\[([^\]]+)\]\(\.\./images/blur/(\w+\.jpg)\)", PAGE.read_text(encoding="utf-8"))
    assert sorted(name for _, name in shown) == sorted(path.name for path in PICTURES.glob("*.jpg"))
    for words, name in shown:
        assert len(words) > 20
        assert (PICTURES / name).stat().st_size <= LARGEST_BYTES
        with Image.open(PICTURES / name) as image:
            image.load()


@pytest.mark.parametrize(
    ("heading", "record"), [("The folder of a data set", PreparedPhoto), ("synth.json", DrawnPhoto)]
)
def test_every_key_of_a_photo_is_explained(heading: str, record: type) -> None:
    assert set(record.__dataclass_fields__) <= named(part(heading))  # type: ignore[attr-defined] # both are dataclasses


def test_every_way_is_named() -> None:
    assert all(f"`{way.value}`" in part("synth.json") for way in Way)
