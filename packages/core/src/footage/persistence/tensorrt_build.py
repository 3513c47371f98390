"""TensorRT engines built from ONNX files, kept for the next time.

An engine fits one GPU model, one TensorRT version and one ONNX file: these three name the file it is kept in, so that
another of them builds another. Networks are strongly typed: an engine computes in the types that the ONNX file states,
and half precision is had by exporting a half-precision ONNX file, not by a flag here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from footage.dataset.manifest import content_sha256
from footage.errors import ModelError
from footage.persistence.onnx import OnnxTensor, open_session
from footage.persistence.tensorrt import message_log, require, require_gpu
from footage.runs.files import atomic_write_bytes

WORKSPACE_BYTES = 2 * 2**30
"""Scratch memory that layers may use while engines are tried out."""
SIDES_PX = (32, 640, 1920)
"""Smallest, usual and largest free side of a picture."""
_BATCH = 1


@dataclass(frozen=True, slots=True)
class ShapeRange:
    """The shapes an input may take.

    Attributes:
        smallest: at least this.
        usual: what the engine is made fast for.
        largest: at most this.
    """

    smallest: tuple[int, ...]
    usual: tuple[int, ...]
    largest: tuple[int, ...]


def cached_engine(
    onnx: str | PathLike[str],
    *,
    folder: str | PathLike[str] | None = None,
    shapes: Mapping[str, ShapeRange] | None = None,
    device: str = "cuda",
) -> Path:
    """The engine of an ONNX file for this machine's GPU, built where it is not there yet; that takes minutes.

    The file has the ONNX file's own notes (class names and the like) as a JSON header before the engine, as Ultralytics
    writes it.

    Args:
        onnx: the ``.onnx`` file.
        folder: where engines are kept; None for beside the ONNX file.
        shapes: the ranges of inputs with free sizes; an input that is not named takes one picture with sides of
            ``SIDES_PX``.
        device: ``cuda`` or ``cuda:N``.

    Returns:
        The path of the ``.engine`` file.

    Raises:
        ModelError: the file is no ONNX model, or TensorRT cannot build an engine of it.
        MissingDependency: tensorrt, torch or a CUDA device is missing.
        ValueError: the device's name is not of that form.
    """
    match = re.fullmatch(r"cuda(?::(\d+))?", device)
    if match is None:
        raise ValueError(f"device is {device!r}, expected cuda or cuda:N")
    source = Path(onnx)
    model = open_session(source, threads=1)
    trt = require("tensorrt", "install the extra footage-core[tensorrt]")
    torch = require("torch", "install torch with CUDA")
    index = int(match[1] or 0)
    require_gpu(torch, index)
    torch.cuda.set_device(index)
    ranges = {tensor.name: _range_of(tensor, source, shapes or {}) for tensor in model.inputs if _is_free(tensor)}
    gpu = re.sub(r"\W+", "-", torch.cuda.get_device_name(index)).strip("-").lower()
    name = f"{source.stem}-{gpu}-trt{trt.__version__}-{_key(source, ranges)}.engine"
    path = Path(folder if folder is not None else source.parent) / name
    if not path.is_file():
        header = json.dumps(model.metadata).encode("utf-8")
        engine = _build(trt, source, ranges)
        atomic_write_bytes(path, len(header).to_bytes(4, "little") + header + engine)
    return path


def _key(source: Path, ranges: Mapping[str, ShapeRange]) -> str:
    """Of the file's content, and of the shapes where they were to be chosen."""
    digest = content_sha256(source)[:16]
    if not ranges:
        return digest
    sizes = ("x".join(map(str, one.largest)) for _, one in sorted(ranges.items()))
    return "-".join((digest, *sizes))


def _is_free(tensor: OnnxTensor) -> bool:
    return any(not isinstance(side, int) or side < 1 for side in tensor.shape)


def _range_of(tensor: OnnxTensor, source: Path, shapes: Mapping[str, ShapeRange]) -> ShapeRange:
    if tensor.name in shapes:
        return shapes[tensor.name]
    if len(tensor.shape) != 4:
        raise ModelError(f"takes {tensor.text()}", where=source, remedy="say which shapes the engine is to take")
    smallest, usual, largest = (
        tuple(
            side if isinstance(side, int) and side > 0 else _BATCH if axis == 0 else free
            for axis, side in enumerate(tensor.shape)
        )
        for free in SIDES_PX
    )
    return ShapeRange(smallest, usual, largest)


def _build(trt: Any, source: Path, ranges: Mapping[str, ShapeRange]) -> bytes:
    """The serialised engine."""
    log = message_log(trt)
    builder = trt.Builder(log)
    network = builder.create_network(_flags(trt))
    parser = trt.OnnxParser(network, log)
    if not parser.parse(source.read_bytes()):
        said = " / ".join(str(parser.get_error(number)) for number in range(parser.num_errors))
        raise ModelError(f"TensorRT {trt.__version__} cannot read it ({_plain(said)})", where=source)
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, WORKSPACE_BYTES)
    if ranges:
        profile = builder.create_optimization_profile()
        for name, one in ranges.items():
            profile.set_shape(name, one.smallest, one.usual, one.largest)
        if config.add_optimization_profile(profile) < 0:
            raise ModelError(f"TensorRT does not take these shapes ({_plain(' / '.join(log.messages))})", where=source)
    engine = builder.build_serialized_network(network, config)
    if engine is None:
        said = " / ".join(log.messages) or "TensorRT gave no reason"
        raise ModelError(f"TensorRT {trt.__version__} cannot build an engine of it ({_plain(said)})", where=source)
    return bytes(engine)


def _flags(trt: Any) -> int:
    """TensorRT 11 knows strongly typed networks only; 10 has to be asked."""
    strongly_typed = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    return 0 if strongly_typed is None else 1 << int(strongly_typed)


def _plain(text: str) -> str:
    return " ".join(text.split())[:300]
