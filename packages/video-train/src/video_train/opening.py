"""A trained model on the device that was chosen."""

from __future__ import annotations

import re
from pathlib import Path

from footage.errors import InputError, ModelError
from video_train.model import MODEL_FILE, ClipModel, open_model


def open_on(path: Path, device: str) -> tuple[ClipModel, str]:
    """Open a model where it is to compute.

    Args:
        path: a training's folder, its ``model.onnx`` or its ``best_student.pt``.
        device: ``auto`` takes a GPU that the model's runtime can use, else the CPU.

    Returns:
        The model, and what runs it, in words.

    Raises:
        InputError: ONNX Runtime computes nothing on such a device.
        MissingDependency: the device is not there.
        ModelError: the model cannot be used.
    """
    file = path / MODEL_FILE if path.is_dir() else path
    if file.suffix == ".pt":
        from footage.training.devices import resolve_device

        found = resolve_device(device)
        return open_model(file, device=found.name), f"torch on {found.reason}"
    if file.suffix != ".onnx":
        raise ModelError("is no model", where=path, remedy="give the folder of a training, its model.onnx or its .pt")
    place = _onnx_device(device)
    return open_model(file, device=place), f"ONNX Runtime on {'the CPU' if place == 'cpu' else place}"


def _onnx_device(device: str) -> str:
    import onnxruntime

    if device == "auto":
        return "cuda" if "CUDAExecutionProvider" in onnxruntime.get_available_providers() else "cpu"
    if re.fullmatch(r"cpu|cuda(:\d+)?", device) is None:
        raise InputError(
            f"ONNX Runtime does not compute on {device}", remedy="choose cpu or cuda, or give the weights' .pt file"
        )
    return device
