"""Detectors in ultralytics' own format, ``.pt``; the only module here that imports ultralytics (AGPL-3.0)."""

from __future__ import annotations

import atexit
import importlib
import os
import pickle
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from flexpatch_train.detections import Detections
from flexpatch_train.detectors.names import wanted_ids
from footage.dataset.manifest import content_sha256
from footage.errors import MissingDependency, ModelError, UntrustedModel
from footage.metrics.boxes import clip_boxes

# Read by ultralytics when it is imported: no network, no installs, weights only from the allow-list of classes.
_ENVIRONMENT = {
    "YOLO_OFFLINE": "1",
    "YOLO_AUTOINSTALL": "0",
    "YOLO_VERBOSE": "0",
    "ULTRALYTICS_SKIP_REQUIREMENTS_CHECKS": "1",
    "ULTRALYTICS_SAFE_LOAD": "1",
}
_REPORTING = ("sync", "clearml", "comet", "dvc", "mlflow", "raytune", "tensorboard", "wandb")
_LOAD_ERRORS = (
    AttributeError,
    EOFError,
    ImportError,
    KeyError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
)


class UltralyticsDetector:
    """A ``.pt`` file of a YOLO detector, run by ultralytics.

    Nothing is downloaded, installed or sent, and the file is read by torch's weights-only loader.

    Args:
        path: the file.
        confidence: detections that score less are dropped, in [0, 1].
        nms_iou: overlap above which the lesser of two boxes of a class is dropped, in [0, 1].
        classes: names of the classes to keep; None for all.
        device: ``auto`` (the first GPU, else the CPU), or a device of torch.

    Raises:
        MissingDependency: ultralytics is not installed, or torch lacks the device.
        ModelError: the file is missing, no checkpoint, or no detector.
        UntrustedModel: the file asks for classes outside the allow-list; nothing in it was executed.
    """

    name = "ultralytics"
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
        if not path.is_file():
            raise ModelError("there is no such file", where=path)
        ultralytics = import_ultralytics()
        self._path = path
        self._sha256 = content_sha256(path)
        self._device = _device(device)
        self._model = _load(ultralytics, path)
        if self._model.task != "detect":
            raise ModelError(
                f"a model for the task {self._model.task!r}", where=path, remedy="give one that detects boxes"
            )
        self._version = str(ultralytics.__version__)
        names = self._model.names
        self.class_names = tuple(str(names[i]) for i in range(len(names)))
        self._wanted = wanted_ids(classes, self.class_names, where=str(path))
        self._confidence = confidence
        self._nms_iou = nms_iou

    def detect(self, image: NDArray[np.uint8], *, frame_index: int) -> Detections:  # noqa: ARG002 - sees one frame
        """The objects in an RGB picture ``(H, W, 3)``, by falling score."""
        result = self._model.predict(
            np.ascontiguousarray(image[:, :, ::-1]),  # ultralytics takes arrays as BGR
            conf=self._confidence,
            iou=self._nms_iou,
            classes=None if self._wanted is None else list(self._wanted),
            device=self._device,
            verbose=False,
            save=False,
        )[0]
        table = result.boxes.data.cpu().numpy().astype(np.float32)
        boxes = clip_boxes(table[:, :4], (image.shape[1], image.shape[0])).astype(np.float32)
        inside = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        return Detections(boxes, table[:, 4].clip(0, 1), table[:, 5].astype(np.int64)).select(inside)

    def describe(self) -> dict[str, str | int | float | bool]:
        """File, hash, device, version and thresholds."""
        return {
            "detector": self.name,
            "file": self._path.name,
            "sha256": self._sha256,
            "device": self._device,
            "ultralytics": self._version,
            "class_count": len(self.class_names),
            "classes": "all" if self._wanted is None else ", ".join(self.class_names[i] for i in self._wanted),
            "confidence": self._confidence,
            "nms_iou": self._nms_iou,
        }


def import_ultralytics() -> Any:
    """Import ultralytics with its network, installs, reports and settings file shut off.

    Its settings go to a folder that lives as long as the process.

    Raises:
        MissingDependency: it is not installed.
        UntrustedModel: the program had imported it before with its unsafe loader.
    """
    os.environ.update(_ENVIRONMENT)
    if "ultralytics" not in sys.modules:
        folder = tempfile.TemporaryDirectory(prefix="ultralytics-settings-")
        atexit.register(folder.cleanup)
        os.environ["YOLO_CONFIG_DIR"] = folder.name
    opens = PIL.Image.open
    try:
        ultralytics = importlib.import_module("ultralytics")
        utils = importlib.import_module("ultralytics.utils")
        serialization = importlib.import_module("torch.serialization")
    except ImportError as error:
        raise MissingDependency(
            f"{error.name or 'ultralytics'} is not installed, and .pt detectors need it",
            remedy="install flexpatch-train[ultralytics] (AGPL-3.0), or export the model to ONNX",
        ) from error
    finally:
        # It puts a function of its own in Pillow's place, which fails on damaged pictures for want of a package.
        PIL.Image.open = opens
    # Without this function of torch, ultralytics drops its safe loader without a word.
    if not utils.SAFE_LOAD or not hasattr(serialization, "get_unsafe_globals_in_checkpoint"):
        raise UntrustedModel(
            "ultralytics is loaded in this program with its unsafe loader",
            remedy="set ULTRALYTICS_SAFE_LOAD=1 before it is imported, and use torch 2.6 or later",
        )
    utils.SETTINGS.update({key: False for key in _REPORTING if utils.SETTINGS.get(key)})
    return ultralytics


def _load(ultralytics: Any, path: Path) -> Any:
    try:
        # The full path: a bare name of an official model is what ultralytics would look for online.
        return ultralytics.YOLO(str(path.resolve()))
    except _LOAD_ERRORS as error:
        message = " ".join(str(error).split())
        if "outside the supported" in message or "Unsupported global" in message:
            raise UntrustedModel(
                "asks for classes that detectors do not need; nothing in it was executed",
                where=path,
                remedy="use weights from a source you trust, exported to ONNX",
            ) from error
        raise ModelError(
            f"ultralytics cannot read it ({message[:200]})", where=path, remedy="give a detector's .pt checkpoint"
        ) from error


def _device(device: str) -> str:
    torch = importlib.import_module("torch")
    if device == "auto":
        return "cuda:0" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise MissingDependency(f"torch here has no CUDA device, so it cannot compute on {device}")
    return device
