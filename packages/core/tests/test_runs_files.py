"""Files that are whole or not there, and what JSON makes of our records."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footage.runs.files import atomic_path, atomic_text, atomic_write_bytes, atomic_write_json, atomic_write_text
from footage.runs.jsonable import json_pieces, to_jsonable


class Risk(Enum):
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Record:
    path: Path
    rate: Fraction


def _has_a_form(value: object) -> bool:
    """Whether no two keys of it become one."""
    try:
        to_jsonable(value)
    except TypeError:
        return False
    return True


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    atomic_write_text(path, "old")
    atomic_write_text(path, "new\r\n")
    assert path.read_bytes() == b"new\r\n"
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.json"]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    atomic_write_bytes(path, b"old")

    def write_half() -> None:
        with atomic_path(path) as temporary:
            assert temporary.parent == tmp_path
            assert temporary.suffix == ".onnx"
            temporary.write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert path.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_a_writer_that_writes_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "nothing.mp4"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == []


def test_a_folder_is_never_replaced(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        atomic_write_bytes(tmp_path, b"")


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        atomic_write_bytes(tmp_path / "missing" / "file", b"")


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        atomic_write_bytes(tmp_path / "file", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


@pytest.mark.skipif(os.name != "posix", reason="links need rights on Windows")
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere.json"
    link = tmp_path / "run.json"
    target.write_text("old")
    link.symlink_to(target)
    atomic_write_text(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_very_long_name_is_written(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 250 + ".json")
    atomic_write_text(path, "x")
    assert path.read_text() == "x"


def test_records_become_plain_values(tmp_path: Path) -> None:
    value = {
        "record": Record(Path("a") / "b.mp4", Fraction(30000, 1001)),
        "risk": Risk.LOW,
        "counts": np.array([[1, 2]], np.int64),
        "share": np.float32(0.5),
        "nothing": float("nan"),
        "when": datetime(2024, 5, 1, tzinfo=UTC),
        "set": {"b", "a"},
        "tuple": (True, None),
        3: "key",
    }
    atomic_write_json(tmp_path / "run.json", value)
    assert json.loads((tmp_path / "run.json").read_text()) == {
        "record": {"path": os.path.join("a", "b.mp4"), "rate": "30000/1001"},  # noqa: PTH118 - the text is compared
        "risk": "low",
        "counts": [[1, 2]],
        "share": 0.5,
        "nothing": None,
        "when": "2024-05-01T00:00:00+00:00",
        "set": ["a", "b"],
        "tuple": [True, None],
        "3": "key",
    }


def test_text_is_written_line_by_line_and_an_error_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    with atomic_text(path) as file:
        file.write("a\r\n")
        assert not path.exists()
        file.write(os.fsdecode(b"\xff") + "\n")

    def write_half() -> None:
        with atomic_text(path) as file:
            file.write("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert path.read_bytes() == b"a\r\n\xff\n"
    assert [path.name for path in tmp_path.iterdir()] == ["answers.csv"]


@given(
    st.recursive(
        st.none() | st.integers() | st.floats() | st.text(),
        lambda x: st.lists(x) | st.lists(x).map(tuple) | st.dictionaries(st.text() | st.integers(), x),
    ).filter(_has_a_form)
)
def test_pieces_are_together_the_indented_document(value: object) -> None:
    assert "".join(json_pieces(value)) == json.dumps(to_jsonable(value), indent=2, allow_nan=False)


def test_an_entry_of_a_long_list_is_let_go_before_the_next_is_taken() -> None:
    alive: list[int] = []

    class Held(dict[str, int]):
        def __del__(self) -> None:
            alive.remove(self["number"])

    def entries() -> Iterator[Held]:
        for number in range(50):
            alive.append(number)
            assert len(alive) <= 2  # the one that is being made, and at most the one before it
            yield Held(number=number)

    document = "".join(json_pieces({"classes": ["a"], "photos": entries(), "none": iter(())}))
    assert json.loads(document) == {"classes": ["a"], "photos": [{"number": n} for n in range(50)], "none": []}


def test_a_list_that_fails_in_its_middle_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "answers.json"
    atomic_write_json(path, {"photos": [1]})
    with pytest.raises(TypeError, match="object has no JSON form"):
        atomic_write_json(path, {"photos": [1, object()]})
    with pytest.raises(TypeError, match="two keys"):
        atomic_write_json(path, {1: "a", "1": "b"})
    assert json.loads(path.read_text()) == {"photos": [1]}
    assert [path.name for path in tmp_path.iterdir()] == ["answers.json"]


def test_what_json_cannot_hold_is_refused() -> None:
    with pytest.raises(TypeError, match="object has no JSON form"):
        to_jsonable({"a": object()})
    with pytest.raises(TypeError, match="two keys"):
        to_jsonable({1: "a", "1": "b"})


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_plain_values_stay_as_they_are(value: object) -> None:
    assert to_jsonable(value) == value
    assert json.loads(json.dumps(to_jsonable(value))) == value
