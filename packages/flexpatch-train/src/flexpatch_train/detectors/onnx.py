"""A YOLO detector through ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import onnxruntime as ort

from flexpatch_train.detectors.yolo_file import YoloFile
from footage.persistence.onnx import open_session


class OnnxDetector(YoloFile):
    """A YOLOv8, YOLO11, YOLOv10, YOLO26 or YOLOX ``.onnx`` file.

    Args:
        path: the file.
        confidence: detections that score less are dropped, in [0, 1].
        nms_iou: overlap above which the lesser of two boxes of a class is dropped, in [0, 1].
        classes: names of the classes to keep; None for all.
        device: ``auto`` (CUDA where ONNX Runtime has it, else the CPU), ``cpu``, ``cuda`` or ``cuda:N``.
        threads: CPU threads for one picture; None for as many as this process may use.
        native_size: see ``YoloNetwork``.

    Raises:
        ModelError: the file is missing, no ONNX model, or no detector of a known layout.
        MissingDependency: ONNX Runtime cannot compute on the device.
    """

    name = "onnx"

    def __init__(
        self,
        path: Path,
        *,
        confidence: float = 0.25,
        nms_iou: float = 0.45,
        classes: tuple[str, ...] | None = None,
        device: str = "auto",
        threads: int | None = None,
        native_size: bool = False,
    ) -> None:
        if device == "auto":
            device = "cuda" if "CUDAExecutionProvider" in ort.get_available_providers() else "cpu"
        self._model = open_session(path, device=device, threads=threads)
        self._device = device
        super().__init__(
            self._model,
            path,
            confidence=confidence,
            nms_iou=nms_iou,
            classes=classes,
            native_size=native_size,
        )

    def describe(self) -> dict[str, str | int | float | bool]:
        """File, hash, device and what :meth:`YoloNetwork.describe` says."""
        return self.described(device=self._device, providers=", ".join(self._model.providers))
