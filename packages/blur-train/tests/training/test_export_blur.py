"""Export: the files that ship, the comparison from photo file to decision, and what is refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from blur_train.classes import CLASSES
from blur_train.classifier import MODEL_NAME, BlurClassifier
from blur_train.export.export import ExportOptions, run
from footage.cli.progress import Progress, progress
from footage.errors import DatasetError, ModelError
from footage.persistence.bundle import read_manifest, save_manifest


def make_progress(total: int | None, _: int) -> Progress:
    return progress(total, "photos", "testing")


def test_what_ships_decides_as_the_network(trained: Path, tmp_path: Path) -> None:
    exported = run(ExportOptions(run=trained, output=tmp_path / "model"), make_progress=make_progress)
    assert exported.parity.n == 28
    assert exported.parity.decisions_changed == 0
    assert exported.parity.max_abs_difference < 1e-4
    assert exported.doubts
    names = json.loads((tmp_path / "model" / "class_names.json").read_text())
    assert tuple(names) == CLASSES
    manifest = read_manifest(tmp_path / "model" / MODEL_NAME)
    assert manifest.details["parity_from_file_to_decision"].startswith("0 of 28 decisions changed")
    assert (tmp_path / "model" / MODEL_NAME).read_bytes() == (trained / MODEL_NAME).read_bytes()
    BlurClassifier.open(tmp_path / "model", device="cpu")


def test_nothing_of_the_machine_is_in_the_file(trained: Path) -> None:
    content = (trained / MODEL_NAME).read_bytes()
    assert b"/site-packages" not in content
    assert str(Path.home()).encode() not in content


def test_probabilities_are_softmaxed_once(trained: Path, drawn_dataset: Path) -> None:
    """Twice would cap four classes at .475: a logit of any size must be able to reach certainty."""
    graph = onnx.load(trained / MODEL_NAME).graph
    output = next(node for node in graph.node if "probabilities" in node.output)
    assert output.op_type == "Softmax"
    feeding = next(node for node in graph.node if output.input[0] in node.output)
    assert feeding.op_type != "Softmax"


def test_a_file_that_decides_otherwise_is_refused_and_not_written(trained: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(trained, other)
    model = onnx.load(other / MODEL_NAME)
    changed = 0
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.ndim == 2 and values.shape[-1] in {4, 96}:
            tensor.CopyFrom(numpy_helper.from_array(-3 * values, tensor.name))
            changed += 1
    assert changed
    manifest = read_manifest(other / MODEL_NAME)
    onnx.save(model, other / MODEL_NAME)
    with pytest.raises(ModelError, match="SHA-256 differs"):
        run(ExportOptions(run=other, output=tmp_path / "model"), make_progress=make_progress)
    save_manifest(replace(manifest, model_sha256=""), other / MODEL_NAME)
    with pytest.raises(ModelError, match="does not decide as the model that was measured"):
        run(ExportOptions(run=other, output=tmp_path / "model"), make_progress=make_progress)
    assert not (tmp_path / "model").exists()


@pytest.mark.slow
def test_eight_bits_only_where_every_decision_stays(trained: Path, tmp_path: Path) -> None:
    exported = run(
        ExportOptions(run=trained, output=tmp_path / "model", int8=True, photos=8), make_progress=make_progress
    )
    assert exported.int8 is not None
    there = (tmp_path / "model" / "int8" / MODEL_NAME).exists()
    assert there == (exported.int8.decisions_changed == 0) == (exported.int8_refused is None)
    assert not list((tmp_path / "model").glob("tmp*"))


def test_a_data_set_that_moved_must_be_named(trained: Path, drawn_dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no prepared data set"):
        run(ExportOptions(run=trained, output=tmp_path / "m", dataset=tmp_path), make_progress=make_progress)
    moved = tmp_path / "moved"
    shutil.copytree(drawn_dataset, moved)
    exported = run(
        ExportOptions(run=trained, output=tmp_path / "model", dataset=moved, photos=4), make_progress=make_progress
    )
    assert exported.parity.n == 4


def test_a_folder_without_a_training_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"holds no {MODEL_NAME}; name the folder of a training that was finished"):
        run(ExportOptions(run=tmp_path / "nowhere"), make_progress=make_progress)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"task": "highlight"}, "not for 'blur'"),
        ({"classes": ("a", "b", "c", "d")}, "in this order"),
        ({"output": "logits"}, "gives logits"),
        ({"details": {}}, "no rule to decide by"),
    ],
)
def test_a_model_for_something_else_is_refused(
    change: dict[str, object], words: str, trained: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    shutil.copyfile(trained / MODEL_NAME, folder / MODEL_NAME)
    save_manifest(replace(read_manifest(trained / MODEL_NAME), **change), folder / MODEL_NAME)  # type: ignore[arg-type]  # a dict has one type of value
    with pytest.raises(ModelError, match=words):
        BlurClassifier.open(folder)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model"):
        BlurClassifier.open(tmp_path)
