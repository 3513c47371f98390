"""ONNX models through ONNX Runtime: checked before they are opened, and run on the device asked for or not at all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_state

from footage.errors import MissingDependency, ModelError
from footage.persistence._onnx_file import external_locations
from footage.runs.environment import usable_cpu_count

# Nothing is told to anybody: builds of onnxruntime that collect usage data do so unless this is called.
ort.disable_telemetry_events()

_ORT_ERRORS: tuple[type[Exception], ...] = (
    ort_state.EPFail,
    ort_state.EngineError,
    ort_state.Fail,
    ort_state.InvalidArgument,
    ort_state.InvalidGraph,
    ort_state.InvalidProtobuf,
    ort_state.NoSuchFile,
    ort_state.NotImplemented,
    ort_state.RuntimeException,
)

_DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(bool)": "bool",
    "tensor(string)": "object",
    **{f"tensor({sign}int{bits})": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}

# Errors arrive as exceptions, which carry the same text; anything below fatal would be printed a second time.
_FATAL_ONLY = 4


@dataclass(frozen=True, slots=True)
class OnnxTensor:
    """An input or output of a model.

    Attributes:
        name: as in the graph.
        shape: sizes; a name or None where the size is free.
        dtype: NumPy name, such as ``float32``; ``object`` for text.
    """

    name: str
    shape: tuple[int | str | None, ...]
    dtype: str

    def text(self) -> str:
        """One line, such as ``images float32 (1, 3, 640, 640)``."""
        return f"{self.name} {self.dtype} ({', '.join('?' if side is None else str(side) for side in self.shape)})"


class OnnxModel:
    """An opened model; make one with :func:`open_session`.

    Attributes:
        path: the file it came from.
        inputs: what it takes, in order.
        outputs: what it gives, in order.
        providers: ONNX Runtime's providers that are active, first the one that was asked for.
        metadata: the exporter's own notes.
    """

    def __init__(self, session: ort.InferenceSession, path: Path) -> None:
        self._session = session
        self._options = ort.RunOptions()
        self._options.log_severity_level = _FATAL_ONLY
        self.path = path
        self.inputs = tuple(_tensor(node, path) for node in session.get_inputs())
        self.outputs = tuple(_tensor(node, path) for node in session.get_outputs())
        self.providers: tuple[str, ...] = tuple(session.get_providers())
        self.metadata: dict[str, str] = dict(session.get_modelmeta().custom_metadata_map)

    def run(self, *arrays: NDArray[Any]) -> list[NDArray[Any]]:
        """Run the model once.

        Args:
            arrays: one for each input, in order, of the input's type and shape.

        Returns:
            One array for each output, in order.

        Raises:
            ModelError: the arrays do not fit the inputs, or the runtime failed on them.
        """
        if len(arrays) != len(self.inputs):
            raise ModelError(f"takes {len(self.inputs)} inputs, got {len(arrays)}", where=self.path)
        for tensor, array in zip(self.inputs, arrays, strict=True):
            _check_fits(tensor, array, self.path)
        feed = {tensor.name: array for tensor, array in zip(self.inputs, arrays, strict=True)}
        try:
            outputs = self._session.run(None, feed, self._options)
        except _ORT_ERRORS as error:
            raise ModelError(f"failed to run ({_plain(error)})", where=self.path) from error
        return [np.asarray(output) for output in outputs]


def open_session(path: str | PathLike[str], *, device: str = "cpu", threads: int | None = None) -> OnnxModel:
    """Open an ONNX model, on the device asked for or not at all.

    Args:
        path: the ``.onnx`` file. Weights kept in other files must lie in its folder or below.
        device: ``cpu``, ``cuda`` or ``cuda:N``.
        threads: for one run; None takes as many as this process may use. Results do not depend on timing, but may
            differ in the last digits between thread counts.

    Raises:
        ModelError: the file is missing, empty, not an ONNX model, or refers to a file outside its folder.
        MissingDependency: ONNX Runtime here cannot compute on the device.
        ValueError: ``threads`` is below 1 or the device's name is unknown.
    """
    file = Path(path)
    provider, settings = _provider(device)
    data = _read(file)
    try:
        locations = external_locations(data)
    except ModelError as error:
        raise ModelError(error.what, where=file, remedy=error.remedy) from error
    for location in locations:
        _check_inside(location, file)
    options = _options(threads)
    if locations:
        folder = str(file.resolve().parent)
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", folder)
    try:
        # The bytes that were checked are the bytes that are opened.
        session = ort.InferenceSession(data, options, providers=[(provider, settings)])
    except _ORT_ERRORS as error:
        raise ModelError(f"cannot be opened by ONNX Runtime ({_plain(error)})", where=file) from error
    if session.get_providers()[0] != provider:
        raise MissingDependency(
            f"ONNX Runtime could not start {provider} and would compute on {session.get_providers()[0]}",
            where=file,
            remedy="install the CUDA and cuDNN versions that onnxruntime-gpu names, or compute on the CPU",
        )
    return OnnxModel(session, file)


def _read(file: Path) -> bytes:
    try:
        data = file.read_bytes()
    except FileNotFoundError as error:
        raise ModelError("there is no such file", where=file) from error
    except OSError as error:
        raise ModelError(f"cannot be read ({error.strerror})", where=file) from error
    if not data:
        raise ModelError("is empty", where=file, remedy="copy or export the file again")
    return data


def _provider(device: str) -> tuple[str, dict[str, str]]:
    match = re.fullmatch(r"cpu|cuda(?::(\d+))?", device)
    if match is None:
        raise ValueError(f"device is {device!r}, expected cpu, cuda or cuda:N")
    if device == "cpu":
        return "CPUExecutionProvider", {}
    if "CUDAExecutionProvider" not in ort.get_available_providers():
        raise MissingDependency(
            f"ONNX Runtime {ort.__version__} here has no CUDA provider, so it cannot compute on {device}",
            remedy="install onnxruntime-gpu in place of onnxruntime, or compute on the CPU",
        )
    return "CUDAExecutionProvider", {"device_id": match[1] or "0"}


def _options(threads: int | None) -> ort.SessionOptions:
    if threads is not None and threads < 1:
        raise ValueError(f"threads is {threads}, expected at least 1")
    options = ort.SessionOptions()
    options.log_severity_level = _FATAL_ONLY
    options.intra_op_num_threads = usable_cpu_count() if threads is None else threads
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    return options


def _check_inside(location: str, file: Path) -> None:
    """Refuse weights in a file that is absolute, outside the model's folder (also by a link), or not a file."""
    folder = file.resolve().parent
    # ONNX Runtime takes names that start with "*/" for addresses in memory.
    named = location and not location.startswith("*") and "\0" not in location
    target = (folder / location.replace("\\", "/")).resolve() if named else None
    if target is None or not target.is_relative_to(folder) or re.match(r"[A-Za-z]:|[/\\]", location):
        raise ModelError(
            f"keeps weights in {location!r}, which is not in its folder",
            where=file,
            remedy="use a model whose weights are in the file itself or beside it",
        )
    if not target.is_file():
        raise ModelError(
            f"keeps weights in {location!r}, which is missing",
            where=file,
            remedy="copy that file into the model's folder",
        )


def _tensor(node: Any, path: Path) -> OnnxTensor:
    dtype = _DTYPES.get(node.type)
    if dtype is None:
        raise ModelError(
            f"has an input or output {node.name!r} of type {node.type}, expected a tensor",
            where=path,
            remedy="export it so that every output is an array (for scikit-learn models: without ZipMap)",
        )
    return OnnxTensor(node.name, tuple(node.shape), dtype)


def _check_fits(tensor: OnnxTensor, array: NDArray[Any], path: Path) -> None:
    fits = array.ndim == len(tensor.shape) and all(
        not isinstance(side, int) or side == size for side, size in zip(tensor.shape, array.shape, strict=True)
    )
    if not fits or (array.dtype != np.dtype(tensor.dtype) and tensor.dtype != "object"):
        raise ModelError(f"takes {tensor.text()}, got {array.dtype} {array.shape}", where=path)


def _plain(error: Exception) -> str:
    """ONNX Runtime's message without its own error code and without line breaks."""
    text = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", str(error))
    return " ".join(text.split())[:300]
