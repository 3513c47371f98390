"""The file that a run ships: what it is called, and how one makes sure that it is one."""

from __future__ import annotations

from pathlib import Path

from flexpatch_train.features import FEATURES
from footage.errors import ModelError
from footage.persistence.bundle import ModelManifest, verify

MODEL_FILE = "flexpatch_model.joblib"
TASK = "tracking-failure"


def verified_manifest(model: Path) -> ModelManifest:
    """The manifest of a tracking-failure model, after a check that the file is the one it describes.

    Raises:
        ModelError: it is missing, changed, without a manifest, or of another task.
    """
    if model.suffix != ".joblib":
        raise ModelError("is not a .joblib model", where=model, remedy=f"give the {MODEL_FILE} of a run")
    manifest = verify(model)
    if manifest.task != TASK or manifest.input.features != FEATURES:
        over = ", ".join(manifest.input.features or ()) or "images"
        raise ModelError(
            f"is a model for {manifest.task} over {over}", where=model, remedy=f"give the {MODEL_FILE} of a run"
        )
    return manifest
