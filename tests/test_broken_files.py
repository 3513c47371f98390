"""Nonsense in one place of a file is taken or refused by name: the readers that need no demo, and how it is made."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hardening.broken_files import Reader, broken, faults, places

from blur_train.classes import CLASSES
from blur_train.classifier import read_names
from blur_train.prepare.manifest import read_prepared
from blur_train.synth.manifest import read_drawn
from eztrack_tune.sweep.matrix import read_matrix
from footage.errors import FootageError, InputError
from footage.training.clips import ClipSampling
from highlight_train.labels import read_labels

DOCUMENT = {"a": [1, {"b": None}], "c": "x"}
DRAWN = {
    "format_version": 1,
    "photos": [
        {
            "file": "sharp/1.jpg", "label": "sharp", "edge_case": None, "way": "still", "group": "g", "family": "photo",
            "radius_px": None, "motion_px": None, "background_radius_px": 2.5, "background_motion_px": None,
            "subject_box": [0, 0, 5, 5], "source": None, "sha256": "0" * 64,
        }
    ],
}  # fmt: skip
FILES: dict[str, tuple[object, Callable[[Path], object]]] = {
    "class_names.json": (list(CLASSES), read_names),
    "labels.json": ({"highlights": ["a.mp4"], "normal": ["b.mp4"]}, lambda folder: read_labels(folder / "labels.json")),
    "matrix.json": (
        [{"pattern_size": 21, "search_size": 71, "correlation": 0.7, "threshold": 0.3, "motion_model": "Loc"}],
        lambda folder: read_matrix(folder / "matrix.json"),
    ),
    "synth.json": (DRAWN, read_drawn),
}


@pytest.mark.parametrize("name", FILES)
def test_nonsense_in_one_place_is_taken_or_refused_by_name(name: str, tmp_path: Path) -> None:
    document, read = FILES[name]
    (tmp_path / name).write_text(json.dumps(document))
    assert faults(Reader("", name, read), tmp_path, tries=300, seed=1) == []
    assert json.loads((tmp_path / name).read_text()) == document


def test_a_fault_is_told(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text(json.dumps({"count": 3}))
    reader = Reader("", "one.json", lambda folder: int(json.loads((folder / "one.json").read_text())["count"]))
    told = faults(reader, tmp_path, tries=60, seed=0)
    assert any(line.startswith("KeyError") for line in told)
    assert any(line.startswith("TypeError") for line in told)


def test_one_place_is_changed_and_every_place_is_reached() -> None:
    assert set(places(DOCUMENT)) == {(), ("a",), ("a", 0), ("a", 1), ("a", 1, "b"), ("c",)}
    rng = random.Random(0)  # noqa: S311 - nothing is secret here
    seen = {json.dumps(broken(DOCUMENT, rng)) for _ in range(400)}
    assert len(seen) > 40
    assert DOCUMENT == {"a": [1, {"b": None}], "c": "x"}


def test_numbers_without_an_end_are_refused(tmp_path: Path) -> None:
    """JSON as Python writes it knows infinity; whole numbers do not."""
    endless = json.loads(json.dumps(DRAWN))
    endless["photos"][0]["subject_box"][2] = float("inf")
    (tmp_path / "synth.json").write_text(json.dumps(endless))
    with pytest.raises(FootageError, match="not a valid list"):
        read_drawn(tmp_path)
    with pytest.raises(FootageError):
        read_prepared(tmp_path)
    with pytest.raises(InputError, match="speeds"):
        ClipSampling(frames=4, size_px=32, speed=())  # type: ignore[arg-type]  # as a damaged manifest gives it
