"""What a pickle may claim of its arrays and types, and what each false claim is refused with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from footage.errors import ModelError, UntrustedModel
from footage.persistence._arrays import array_from_bytes, check_dtype, complete_dtype, object_array, plain_dtype, scalar
from footage.persistence.sklearn import load_estimator

F8 = np.dtype("f8")


def state(
    byte_order: object = "<", base: object = None, names: object = None, fields: object = None, size: int = -1
) -> tuple[object, ...]:
    """A pickled dtype's state, as NumPy writes it."""
    return (3, byte_order, base, names, fields, size, -1, 0)


@pytest.mark.parametrize("spec", [5, "", "8f", "<f8", "f8,f8", "f-8", "float64x", None])
def test_only_short_names_of_types_pass(spec: object) -> None:
    with pytest.raises(UntrustedModel, match="names the array type"):
        plain_dtype(spec)


def test_names_of_types_become_types() -> None:
    assert (plain_dtype("f8"), plain_dtype("b"), plain_dtype("U3")) == (F8, np.dtype("b"), np.dtype("U3"))
    assert complete_dtype(np.dtype("i4"), state(">")) == np.dtype(">i4")
    assert complete_dtype(np.dtype("S3"), state("|")) == np.dtype("S3")
    fields = {"a": (np.dtype("i2"), 0), "b": (F8, 8)}
    made = complete_dtype(np.dtype("V16"), state("|", names=("a", "b"), fields=fields, size=16))
    assert (made.names, made.itemsize, made.fields and made.fields["b"][1]) == (("a", "b"), 16, 8)


@pytest.mark.parametrize(
    "make",
    [
        lambda: complete_dtype("f8", state()),
        lambda: complete_dtype(F8, list(state())),
        lambda: complete_dtype(F8, state()[:7]),
        lambda: complete_dtype(F8, state(base=F8)),
        lambda: complete_dtype(F8, state(byte_order="!")),
        lambda: check_dtype("f8"),
        lambda: check_dtype(np.dtype([("a", "f8", (2,))])),
        lambda: check_dtype(np.dtype([("a", "O")])),
        lambda: check_dtype(np.dtype("m8[s]")),
        lambda: object_array((1, 2), (2,)),
        lambda: object_array([[1]], (1,)),
    ],
)
def test_types_and_contents_of_other_kinds_are_not_trusted(make: Callable[[], object]) -> None:
    with pytest.raises(UntrustedModel, match="array"):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: array_from_bytes("text", F8, (1,), "C"),
        lambda: array_from_bytes(bytes(7), F8, (1,), "C"),
        lambda: array_from_bytes(bytes(8), F8, (1,), "K"),
        lambda: array_from_bytes(bytes(8), F8, [1], "C"),
        lambda: array_from_bytes(bytes(8), F8, (True,), "C"),
        lambda: scalar(F8, bytes(7)),
        lambda: scalar(F8, "12345678"),
        lambda: scalar(np.dtype([("a", "f8")]), bytes(8)),
        lambda: object_array(["a", "b"], (3,)),
    ],
)
def test_parts_that_contradict_each_other_are_damage(make: Callable[[], object]) -> None:
    with pytest.raises(ModelError, match="is damaged") as caught:
        make()
    assert not isinstance(caught.value, UntrustedModel)


def test_sound_parts_become_arrays() -> None:
    table = np.arange(6.0).reshape(2, 3)
    assert array_from_bytes(table.tobytes(), F8, (2, 3), "C").tolist() == table.tolist()
    assert array_from_bytes(table.tobytes("F"), F8, (2, 3), "F").tolist() == table.tolist()
    swapped = array_from_bytes(table.astype(">f8").tobytes(), np.dtype(">f8"), (2, 3), "C")
    assert swapped.dtype is F8
    assert swapped.tolist() == table.tolist()
    assert array_from_bytes(b"", F8, (0, 3), "C").shape == (0, 3)
    assert scalar(F8, np.float64(2.5).tobytes()) == 2.5
    assert scalar(np.dtype("S0"), b"") == b""
    assert object_array(["a", 1, None, 2.5], (2, 2)).tolist() == [["a", 1], [None, 2.5]]


def name(module: str, attribute: str) -> bytes:
    return b"".join(b"\x8c" + bytes([len(text)]) + text.encode() for text in (module, attribute)) + b"\x93"


ARRAY = name("numpy", "ndarray")
UNFINISHED = name("numpy._core.multiarray", "_reconstruct") + ARRAY + b"K\x00\x85C\x01b\x87R"


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (UNFINISHED + b".", "holds an array or type that is never completed"),
        (UNFINISHED + b"\x85.", "holds an array or type that is never completed"),
        (b"\x85.", "a tuple is longer than the stack"),
        (b"K\x01\x86.", "a tuple is longer than the stack"),
        (b"K\x01K\x02\x93.", "a name is not text"),
        (b"]K\x01K\x02s.", "changes an object of type list as if it were a dict"),
        (b"\x80\x09.", "pickle protocol 9"),
    ],
)
def test_programs_that_leave_something_open_are_refused(tmp_path: Path, program: bytes, said: str) -> None:
    (tmp_path / "m.joblib").write_bytes(b"\x80\x04" + program)
    with pytest.raises(ModelError, match=said):
        load_estimator(tmp_path / "m.joblib")
