"""JSON that is broken or nested without end is refused by name, in every reader of one file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from blur_train.classifier import read_names
from eztrack_tune.aggregate.recommendation import read_defaults
from eztrack_tune.scan.record import read_scan
from eztrack_tune.sweep.matrix import read_matrix
from eztrack_tune.validate.validation import read_validation
from footage.dataset.manifest import read_manifest
from footage.errors import FootageError
from footage.runs.saved import read_object
from highlight_train.highlights import read_highlights
from highlight_train.labels import read_labels
from video_train.model import read_split

READERS: dict[str, Callable[[Path], object]] = {
    "class_names.json": lambda file: read_names(file.parent),
    "defaults.json": read_defaults,
    "scan.json": read_scan,
    "matrix.json": read_matrix,
    "validation.json": read_validation,
    "highlights.json": read_highlights,
    "labels.json": read_labels,
    "split.json": read_split,
    "dataset.json": read_manifest,
    "run.json": read_object,
}
CONTENTS = {
    "nothing": b"",
    "no UTF-8": b"\xff",
    "lists in lists": b"[" * 100_000,
    "objects in objects": b'{"a":' * 100_000,
    "a number of 5,000 digits": b"1" * 5_000,
    "half": b'{"version": 1, "cl',
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=list(CONTENTS))
@pytest.mark.parametrize("name", READERS)
def test_what_is_no_json_is_refused_by_name(name: str, content: bytes, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(FootageError) as refusal:
        READERS[name](file)
    assert str(refusal.value.where) in {str(file), name}  # it is this file that was read and refused
