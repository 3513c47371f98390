"""A YOLO network in a file, whatever runs it."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from flexpatch_train.detections import Detections
from flexpatch_train.detectors.network import YoloNetwork
from footage.dataset.manifest import content_sha256
from footage.errors import ModelError
from footage.persistence.onnx import OnnxModel
from footage.persistence.tensorrt import TensorRTEngine


class YoloFile:
    """A detector from an opened file; its kinds say how it is opened.

    Args:
        model: what runs it.
        path: the file.
        confidence: detections that score less are dropped, in [0, 1].
        nms_iou: overlap above which the lesser of two boxes of a class is dropped, in [0, 1].
        classes: names of the classes to keep; None for all.
        native_size: see ``YoloNetwork``.

    Raises:
        ModelError: the file takes more than one picture, or is no detector of a known layout.
    """

    name: ClassVar[str]
    memory_frames: ClassVar[int] = 0

    def __init__(
        self,
        model: OnnxModel | TensorRTEngine,
        path: Path,
        *,
        confidence: float,
        nms_iou: float,
        classes: tuple[str, ...] | None,
        native_size: bool = False,
    ) -> None:
        self._path = path
        if len(model.inputs) != 1:
            inputs = ", ".join(tensor.text() for tensor in model.inputs)
            raise ModelError(f"takes {inputs}", where=path, remedy="expected one picture")
        (tensor,) = model.inputs
        self._network = YoloNetwork(
            model.run,
            input_shape=tensor.shape,
            dtype=tensor.dtype,
            metadata=model.metadata,
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

    def described(self, **about: str) -> dict[str, str | int | float | bool]:
        """File, hash, what is given, and what :meth:`YoloNetwork.describe` says."""
        return {
            "detector": self.name,
            "file": self._path.name,
            "sha256": self._sha256,
            **about,
            **self._network.describe(),
        }
