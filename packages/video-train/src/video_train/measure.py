"""How good answers about videos are: accuracy with its interval, by class, beside the most frequent class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from footage.metrics.classification import ClassScores, class_scores, confusion_matrix
from footage.metrics.intervals import Interval, group_bootstrap, wilson
from footage.training.randomness import generator_at

_RESAMPLES = 31
"""What randomness is drawn for: part of its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Answers of a network about events it never saw.

    Attributes:
        accuracy: share of events whose class was found, with an interval from resampling whole groups.
        chance: accuracy of always naming the class that is most frequent among what was learned from.
        gain: accuracy minus chance, with its interval.
        by_class: precision, recall and F1 of each class.
        confusion: counts, rows true, columns predicted.
    """

    accuracy: Interval
    chance: float
    gain: Interval
    by_class: tuple[ClassScores, ...]
    confusion: NDArray[np.int64]

    @property
    def beats_chance(self) -> bool:
        """Whether the gain's interval lies above 0."""
        return self.gain.low is not None and self.gain.low > 0


def measured(
    truth: ArrayLike, predicted: ArrayLike, groups: ArrayLike, *, frequent: int, classes: int, seed: int
) -> Measured:
    """Measure answers.

    Args:
        truth: class of every event ``(N,)``.
        predicted: what was said of it ``(N,)``.
        groups: group of every event ``(N,)``.
        frequent: the class to compare with.
        classes: how many there are.
        seed: of the resamples.
    """
    true, said = np.asarray(truth), np.asarray(predicted)
    right = (true == said).astype(float)
    always = (true == frequent).astype(float)
    return Measured(
        accuracy=_mean(right, groups, seed),
        chance=float(always.mean()),
        gain=_mean(right - always, groups, seed),
        by_class=tuple(class_scores(true, said, np.arange(classes))),
        confusion=confusion_matrix(true, said, np.arange(classes)),
    )


def difference(right: ArrayLike, other_right: ArrayLike, groups: ArrayLike, *, seed: int) -> Interval:
    """Mean difference of two networks' hits on the same events, paired, with an interval from whole groups.

    Args:
        right: hits of the one, ``(N,)`` or ``(runs, N)``: with several runs the mean over them counts.
        other_right: hits of the other, likewise.
        groups: group of every event ``(N,)``.
        seed: of the resamples.
    """
    ours, theirs = np.atleast_2d(np.asarray(right, float)), np.atleast_2d(np.asarray(other_right, float))
    return _mean(ours.mean(0) - theirs.mean(0), groups, seed)


def _mean(values: NDArray[np.float64], groups: ArrayLike, seed: int) -> Interval:
    count = len(np.unique(np.asarray(groups)))
    if len(values) and np.isin(values, (0.0, 1.0)).all() and np.ptp(values) == 0:
        # All alike: resampling would show no spread at all. Each group counts as one trial.
        one = wilson(count if values[0] else 0, count)
        return replace(one, n=len(values), groups=count)
    return group_bootstrap(lambda rows: float(values[rows].mean()), groups, generator_at(seed, _RESAMPLES))


def fused(logits: NDArray[np.float64], event_of: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Several views of an event as one answer: the mean of their logits.

    Args:
        logits: of every view ``(N, classes)``.
        event_of: the event of each ``(N,)``.

    Returns:
        The events ``(E,)`` and their logits ``(E, classes)``.
    """
    events, places = np.unique(event_of, return_inverse=True)
    sums = np.zeros((len(events), logits.shape[1]))
    np.add.at(sums, places, logits)
    return events, sums / np.bincount(places)[:, None]


def consistency(clips: Sequence[NDArray[np.float64]]) -> float | None:
    """How often two clips of one video get the same class, over all pairs within videos; None without such pairs.

    Args:
        clips: of every video, the logits of its clips ``(K, classes)``.
    """
    same = pairs = 0
    for logits in clips:
        counts = np.bincount(logits.argmax(1))
        count = int(counts.sum())
        same += int((counts * (counts - 1)).sum())
        pairs += count * (count - 1)
    return same / pairs if pairs else None
