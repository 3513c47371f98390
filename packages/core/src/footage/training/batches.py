"""The items of every step, dealt out to processes and loaded by threads."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from footage.training.randomness import drawn, generator_at
from footage.training.recipe import Recipe
from footage.training.team import Team

_ORDER, _ITEM = 1, 2
"""What randomness is drawn for: part of its place; the loop's own is 3."""


class Examples(Protocol):
    """What is learned from."""

    @property
    def labels(self) -> NDArray[np.int64]:
        """Class of every item, ``(N,)``."""
        ...

    @property
    def weights(self) -> NDArray[np.float64]:
        """How often items are drawn, relative to each other, ``(N,)``."""
        ...

    def load(self, index: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """One picture or clip, augmented by ``rng``; called from several threads."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a step's batch.

    Attributes:
        number: which one.
        images: pictures or clips, uint8.
        labels: their classes, int64 ``(n,)``.
        items: which of the examples they are, int64 ``(n,)``.
    """

    number: int
    images: Tensor
    labels: Tensor
    items: Tensor


def steps_of(examples: Examples, recipe: Recipe) -> int:
    """How many steps an epoch has: about as many items as the recipe says, or as there are, in whole batches."""
    return max(1, round((recipe.epoch_items or len(examples.labels)) / recipe.batch_size))


def batches(
    examples: Examples, recipe: Recipe, *, epoch: int, first_step: int, team: Team, pool: ThreadPoolExecutor
) -> Iterator[list[Part]]:
    """This process's parts of every step left in an epoch; the next step is loaded while one is computed.

    Args:
        examples: what to learn from.
        recipe: how to train.
        epoch: from 0.
        first_step: the step to begin with, from 0.
        team: this process among those that train together.
        pool: the threads that load.
    """
    steps, size = steps_of(examples, recipe), recipe.batch_size // recipe.parts
    order = drawn(examples.weights, steps * recipe.batch_size, generator_at(recipe.seed, _ORDER, epoch))

    def load(place: int) -> NDArray[np.uint8]:
        return examples.load(int(order[place]), generator_at(recipe.seed, _ITEM, epoch, place))

    def start(step: int) -> dict[int, list[Future[NDArray[np.uint8]]]]:
        first = {part: step * recipe.batch_size + part * size for part in range(team.rank, recipe.parts, team.size)}
        return {part: [pool.submit(load, place) for place in range(at, at + size)] for part, at in first.items()}

    coming = start(first_step)
    for step in range(first_step, steps):
        loading, coming = coming, start(step + 1) if step + 1 < steps else {}
        parts = []
        for part, items in loading.items():
            at = step * recipe.batch_size + part * size
            images = torch.from_numpy(np.stack([item.result() for item in items]))
            chosen = order[at : at + size]
            labels = torch.from_numpy(examples.labels[chosen])
            parts.append(Part(part, images, labels, torch.from_numpy(chosen.astype(np.int64))))
        yield parts
