"""How frames' scores become a video's, and from which score on it is a highlight: as the model's training chose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from footage.metrics.classification import balanced_accuracy
from footage.persistence.bundle import ModelManifest
from highlight_train.scoring.bands import THRESHOLD
from highlight_train.scoring.pooling import Pooling

GIVEN = "as given"
OWN = "as chosen on validation"
USUAL = "as usual"
HALF = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """How a video is decided on.

    Attributes:
        pooling: how the scores of frames become one.
        threshold: the least score of a highlight, in [0, 1].
        pooling_from: where the pooling comes from, in words.
        threshold_from: where the threshold comes from, in words.
    """

    pooling: Pooling
    threshold: float
    pooling_from: str
    threshold_from: str

    @property
    def text(self) -> str:
        """All of it, as a person says it."""
        return (
            f"pooling {self.pooling.value} ({self.pooling_from}), threshold {self.threshold:.3g} "
            f"({self.threshold_from})"
        )


def decide(
    manifests: Sequence[ModelManifest], pooling: Pooling | None = None, threshold: float | None = None
) -> Decision:
    """What was asked for; else what the model's training chose; else soft-max pooling and 0.7.

    A training chooses for one model alone and chooses the threshold for its pooling: neither holds for several models
    together, nor the threshold for another pooling.

    Args:
        manifests: of the models, at least one.
        pooling: as asked for; None for the model's own.
        threshold: likewise.
    """
    details = manifests[0].details if len(manifests) == 1 else {}
    own = _own_pooling(details.get("pooling"))
    if pooling is not None:
        pooling_from = GIVEN
    else:
        pooling, pooling_from = (own, OWN) if own is not None else (Pooling.SOFTMAX, USUAL)
    if threshold is not None:
        return Decision(pooling=pooling, threshold=threshold, pooling_from=pooling_from, threshold_from=GIVEN)
    chosen = details.get("threshold")
    if pooling is own and isinstance(chosen, float | int) and 0 <= chosen <= 1:
        return Decision(pooling=pooling, threshold=float(chosen), pooling_from=pooling_from, threshold_from=OWN)
    return Decision(pooling=pooling, threshold=THRESHOLD, pooling_from=pooling_from, threshold_from=USUAL)


def _own_pooling(name: object) -> Pooling | None:
    return next((how for how in Pooling if how.value == name), None)


def chosen_threshold(truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """The threshold with the highest balanced accuracy, in the middle of the gap it lies in; of equals the lowest.

    A half where a class is missing and nothing can be chosen.

    Args:
        truth: ``(N,)``.
        scores: ``(N,)``, higher for highlights.
    """
    if not truth.any() or truth.all():
        return HALF
    levels = np.unique(scores)
    places = [float(levels[0]), *((levels[1:] + levels[:-1]) / 2).tolist(), float(np.nextafter(levels[-1], np.inf))]
    values = [balanced_accuracy(truth, scores >= place) for place in places]
    best: float = places[int(np.argmax(values))]
    return best
