"""The model that is measured, and the one that taught it or that it is compared with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from footage.dataset.manifest import content_sha256
from footage.errors import DatasetError, ModelError
from video_train.catalogue.sides import Span
from video_train.model import BEST_FILE, SPLIT_FILE, ClipModel, open_model, read_split, torch_speaks
from video_train.opening import open_on

TEACHER_FILE = "teacher.pt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A model, and what is known of it.

    Attributes:
        model: to be asked.
        runtime: what runs it, in words.
        sha256: of its file.
        split: the parts of videos on each side of its training; None where that is not known.
        order: of every class of the measured model, its place among this one's.
    """

    model: ClipModel
    runtime: str
    sha256: str
    split: dict[str, list[Span]] | None
    order: tuple[int, ...]


def open_measured(path: Path, device: str, *, split_needed: bool) -> Asked:
    """Open the model that is measured.

    Raises:
        ModelError: the model cannot be used.
        DatasetError: it must be known what it learned from, and it is not.
        FootageError: as :func:`video_train.opening.open_on`.
    """
    model, runtime = open_on(path, device)
    asked = _asked(model, runtime, model.classes)
    if asked.split is None and split_needed:
        raise DatasetError(
            f"there is no {SPLIT_FILE} beside it, so it is not known what it learned from",
            where=model.path,
            remedy="keep the files of a training together, or measure on all videos and call nothing held out",
        )
    return asked


def open_teacher(path: Path | None, measured: Asked, device: str) -> Asked | None:
    """Open the model to compare with: the one named, or else the one that taught the measured model.

    Raises:
        ModelError: it cannot be used, or knows other classes.
        FootageError: as :func:`video_train.opening.open_on`.
    """
    classes = measured.model.classes
    if path is not None:
        model, runtime = open_on(path, device)
        if set(model.classes) != set(classes):
            raise ModelError(
                f"knows the classes {', '.join(model.classes)}, and the measured model {', '.join(classes)}",
                where=model.path,
                remedy="compare with a model of the same classes",
            )
        return _asked(model, runtime, classes)
    weights = measured.model.path.with_name(TEACHER_FILE)
    name = measured.model.manifest.details.get("teacher")
    if not isinstance(name, str) or not weights.is_file():
        return None
    manifest = measured.model.manifest
    described = replace(manifest, details={**manifest.details, "architecture": name})
    place = _torch_device(device)
    model = replace(measured.model, path=weights, speaks=torch_speaks(described, weights, place))
    return replace(_asked(model, f"torch on {place}", classes), split=measured.split)


def in_torch(measured: Asked, device: str) -> Asked | None:
    """The measured model's weights in torch, to be timed beside a teacher that runs there; None without them."""
    weights = measured.model.path.with_name(BEST_FILE)
    if not weights.is_file():
        return None
    place = _torch_device(device)
    return replace(measured, model=open_model(weights, device=place), runtime=f"torch on {place}")


def _torch_device(device: str) -> str:
    from footage.training.devices import resolve_device

    return resolve_device(device).name


def _asked(model: ClipModel, runtime: str, classes: tuple[str, ...]) -> Asked:
    split = model.path.with_name(SPLIT_FILE)
    # The manifest beside a ``.pt`` file describes the ONNX model.
    sha256 = model.manifest.model_sha256 if model.path.suffix == ".onnx" else content_sha256(model.path)
    return Asked(
        model=model,
        runtime=runtime,
        sha256=sha256,
        split=read_split(split) if split.is_file() else None,
        order=tuple(model.classes.index(name) for name in classes),
    )
