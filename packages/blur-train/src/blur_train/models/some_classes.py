"""A network that was trained on some of the classes, and answers no other."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from blur_train.classes import CLASSES
from blur_train.evidence import CELLS
from blur_train.models.native import NativeNetwork
from footage.training.network import HeadedNetwork

NEVER = -1e4
"""Logit of a class that is not trained: its probability is 0, whatever the temperature."""


class OfSomeClasses(HeadedNetwork):
    """A network that never answers a class it was not trained on.

    Attributes:
        network: the network itself.
    """

    offsets: Tensor

    def __init__(self, network: HeadedNetwork, classes: tuple[str, ...]) -> None:
        super().__init__()
        self.network = network
        self.register_buffer(
            "offsets", torch.tensor([0.0 if name in classes else NEVER for name in CLASSES]), persistent=False
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits ``(N, 4)``."""
        logits: Tensor = self.network(inputs) + self.offsets
        return logits

    def votes(self, inputs: Tensor) -> Tensor | None:
        """What each cell adds to the logits, ``(N, CELLS, 4)``; None for a network without cells."""
        if not isinstance(self.network, NativeNetwork):
            return None
        return self.network.votes(inputs) + self.offsets / CELLS

    def head(self) -> nn.Module:
        """The network's own."""
        return self.network.head()
