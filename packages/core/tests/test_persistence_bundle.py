from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from footage.errors import ModelError
from footage.metrics.intervals import Interval
from footage.persistence.bundle import (
    ModelInput,
    ModelManifest,
    manifest_path,
    read_manifest,
    save_manifest,
    verify,
)

MANIFEST = ModelManifest(
    task="tracking-failure",
    classes=("high", "low", "medium"),
    input=ModelInput(features=("min_eig", "ncc"), preprocessing={"min_eig": "log10", "missing": None}),
    output="probabilities",
    training_data_sha256="a" * 64,
    split_sha256="b" * 64,
    metrics={
        "macro_f1": Interval(estimate=0.72, low=0.61, high=0.8, n=813, groups=12),
        "recall_high": Interval(estimate=None, low=None, high=None, n=0, groups=None, reason="no rows"),
    },
    libraries={"numpy": "2.4.6", "scikit-learn": "1.9.1"},
    details={"seed": 42, "note": "ä"},
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    file = tmp_path / "flexpatch_model.joblib"
    file.write_bytes(b"model")
    return file


def test_a_manifest_stands_beside_its_model_and_comes_back(model: Path) -> None:
    written = save_manifest(MANIFEST, model)
    assert manifest_path(model) == model.with_name("flexpatch_model.json")
    assert written.model_file == "flexpatch_model.joblib"
    assert read_manifest(model) == written
    assert verify(model) == written
    assert replace(written, model_file="", model_sha256="") == MANIFEST


def test_a_model_that_takes_images_comes_back(model: Path) -> None:
    images = ModelInput(shape=(None, 3, 224, 224), preprocessing={"mean": [0.485, 0.456, 0.406], "resize": "area"})
    written = save_manifest(replace(MANIFEST, input=images, classes=(), output="logits"), model)
    assert verify(model) == written


def test_the_same_training_writes_the_same_bytes(model: Path) -> None:
    save_manifest(MANIFEST, model)
    first = manifest_path(model).read_bytes()
    save_manifest(replace(MANIFEST, libraries=dict(reversed(MANIFEST.libraries.items()))), model)
    assert manifest_path(model).read_bytes() == first


def test_a_changed_model_is_noticed(model: Path) -> None:
    save_manifest(MANIFEST, model)
    model.write_bytes(b"other")
    with pytest.raises(ModelError, match=r"flexpatch_model\.joblib: is not the file .* SHA-256 differs"):
        verify(model)


def test_a_renamed_or_missing_model_is_noticed(model: Path) -> None:
    save_manifest(MANIFEST, model)
    renamed = model.with_name("other.joblib")
    model.rename(renamed)
    with pytest.raises(ModelError, match="no such model file"):
        verify(model)
    with pytest.raises(ModelError, match=r"no manifest \(other\.json\)"):
        verify(renamed)
    manifest_path(model).rename(manifest_path(renamed))
    with pytest.raises(ModelError, match="describes 'flexpatch_model"):
        verify(renamed)


def test_a_manifest_needs_its_model_first(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model file"):
        save_manifest(MANIFEST, tmp_path / "gone.joblib")


@pytest.mark.parametrize("bad", [float("nan"), object(), {1, 2}], ids=["nan", "object", "set"])
def test_values_that_json_cannot_hold_are_refused(model: Path, bad: Any) -> None:
    with pytest.raises(ModelError, match="JSON cannot"):
        save_manifest(replace(MANIFEST, details={"x": bad}), model)
    assert not manifest_path(model).exists()


def edited(model: Path, change: Callable[[Any], object]) -> None:
    save_manifest(MANIFEST, model)
    document = json.loads(manifest_path(model).read_text())
    change(document)
    manifest_path(model).write_text(json.dumps(document))


FIELDS = [
    "task", "classes", "input", "output", "training_data_sha256", "split_sha256", "metrics", "libraries", "model_file",
    "model_sha256", "details", "format_version",
]  # fmt: skip


@pytest.mark.parametrize("name", FIELDS)
def test_a_missing_field_is_named(model: Path, name: str) -> None:
    edited(model, lambda d: d.pop(name))
    with pytest.raises(ModelError, match=f"{name} is missing"):
        read_manifest(model)


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_of_the_wrong_type_is_named(model: Path, name: str) -> None:
    edited(model, lambda d: d.update({name: [{}]}))
    with pytest.raises(ModelError, match=name):
        read_manifest(model)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.update(format_version=2), "format_version is 2, this version reads 1"),
        (lambda d: d.update(output="scores"), "output is 'scores', expected one of logits, probabilities, labels"),
        (lambda d: d.update(split_sha256="xyz"), "split_sha256 is not a SHA-256"),
        (lambda d: d["input"].update(shape=[1, 3]), "not both"),
        (lambda d: d["input"].update(features=None), "not both"),
        (lambda d: d["input"].update(features=None, shape=[0, 3]), "input.shape"),
        (lambda d: d["metrics"]["macro_f1"].update(n=-1), "metrics.macro_f1.n is not a count"),
        (lambda d: d["metrics"]["macro_f1"].update(low="x"), "metrics.macro_f1.low is not a number"),
        (lambda d: d["metrics"]["macro_f1"].update(confidence=95), "confidence"),
        (lambda d: d["metrics"]["macro_f1"].pop("groups"), "metrics.macro_f1.groups is missing"),
        (lambda d: d["libraries"].update(numpy=2), "libraries.numpy is not text"),
        (lambda d: d["classes"].append(3), "classes is not a list of texts"),
    ],
)
def test_what_contradicts_the_format_is_named(model: Path, change: Callable[[Any], object], said: str) -> None:
    edited(model, change)
    with pytest.raises(ModelError, match=said.replace(".", r"\.")):
        read_manifest(model)


@pytest.mark.parametrize("text", ["", "nonsense", "[" * 100_000, "\ufeff"])
def test_what_is_not_json_is_refused(model: Path, text: str) -> None:
    manifest_path(model).write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match="is not JSON"):
        read_manifest(model)
    manifest_path(model).write_text("[]")
    with pytest.raises(ModelError, match="the document is not an object"):
        read_manifest(model)


def test_an_input_says_features_or_shape() -> None:
    with pytest.raises(ValueError, match="not both"):
        ModelInput()
    with pytest.raises(ValueError, match="not both"):
        ModelInput(features=("a",), shape=(1,))
