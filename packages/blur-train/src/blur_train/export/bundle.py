"""The files that ship: the ONNX classifier with its probabilities inside, its class names and its manifest."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from blur_train.classes import CLASSES
from blur_train.classifier import MODEL_NAME, NAMES_FILE, RULE, TASK
from blur_train.decision import DecisionRule
from blur_train.evidence import EvidenceMaker
from blur_train.models.native import NativeNetwork
from blur_train.models.some_classes import OfSomeClasses
from footage.metrics.intervals import Interval
from footage.persistence.bundle import ModelInput, ModelManifest, save_manifest
from footage.persistence.parity import Parity
from footage.runs.environment import installed_version
from footage.runs.files import atomic_write_json
from footage.training.export import export_onnx

VOTES_OUTPUT = "votes"
_LIBRARIES = ("blur-train", "footage-core", "numpy", "onnx", "opencv-python", "torch", "torchvision", "ultralytics")
_NO_SHA256 = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a model comes from, for its manifest.

    Attributes:
        backend: which kind of network it is.
        training_data_sha256: of the photos it learned from.
        split_sha256: of which photo was on which side.
        metrics: on photos it never saw.
        details: settings and doubts, as plain JSON values.
    """

    backend: str
    training_data_sha256: str = _NO_SHA256
    split_sha256: str = _NO_SHA256
    metrics: Mapping[str, Interval] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)


class _Calibrated(nn.Module):
    """A network whose logits are divided by a temperature; a native one gives its cells' votes too."""

    def __init__(self, network: OfSomeClasses, temperature: float) -> None:
        super().__init__()
        self.network = network
        self.temperature = temperature

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        votes = self.network.votes(images)
        if votes is not None:
            return votes.sum(dim=1) / self.temperature, votes / self.temperature
        logits: Tensor = self.network(images) / self.temperature
        return logits


def write_bundle(
    network: OfSomeClasses,
    rule: DecisionRule,
    maker: EvidenceMaker,
    folder: Path,
    *,
    batches: Iterable[NDArray[np.uint8]],
    origin: Origin,
) -> tuple[ModelManifest, Parity]:
    """Write ``blur_classifier.onnx``, ``class_names.json`` and ``blur_classifier.json``.

    Args:
        network: takes uint8 evidence, gives logits ``(N, 4)``.
        rule: by which its probabilities become answers; its temperature goes into the graph.
        maker: how photos become evidence.
        folder: made where it is missing.
        batches: evidence of real photos, on which the exported model is compared with the network.
        origin: where the model comes from.

    Returns:
        The manifest as written, and how the exported model compares.

    Raises:
        ModelError: the exported model decides otherwise.
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / MODEL_NAME
    shipped = copy.deepcopy(network).cpu().eval()
    wrapped = _Calibrated(shipped, rule.temperature)
    more = (VOTES_OUTPUT,) if isinstance(network.network, NativeNetwork) else ()
    parity = export_onnx(wrapped, model, batches, shape=maker.shape, more_outputs=more)
    manifest = ModelManifest(
        task=TASK,
        classes=CLASSES,
        input=ModelInput(shape=(None, *maker.shape), preprocessing=maker.described()),
        output="probabilities",
        training_data_sha256=origin.training_data_sha256,
        split_sha256=origin.split_sha256,
        metrics=dict(origin.metrics),
        libraries={name: found for name in _LIBRARIES if (found := installed_version(name)) is not None},
        details={
            **origin.details,
            "backend": origin.backend,
            RULE: rule.document(),
            "parity": parity.text(),
        },
    )
    atomic_write_json(folder / NAMES_FILE, list(CLASSES))
    return save_manifest(manifest, model), parity
