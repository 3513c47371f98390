"""Randomness as a function of where training is: seed, epoch, step, item.

No generator lives from one step to the next, so there is none whose state could be lost: training that is stopped and
resumed, or dealt out to more processes or threads, draws the same numbers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray


def generator_at(*place: int) -> np.random.Generator:
    """The generator of a place, such as (seed, purpose, epoch, item): the same numbers whenever it is made."""
    return np.random.default_rng(_entropy(place))


def seed_torch_at(*place: int) -> None:
    """Set torch's generators, of all devices, to those of a place."""
    torch.manual_seed(int(np.random.SeedSequence(_entropy(place)).generate_state(1, np.uint64)[0]))


def _entropy(place: tuple[int, ...]) -> tuple[int, ...]:
    """The length goes in too: to NumPy (1, 2) and (1, 2, 0) are the same seed."""
    return (len(place), *place)


@contextmanager
def deterministic_torch() -> Iterator[None]:
    """Have torch compute in a reproducible way within the block.

    Operations that have no reproducible form on a GPU warn and go on.
    """
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    benchmark = torch.backends.cudnn.benchmark
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read by cuBLAS when it starts
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        torch.backends.cudnn.benchmark = benchmark


def drawn(weights: ArrayLike, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw items in proportion to their weights, each as evenly as can be, in random order.

    An item with the share ``s`` of the weight comes ``floor(count * s)`` or ``ceil(count * s)`` times (systematic
    sampling); with equal weights and as many draws as items this is a permutation.

    Args:
        weights: ``(N,)``, not negative, with a positive sum.
        count: how many to draw.
        rng: decides the roundings and the order.

    Returns:
        Indices ``(count,)``.

    Raises:
        ValueError: there is no positive weight, or a weight is negative or not finite.
    """
    share = np.asarray(weights, dtype=np.float64)
    if not (np.isfinite(share).all() and (share >= 0).all() and share.sum() > 0):
        raise ValueError("weights must be finite, not negative, and not all 0")
    # Items are laid out in random order, so that neighbours do not share their roundings from epoch to epoch.
    order = rng.permutation(len(share))
    edges = np.cumsum(share[order]) / share.sum() * count
    edges[-1] = count
    chosen = order[np.searchsorted(edges, np.arange(count) + rng.random(), side="right").clip(max=len(share) - 1)]
    return np.asarray(rng.permutation(chosen), dtype=np.intp)
