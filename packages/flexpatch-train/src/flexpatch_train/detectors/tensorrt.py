"""A YOLO detector through a TensorRT engine."""

from __future__ import annotations

from pathlib import Path

from flexpatch_train.detectors.yolo_file import YoloFile
from footage.errors import ModelError
from footage.persistence.tensorrt import TensorRTEngine
from footage.persistence.tensorrt_build import cached_engine


class TensorRTDetector(YoloFile):
    """An engine built from one of the networks that :class:`OnnxDetector` reads.

    Args:
        path: the ``.engine`` file, plain or as ultralytics writes it; or the ``.onnx`` file, of which an engine is then
            built for this machine and kept beside it, which takes minutes the first time.
        confidence: detections that score less are dropped, in [0, 1].
        nms_iou: overlap above which the lesser of two boxes of a class is dropped, in [0, 1].
        classes: names of the classes to keep; None for all.
        device: ``auto`` (the first GPU), ``cuda`` or ``cuda:N``.

    Raises:
        ModelError: the file is missing, no engine for this machine, no detector, or cannot run on the CPU as asked.
        MissingDependency: tensorrt, torch or a CUDA device is missing.
    """

    name = "tensorrt"

    def __init__(
        self,
        path: Path,
        *,
        confidence: float = 0.25,
        nms_iou: float = 0.45,
        classes: tuple[str, ...] | None = None,
        device: str = "auto",
    ) -> None:
        if device != "auto" and not device.startswith("cuda"):
            raise ModelError(f"an engine cannot run on {device}", where=path, remedy="give the ONNX file it came from")
        cuda = "cuda" if device == "auto" else device
        if path.suffix.lower() == ".onnx":
            path = cached_engine(path, device=cuda)
        self._engine = TensorRTEngine(path, device=cuda)
        super().__init__(self._engine, path, confidence=confidence, nms_iou=nms_iou, classes=classes)

    def describe(self) -> dict[str, str | int | float | bool]:
        """File, hash, device and what :meth:`YoloNetwork.describe` says."""
        return self.described(device=self._engine.device)
