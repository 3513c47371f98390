from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footage.errors import MissingDependency, ModelError
from footage.persistence.tensorrt import MAX_HEADER_BYTES, EngineTensor, TensorRTEngine, split_engine

# How TensorRT's own files begin.
PLAIN = b"ftrt" + b"\0" * 60


def with_header(text: bytes, *, length: int | None = None, engine: bytes = PLAIN) -> bytes:
    return (len(text) if length is None else length).to_bytes(4, "little") + text + engine


def test_a_plain_engine_has_no_header() -> None:
    found = split_engine(PLAIN)
    assert (found.metadata, bytes(found.engine)) == ({}, PLAIN)


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.lists(st.integers())), st.binary(min_size=1))
def test_a_header_is_taken_off_exactly(metadata: dict[str, object], engine: bytes) -> None:
    found = split_engine(with_header(json.dumps(metadata).encode(), engine=engine))
    assert (found.metadata, bytes(found.engine)) == (metadata, engine)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty or cut short"),
        (b"ftrt", "empty or cut short"),
        (with_header(b"{}", length=2**32 - 1), "claims 4294967295 bytes"),
        (with_header(b"{}", length=len(PLAIN) + 3), "claims 67 bytes, where 66 follow"),
        (with_header(b"{" + b" " * MAX_HEADER_BYTES + b"}"), "at most 1048576 are believed"),
        (with_header(b"{}", length=1), "not JSON"),
        (with_header(b"{}", length=0), "not JSON"),
        (with_header(b"{}", length=5), "not JSON"),
        (with_header(b'{"names": \xff}'), "not JSON"),
        (with_header(b'{"a":' * 100_000), "not JSON"),
        (with_header(b"{}", engine=b""), "no engine after it"),
    ],
)
def test_impossible_headers_are_refused(tmp_path: Path, data: bytes, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        split_engine(data)
    (tmp_path / "m.engine").write_bytes(data)
    with pytest.raises(ModelError, match=r"m\.engine: .*" + said):
        TensorRTEngine(tmp_path / "m.engine")


@given(st.binary(max_size=80))
def test_any_bytes_are_taken_apart_or_refused(data: bytes) -> None:
    try:
        found = split_engine(data)
    except ModelError:
        return
    assert data.endswith(bytes(found.engine))


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "m.engine").write_bytes(with_header(b'{"names": {"0": "person"}}'))
    if importlib.util.find_spec("tensorrt") is not None:
        pytest.skip("tensorrt is installed")
    with pytest.raises(MissingDependency, match=r"tensorrt cannot be imported .*; install the extra"):
        TensorRTEngine(tmp_path / "m.engine")


def test_a_missing_file_and_an_unknown_device_are_explained(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone\.engine: cannot be read"):
        TensorRTEngine(tmp_path / "gone.engine")
    with pytest.raises(ValueError, match="expected cuda"):
        TensorRTEngine(tmp_path / "gone.engine", device="cpu")


def test_a_tensor_says_what_it_is() -> None:
    assert EngineTensor("images", (None, 3, 640, 640), "float16").text() == "images float16 (?, 3, 640, 640)"
