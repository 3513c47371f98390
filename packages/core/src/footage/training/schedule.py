"""How the learning rate rises and falls."""

from __future__ import annotations

import math


def warmup_cosine(step: int, total_steps: int, warmup_steps: int) -> float:
    """Factor of the learning rate at a step: a straight rise, then half a cosine down to 0.

    The first step has the factor ``1 / warmup_steps``, the last a factor just above 0 (Loshchilov & Hutter, 2017,
    without restarts).

    Args:
        step: from 0.
        total_steps: of the whole training.
        warmup_steps: of the rise; 0 for none.

    Returns:
        In (0, 1].
    """
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    remaining = max(total_steps - warmup_steps, 1)
    return 0.5 * (1 + math.cos(math.pi * min(step - warmup_steps, remaining - 1) / remaining))
