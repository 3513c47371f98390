"""Clips whose redness over time is known, and models whose score is the redness they see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from footage.persistence.bundle import ModelInput, ModelManifest, save_manifest
from highlight_train.preprocess import described

RATE = 10


def write_red_model(
    path: Path,
    *,
    gain: float = 1.0,
    task: str = "highlight",
    classes: tuple[str, ...] = ("normal", "highlight"),
    side_px: int = 224,
) -> Path:
    """A model whose probability of "highlight" is ``gain`` times the mean of the red channel, in [0, 1]."""

    def constant(name: str, value: NDArray[np.generic]) -> onnx.TensorProto:
        return numpy_helper.from_array(value, name)

    nodes = [
        helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats", "axes"], ["means"], keepdims=0),
        helper.make_node("Gather", ["means", "channel"], ["red"], axis=1),
        helper.make_node("Mul", ["red", "scale"], ["share"]),
        helper.make_node("Clip", ["share", "zero", "one"], ["highlight"]),
        helper.make_node("Sub", ["one", "highlight"], ["normal"]),
        helper.make_node("Concat", ["normal", "highlight"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "redness",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", side_px, side_px, 3])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 2])],
        [
            constant("axes", np.array([1, 2], np.int64)),
            constant("channel", np.array([0], np.int64)),
            constant("scale", np.array(gain / 255, np.float32)),
            constant("zero", np.array(0, np.float32)),
            constant("one", np.array(1, np.float32)),
        ],
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    save_manifest(
        ModelManifest(
            task=task,
            classes=classes,
            input=ModelInput(shape=(None, side_px, side_px, 3), preprocessing=described(side_px)),
            output="probabilities",
            training_data_sha256="0" * 64,
            split_sha256="0" * 64,
            metrics={},
            libraries={},
        ),
        path,
    )
    return path


def write_red_clip(
    path: Path,
    redness: Sequence[float],
    *,
    gop: int = RATE,
    size: tuple[int, int] = (64, 48),
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    ticks: Sequence[int] | None = None,
    rotation: int | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """A clip of ten frames a second, one frame for each redness in [0, 1]; ``ticks`` are other times, in hundredths."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options=options or {}) as container:
        steady = {"sc_threshold": "0", "preset": "ultrafast"} if codec == "libx264" else {}
        stream = container.add_stream(codec, rate=RATE, options=steady)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = pixel_format
        stream.codec_context.gop_size = gop
        stream.codec_context.time_base = Fraction(1, 100)
        if rotation is not None:
            stream.set_display_rotation(rotation)
        for number, red in enumerate(redness):
            picture = np.zeros((size[1], size[0], 3), np.uint8)
            picture[..., 0] = round(255 * red)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number * 100 // RATE if ticks is None else ticks[number]
            frame.time_base = Fraction(1, 100)
            container.mux(stream.encode(frame.reformat(format=pixel_format)))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="session")
def red_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model that scores redness."""
    return write_red_model(tmp_path_factory.mktemp("model") / "model.onnx")


@pytest.fixture(scope="session")
def make_red_model() -> Callable[..., Path]:
    """``make_red_model(path, **settings)`` writes a model and its manifest."""
    return write_red_model


@pytest.fixture(scope="session")
def make_red_clip() -> Callable[..., Path]:
    """``make_red_clip(path, redness, **settings)`` writes a clip."""
    return write_red_clip
