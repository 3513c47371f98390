"""A YOLO detector through ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from flexpatch_train.detections import Detections
from flexpatch_train.detectors.network import YoloNetwork
from footage.dataset.manifest import content_sha256
from footage.errors import ModelError
from footage.persistence.onnx import open_session


class OnnxDetector:
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
    memory_frames = 0

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
        self._path = path
        self._device = device
        if len(self._model.inputs) != 1:
            inputs = ", ".join(tensor.text() for tensor in self._model.inputs)
            raise ModelError(f"takes {inputs}", where=path, remedy="expected one picture")
        tensor = self._model.inputs[0]
        self._network = YoloNetwork(
            self._model.run,
            input_shape=tensor.shape,
            dtype=tensor.dtype,
            metadata=self._model.metadata,
            path=path,
            confidence=confidence,
            nms_iou=nms_iou,
            classes=classes,
            native_size=native_size,
        )
        self.class_names = self._network.class_names
        self._sha256 = content_sha256(path)

    def detect(self, image: NDArray[np.uint8], *, frame_index: int) -> Detections:  # noqa: ARG002 - sees one frame
        """The objects in an RGB picture ``(H, W, 3)``, by falling score."""
        return self._network.detect(image)

    def describe(self) -> dict[str, str | int | float | bool]:
        """File, hash, device and what :meth:`YoloNetwork.describe` says."""
        return {
            "detector": self.name,
            "file": self._path.name,
            "sha256": self._sha256,
            "device": self._device,
            "providers": ", ".join(self._model.providers),
            **self._network.describe(),
        }
