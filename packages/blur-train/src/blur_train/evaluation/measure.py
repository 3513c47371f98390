"""How right answers are: by class, by kind of photo, by camera, by width of the blur; each with its interval and n."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from blur_train.classes import CLASSES, BlurClass
from blur_train.decision import DecisionRule, Preset
from footage.metrics.calibration import ReliabilityBin, brier_multiclass, ece, reliability_bins
from footage.metrics.classification import average_precision, balanced_accuracy, confusion_matrix
from footage.metrics.intervals import Interval, group_bootstrap, wilson

SHARP = CLASSES.index(BlurClass.SHARP)
WIDTHS_PX = (0.0, 1.8, 2.5, 4.0, 7.0, np.inf)
"""Edges of the ranges of blur: radius, or half the length of a motion, at a long side of 1536 px."""

Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What is true of some photos.

    Attributes:
        labels: their classes, ``(N,)``.
        groups: what each was kept on one side of the split with, ``(N,)``.
        kinds: the edge case of each, None for an ordinary photo.
        cameras: of each, None where the file does not say.
        widths_px: of the subject's blur at 1536 px; None where it is not known or there is none.
    """

    labels: Indices
    groups: NDArray[np.str_]
    kinds: tuple[str | None, ...]
    cameras: tuple[str | None, ...]
    widths_px: tuple[float | None, ...]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassScore:
    """One class.

    Attributes:
        name: of the class.
        precision: of the answers that are this class.
        recall: of the photos that are.
        average_precision: of the ranking by the class's probability.
    """

    name: str
    precision: Interval
    recall: Interval
    average_precision: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class PartScore:
    """The photos of one kind, camera or range of widths.

    Attributes:
        name: of the part.
        accuracy: share of right answers.
        called_blurred: share of its sharp photos that were called blurred; no value where it has none.
        called_sharp: share of its blurred photos that were called sharp; likewise.
    """

    name: str
    accuracy: Interval
    called_blurred: Interval
    called_sharp: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All figures of one way of answering.

    Attributes:
        name: of the way.
        accuracy: share of right answers, its interval over groups.
        balanced_accuracy: mean recall of the classes, likewise.
        false_positives: share of sharp photos called blurred (Wilson).
        false_positives_by_group: the same with an interval over groups.
        missed: share of blurred photos called sharp (Wilson).
        classes: each class.
        by_kind: sharp and blurred photos of each edge case, and the ordinary ones.
        by_camera: cameras with at least ten photos.
        by_width: ranges of known blur.
        confusion: counts ``(4, 4)``, rows true.
        calibration_error: expected calibration error of the confidence in the most probable class.
        brier: summed over classes.
        reliability: confidence against how often it was right.
    """

    name: str
    accuracy: Interval
    balanced_accuracy: Interval
    false_positives: Interval
    false_positives_by_group: Interval
    missed: Interval
    classes: tuple[ClassScore, ...]
    by_kind: tuple[PartScore, ...]
    by_camera: tuple[PartScore, ...]
    by_width: tuple[PartScore, ...]
    confusion: NDArray[np.int64]
    calibration_error: Interval
    brier: Interval
    reliability: tuple[ReliabilityBin, ...]


def measure(
    name: str,
    truth: Truth,
    probabilities: NDArray[np.float64],
    rule: DecisionRule,
    *,
    preset: Preset = Preset.MODERATE,
    seed: int = 0,
    resamples: int = 1000,
) -> Measured:
    """Compute all figures of one way of answering.

    Args:
        name: of the way.
        truth: of the photos, at least one.
        probabilities: calibrated, ``(N, 4)``.
        rule: that turns them into answers.
        preset: of the rule.
        seed: of the bootstrap.
        resamples: of the bootstrap.
    """
    said = rule.predict(probabilities, preset)
    labels = truth.labels
    right = said == labels
    likeliest = probabilities.argmax(axis=1)
    confidence, hit = probabilities.max(axis=1), likeliest == labels

    def interval(statistic: Callable[[Indices], float | None]) -> Interval:
        return group_bootstrap(statistic, truth.groups, np.random.default_rng(seed), resamples=resamples)

    sharp = labels == SHARP
    return Measured(
        name=name,
        accuracy=interval(lambda rows: float(right[rows].mean())),
        balanced_accuracy=interval(lambda rows: balanced_accuracy(labels[rows], said[rows])),
        false_positives=share(said[sharp] != SHARP),
        false_positives_by_group=interval(
            lambda rows: float((said[rows][sharp[rows]] != SHARP).mean()) if sharp[rows].any() else None
        ),
        missed=share(said[~sharp] == SHARP),
        classes=tuple(
            ClassScore(
                name=kind,
                precision=share(right[said == index]),
                recall=share(right[labels == index]),
                average_precision=interval(_ranking(labels == index, probabilities[:, index])),
            )
            for index, kind in enumerate(CLASSES)
        ),
        by_kind=_by_kind(truth, said),
        by_camera=_by_camera(truth, said),
        by_width=_by_width(truth, said),
        confusion=confusion_matrix(labels, said, list(range(len(CLASSES)))),
        calibration_error=interval(lambda rows: ece(hit[rows], confidence[rows])),
        brier=interval(lambda rows: brier_multiclass(labels[rows], probabilities[rows])),
        reliability=tuple(reliability_bins(hit, confidence)),
    )


def share(happened: NDArray[np.bool_]) -> Interval:
    """How often something happened, with its Wilson interval."""
    return wilson(int(happened.sum()), len(happened))


def mcnemar(first_right: NDArray[np.bool_], second_right: NDArray[np.bool_]) -> tuple[int, int, float]:
    """Exact McNemar test of two ways of answering on the same photos (McNemar, 1947; binomial, two-sided).

    Returns:
        Photos that only the first has right, photos that only the second has right, and p.
    """
    from scipy.stats import binomtest

    only_first = int((first_right & ~second_right).sum())
    only_second = int((second_right & ~first_right).sum())
    if only_first + only_second == 0:
        return 0, 0, 1.0
    return only_first, only_second, float(binomtest(only_first, only_first + only_second, 0.5).pvalue)


def _ranking(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> Callable[[Indices], float | None]:
    def statistic(rows: Indices) -> float | None:
        found = positive[rows]
        return average_precision(found, scores[rows]).value if found.any() and not found.all() else None

    return statistic


def _part(name: str, rows: NDArray[np.bool_], labels: Indices, said: Indices) -> PartScore:
    sharp, blurred = rows & (labels == SHARP), rows & (labels != SHARP)
    return PartScore(
        name=name,
        accuracy=share((said == labels)[rows]),
        called_blurred=share(said[sharp] != SHARP),
        called_sharp=share(said[blurred] == SHARP),
    )


def _by_kind(truth: Truth, said: Indices) -> tuple[PartScore, ...]:
    kinds = np.array([kind or "ordinary" for kind in truth.kinds], dtype=object)
    names = ["ordinary", *sorted({str(kind) for kind in kinds} - {"ordinary"})]
    return tuple(_part(name, kinds == name, truth.labels, said) for name in names if (kinds == name).any())


def _by_camera(truth: Truth, said: Indices, least: int = 10) -> tuple[PartScore, ...]:
    cameras = np.array([camera or "not known" for camera in truth.cameras], dtype=object)
    found = {str(camera): int((cameras == camera).sum()) for camera in set(cameras.tolist())}
    ranked: Sequence[str] = sorted((name for name in found if found[name] >= least), key=lambda name: -found[name])
    return tuple(_part(name, cameras == name, truth.labels, said) for name in ranked)


def _by_width(truth: Truth, said: Indices) -> tuple[PartScore, ...]:
    widths = np.array([np.nan if width is None else width for width in truth.widths_px])
    parts = []
    for low, high in pairwise(WIDTHS_PX):
        rows = (widths >= low) & (widths < high) & (truth.labels != SHARP)
        if rows.any():
            name = f"{low:g} px and more" if np.isinf(high) else f"{low:g} to {high:g} px"
            parts.append(_part(name, rows, truth.labels, said))
    return tuple(parts)
