"""From probabilities to a definite answer: a temperature, and for each blur type the point from which it is detected.

A photo is said to be of its most probable blur type when the chance that it is *not* sharp reaches that type's
operating point, and else to be sharp. The points are chosen on photos that no network learned from, so that with 95 %
confidence at most a stated share of sharp photos like them is called blurred, whatever the type: see :func:`choose`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from blur_train.classes import BLUR_TYPES, CLASSES, BlurClass
from footage.errors import DatasetError, ModelError

FALSE_POSITIVES = 0.005
"""The share of sharp photos that may be called blurred, by default."""

_SHARP = CLASSES.index(BlurClass.SHARP)
_TYPES = [CLASSES.index(name) for name in BLUR_TYPES]
_ABOVE = 1e-4
"""A point lies by so much above the sharp photo that it leaves out, or half-way to 1 where that is nearer: far more
than one runtime's answer differs from another's."""
_LEAST_TEMPERATURE, _MOST_TEMPERATURE = 0.1, 10.0


class Preset(StrEnum):
    """How readily a photo is called blurred."""

    STRICT = "strict"
    MODERATE = "moderate"
    LENIENT = "lenient"


SHARES: dict[Preset, float] = {Preset.STRICT: 0.2, Preset.MODERATE: 1.0, Preset.LENIENT: 4.0}
"""The false positives that each preset allows, as a multiple of the stated share."""


@dataclass(frozen=True, slots=True)
class Points:
    """From which chance of not being sharp each blur type is detected.

    Attributes:
        at_least: of each of ``BLUR_TYPES``, in that order; above 1 where the type is never detected.
    """

    at_least: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRule:
    """All that turns a network's logits into answers.

    Attributes:
        temperature: logits are divided by it before the softmax; it is part of the exported graph.
        false_positives: the share of sharp photos that ``moderate`` may call blurred.
        points: of each preset.
        chosen_on_sharp: how many sharp photos the points were chosen on.
        chosen_on_blurred: how many blurred ones.
    """

    temperature: float
    false_positives: float
    points: Mapping[Preset, Points]
    chosen_on_sharp: int
    chosen_on_blurred: int

    def predict(self, probabilities: ArrayLike, preset: Preset | str = Preset.MODERATE) -> NDArray[np.intp]:
        """The class of each photo, as its index in ``CLASSES``.

        Args:
            probabilities: calibrated, ``(N, 4)`` in class order.
            preset: how readily a photo is called blurred.
        """
        p = np.asarray(probabilities, np.float64)
        kind, blurred = _most_probable_type(p)
        points = np.array(self.points[Preset(preset)].at_least)[kind]
        return np.where(blurred >= points, np.array(_TYPES)[kind], _SHARP).astype(np.intp)

    @property
    def doubts(self) -> tuple[str, ...]:
        """What limits the promise on false positives; empty where nothing does."""
        wanted = needed_without_error(self.false_positives)
        if self.chosen_on_sharp >= wanted:
            return ()
        doubt = (
            f"the operating points were chosen on {self.chosen_on_sharp} sharp photos; {wanted} are needed before a "
            f"share of {self.false_positives:.1%} called blurred can be promised"
        )
        return (doubt,)

    def document(self) -> dict[str, Any]:
        """The rule as plain JSON values, for a manifest."""
        return {
            "temperature": self.temperature,
            "false_positives_on_sharp": self.false_positives,
            "detected_from_chance_of_not_sharp": {
                preset.value: dict(zip(BLUR_TYPES, points.at_least, strict=True))
                for preset, points in self.points.items()
            },
            "chosen_on": {"sharp": self.chosen_on_sharp, "blurred": self.chosen_on_blurred},
        }


def rule_of(document: object) -> DecisionRule:
    """The rule in a manifest.

    Raises:
        ModelError: it is missing or incomplete.
    """
    try:
        if not isinstance(document, dict):
            raise TypeError("it is missing")
        points = document["detected_from_chance_of_not_sharp"]
        return DecisionRule(
            temperature=float(document["temperature"]),
            false_positives=float(document["false_positives_on_sharp"]),
            points={
                preset: Points(tuple(float(points[preset.value][name]) for name in BLUR_TYPES)) for preset in Preset
            },
            chosen_on_sharp=int(document["chosen_on"]["sharp"]),
            chosen_on_blurred=int(document["chosen_on"]["blurred"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"its manifest holds no rule to decide by ({error})", remedy="export the model again with this version"
        ) from error


def allowed_errors(share: float, n: int, confidence: float = 0.95) -> int:
    """How many of n photos may be wrong before an error rate up to ``share`` is no longer shown.

    The exact (binomial) one-sided bound: the most k with a chance of at most ``1 - confidence`` for so few errors at
    that rate. 0 also where even none would show it: see :func:`needed_without_error`.
    """
    from scipy.special import bdtr

    chances = bdtr(np.arange(n), n, share)
    return max(0, int(np.searchsorted(chances, 1 - confidence, side="right")) - 1)


def needed_without_error(share: float, confidence: float = 0.95) -> int:
    """How many photos must be right without one error before an error rate up to ``share`` is shown.

    The exact (binomial) one-sided bound: the least n with ``(1 - share)^n <= 1 - confidence``; 598 for .5 % and 95 %.
    """
    return int(np.ceil(np.log(1 - confidence) / np.log(1 - share)))


def probabilities_of(logits: ArrayLike, temperature: float = 1.0) -> NDArray[np.float64]:
    """Softmax of logits over a temperature, ``(N, C)``."""
    scaled = np.asarray(logits, np.float64) / temperature
    grown = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(grown / grown.sum(axis=1, keepdims=True))


def best_temperature(logits: ArrayLike, labels: ArrayLike) -> float:
    """The temperature with the least negative log-likelihood (Guo et al., 2017), between .1 and 10.

    Args:
        logits: ``(N, C)``.
        labels: class of every row ``(N,)``.
    """
    from scipy.optimize import minimize_scalar

    z, y = np.asarray(logits, np.float64), np.asarray(labels, np.intp)

    def loss(log_temperature: float) -> float:
        right = probabilities_of(z, float(np.exp(log_temperature)))[np.arange(len(y)), y]
        return float(-np.log(np.maximum(right, 1e-12)).mean())

    ends = (np.log(_LEAST_TEMPERATURE), np.log(_MOST_TEMPERATURE))
    return float(np.exp(minimize_scalar(loss, bounds=ends, method="bounded").x))


def choose(logits: ArrayLike, labels: ArrayLike, *, false_positives: float = FALSE_POSITIVES) -> DecisionRule:
    """Choose temperature and operating points on photos that no network learned from.

    Each preset may call so many of the sharp photos blurred that with 95 % confidence its share is kept on others like
    them (:func:`allowed_errors`), all types together. The points lie where every type loses the same share of its own
    photos: one number is chosen by the sharp photos, not three, which would be the luckiest three.

    Args:
        logits: of the calibration photos, ``(N, 4)``.
        labels: their classes, ``(N,)``.
        false_positives: the share of sharp photos that ``moderate`` may call blurred, in (0, 1).

    Raises:
        DatasetError: there is no sharp or no blurred photo.
        ValueError: the share is not between 0 and 1.
    """
    if not 0 < false_positives < 1:
        raise ValueError(f"false_positives is {false_positives}, expected a share between 0 and 1")
    y = np.asarray(labels, np.intp)
    sharp = y == _SHARP
    if not sharp.any() or sharp.all():
        raise DatasetError(
            "the calibration photos are all sharp or all blurred", remedy="add photos of the other kind to that side"
        )
    temperature = best_temperature(logits, y)
    kind, blurred = _most_probable_type(probabilities_of(logits, temperature))
    losses = [_Losses.of(blurred[(y == index) & (kind == one)]) for one, index in enumerate(_TYPES)]
    lost = np.empty(len(y))
    for one, loss in enumerate(losses):
        lost[kind == one] = loss.at(blurred[kind == one])
    negatives = np.sort(lost[sharp])[::-1]
    points = {}
    for preset, share in SHARES.items():
        allowed = allowed_errors(min(false_positives * share, 1.0), int(sharp.sum()))
        level = float(negatives[allowed]) if allowed < len(negatives) else 0.0
        points[preset] = Points(tuple(loss.point(level) for loss in losses))
    return DecisionRule(
        temperature=temperature,
        false_positives=false_positives,
        points=points,
        chosen_on_sharp=int(sharp.sum()),
        chosen_on_blurred=int((~sharp).sum()),
    )


@dataclass(frozen=True, slots=True)
class _Losses:
    """Which share of a type's photos a point loses; between photos it grows evenly, so that it can be turned around.

    Attributes:
        chances: of not being sharp, rising from 0 to 1.
        shares: what a point there loses, likewise.
    """

    chances: NDArray[np.float64]
    shares: NDArray[np.float64]

    @classmethod
    def of(cls, chances: NDArray[np.float64]) -> _Losses:
        """Of the photos that are of the type and look most like it; where there are none, a chance is its own share."""
        inner = np.unique(chances[(chances > 0) & (chances < 1)])
        below = np.searchsorted(np.sort(chances), inner, side="left") + 0.5
        return cls(np.concatenate([[0.0], inner, [1.0]]), np.concatenate([[0.0], below / (len(chances) + 1), [1.0]]))

    def at(self, chance: NDArray[np.float64]) -> NDArray[np.float64]:
        """The share that is lost by points there."""
        return np.asarray(np.interp(chance, self.chances, self.shares))

    def point(self, share: float) -> float:
        """The point that loses the share, a little above it."""
        chance = float(np.interp(share, self.shares, self.chances))
        # No photo is called blurred that is more probably sharp, however few sharp photos there were to learn it from.
        return max(chance + min(_ABOVE, (1.0 - chance) / 2), 0.5)


def _most_probable_type(probabilities: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Each photo's most probable blur type, as its place in ``BLUR_TYPES``, and the chance that it is not sharp."""
    kind = np.argmax(probabilities[:, _TYPES], axis=1)
    return kind, 1.0 - probabilities[:, _SHARP]
