"""The manifest beside every model: what it takes, what it gives, what it learned from, and how well it did.

``flexpatch_model.joblib`` has ``flexpatch_model.json`` beside it. The manifest holds the model file's SHA-256, so a
model that was replaced or edited is noticed before it is used. It holds no time stamp: the same training writes the
same bytes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Any, Literal, get_args

from footage.dataset.manifest import content_sha256
from footage.errors import ModelError
from footage.metrics.intervals import Interval
from footage.runs.files import atomic_write_bytes

FORMAT_VERSION = 1

OutputKind = Literal["logits", "probabilities", "labels"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInput:
    """What a model takes: a row of named features, or an array of a given shape.

    Attributes:
        features: names in column order; None for a model that takes images or clips.
        shape: of one batch, None for a free dimension; None for a model that takes features.
        preprocessing: everything done between a decoded frame and the array (resize filter, crop, mean, colour order),
            or between a measurement and a feature, as plain JSON values.
    """

    features: tuple[str, ...] | None = None
    shape: tuple[int | None, ...] | None = None
    preprocessing: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a description that says both or neither."""
        if (self.features is None) == (self.shape is None):
            raise ValueError("a model's input has feature names or a shape, not both and not neither")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelManifest:
    """What stands in ``NAME.json`` beside a model file.

    Attributes:
        task: what the model is for, such as ``tracking-failure``.
        classes: names in the order of the model's outputs; empty where it has none.
        input: what it takes.
        output: whether the numbers it gives are logits, probabilities or labels.
        training_data_sha256: of the rows or files it learned from.
        split_sha256: of which row was on which side.
        metrics: each with its interval, rows and groups; measured on data the model never saw.
        libraries: versions that made the model, by distribution.
        model_file: name of the model file, in the manifest's folder.
        model_sha256: of the model file.
        details: anything else that is worth keeping (settings, seed), as plain JSON values.
        format_version: of this file.
    """

    task: str
    classes: tuple[str, ...]
    input: ModelInput
    output: OutputKind
    training_data_sha256: str
    split_sha256: str
    metrics: dict[str, Interval]
    libraries: dict[str, str]
    model_file: str = ""
    model_sha256: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION


def manifest_path(model_path: str | PathLike[str]) -> Path:
    """Where the manifest of a model file lies."""
    return Path(model_path).with_suffix(".json")


def save_manifest(manifest: ModelManifest, model_path: str | PathLike[str]) -> ModelManifest:
    """Write the manifest of a model file that is already written, with that file's name and hash filled in.

    Returns:
        The manifest as written.

    Raises:
        ModelError: the model file is missing, or a value in the manifest cannot be written as JSON.
        OSError: the folder is not writable or the disk is full.
    """
    model = Path(model_path)
    if not model.is_file():
        raise ModelError("there is no such model file to describe", where=model)
    complete = replace(manifest, model_file=model.name, model_sha256=content_sha256(model))
    try:
        text = json.dumps(asdict(complete), indent=2, sort_keys=True, ensure_ascii=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ModelError(f"its manifest holds a value that JSON cannot ({error})", where=model) from error
    atomic_write_bytes(manifest_path(model), f"{text}\n".encode("ascii"))
    return complete


def read_manifest(model_path: str | PathLike[str]) -> ModelManifest:
    """Read the manifest beside a model file, without looking at the model.

    Raises:
        ModelError: there is no manifest, it is of another format, or a field is missing or of the wrong type.
    """
    path = manifest_path(model_path)
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise ModelError(
            f"has no manifest ({path.name}) beside it",
            where=model_path,
            remedy="keep the .json file that was written with the model next to it",
        ) from error
    except OSError as error:
        raise ModelError(f"cannot be read ({error.strerror})", where=path) from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"is not JSON ({error})", where=path) from error
    try:
        return _manifest(_Fields(document, ""))
    except _FieldError as error:
        raise ModelError(f"is not a valid model manifest: {error}", where=path) from error


def verify(model_path: str | PathLike[str]) -> ModelManifest:
    """Read the manifest and check that the model file is the one it describes.

    Raises:
        ModelError: as :func:`read_manifest`, or the model file is missing or was changed since.
    """
    model = Path(model_path)
    if not model.is_file():
        raise ModelError("there is no such model file", where=model)
    manifest = read_manifest(model)
    if manifest.model_file != model.name:
        raise ModelError(f"its manifest describes {manifest.model_file!r}", where=model)
    if content_sha256(model) != manifest.model_sha256:
        raise ModelError(
            "is not the file that its manifest describes: the SHA-256 differs",
            where=model,
            remedy="restore the model and its .json file together, or train again",
        )
    return manifest


