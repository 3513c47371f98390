"""From the scores of a video's frames to one score of the video.

A dive of five seconds in a clip of four minutes is in one or two of sixteen frames: the mean drowns it, the maximum
believes every slip of the model. ``softmax`` and ``top`` lie between.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

TOP_SHARE = 1 / 8
"""The share of frames, and at least one frame, that ``top`` takes the mean of."""

SHARPNESS = 10.0
"""Of ``softmax``: 0 would be the mean, infinity the maximum."""


class Pooling(StrEnum):
    """How the scores of frames become one."""

    SOFTMAX = "softmax"
    """Mean of the scores, each weighed by exp(10 score) (McFee, Salamon, Bello, 2018: soft-max pooling)."""
    TOP = "top"
    """Mean of the highest eighth, at least one frame."""
    MAX = "max"
    """The highest score."""
    MEAN = "mean"
    """The mean of all."""


def pool(scores: ArrayLike, how: Pooling = Pooling.SOFTMAX) -> float:
    """One score of a video.

    Args:
        scores: of its frames, each in [0, 1], in any order, shape (N,), N at least 1.
        how: the way.

    Returns:
        A score between the mean and the highest of ``scores``.

    Raises:
        ValueError: there is no score, or one is not between 0 and 1.
    """
    values = np.asarray(scores, np.float64)
    if values.ndim != 1 or not values.size or not np.all((values >= 0) & (values <= 1)):
        raise ValueError(f"scores must be one row of at least one number in [0, 1], not {values!r}")
    highest = float(values.max())
    match how:
        case Pooling.MAX:
            return highest
        case Pooling.MEAN:
            pooled = values.mean()
        case Pooling.TOP:
            pooled = np.sort(values)[-max(1, round(TOP_SHARE * values.size)) :].mean()
        case Pooling.SOFTMAX:
            weights = np.exp(SHARPNESS * (values - highest))
            pooled = weights @ values / weights.sum()
    return min(float(pooled), highest)  # rounding may lift a mean of equal numbers above them
