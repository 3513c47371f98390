"""YOLOv8n-cls as a network for our own training loop; the only module here that imports ultralytics (AGPL-3.0).

Ultralytics' own trainer is left alone: for classifiers it ignores label smoothing, rotation and translation, replaces
the learning rate it is given, turns on an augmentation that changes sharpness, and rewrites JPEG files that have bytes
after their end. Here the architecture is ultralytics', everything else ours, and no photo is handed to it.
"""

from __future__ import annotations

import atexit
import importlib
import os
import sys
import tempfile
from typing import Any

import PIL.Image
import torch
from torch import Tensor, nn

from footage.errors import MissingDependency
from footage.training.network import HeadedNetwork

ARCHITECTURE = "yolov8n-cls.yaml"
DROPOUT = 0.3

# Read by ultralytics when it is imported: no network, no installs.
_ENVIRONMENT = {
    "YOLO_OFFLINE": "1",
    "YOLO_AUTOINSTALL": "0",
    "YOLO_VERBOSE": "0",
    "ULTRALYTICS_SKIP_REQUIREMENTS_CHECKS": "1",
    "ULTRALYTICS_SAFE_LOAD": "1",
}
_GREY = 255.0


class YoloClassifier(HeadedNetwork):
    """YOLOv8n-cls with random weights, from RGB uint8 ``(N, H, W, 3)`` to logits.

    Attributes:
        network: ultralytics' layers.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.network = _layers(classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``(N, classes)``."""
        seen = images.permute(0, 3, 1, 2).to(torch.float32) / _GREY
        for layer in self.network[:-1]:
            seen = layer(seen)
        last: Any = self.network[-1]
        # Ultralytics' head gives probabilities outside of training; its parts give logits always.
        logits: Tensor = last.linear(last.drop(last.pool(last.conv(seen)).flatten(1)))
        return logits

    def head(self) -> nn.Module:
        """The last layer, which pools and classifies."""
        last: nn.Module = self.network[-1]
        return last


def _layers(classes: int) -> nn.Sequential:
    """The layers of the architecture.

    Raises:
        MissingDependency: ultralytics is not installed.
    """
    os.environ.update(_ENVIRONMENT)
    if "ultralytics" not in sys.modules:
        # Its settings file goes to a folder that lives as long as the process, not into the user's home.
        folder = tempfile.TemporaryDirectory(prefix="ultralytics-settings-")
        atexit.register(folder.cleanup)
        os.environ["YOLO_CONFIG_DIR"] = folder.name
    opens = PIL.Image.open
    try:
        tasks: Any = importlib.import_module("ultralytics.nn.tasks")
    except ImportError as error:
        raise MissingDependency(
            f"{error.name or 'ultralytics'} is not installed",
            remedy="install blur-train[ultralytics] (AGPL-3.0), or train another network",
        ) from error
    finally:
        # It puts a function of its own in Pillow's place, which fails on damaged pictures for want of a package.
        PIL.Image.open = opens
    layers: nn.Sequential = tasks.ClassificationModel(ARCHITECTURE, nc=classes, verbose=False).model
    layers[-1].drop = nn.Dropout(DROPOUT)
    return layers
