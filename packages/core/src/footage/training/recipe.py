"""How to train, in one record."""

from __future__ import annotations

import math
from dataclasses import dataclass

from footage.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to train.

    Attributes:
        epochs: passes over as many items as there are.
        batch_size: items a step, over all processes and parts.
        epoch_items: how many items are drawn in an epoch; None for as many as there are.
        parts: how many pieces a step's batch is computed in, over all processes: memory for time. The pieces, and what
            is drawn at random in each, are the same however many processes share them.
        learning_rate: of the head, at its highest.
        body_factor: the body's learning rate as a share of the head's.
        weight_decay: of AdamW.
        warmup_epochs: over which the learning rate rises.
        frozen_epochs: at the start, in which only the head is trained.
        frozen_norms: keep the body's batch-norm statistics, as befits pretrained weights and small batches.
        patience: epochs without a better validation after which training ends; None to use all epochs.
        mixed_precision: compute in bfloat16 where a GPU has it.
        seed: of everything random.
    """

    epochs: int = 50
    batch_size: int = 32
    epoch_items: int | None = None
    parts: int = 1
    learning_rate: float = 1e-3
    body_factor: float = 0.1
    weight_decay: float = 1e-4
    warmup_epochs: float = 1.0
    frozen_epochs: int = 0
    frozen_norms: bool = False
    patience: int | None = 10
    mixed_precision: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be trained with.

        Raises:
            InputError: a count is below 1, the rate is not positive, or the parts do not divide the batch.
        """
        if (
            min(self.epochs, self.batch_size, self.parts, self.epoch_items or 1) < 1
            or not 0 < self.learning_rate < math.inf
        ):
            raise InputError("epochs, batch size and learning rate must be positive")
        if self.batch_size % self.parts:
            raise InputError(
                f"a batch of {self.batch_size} cannot be dealt out in {self.parts} equal parts",
                remedy=f"choose a batch size that is a multiple of {self.parts}",
            )
