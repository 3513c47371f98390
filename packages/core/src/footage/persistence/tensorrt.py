"""TensorRT engines, with torch holding the device memory they read and write.

An engine is code for one kind of GPU and one TensorRT version: load only engines that were built on this machine, and
keep the ONNX file they came from. Written for the named-tensor interface that TensorRT 10 and 11 share.
"""

from __future__ import annotations

import importlib
import json
import re
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from footage.errors import MissingDependency, ModelError

MAX_HEADER_BYTES = 1 << 20
"""Ultralytics writes a few kilobytes (class names, image size); anything near this is no such header."""

_LENGTH_BYTES = 4

# TensorRT's name of a type -> torch's, which is also NumPy's except for bfloat16.
_DTYPES = {
    "FLOAT": "float32",
    "HALF": "float16",
    "BF16": "bfloat16",
    "INT8": "int8",
    "INT32": "int32",
    "INT64": "int64",
    "UINT8": "uint8",
    "BOOL": "bool",
}


@dataclass(frozen=True, slots=True)
class EngineFile:
    """The parts of an engine file.

    Attributes:
        metadata: Ultralytics' JSON header; empty for a plain engine.
        engine: the serialized engine.
    """

    metadata: dict[str, Any]
    engine: memoryview


@dataclass(frozen=True, slots=True)
class EngineTensor:
    """An input or output of an engine.

    Attributes:
        name: as in the engine.
        shape: sizes; None where the size is free.
        dtype: torch's name, such as ``float16``: what the engine really takes, which need not be what was asked for
            when it was built.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str

    def text(self) -> str:
        """One line, such as ``images float16 (?, 3, 640, 640)``."""
        return f"{self.name} {self.dtype} ({', '.join('?' if side is None else str(side) for side in self.shape)})"


def split_engine(data: bytes) -> EngineFile:
    """Tell a plain engine from one with Ultralytics' header (4-byte little-endian length, then JSON).

    Raises:
        ModelError: the file is empty, or has a header whose length or content is impossible, or has no engine.
    """
    if len(data) <= _LENGTH_BYTES:
        raise ModelError("is empty or cut short", remedy="build the engine again")
    view = memoryview(data)
    # A plain engine starts with TensorRT's own tag; only JSON has a brace there.
    if view[_LENGTH_BYTES] != ord("{"):
        return EngineFile({}, view)
    length = int.from_bytes(view[:_LENGTH_BYTES], "little")
    if length > min(MAX_HEADER_BYTES, len(data) - _LENGTH_BYTES):
        raise ModelError(
            f"has a header that claims {length} bytes, where {len(data) - _LENGTH_BYTES} follow "
            f"and at most {MAX_HEADER_BYTES} are believed",
            remedy="build the engine again",
        )
    end = _LENGTH_BYTES + length
    try:
        metadata = json.loads(bytes(view[_LENGTH_BYTES:end]).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ModelError(f"has a header that is not JSON ({error})", remedy="build the engine again") from error
    if not isinstance(metadata, dict):
        raise ModelError("has a header that is not a JSON object", remedy="build the engine again")
    if end == len(data):
        raise ModelError("has a header and no engine after it", remedy="build the engine again")
    return EngineFile(metadata, view[end:])


class TensorRTEngine:
    """An engine ready to run on one GPU.

    Attributes:
        path: the file it came from.
        metadata: Ultralytics' header; empty for a plain engine.
        inputs: what it takes, in order.
        outputs: what it gives, in order.
        device: torch's name of the GPU, such as ``cuda:0``.
    """

    def __init__(self, path: str | PathLike[str], *, device: str = "cuda") -> None:
        """Load an engine.

        Args:
            path: the ``.engine`` file, plain or with Ultralytics' header.
            device: ``cuda`` or ``cuda:N``.

        Raises:
            ModelError: the file is missing, is no engine, or was built for another GPU or TensorRT version.
            MissingDependency: tensorrt, torch or a CUDA device is missing.
            ValueError: the device's name is not of that form.
        """
        match = re.fullmatch(r"cuda(?::(\d+))?", device)
        if match is None:
            raise ValueError(f"device is {device!r}, expected cuda or cuda:N")
        self.path = Path(path)
        try:
            parts = split_engine(self.path.read_bytes())
        except OSError as error:
            raise ModelError(f"cannot be read ({error.strerror})", where=path) from error
        except ModelError as error:
            raise ModelError(error.what, where=path, remedy=error.remedy) from error
        self.metadata = parts.metadata
        trt = require("tensorrt", "install the extra footage-core[tensorrt]")
        self._torch = require("torch", "install torch with CUDA")
        self.device = f"cuda:{match[1] or 0}"
        require_gpu(self._torch, int(match[1] or 0))
        self._torch.cuda.set_device(self.device)
        self._log = message_log(trt)
        self._runtime = trt.Runtime(self._log)
        self._engine = self._runtime.deserialize_cuda_engine(bytes(parts.engine))
        if self._engine is None:
            raise ModelError(
                f"cannot be loaded by TensorRT {trt.__version__} ({self._said()})",
                where=path,
                remedy="build the engine again on this machine from its ONNX file",
            )
        self._context = self._engine.create_execution_context()
        if self._context is None:
            raise ModelError(f"has no room on {self.device} ({self._said()})", where=path)
        names = [self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)]
        is_input = {name: self._engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT for name in names}
        self.inputs = tuple(self._tensor(name) for name in names if is_input[name])
        self.outputs = tuple(self._tensor(name) for name in names if not is_input[name])
        self._stream = self._torch.cuda.Stream(device=self.device)

    def run(self, *batches: NDArray[Any]) -> list[NDArray[Any]]:
        """Run the engine once and wait for it.

        Args:
            batches: one array for each input, in order; converted to the input's type on the GPU.

        Returns:
            One array for each output, in order; bfloat16 comes back as float32.

        Raises:
            ModelError: an array does not fit the engine, or the run failed.
        """
        if len(batches) != len(self.inputs):
            raise ModelError(f"takes {len(self.inputs)} inputs, got {len(batches)}", where=self.path)
        torch = self._torch
        with torch.cuda.device(self.device), torch.cuda.stream(self._stream):
            # Both lists keep their tensors' memory alive until the stream is done.
            taken = [self._put(tensor, batch) for tensor, batch in zip(self.inputs, batches, strict=True)]
            given = [self._make_room(tensor) for tensor in self.outputs]
            if not self._context.execute_async_v3(self._stream.cuda_stream):
                raise ModelError(f"failed to run on {self.device} ({self._said()})", where=self.path)
            self._stream.synchronize()
            del taken
            return [(t.float() if t.dtype == torch.bfloat16 else t).cpu().numpy() for t in given]

    def _put(self, tensor: EngineTensor, batch: NDArray[Any]) -> Any:
        dtype = getattr(self._torch, tensor.dtype)
        value = self._torch.from_numpy(np.ascontiguousarray(batch)).to(self.device, dtype).contiguous()
        if not self._context.set_input_shape(tensor.name, tuple(batch.shape)):
            smallest, _, largest = self._engine.get_tensor_profile_shape(tensor.name, 0)
            raise ModelError(
                f"takes {tensor.text()}, from {tuple(smallest)} to {tuple(largest)}, got {batch.shape}", where=self.path
            )
        self._bind(tensor, value)
        return value

    def _make_room(self, tensor: EngineTensor) -> Any:
        shape = tuple(self._context.get_tensor_shape(tensor.name))
        if any(side < 0 for side in shape):
            raise ModelError(
                f"has an output {tensor.name!r} whose size depends on the data",
                where=self.path,
                remedy="export without non-maximum suppression inside, or with a fixed number of detections",
            )
        value = self._torch.empty(shape, dtype=getattr(self._torch, tensor.dtype), device=self.device)
        self._bind(tensor, value)
        return value

    def _bind(self, tensor: EngineTensor, value: Any) -> None:
        if not self._context.set_tensor_address(tensor.name, value.data_ptr()):
            raise ModelError(f"does not take memory for {tensor.name!r} ({self._said()})", where=self.path)

    def _tensor(self, name: str) -> EngineTensor:
        kind = self._engine.get_tensor_dtype(name).name
        if kind not in _DTYPES or self._engine.is_shape_inference_io(name):
            raise ModelError(
                f"has an input or output {name!r} of a kind that is not supported ({kind})", where=self.path
            )
        shape = tuple(None if side < 0 else int(side) for side in self._engine.get_tensor_shape(name))
        return EngineTensor(name, shape, _DTYPES[kind])

    def _said(self) -> str:
        """What TensorRT said since the last time, on one line."""
        text = " / ".join(self._log.messages) or "TensorRT gave no reason"
        self._log.messages.clear()
        return " ".join(text.split())[:300]


def require(module: str, remedy: str) -> Any:
    """Import a module.

    Raises:
        MissingDependency: it cannot be imported.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingDependency(f"{module} cannot be imported ({error})", remedy=remedy) from error


def require_gpu(torch: Any, index: int) -> None:
    """Make sure that torch finds a CUDA device of this number.

    Raises:
        MissingDependency: it finds none.
    """
    if not torch.cuda.is_available():
        raise MissingDependency(
            f"torch {torch.__version__} finds no CUDA device, which TensorRT engines need",
            remedy="install a torch built for CUDA and the NVIDIA driver, or use the ONNX file on the CPU",
        )
    if index >= torch.cuda.device_count():
        raise MissingDependency(f"there is no CUDA device {index}: torch finds {torch.cuda.device_count()}")


def message_log(trt: Any) -> Any:
    """A logger that keeps errors for our own message instead of printing them."""

    class MessageLog(trt.ILogger):  # type: ignore[misc]  # the base class exists only where tensorrt is installed
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.messages: list[str] = []

        def log(self, severity: Any, msg: str) -> None:
            if severity in {trt.ILogger.Severity.INTERNAL_ERROR, trt.ILogger.Severity.ERROR}:
                self.messages.append(msg)

    return MessageLog()
