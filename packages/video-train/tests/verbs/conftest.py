"""Videos that grow lighter or darker, and a model that knows which by the order of frames: all is known by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from footage.persistence.bundle import ModelInput, ModelManifest, save_manifest
from footage.runs.files import atomic_write_json
from footage.training.augmentation import Augmentation
from footage.training.clips import ClipSampling
from footage.video.writer import VideoWriter
from video_train.catalogue.sides import Span
from video_train.model import TASK, described
from video_train.networks.clips import TINY
from video_train.train.command import train
from video_train.train.options import TrainOptions

CLASSES = ("darker", "lighter")
SAMPLING = ClipSampling(frames=4, size_px=16)
RATE = 10


def write_ramp(path: Path, first: float, last: float, *, frames: int = 20, seed: int = 0) -> Path:
    """A video whose brightness goes evenly from ``first`` to ``last``, in [0, 1]; the seed makes it unlike others."""
    path.parent.mkdir(parents=True, exist_ok=True)
    speckle = np.random.default_rng(seed).integers(-12, 13, (48, 64, 1))
    with VideoWriter(path, size=(64, 48), rate=Fraction(RATE)) as writer:
        for share in np.linspace(first, last, frames):
            writer.write(np.clip(255 * share + speckle, 0, 255).astype(np.uint8).repeat(3, axis=2))
    return path


def write_order_model(
    folder: Path,
    *,
    classes: Sequence[str] = CLASSES,
    windows: int = 2,
    split: Mapping[str, Sequence[Span]] | None = None,
    sampling: ClipSampling = SAMPLING,
    gain: float = 20.0,
) -> Path:
    """A model whose logit of the second class is ``gain`` times the last frame's brightness minus the first's."""

    def constant(name: str, value: NDArray[np.generic]) -> onnx.TensorProto:
        return numpy_helper.from_array(value, name)

    nodes = [
        helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats", "axes"], ["means"], keepdims=0),
        helper.make_node("MatMul", ["means", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    weights = np.zeros((sampling.frames, 2), np.float32)
    weights[0, 1], weights[-1, 1] = -gain / 255, gain / 255
    size, frames = sampling.size_px, sampling.frames
    graph = helper.make_graph(
        nodes,
        "order",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", frames, size, size, 3])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 2])],
        [constant("axes", np.array([2, 3, 4], np.int64)), constant("weights", weights)],
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    save_manifest(
        ModelManifest(
            task=TASK,
            classes=tuple(classes),
            input=ModelInput(shape=(None, frames, size, size, 3), preprocessing=described(sampling)),
            output="probabilities",
            training_data_sha256="0" * 64,
            split_sha256="0" * 64,
            metrics={},
            libraries={},
            details={"windows": windows, "architecture": TINY},
        ),
        path,
    )
    if split is not None:
        sides = {side: [asdict(span) for span in split.get(side, ())] for side in ("train", "val", "test")}
        atomic_write_json(folder / "split.json", sides)
    return path


@pytest.fixture(scope="session")
def make_ramp() -> Callable[..., Path]:
    """``make_ramp(path, first, last, frames=20, seed=0)`` writes a video."""
    return write_ramp


@pytest.fixture(scope="session")
def make_order_model() -> Callable[..., Path]:
    """``make_order_model(folder, **settings)`` writes a model, its manifest and its split."""
    return write_order_model


@pytest.fixture(scope="session")
def taught(shades: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a short training of a tiny student, taught by a tiny teacher."""
    from footage.cli.progress import progress

    folder = tmp_path_factory.mktemp("taught") / "video_training"
    options = TrainOptions(
        video_dir=shades,
        output=folder,
        student=TINY,
        student_weights="none",
        teacher=TINY,
        teacher_weights="none",
        sampling=ClipSampling(frames=2, size_px=32),
        windows=2,
        views=2,
        augmentation=Augmentation(flip=True),
        epochs=4,
        batch_size=8,
        learning_rate=3e-3,
        device="cpu",
        jobs=1,
    )
    train(
        options,
        tell=lambda _: None,
        make_progress=lambda total, done: progress(total, "steps", "training", already_done=done),
    )
    return folder
