"""The files that a run ships: what they are called, and how one makes sure that they are what they say."""

from __future__ import annotations

from pathlib import Path

from flexpatch_train.features import EXTENDED_FEATURES
from flexpatch_train.labels import LABELS
from footage.dataset.manifest import content_sha256
from footage.errors import ModelError
from footage.persistence.bundle import ModelManifest, verify

MODEL_FILE = "flexpatch_model.joblib"
ONNX_FILE = "flexpatch_model.onnx"
TASK = "tracking-failure"
CLASSES = tuple(sorted(LABELS))
"""Columns of the ONNX model's probabilities. Always all three: ONNX Runtime treats two by rules of its own."""


def verified_manifest(model: Path) -> ModelManifest:
    """The manifest of a tracking-failure model, after a check that the file is the one it describes.

    Raises:
        ModelError: it is missing, changed, without a manifest, or of another task.
    """
    if model.suffix != ".joblib":
        raise ModelError("is not a .joblib model", where=model, remedy=f"give the {MODEL_FILE} of a run")
    manifest = verify(model)
    features = manifest.input.features
    if manifest.task != TASK or features is None or not set(features) <= set(EXTENDED_FEATURES):
        over = ", ".join(features or ()) or "images"
        raise ModelError(
            f"is a model for {manifest.task} over {over}", where=model, remedy=f"give the {MODEL_FILE} of a run"
        )
    return manifest


def verified_onnx(model: Path, manifest: ModelManifest) -> Path:
    """The ONNX form of a model, after a check that it is the one the manifest names.

    Raises:
        ModelError: it is missing or changed.
    """
    path = model.with_name(ONNX_FILE)
    remedy = "keep the files of a run together, or train it anew"
    if not path.is_file():
        raise ModelError("there is no such file, and the model beside it runs through it", where=path, remedy=remedy)
    if content_sha256(path) != manifest.details.get("onnx_sha256"):
        raise ModelError("was changed: its SHA-256 differs from the manifest's", where=path, remedy=remedy)
    return path
