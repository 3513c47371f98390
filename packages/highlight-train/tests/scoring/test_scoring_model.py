"""Models are opened only where file, manifest and preprocessing agree."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from footage.errors import InputError, ModelError
from footage.persistence.bundle import ModelManifest, read_manifest, save_manifest
from highlight_train.scoring.devices import devices_of
from highlight_train.scoring.model import Ensemble, open_models


def pictures(*reds: float, side_px: int = 224) -> NDArray[np.uint8]:
    made = np.zeros((len(reds), side_px, side_px, 3), np.uint8)
    made[..., 0] = np.array([round(255 * red) for red in reds])[:, None, None]
    made[..., 1] = 200  # green must not count
    return made


def test_a_model_scores_what_it_was_made_to_score(red_model: Path) -> None:
    models = open_models([red_model])
    assert models.score(pictures(0.0, 0.5, 1.0)) == pytest.approx([0, 128 / 255, 1], abs=1e-6)
    assert models.score(pictures()).shape == (0,)
    assert models.side_px == 224


def test_several_models_are_averaged_or_the_highest_counts(
    red_model: Path, tmp_path: Path, make_red_model: Callable[..., Path]
) -> None:
    half = make_red_model(tmp_path / "half.onnx", gain=0.5)
    images = pictures(0.2, 0.8)
    alone = open_models([red_model]).score(images)
    assert open_models([red_model, half]).score(images) == pytest.approx(0.75 * alone, abs=1e-6)
    assert open_models([half, red_model], how=Ensemble.MAX).score(images) == pytest.approx(alone, abs=1e-6)


def test_the_answer_does_not_depend_on_what_else_is_scored(red_model: Path) -> None:
    models = open_models([red_model])
    together = models.score(pictures(0.3, 0.6, 0.9))
    assert [float(models.score(pictures(red))[0]) for red in (0.3, 0.6, 0.9)] == together.tolist()


def rewrite(path: Path, change: Callable[[ModelManifest], ModelManifest]) -> Path:
    save_manifest(change(read_manifest(path)), path)
    return path


def test_a_model_for_something_else_is_refused(tmp_path: Path, make_red_model: Callable[..., Path]) -> None:
    path = make_red_model(tmp_path / "m.onnx", task="photo-blur")
    with pytest.raises(ModelError, match="model for 'photo-blur', not for 'highlight'"):
        open_models([path])


def test_classes_in_another_order_are_refused(tmp_path: Path, make_red_model: Callable[..., Path]) -> None:
    path = make_red_model(tmp_path / "m.onnx", classes=("highlight", "normal"))
    with pytest.raises(ModelError, match="expected normal, highlight in this order"):
        open_models([path])


def test_another_preparation_of_the_pictures_is_refused(tmp_path: Path, make_red_model: Callable[..., Path]) -> None:
    path = rewrite(
        make_red_model(tmp_path / "m.onnx"),
        lambda manifest: dataclasses.replace(
            manifest, input=dataclasses.replace(manifest.input, preprocessing={"resize": "centre crop"})
        ),
    )
    with pytest.raises(ModelError, match="prepared in another way"):
        open_models([path])


def test_a_changed_model_is_refused(tmp_path: Path, make_red_model: Callable[..., Path]) -> None:
    path = make_red_model(tmp_path / "m.onnx")
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(ModelError, match="SHA-256 differs"):
        open_models([path])


def test_a_model_without_manifest_is_refused(tmp_path: Path, make_red_model: Callable[..., Path]) -> None:
    path = make_red_model(tmp_path / "m.onnx")
    path.with_suffix(".json").unlink()
    with pytest.raises(ModelError, match="has no manifest"):
        open_models([path])


def test_models_of_different_sizes_do_not_work_together(
    red_model: Path, tmp_path: Path, make_red_model: Callable[..., Path]
) -> None:
    small = make_red_model(tmp_path / "m.onnx", side_px=64)
    with pytest.raises(ModelError, match=r"64 px, model\.onnx of 224 px"):
        open_models([red_model, small])


def test_logits_passed_off_as_probabilities_are_refused(red_model: Path, tmp_path: Path) -> None:
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
            helper.make_node("GlobalAveragePool", ["floats"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["flat"]),
            helper.make_node("Slice", ["flat", "from", "to", "axis"], ["probabilities"]),
        ],
        "logits",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", 224, 224, 3])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 2])],
        [
            onnx.numpy_helper.from_array(np.array([value], np.int64), name)
            for name, value in (("from", 0), ("to", 2), ("axis", 1))
        ],
    )
    path = tmp_path / "m.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    save_manifest(read_manifest(red_model), path)
    with pytest.raises(ModelError, match="no probabilities"):
        open_models([path]).score(pictures(0.5))


def test_only_devices_that_onnx_runtime_knows_are_taken() -> None:
    assert devices_of("cpu") == ("cpu",)
    assert devices_of("cuda:3") == ("cuda:3",)
    with pytest.raises(InputError, match="does not run on mps"):
        devices_of("mps")
