"""How well clips are ranked and told apart, and what the scores are worth as probabilities; beside no training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from footage.metrics.calibration import ReliabilityBin, brier, ece, reliability_bins
from footage.metrics.classification import average_precision, balanced_accuracy, confusion_matrix
from footage.metrics.intervals import Interval, group_bootstrap
from footage.metrics.ranking import precision_at_k
from highlight_train.scoring.decision import HALF

BUDGET = 50
"""Clips a person looks through: the share of highlights among the first so many is a figure of its own."""
THE_MODEL = "the model"

Scores = NDArray[np.float64]
Statistic = Callable[[NDArray[np.intp]], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way of scoring clips.

    Attributes:
        name: of the way.
        scores: of the clips, ``(N,)``, higher for highlights.
        threshold: from which on a clip counts as a highlight; None where none could be chosen.
        are_probabilities: whether a score is the chance of a highlight.
    """

    name: str
    scores: Scores
    threshold: float | None
    are_probabilities: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What a way of scoring clips reaches, each figure with its interval over groups.

    Attributes:
        name: of the way.
        average_precision: of the ranking of clips.
        precision_at_50: share of highlights among the 50 clips that score highest, or among all where they are fewer.
        balanced_accuracy: at ``threshold``.
        threshold: from which on a clip counts as a highlight; None where none could be chosen.
        brier: mean squared distance of score and truth.
        ece: expected calibration error over ten ranges.
    """

    name: str
    average_precision: Interval
    precision_at_50: Interval
    balanced_accuracy: Interval
    threshold: float | None
    brier: Interval
    ece: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All figures on some clips.

    Attributes:
        scores: the model first, then the baselines.
        gain: average precision of the model minus that of the best baseline, on the same resamples.
        best_baseline: by average precision.
        confusion: counts ``(2, 2)``, rows true, columns said; normal first.
        reliability: the model's scores by range, with the share of highlights in each.
    """

    scores: tuple[Score, ...]
    gain: Interval
    best_baseline: str
    confusion: NDArray[np.int64]
    reliability: tuple[ReliabilityBin, ...]

    @property
    def model(self) -> Score:
        """The model's own."""
        return self.scores[0]


def measure(ways: Sequence[Way], truth: NDArray[np.bool_], groups: NDArray[np.str_], *, seed: int) -> Measured:
    """Compute all figures.

    Args:
        ways: the model, which has a threshold, then at least one baseline.
        truth: whether each clip is a highlight, ``(N,)``, both kinds among them.
        groups: the group of each clip, ``(N,)``.
        seed: of the bootstrap, whose resamples are the same for every figure.
    """

    def interval(statistic: Statistic) -> Interval:
        return group_bootstrap(statistic, groups, np.random.default_rng(seed))

    scores = tuple(_score(way, truth, interval) for way in ways)
    best = max(range(1, len(ways)), key=lambda number: scores[number].average_precision.estimate or 0.0)
    model, rival = ways[0], ways[best]
    said = model.scores >= (HALF if model.threshold is None else model.threshold)
    return Measured(
        scores=scores,
        gain=interval(lambda rows: _gain(truth[rows], model.scores[rows], rival.scores[rows])),
        best_baseline=rival.name,
        confusion=confusion_matrix(truth.astype(int), said.astype(int), [0, 1]),
        reliability=tuple(reliability_bins(truth, model.scores)),
    )


def _score(way: Way, truth: NDArray[np.bool_], interval: Callable[[Statistic], Interval]) -> Score:
    scores, threshold = way.scores, way.threshold
    no_chance = "its scores are no probabilities"

    def balanced(rows: NDArray[np.intp]) -> float | None:
        if threshold is None or truth[rows].all() or not truth[rows].any():
            return None
        return balanced_accuracy(truth[rows], scores[rows] >= threshold)

    def without(reason: str) -> Interval:
        return Interval(estimate=None, low=None, high=None, n=len(truth), groups=None, reason=reason)

    return Score(
        name=way.name,
        average_precision=interval(lambda rows: _average_precision(truth[rows], scores[rows])),
        precision_at_50=interval(lambda rows: precision_at_k(scores[rows], truth[rows], BUDGET)),
        balanced_accuracy=without("no threshold could be chosen") if threshold is None else interval(balanced),
        threshold=threshold,
        brier=interval(lambda rows: brier(truth[rows], scores[rows])) if way.are_probabilities else without(no_chance),
        ece=interval(lambda rows: ece(truth[rows], scores[rows])) if way.are_probabilities else without(no_chance),
    )


def _average_precision(truth: NDArray[np.bool_], scores: Scores) -> float | None:
    """None where a class is missing: the figure would be 1 or undefined, whatever the scores."""
    return None if truth.all() or not truth.any() else average_precision(truth, scores).value


def _gain(truth: NDArray[np.bool_], mine: Scores, other: Scores) -> float | None:
    first, second = _average_precision(truth, mine), _average_precision(truth, other)
    return None if first is None or second is None else first - second
