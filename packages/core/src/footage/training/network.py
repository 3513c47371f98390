"""What the training loop asks of a network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from torch import nn


class HeadedNetwork(nn.Module, ABC):
    """A network that takes uint8 pictures or clips and gives logits: a body, which may come pretrained, and a head."""

    @abstractmethod
    def head(self) -> nn.Module:
        """The part that is always trained."""

    def body_parameters(self) -> Iterator[nn.Parameter]:
        """The parameters of everything but the head."""
        own = {id(parameter) for parameter in self.head().parameters()}
        return (parameter for parameter in self.parameters() if id(parameter) not in own)
