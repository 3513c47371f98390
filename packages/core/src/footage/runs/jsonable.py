"""Records, paths, fractions and arrays as the plain values that JSON has."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Container, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from fractions import Fraction


def to_jsonable(value: object, *, keep_non_finite: bool = False) -> object:
    """A value made of dict, list, str, int, float, bool and None only.

    Dataclasses become objects, paths and dates strings, fractions ``"30000/1001"``, sets sorted lists, NumPy scalars
    and arrays numbers and nested lists. JSON has no NaN or infinity: they become None.

    Args:
        value: what to convert; it is not changed.
        keep_non_finite: keep NaN and infinities as floats, for files that only Python reads.

    Raises:
        TypeError: ``value`` holds something without a JSON form, or two keys that become the same string.
    """
    value = value.value if isinstance(value, Enum) else value
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str | int | float):
        return _scalar(value, keep_non_finite=keep_non_finite)
    if isinstance(value, Mapping):
        return _object(value.items(), keep_non_finite=keep_non_finite)
    if is_dataclass(value) and not isinstance(value, type):
        return _object(((f.name, getattr(value, f.name)) for f in fields(value)), keep_non_finite=keep_non_finite)
    if isinstance(value, list | tuple | AbstractSet):
        items = [to_jsonable(item, keep_non_finite=keep_non_finite) for item in value]
        return sorted(items, key=repr) if isinstance(value, AbstractSet) else items
    as_list = getattr(value, "tolist", None)  # NumPy's arrays and scalars, without importing NumPy
    return _text(value) if as_list is None else to_jsonable(as_list(), keep_non_finite=keep_non_finite)


def json_pieces(value: object) -> Iterator[str]:
    """The indented JSON document of a value, piece by piece, so that a long list is never converted as a whole.

    Together the pieces are what ``json.dumps(to_jsonable(value), indent=2, allow_nan=False)`` gives.

    Args:
        value: as for :func:`to_jsonable`. Of mappings, the lists in them may be iterators too; they are used up.

    Raises:
        TypeError: as for :func:`to_jsonable`, when the piece is reached that has no JSON form.
    """
    return _pieces(value, "\n")


def _pieces(value: object, line: str) -> Iterator[str]:
    """Pieces of a value; ``line`` begins a line as far in as the value stands."""
    inner = f"{line}  "
    if isinstance(value, Mapping) and value:
        names: set[str] = set()
        for key, item in value.items():
            name = _name(key, names)
            yield f"{',' if names else '{'}{inner}{json.dumps(name)}: "
            yield from _pieces(item, inner)
            names.add(name)
        yield f"{line}}}"
    elif isinstance(value, list | tuple | Iterator):
        count = 0
        for count, item in enumerate(value, start=1):
            text = json.dumps(to_jsonable(item), indent=2, allow_nan=False)
            yield f"{',' if count > 1 else '['}{inner}{_further_in(text, inner)}"
        yield f"{line}]" if count else "[]"
    else:
        yield _further_in(json.dumps(to_jsonable(value), indent=2, allow_nan=False), line)


def _further_in(text: str, line: str) -> str:
    """A document as it stands inside another; strings in it have no line ends of their own."""
    return text.replace("\n", line)


def _scalar(value: str | float, *, keep_non_finite: bool) -> str | int | float | None:
    """Take subclasses (NumPy's, string and integer enums) back to the built-in types."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    return float(value) if keep_non_finite or math.isfinite(value) else None


def _text(value: object) -> str:
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    msg = f"{type(value).__qualname__} has no JSON form: convert it where the record is made"
    raise TypeError(msg)


def _object(items: Iterable[tuple[object, object]], *, keep_non_finite: bool) -> dict[str, object]:
    converted: dict[str, object] = {}
    for key, item in items:
        converted[_name(key, converted)] = to_jsonable(item, keep_non_finite=keep_non_finite)
    return converted


def _name(key: object, names: Container[str]) -> str:
    """A key as JSON has it, which must be none of the names that there are."""
    plain = key if type(key) is str else to_jsonable(key)
    name = plain if isinstance(plain, str) else repr(plain)
    if name in names:
        msg = f"two keys of a record become {name!r} in JSON"
        raise TypeError(msg)
    return name
