"""Values of a JSON object, taken out with their type checked; every complaint names the key."""

from __future__ import annotations

from collections.abc import Mapping

from footage.errors import DatasetError

_LARGEST = 1e12
"""Nothing in a session is as large; what is, NaN and the infinities are no numbers here."""


def number(values: Mapping[str, object], key: str) -> float:
    """A finite number.

    Raises:
        DatasetError: it is missing or is none.
    """
    found = optional_number(values, key)
    if found is None:
        raise DatasetError(f"{key} is {'null' if key in values else 'missing'}, a number is wanted")
    return found


def optional_number(values: Mapping[str, object], key: str) -> float | None:
    """A finite number, or None where the key is missing or null.

    Raises:
        DatasetError: it is something else.
    """
    value = values.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_LARGEST < value < _LARGEST:
        raise DatasetError(f"{key} is {_shown(value)}, a number is wanted")
    return float(value)


def whole(values: Mapping[str, object], key: str) -> int:
    """A whole number of 0 or more.

    Raises:
        DatasetError: it is missing or is none.
    """
    value = number(values, key)
    if value != int(value) or value < 0:
        raise DatasetError(f"{key} is {value:g}, a whole number of 0 or more is wanted")
    return int(value)


def optional_whole(values: Mapping[str, object], key: str) -> int | None:
    """As :func:`whole`, or None where the key is missing or null."""
    return None if values.get(key) is None else whole(values, key)


def optional_share(values: Mapping[str, object], key: str) -> float | None:
    """A number from 0 to 1, or None where the key is missing or null.

    Raises:
        DatasetError: it is something else.
    """
    value = optional_number(values, key)
    if value is not None and not 0 <= value <= 1:
        raise DatasetError(f"{key} is {value:g}, a share from 0 to 1 is wanted")
    return value


def truth(values: Mapping[str, object], key: str) -> bool:
    """True or false.

    Raises:
        DatasetError: it is missing or is neither.
    """
    value = values.get(key)
    if not isinstance(value, bool):
        raise DatasetError(f"{key} is {_shown(value) if key in values else 'missing'}, true or false is wanted")
    return value


def optional_text(values: Mapping[str, object], key: str) -> str | None:
    """A text that is not empty, or None where the key is missing, null or empty.

    Raises:
        DatasetError: it is something else.
    """
    value = values.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise DatasetError(f"{key} is {_shown(value)}, a text is wanted")
    return value


def mapping(values: Mapping[str, object], key: str) -> dict[str, object]:
    """An object; empty where the key is missing or null.

    Raises:
        DatasetError: it is something else.
    """
    value = values.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise DatasetError(f"{key} is {_shown(value)}, an object is wanted")
    return value


def objects(values: Mapping[str, object], key: str) -> list[dict[str, object]]:
    """A list of objects; empty where the key is missing or null.

    Raises:
        DatasetError: it is something else.
    """
    value = values.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise DatasetError(f"{key} is no list of objects")
    return value


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
