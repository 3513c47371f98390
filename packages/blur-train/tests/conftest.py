"""A classifier whose answer is known: it goes by how bright a photo is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from blur_train.classes import CLASSES
from blur_train.classifier import MODEL_NAME, NAMES_FILE, RULE, TASK
from blur_train.decision import DecisionRule, Points, Preset
from blur_train.evidence import WHOLE_PX, WholeEvidence
from footage.persistence.bundle import ModelInput, ModelManifest, save_manifest

BRIGHTNESS = dict(zip(CLASSES, (40, 100, 160, 220), strict=True))
"""The grey that is the purest photo of each class."""
_STEEPNESS = 60.0


def write_brightness_model(folder: Path, *, steepness: float = _STEEPNESS) -> Path:
    """A model in a folder of its own: the nearer a photo's mean is to a class's grey, the more probable the class."""

    def constant(name: str, value: NDArray[np.generic]) -> onnx.TensorProto:
        return numpy_helper.from_array(value, name)

    nodes = [
        helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats", "axes"], ["means"], keepdims=0),
        helper.make_node("Reshape", ["means", "column"], ["mean"]),
        helper.make_node("Sub", ["mean", "greys"], ["away"]),
        helper.make_node("Mul", ["away", "away"], ["squared"]),
        helper.make_node("Div", ["squared", "steepness"], ["cost"]),
        helper.make_node("Neg", ["cost"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "brightness",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", WHOLE_PX, WHOLE_PX, 3])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", len(CLASSES)])],
        [
            constant("axes", np.array([1, 2, 3], np.int64)),
            constant("column", np.array([-1, 1], np.int64)),
            constant("greys", np.array([list(BRIGHTNESS.values())], np.float32)),
            constant("steepness", np.array(steepness, np.float32)),
        ],
    )
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / MODEL_NAME
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), file)
    rule = DecisionRule(
        temperature=1.0,
        false_positives=0.005,
        points={preset: Points((0.5, 0.5, 0.5)) for preset in Preset},
        chosen_on_sharp=1000,
        chosen_on_blurred=1000,
    )
    save_manifest(
        ModelManifest(
            task=TASK,
            classes=CLASSES,
            input=ModelInput(shape=(None, *WholeEvidence().shape), preprocessing=WholeEvidence().described()),
            output="probabilities",
            training_data_sha256="0" * 64,
            split_sha256="0" * 64,
            metrics={},
            libraries={},
            details={RULE: rule.document()},
        ),
        file,
    )
    (folder / NAMES_FILE).write_text(json.dumps(CLASSES))
    return folder


@pytest.fixture(scope="session")
def brightness_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the model that goes by brightness."""
    return write_brightness_model(tmp_path_factory.mktemp("models") / "blur_classifier")


@pytest.fixture(scope="session")
def make_brightness_model() -> Callable[..., Path]:
    """``make_brightness_model(folder, steepness=…)`` writes such a model."""
    return write_brightness_model


@pytest.fixture(scope="session")
def brightness() -> dict[str, int]:
    """The grey that is the purest photo of each class."""
    return BRIGHTNESS
