from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from footage.dataset.manifest import (
    ClipRecord,
    Manifest,
    clip_record,
    content_sha256,
    quick_fingerprint,
    read_manifest,
    rows_sha256,
    total_duration_seconds,
    write_manifest,
)
from footage.errors import DatasetError, InputError


def record(name: str = "a.mp4", **changes: Any) -> ClipRecord:
    plain = ClipRecord(path=name, size_bytes=3, fingerprint="f" * 32, group="day 1", sha256="0" * 64, label="dive")
    return replace(plain, **changes)


def test_content_hash_is_sha256(tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(b"abc" * 10_000_00)
    assert content_sha256(file) == hashlib.sha256(b"abc" * 10_000_00).hexdigest()


def test_fingerprint_sees_size_ends_and_spread_changes(tmp_path: Path) -> None:
    data = np.random.default_rng(0).bytes(5_000_000)
    file = tmp_path / "a.mp4"

    def of(content: bytes) -> str:
        file.write_bytes(content)
        return quick_fingerprint(file)

    first = of(data)
    assert of(data) == first
    assert of(data[:-1]) != first
    assert of(data[:-1] + b"!") != first
    assert of(b"!" + data[1:]) != first
    assert of(b"") != of(b"\0")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for function in (content_sha256, quick_fingerprint):
        with pytest.raises(InputError, match=r"gone\.mp4: cannot be read"):
            function(tmp_path / "gone.mp4")


def test_a_record_describes_the_file(tmp_path: Path) -> None:
    file = tmp_path / "day 1" / "a.mp4"
    file.parent.mkdir()
    file.write_bytes(b"abc")
    found = clip_record(file, group="day 1", label="dive", duration_seconds=2.5, relative_to=tmp_path)
    assert (found.path, found.size_bytes, found.group, found.label) == ("day 1/a.mp4", 3, "day 1", "dive")
    assert found.sha256 == hashlib.sha256(b"abc").hexdigest()
    assert clip_record(file, group="g", whole_content=False).sha256 is None


def test_a_manifest_comes_back_and_is_byte_reproducible(tmp_path: Path) -> None:
    odd = "caf\udce9.mp4"
    manifest = Manifest((record(), record(odd, label=None, sha256=None, duration_seconds=1.25), record("ä.mp4")))
    write_manifest(manifest, tmp_path / "m.json")
    assert read_manifest(tmp_path / "m.json") == manifest
    write_manifest(manifest, tmp_path / "n.json")
    assert (tmp_path / "m.json").read_bytes() == (tmp_path / "n.json").read_bytes()


def test_the_hash_is_of_content_labels_and_groups_not_of_places() -> None:
    base = Manifest((record(), record("b.mp4", sha256="1" * 64)))
    moved = Manifest((record("elsewhere/b.mp4", sha256="1" * 64), record("x.mp4")))
    assert base.sha256() == moved.sha256()
    assert Manifest((record(label="normal"), base.clips[1])).sha256() != base.sha256()
    assert Manifest((record(group="day 2"), base.clips[1])).sha256() != base.sha256()
    assert Manifest(base.clips[:1]).sha256() != base.sha256()


def test_copies_are_found_by_content() -> None:
    copies = Manifest((record("a.mp4"), record("b.mp4", sha256="1" * 64), record("copy of a.mp4")))
    assert copies.duplicates() == [("a.mp4", "copy of a.mp4")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("not json", "is not JSON"),
        ("[1]", "no list named clips"),
        ('{"format_version": 1}', "no list named clips"),
        ('{"format_version": 9, "clips": []}', "format version 9, expected 1"),
        ('{"format_version": 1, "clips": [3]}', "entry 0 is not an object"),
        ('{"format_version": 1, "clips": [{"path": 3}]}', "entry 0 has no valid path"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_what_is_not_a_manifest_is_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "m.json"
    file.write_text(text)
    with pytest.raises(DatasetError, match=said):
        read_manifest(file)


@pytest.mark.parametrize("name", ["path", "size_bytes", "fingerprint", "group"])
def test_an_entry_without_a_needed_field_is_refused(tmp_path: Path, name: str) -> None:
    write_manifest(Manifest((record(),)), tmp_path / "m.json")
    document = json.loads((tmp_path / "m.json").read_text())
    del document["clips"][0][name]
    (tmp_path / "m.json").write_text(json.dumps(document))
    with pytest.raises(DatasetError, match=f"no valid {name}"):
        read_manifest(tmp_path / "m.json")


def test_durations_add_up_only_where_all_are_known() -> None:
    assert total_duration_seconds([record(duration_seconds=1.5), record(duration_seconds=2.0)]) == 3.5
    assert total_duration_seconds([record(duration_seconds=1.5), record()]) is None


def test_rows_hash_tells_parts_apart() -> None:
    assert rows_sha256("ab", "c") != rows_sha256("a", "bc")
    assert rows_sha256((1, 2)) == rows_sha256((1, 2))
    assert len(rows_sha256()) == 64
