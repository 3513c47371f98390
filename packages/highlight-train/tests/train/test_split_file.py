"""``split.json``: written and read as one, and refused where it is not the model's."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from footage.errors import DatasetError
from highlight_train.train.split_file import Split, SplitClip, read_split, write_split

SPLIT = Split(
    grouped_by="flight or day folder",
    clips=tuple(
        SplitClip(
            side=side, path=Path(f"/day/{side} \udcff.mp4"), fingerprint=side * 2, group="/day", is_highlight=kind
        )
        for side, kind in (("train", True), ("val", False), ("test", True))
    ),
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_split(SPLIT, tmp_path / "split.json")
    assert read_split(tmp_path / "split.json", expected_sha256=SPLIT.sha256()) == SPLIT


def test_the_hash_is_of_sides_not_of_names() -> None:
    moved = replace(SPLIT, clips=tuple(replace(clip, path=Path("/elsewhere.mp4")) for clip in SPLIT.clips))
    swapped = replace(SPLIT, clips=tuple(replace(clip, side="train") for clip in SPLIT.clips))
    assert moved.sha256() == SPLIT.sha256()
    assert swapped.sha256() != SPLIT.sha256()


@pytest.mark.parametrize("damage", [{"side": "holdout"}, {"label": "great"}, {"fingerprint": None}])
def test_a_damaged_entry_is_named(tmp_path: Path, damage: dict[str, object]) -> None:
    file = tmp_path / "split.json"
    write_split(SPLIT, file)
    document = json.loads(file.read_bytes())
    document["clips"][0].update(damage)
    file.write_text(json.dumps(document))
    with pytest.raises(DatasetError, match=r"no valid split|split of another model"):
        read_split(file, expected_sha256=SPLIT.sha256())
