"""Highlight models: opened only where file and manifest agree, and run one after another on the same pictures."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from footage.errors import ModelError
from footage.persistence.bundle import ModelManifest, verify
from footage.persistence.onnx import OnnxModel, open_session
from highlight_train.labels import CLASSES
from highlight_train.preprocess import described

TASK = "highlight"
_SUM_TOLERANCE = 0.01
_CPU_BATCH, _GPU_BATCH = 8, 64
"""Pictures that go through a model at once. On a CPU more are no faster, and take memory in every worker."""


class Ensemble(StrEnum):
    """How the answers of several models become one."""

    MEAN = "mean"
    MAX = "max"


class HighlightModels:
    """One or several opened models.

    Attributes:
        paths: the model files.
        sha256s: of the model files, in the same order.
        side_px: the side of the square pictures they take.
    """

    def __init__(
        self,
        opened: Sequence[tuple[OnnxModel, ModelManifest]],
        how: Ensemble,
        batch: int,
    ) -> None:
        self._models = [model for model, _ in opened]
        self._how = how
        self._batch = batch
        self.paths = tuple(model.path for model, _ in opened)
        self.sha256s = tuple(manifest.model_sha256 for _, manifest in opened)
        self.side_px = _side_px(opened[0][1], opened[0][0].path)

    def score(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """How much of a highlight each picture is.

        Args:
            images: RGB uint8 ``(N, side_px, side_px, 3)`` from :mod:`highlight_train.preprocess`.

        Returns:
            Probabilities of "highlight", ``(N,)``, in [0, 1].

        Raises:
            ModelError: a model failed, or gave what are no probabilities.
        """
        if not len(images):
            return np.empty(0, np.float64)
        answers = np.stack([self._answer(model, images) for model in self._models])
        return np.asarray(answers.max(axis=0) if self._how is Ensemble.MAX else answers.mean(axis=0))

    def _answer(self, model: OnnxModel, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        starts = range(0, len(images), self._batch)
        return np.concatenate([_probabilities(model, images[start : start + self._batch]) for start in starts])


def open_models(
    paths: Sequence[str | PathLike[str]],
    *,
    how: Ensemble = Ensemble.MEAN,
    device: str = "cpu",
    threads: int | None = 1,
) -> HighlightModels:
    """Open highlight models, each with its manifest beside it.

    Args:
        paths: the ``.onnx`` files.
        how: how several become one.
        device: ``cpu``, ``cuda`` or ``cuda:N``.
        threads: of ONNX Runtime; None takes as many as this process may use.

    Raises:
        ModelError: a file or manifest is missing, they do not belong together, the model is for something else, has
            its classes in another order, or takes pictures of another kind than the others.
        MissingDependency: ONNX Runtime here cannot compute on the device.
        ValueError: no path was given.
    """
    if not paths:
        raise ValueError("at least one model is needed")
    manifests = check_models(paths)
    opened = [
        (open_session(path, device=device, threads=threads), manifest)
        for path, manifest in zip(paths, manifests, strict=True)
    ]
    return HighlightModels(opened, how, _CPU_BATCH if device == "cpu" else _GPU_BATCH)


def check_models(paths: Sequence[str | PathLike[str]]) -> tuple[ModelManifest, ...]:
    """Verify models and their manifests without opening them; together they must take the same pictures.

    Raises:
        ModelError: as :func:`open_models`.
    """
    manifests = tuple(check_manifest(path) for path in paths)
    sides = [_side_px(manifest, Path(path)) for manifest, path in zip(manifests, paths, strict=True)]
    for path, side in zip(paths, sides, strict=True):
        if side != sides[0]:
            raise ModelError(
                f"takes pictures of {side} px, {Path(paths[0]).name} of {sides[0]} px",
                where=path,
                remedy="use models of one size together",
            )
    return manifests


def check_manifest(path: str | PathLike[str]) -> ModelManifest:
    """Verify that a file is a highlight model which takes what our preprocessing gives.

    Raises:
        ModelError: as :func:`open_models`.
    """
    manifest = verify(path)
    if manifest.task != TASK:
        raise ModelError(
            f"is a model for {manifest.task!r}, not for {TASK!r}",
            where=path,
            remedy="give the model that highlight-train made",
        )
    if manifest.classes != CLASSES:
        raise ModelError(
            f"has the classes {', '.join(manifest.classes) or 'none'}, expected {', '.join(CLASSES)} in this order",
            where=path,
        )
    if manifest.output != "probabilities":
        raise ModelError(f"gives {manifest.output}, expected probabilities", where=path)
    side = _side_px(manifest, Path(path))
    if manifest.input.preprocessing != described(side):
        raise ModelError(
            "was trained on pictures prepared in another way than this version does",
            where=path,
            remedy="train it again with this version, or score with the version that made it",
        )
    return manifest


def _side_px(manifest: ModelManifest, path: Path) -> int:
    shape = manifest.input.shape
    if shape is None or len(shape) != 4 or shape[1] is None or shape[1] != shape[2] or shape[3] != 3:
        raise ModelError(f"takes an input of shape {shape}, expected (N, side, side, 3)", where=path)
    return shape[1]


def _probabilities(model: OnnxModel, images: NDArray[np.uint8]) -> NDArray[np.float64]:
    answer = np.asarray(model.run(images)[0], np.float64)
    if answer.shape != (len(images), len(CLASSES)):
        raise ModelError(f"gave {answer.shape} for {len(images)} pictures", where=model.path)
    if not np.all((answer >= 0) & (answer <= 1)) or np.any(np.abs(answer.sum(axis=1) - 1) > _SUM_TOLERANCE):
        raise ModelError(
            "gave numbers that are no probabilities",
            where=model.path,
            remedy="export it again: the softmax belongs inside, once",
        )
    return answer[:, CLASSES.index("highlight")]
