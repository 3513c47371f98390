"""Arrays and their types rebuilt from the parts a pickle holds, each part checked before NumPy sees it.

``dtype.__setstate__`` takes any flags, and an object type that claims to hold plain bytes turns file content into
pointers. So a type is made from its name, its byte order and its checked fields, and an array from exactly its bytes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from footage.errors import ModelError, UntrustedModel

PLAIN_KINDS = "biufcSU"
"""NumPy's letters for numbers and text."""

SCALARS = (str, bytes, int, float, bool, type(None), np.generic)
"""Single values: what may be a dictionary's key or stand in an array of objects."""


def plain_dtype(spec: object) -> np.dtype[Any]:
    """A dtype from its short name, such as ``f8`` or ``V64``; objects as ``O8`` pass and are checked where used."""
    if not isinstance(spec, str) or not spec[:1].isalpha() or not (spec[1:].isdigit() or len(spec) == 1):
        raise UntrustedModel(f"names the array type {spec!r}")
    return np.dtype(spec)


def check_dtype(dtype: object) -> np.dtype[Any]:
    """Refuse a dtype that holds anything but numbers and text.

    Raises:
        UntrustedModel: it is no dtype, or holds objects.
    """
    if not isinstance(dtype, np.dtype):
        raise UntrustedModel("describes an array without a type")
    parts = [dtype.fields[name][0] for name in dtype.names] if dtype.names and dtype.fields else [dtype]
    if dtype.hasobject or any(part.kind not in PLAIN_KINDS or part.subdtype is not None for part in parts):
        raise UntrustedModel(f"holds an array of type {dtype}, where only numbers and text are allowed")
    return dtype


def complete_dtype(base: object, state: Any) -> np.dtype[Any]:
    """Apply byte order and fields of a pickled dtype to its base type; flags in the file are ignored.

    Raises:
        UntrustedModel: the state has a base type, metadata, or fields that hold objects.
        ModelError: the parts contradict each other.
    """
    if not isinstance(base, np.dtype) or type(state) is not tuple or len(state) != 8:
        raise UntrustedModel("describes an array type in an unknown way")
    _, byte_order, base_type, names, fields, item_size, _, _ = state
    if base_type is not None or byte_order not in ("<", ">", "|", "="):
        raise UntrustedModel("describes an array type in an unknown way")
    if names is None:
        return base if byte_order == "|" or base.kind == "O" else base.newbyteorder(byte_order)
    formats = [check_dtype(fields[name][0]) for name in names]
    offsets = [fields[name][1] for name in names]
    return check_dtype(np.dtype({"names": list(names), "formats": formats, "offsets": offsets, "itemsize": item_size}))


def byte_count(dtype: np.dtype[Any], shape: object) -> int:
    """Bytes that an array of this type and shape holds; the shape must be a tuple of whole numbers from 0."""
    if type(shape) is not tuple or not all(type(side) is int and side >= 0 for side in shape):
        raise ModelError(f"is damaged: an array has the shape {shape!r}")
    return math.prod(shape) * dtype.itemsize


def array_from_bytes(content: object, dtype: object, shape: Any, order: object) -> NDArray[Any]:
    """An array of numbers or text from its bytes, as a writable copy in native byte order."""
    checked = check_dtype(dtype)
    count = byte_count(checked, shape)
    if not isinstance(content, bytes) or len(content) != count or order not in ("C", "F"):
        raise ModelError(f"is damaged: an array of shape {shape} and type {checked} does not have {count} bytes")
    flat = np.frombuffer(content, dtype=checked) if count else np.zeros(math.prod(shape), dtype=checked)
    array = flat.reshape(shape, order="F" if order == "F" else "C")
    native = checked.newbyteorder("=")
    # NumPy's one object for each type of numbers: many copies of it would make the model larger when written again.
    return array.astype(native if native.names else np.dtype(native.str), order="K", copy=True)


def scalar(dtype: object, content: object) -> object:
    """A single number or text of a checked type from exactly its bytes."""
    checked = check_dtype(dtype)
    if not isinstance(content, bytes) or len(content) != checked.itemsize or checked.names is not None:
        raise ModelError(f"is damaged: a number of type {checked} has the wrong length")
    return checked.type() if not content else np.frombuffer(content, dtype=checked)[0]


def object_array(content: object, shape: Any) -> NDArray[Any]:
    """An array of Python strings and numbers (class names read from a table are often stored so)."""
    if type(content) is not list or not all(isinstance(item, SCALARS) for item in content):
        raise UntrustedModel("holds an array of objects other than text and numbers")
    if byte_count(np.dtype("u1"), shape) != len(content):
        raise ModelError("is damaged: an array of objects has the wrong length")
    array = np.empty(len(content), dtype=object)
    for index, item in enumerate(content):
        array[index] = item
    return array.reshape(shape)
