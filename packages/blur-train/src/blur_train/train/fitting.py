"""Training itself: what is learned from, by what an epoch is judged, and the logits of a trained network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name every reader of torch code expects
from numpy.typing import NDArray
from torch import Tensor, nn

from blur_train.classes import CLASSES
from blur_train.decision import probabilities_of
from blur_train.models.backends import Backend, Vary
from blur_train.models.some_classes import NEVER
from blur_train.train.inputs import Inputs
from footage.metrics.classification import balanced_accuracy
from footage.training.batches import Part
from footage.training.checkpoint import EpochRecord
from footage.training.loop import Fitted, Validation, fit
from footage.training.network import HeadedNetwork
from footage.training.recipe import Recipe

CHECKPOINT_FILE = "checkpoint.pth"
_BATCH = 16
_LEAST_PROBABILITY = 1e-9


@dataclass(frozen=True, slots=True)
class _Examples:
    """The photos of the train side, every class as often as the others."""

    inputs: Inputs
    rows: NDArray[np.intp]
    vary: Vary

    @property
    def labels(self) -> NDArray[np.int64]:
        return self.inputs.labels[self.rows]

    @property
    def weights(self) -> NDArray[np.float64]:
        labels = self.labels
        return np.asarray(1.0 / np.bincount(labels, minlength=len(CLASSES))[labels])

    def load(self, index: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        return self.vary(self.inputs.take(self.rows[index : index + 1])[0], rng)


def smoothed_loss(smoothing: float) -> Callable[[Tensor, Part], Tensor]:
    """Cross-entropy with label smoothing (Szegedy et al., 2016), ``(n,)``.

    The share is spread over the classes that are trained: a class that never occurs would else cost without end.
    """

    def loss(output: Tensor, part: Part) -> Tensor:
        logits = output.float()
        labels = part.labels.to(logits.device)
        logarithms = F.log_softmax(logits, dim=1)
        trained = (logits.detach() > NEVER / 2).float()
        spread = -(logarithms * trained).sum(dim=1) / trained.sum(dim=1).clamp(min=1)
        return (1 - smoothing) * F.nll_loss(logarithms, labels, reduction="none") + smoothing * spread

    return loss


def train_network(
    network: HeadedNetwork,
    backend: Backend,
    inputs: Inputs,
    recipe: Recipe,
    *,
    device: torch.device,
    folder: Path,
    key: Mapping[str, object],
    on_step: Callable[[int], None],
    on_epoch: Callable[[EpochRecord], None],
    checkpoint_seconds: float = 60.0,
) -> Fitted:
    """Train on the train side, keep the epoch that is best on val; go on from the checkpoint where there is one.

    Raises:
        FootageError: as ``footage.training.loop.fit``.
    """
    val = inputs.rows("val")
    labels = inputs.labels[val]

    def validate(judged: nn.Module) -> Validation:
        logits = logits_of(judged, inputs, val, device)
        right = probabilities_of(logits)[np.arange(len(val)), labels]
        loss = float(-np.log(np.maximum(right, _LEAST_PROBABILITY)).mean())
        return Validation(balanced_accuracy(labels, logits.argmax(axis=1)), loss)

    return fit(
        network,
        _Examples(inputs, inputs.rows("train"), backend.vary),
        validate,
        recipe,
        device=device,
        checkpoint=folder / CHECKPOINT_FILE,
        key=key,
        criterion=smoothed_loss(backend.label_smoothing),
        on_step=on_step,
        on_epoch=on_epoch,
        checkpoint_seconds=checkpoint_seconds,
    )


def logits_of(network: nn.Module, inputs: Inputs, rows: NDArray[np.intp], device: torch.device) -> NDArray[np.float64]:
    """Logits of some photos, ``(len(rows), 4)``, by a network in evaluation mode."""
    network.to(device).eval()
    found = np.zeros((len(rows), len(CLASSES)))
    with torch.inference_mode():
        for start in range(0, len(rows), _BATCH):
            batch = inputs.take(rows[start : start + _BATCH])
            found[start : start + len(batch)] = network(torch.from_numpy(batch).to(device)).double().cpu().numpy()
    return found


def epoch_line(record: EpochRecord) -> str:
    """An epoch in one line."""
    return record.line("balanced accuracy")
