"""A network that costs what a small detector costs and finds nothing, for where no real one is at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

INPUT_PX = 640
_CLASSES = 80
_STRIDES = (8, 16, 32)
# (channels out, stride, how often): 4.4 billion multiplications, as many as YOLOv8n has at 640 px.
_STAGES = ((16, 2, 1), (32, 2, 1), (32, 1, 6), (64, 2, 1), (64, 1, 6), (128, 2, 1), (128, 1, 5))


def write_stand_in(path: Path, rng: np.random.Generator) -> Path:
    """Write it: 3x3 convolutions with random weights, and YOLOv8's output with every score 0."""
    nodes: list[NodeProto] = []
    weights: list[TensorProto] = []
    last, channels = "images", 3
    for out, stride, times in _STAGES:
        for _ in range(times):
            name = f"layer{len(weights)}"
            kernel = rng.standard_normal((out, channels, 3, 3)) * np.sqrt(2 / (9 * channels))
            weights.append(numpy_helper.from_array(kernel.astype(np.float32), f"{name}_weight"))
            nodes.append(
                helper.make_node(
                    "Conv",
                    [last, f"{name}_weight"],
                    [name],
                    strides=[stride, stride],
                    pads=[1] * 4,
                    kernel_shape=[3, 3],
                )
            )
            nodes.append(helper.make_node("Relu", [name], [f"{name}_relu"]))
            last, channels = f"{name}_relu", out
    # The answer must depend on the layers, or the runtime would leave them out.
    weights += [
        numpy_helper.from_array(np.zeros((), np.float32), "nought"),
        numpy_helper.from_array(_finds_nothing(), "table"),
    ]
    nodes += [
        helper.make_node("ReduceMean", [last], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "nought"], ["zero"]),
        helper.make_node("Add", ["table", "zero"], ["output0"]),
    ]
    graph = helper.make_graph(
        nodes,
        "stand_in",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, INPUT_PX, INPUT_PX])],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, list(_finds_nothing().shape))],
        weights,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def _finds_nothing() -> NDArray[np.float32]:
    """Float32 ``(1, 84, cells)``: boxes of 8 px in the middle of their cells, every score 0."""
    rows = []
    for stride in _STRIDES:
        side = INPUT_PX // stride
        y, x = np.mgrid[0:side, 0:side].reshape(2, -1)
        centres = (np.stack([x, y], axis=1) + 0.5) * stride
        rows.append(
            np.concatenate([centres, np.full((side * side, 2), 8.0), np.zeros((side * side, _CLASSES))], axis=1)
        )
    return np.concatenate(rows).T[None].astype(np.float32)
