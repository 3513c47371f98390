"""How long a model takes for a clip."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from video_train.model import ClipModel

WARM_UP = 5
ROUNDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Time for one clip, a clip at a time, decoding not included.

    Attributes:
        runtime: what ran the model, in words.
        median_ms: half of the calls took less.
        low_ms: one in ten took less.
        high_ms: one in ten took more.
        n: calls that were timed.
        warm_up: calls before, that were not.
    """

    runtime: str
    median_ms: float
    low_ms: float
    high_ms: float
    n: int
    warm_up: int

    def text(self) -> str:
        """Such as ``3.1 ms (2.9 to 3.6, n = 30 after 5 to warm up)``."""
        span = f"{self.low_ms:.1f} to {self.high_ms:.1f}"
        return f"{self.median_ms:.1f} ms ({span}, n = {self.n} after {self.warm_up} to warm up)"


def timed(model: ClipModel, clips: Sequence[NDArray[np.uint8]], runtime: str) -> Latency:
    """Time a model on real clips, uint8 ``(T, size, size, 3)`` each, over and over."""
    spent = []
    for number in range(WARM_UP + ROUNDS):
        started = time.perf_counter()
        model.logits([clips[number % len(clips)]])
        spent.append(1000 * (time.perf_counter() - started))
    low, median, high = np.percentile(spent[WARM_UP:], (10, 50, 90)).tolist()
    return Latency(runtime=runtime, median_ms=median, low_ms=low, high_ms=high, n=ROUNDS, warm_up=WARM_UP)
