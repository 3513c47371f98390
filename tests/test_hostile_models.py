"""Hostile model files are refused by verbs as a user types them: a part of what `hardening.hostile_models` tables."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from hardening.hostile_models import FILES, MANIFESTS, Target, matrix
from sklearn.tree import DecisionTreeClassifier

from footage.dataset.manifest import content_sha256
from footage.persistence.bundle import ModelInput, ModelManifest, save_manifest
from footage.persistence.sklearn import save_estimator
from footage.synthetic.scenes import Scene


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> list[Target]:
    """A verb for models that joblib writes, and one for ONNX files."""
    folder = tmp_path_factory.mktemp("targets")
    video = folder / "scene.mp4"
    Scene.random(np.random.default_rng(0), size=(160, 96), objects=2, frames=10).write_video(video)
    tree, detector = folder / "tree", folder / "detector"
    for place in (tree, detector):
        place.mkdir()
    (detector / "weights.onnx").write_bytes(b"replaced by each attack")
    fitted = DecisionTreeClassifier().fit(np.arange(6.0)[:, None], list("hlmhlm"))
    save_estimator(fitted, tree / "model.joblib")
    onnx = tree / "flexpatch_model.onnx"
    onnx.write_bytes(b"looked at by its hash")
    manifest = ModelManifest(
        task="tracking-failure",
        classes=("h", "l", "m"),
        input=ModelInput(features=("ncc",)),
        output="labels",
        training_data_sha256="0" * 64,
        split_sha256="0" * 64,
        metrics={},
        libraries={},
        details={"onnx_file": onnx.name, "onnx_sha256": content_sha256(onnx)},
    )
    save_manifest(manifest, tree / "model.joblib")
    return [
        Target(
            verb="flexpatch-train check",
            source=tree,
            model="model.joblib",
            arguments=lambda copy, _: (copy / "model.joblib",),
        ),
        Target(
            verb="flexpatch-train run --weights",
            source=detector,
            model="weights.onnx",
            arguments=lambda copy, out: (copy / "weights.onnx", video, "-o", out),
        ),
    ]


def test_no_hostile_file_is_taken_or_executed(targets: list[Target], tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="onnx writes the hostile ONNX files")
    # What unpacks to gigabytes takes long to make; the command has it.
    attacks = [attack for attack in (*FILES, *MANIFESTS) if "bomb" not in attack]
    cells = list(matrix(targets, attacks, tmp_path))
    assert len({attack for attack, _, _ in cells}) >= 15
    assert not [(attack, verb, cell.why) for attack, verb, cell in cells if cell.why]
    said = {(attack, verb): cell.line for attack, verb, cell in cells}
    assert "nothing was executed" in said["pickle, protocol 2", "flexpatch-train check"]
    assert "SHA-256 differs" in said["manifest with another hash", "flexpatch-train check"]
    assert "not in its folder" in said["ONNX, weights in ../secret", "flexpatch-train run --weights"]


def test_a_hostile_file_is_one_that_would_be_executed(tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    attack = FILES["pickle, protocol 2"](marker)
    assert not marker.exists()
    pickle.loads(attack)["state_dict"].close()  # noqa: S301, TID251 - what a careless program would do
    assert marker.exists()