class _FieldError(Exception):
    """A field of a manifest is missing or of the wrong type."""


class _Fields:
    """A JSON object whose fields are asked for by type."""

    def __init__(self, value: Any, place: str) -> None:
        if not isinstance(value, dict):
            raise _FieldError(f"{place or 'the document'} is not an object")
        self._value: Mapping[str, Any] = value
        self._place = place

    def _name(self, key: str) -> str:
        return f"{self._place}.{key}" if self._place else key

    def names(self) -> list[str]:
        return list(self._value)

    def raw(self, key: str) -> Any:
        if key not in self._value:
            raise _FieldError(f"{self._name(key)} is missing")
        return self._value[key]

    def fields(self, key: str) -> _Fields:
        return _Fields(self.raw(key), self._name(key))

    def text(self, key: str) -> str:
        value = self.raw(key)
        if not isinstance(value, str):
            raise _FieldError(f"{self._name(key)} is not text")
        return value

    def integer(self, key: str) -> int:
        value = self.raw(key)
        if type(value) is not int or value < 0:
            raise _FieldError(f"{self._name(key)} is not a count")
        return value

    def number(self, key: str) -> float | None:
        value = self.raw(key)
        if value is None:
            return None
        if type(value) not in (int, float) or not math.isfinite(value):
            raise _FieldError(f"{self._name(key)} is not a number")
        return float(value)

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.raw(key)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise _FieldError(f"{self._name(key)} is not a list of texts")
        return tuple(value)

    def sha256(self, key: str) -> str:
        value = self.text(key)
        if len(value) != 64 or any(c not in "0123456789abcdef" for c in value):
            raise _FieldError(f"{self._name(key)} is not a SHA-256")
        return value


def _manifest(fields: _Fields) -> ModelManifest:
    version = fields.integer("format_version")
    if version != FORMAT_VERSION:
        raise _FieldError(f"format_version is {version}, this version reads {FORMAT_VERSION}")
    output = fields.text("output")
    kinds: tuple[OutputKind, ...] = get_args(OutputKind)
    kind = next((k for k in kinds if k == output), None)
    if kind is None:
        raise _FieldError(f"output is {output!r}, expected one of {', '.join(kinds)}")
    metrics, libraries, details = fields.fields("metrics"), fields.fields("libraries"), fields.fields("details")
    return ModelManifest(
        task=fields.text("task"),
        classes=fields.texts("classes"),
        input=_input(fields.fields("input")),
        output=kind,
        training_data_sha256=fields.sha256("training_data_sha256"),
        split_sha256=fields.sha256("split_sha256"),
        metrics={name: _interval(metrics.fields(name)) for name in metrics.names()},
        libraries={name: libraries.text(name) for name in libraries.names()},
        model_file=fields.text("model_file"),
        model_sha256=fields.sha256("model_sha256"),
        details={name: details.raw(name) for name in details.names()},
    )


def _input(fields: _Fields) -> ModelInput:
    features = None if fields.raw("features") is None else fields.texts("features")
    shape = fields.raw("shape")
    if shape is not None:
        if not isinstance(shape, list) or not all(side is None or (type(side) is int and side > 0) for side in shape):
            raise _FieldError("input.shape is not a list of positive numbers and nulls")
        shape = tuple(shape)
    if (features is None) == (shape is None):
        raise _FieldError("input has feature names or a shape, not both and not neither")
    preprocessing = fields.fields("preprocessing")
    return ModelInput(
        features=features, shape=shape, preprocessing={key: preprocessing.raw(key) for key in preprocessing.names()}
    )


def _interval(fields: _Fields) -> Interval:
    confidence = fields.number("confidence")
    if confidence is None or not 0 < confidence < 1:
        raise _FieldError("a metric's confidence is not between 0 and 1")
    return Interval(
        estimate=fields.number("estimate"),
        low=fields.number("low"),
        high=fields.number("high"),
        n=fields.integer("n"),
        groups=None if fields.raw("groups") is None else fields.integer("groups"),
        confidence=confidence,
        reason=None if fields.raw("reason") is None else fields.text("reason"),
    )
