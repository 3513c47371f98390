"""Tiny ONNX networks that answer every picture with the same outputs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from flexpatch_train.detectors.layouts import cells_of

TYPES = {"float32": TensorProto.FLOAT, "float16": TensorProto.FLOAT16, "uint8": TensorProto.UINT8}


def constant_network(
    path: Path,
    *outputs: NDArray[np.float32],
    shape: Sequence[int | str] = (1, 3, 64, 128),
    dtype: str = "float32",
    **metadata: str,
) -> Path:
    """Write a network with one input that gives ``outputs`` whatever it sees."""
    nodes = [
        helper.make_node("Constant", [], [f"output{i}"], value=numpy_helper.from_array(output))
        for i, output in enumerate(outputs)
    ]
    graph = helper.make_graph(
        nodes,
        "constant",
        [helper.make_tensor_value_info("images", TYPES[dtype], list(shape))],
        [
            helper.make_tensor_value_info(f"output{i}", TensorProto.FLOAT, list(output.shape))
            for i, output in enumerate(outputs)
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    for key, value in metadata.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.save(model, path)
    return path


def at_cells(size: tuple[int, int], columns: int) -> NDArray[np.float32]:
    """Rows ``(A, columns)`` that find nothing: boxes of 8 px in the middle of their cells, every score 0."""
    grid, strides = cells_of(size)
    table = np.zeros((len(grid), columns), np.float32)
    table[:, :2] = (grid + 0.5) * strides
    table[:, 2:4] = 8
    return table
