"""The classifier in eight bits: smaller, and only where every decision stays."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from footage.persistence.onnx import open_session
from footage.training.export import INPUT_NAME


def quantise(source: Path, target: Path, inputs: Sequence[NDArray[np.uint8]]) -> None:
    """Write an ONNX model whose convolutions and matrix products compute in eight bits.

    Ranges of activations are taken from real inputs (static quantisation, one scale a channel).

    Args:
        source: the model in 32-bit floating point.
        target: the file to write.
        inputs: evidence of photos, each of the shape of one input.

    Raises:
        OSError: the folder is not writable or the disk is full.
        ModelError: the quantised model does not open.
    """
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
        def __init__(self) -> None:
            self._left: Iterator[dict[str, Any]] = iter([{INPUT_NAME: array[None]} for array in inputs])

        def get_next(self) -> dict[str, Any] | None:
            return next(self._left, None)

    logging.disable(logging.WARNING)  # it advises a preparation on the root logger, whatever was prepared
    try:
        quantize_static(
            source,
            target,
            Reader(),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            op_types_to_quantize=["Conv"],
        )
    finally:
        logging.disable(logging.NOTSET)
    open_session(target)
