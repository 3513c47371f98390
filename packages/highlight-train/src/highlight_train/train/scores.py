"""How well clips are ranked and told apart, beside what needs no training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from footage.metrics.classification import average_precision, balanced_accuracy, confusion_matrix
from footage.metrics.intervals import Interval, group_bootstrap
from highlight_train.baselines import ALWAYS_NORMAL, colourfulness, motion
from highlight_train.scoring.decision import HALF, chosen_threshold
from highlight_train.scoring.pooling import Pooling, pool
from highlight_train.train.pictures import Pictures
from highlight_train.train.rows import Frames
from highlight_train.train.sides import Sides

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What a way of scoring clips reaches on the test side.

    Attributes:
        name: of the way.
        average_precision: of the ranking of clips.
        balanced_accuracy: at a threshold chosen on the validation side.
        threshold: from which on a clip counts as a highlight.
    """

    name: str
    average_precision: Interval
    balanced_accuracy: Interval
    threshold: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The test side, looked at once.

    Attributes:
        scores: the model first, then the baselines.
        gain: average precision of the model minus that of the best baseline, on the same resamples.
        best_baseline: by average precision.
        confusion: counts ``(2, 2)`` of test clips, rows true, columns said; normal first.
        clip_scores: the model's score of each test clip, ``(T,)``.
        pooling: how frames' scores became a clip's, chosen on the validation side.
        pooling_on_validation: average precision of each pooling on the validation side; None where it has no value.
    """

    scores: tuple[Score, ...]
    gain: Interval
    best_baseline: str
    confusion: NDArray[np.int64]
    clip_scores: Scores
    pooling: Pooling
    pooling_on_validation: dict[str, float | None]

    @property
    def model(self) -> Score:
        """The model's own."""
        return self.scores[0]


def pooled(frames: Frames, clips: NDArray[np.intp], frame_scores: Scores, how: Pooling) -> Scores:
    """One score a clip.

    Args:
        frames: the table.
        clips: which, ``(C,)``.
        frame_scores: of all frames of the table, ``(N,)``; those of other clips are not looked at.
        how: the pooling.
    """
    return np.array([pool(frame_scores[frames.clip == clip], how) for clip in clips])


def clip_average_precision(frames: Frames, clips: NDArray[np.intp], clip_scores: Scores) -> float | None:
    """Average precision of the ranking of some clips; None where a class is missing: any order is then as good."""
    truth = frames.clip_labels[clips]
    return average_precision(truth, clip_scores).value if truth.any() and not truth.all() else None


def evaluate(sides: Sides, frame_scores: Scores, pictures: Pictures, *, seed: int) -> Evaluation:
    """Choose pooling and threshold on validation, then score the test side beside the baselines.

    Args:
        sides: the split.
        frame_scores: probabilities of highlight of all frames, ``(N,)``; looked at on validation and test only.
        pictures: from which the baselines are computed.
        seed: of the bootstrap, whose resamples are the same for every figure.
    """
    frames, val, test = sides.frames, sides.val, sides.test
    on_validation = {
        how: clip_average_precision(frames, val, pooled(frames, val, frame_scores, how)) for how in Pooling
    }
    # Between equals the first in the order of the enumeration, which is that of how often they are a good choice.
    pooling = max(Pooling, key=lambda how: on_validation[how] or 0.0)
    ways: dict[str, Callable[[NDArray[np.intp]], Scores]] = {
        "the model": lambda clips: pooled(frames, clips, frame_scores, pooling),
        ALWAYS_NORMAL: lambda clips: np.zeros(len(clips)),
        "motion": lambda clips: np.array([motion(_of(frames, pictures, int(clip))) for clip in clips]),
        "colourfulness": lambda clips: np.array([colourfulness(_of(frames, pictures, int(clip))) for clip in clips]),
    }
    truth, groups = frames.clip_labels[test], frames.clip_groups[test]
    scored, on_test = [], {}
    for name, way in ways.items():
        threshold = chosen_threshold(frames.clip_labels[val], way(val)) if name != ALWAYS_NORMAL else HALF
        on_test[name] = way(test)
        scored.append(_score(name, truth, on_test[name], groups=groups, threshold=threshold, seed=seed))
    best = max(scored[1:], key=lambda score: score.average_precision.estimate or 0.0).name
    gain = group_bootstrap(
        lambda rows: _gain(truth[rows], on_test["the model"][rows], on_test[best][rows]),
        groups,
        np.random.default_rng(seed),
    )
    said = on_test["the model"] >= scored[0].threshold
    return Evaluation(
        scores=tuple(scored),
        gain=gain,
        best_baseline=best,
        confusion=confusion_matrix(truth.astype(int), said.astype(int), [0, 1]),
        clip_scores=on_test["the model"],
        pooling=pooling,
        pooling_on_validation={how.value: value for how, value in on_validation.items()},
    )


def _score(
    name: str, truth: NDArray[np.bool_], scores: Scores, *, groups: NDArray[np.str_], threshold: float, seed: int
) -> Score:
    said = scores >= threshold

    def balanced(rows: NDArray[np.intp]) -> float | None:
        return balanced_accuracy(truth[rows], said[rows]) if len(np.unique(truth[rows])) == 2 else None

    return Score(
        name=name,
        average_precision=group_bootstrap(
            lambda rows: _average_precision(truth[rows], scores[rows]), groups, np.random.default_rng(seed)
        ),
        balanced_accuracy=group_bootstrap(balanced, groups, np.random.default_rng(seed)),
        threshold=threshold,
    )


def _average_precision(truth: NDArray[np.bool_], scores: Scores) -> float | None:
    """None where a class is missing: the figure would be 1 or undefined, whatever the scores."""
    return None if truth.all() else average_precision(truth, scores).value


def _gain(truth: NDArray[np.bool_], mine: Scores, other: Scores) -> float | None:
    first, second = _average_precision(truth, mine), _average_precision(truth, other)
    return None if first is None or second is None else first - second


def _of(frames: Frames, pictures: Pictures, clip: int) -> list[NDArray[np.uint8]]:
    return [pictures(int(row)) for row in np.flatnonzero(frames.clip == clip)]
