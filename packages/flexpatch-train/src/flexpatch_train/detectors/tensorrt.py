"""A YOLO detector through a TensorRT engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flexpatch_train.detections import Detections
from flexpatch_train.detectors.network import YoloNetwork
from footage.dataset.manifest import content_sha256
from footage.errors import ModelError
from footage.persistence.tensorrt import TensorRTEngine
from footage.persistence.tensorrt_build import cached_engine


class TensorRTDetector:
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
    memory_frames = 0

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
        self._path = path
        if len(self._engine.inputs) != 1:
            inputs = ", ".join(tensor.text() for tensor in self._engine.inputs)
            raise ModelError(f"takes {inputs}", where=path, remedy="expected one picture")
        tensor = self._engine.inputs[0]
        self._network = YoloNetwork(
            self._engine.run,
            input_shape=tensor.shape,
            dtype=tensor.dtype,
            metadata=self._engine.metadata,
            path=path,
            confidence=confidence,
            nms_iou=nms_iou,
            classes=classes,
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
            "device": self._engine.device,
            **self._network.describe(),
        }
