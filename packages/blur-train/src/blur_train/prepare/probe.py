"""The confound probe: can the class be told from what has nothing to do with blur?

Classes that come from different places (runners are sharp, products are blurred; one camera took all of one class)
teach a classifier the place. Two probes look for that. One, a support vector machine, sees each photo at 24 x 24 px,
where no blur of these classes is left to see. The other sees what the file says of its origin: camera, size and format.
Neither may tell the classes apart better than chance.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from footage.metrics.intervals import Interval, group_bootstrap

FOLDS = 5
LEAST_GROUPS = 20
"""Fewer groups of a class than this give a probe nothing to learn from."""

TOLERANCE = 0.05
"""How far above chance the lower end of a probe's interval may be."""

MOST_PHOTOS = 4000
"""A probe's time grows with the square of the photos; more than this many tell it nothing new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a probe found.

    Attributes:
        name: what it looked at.
        accuracy: balanced over the classes, cross-validated by group.
        chance: what guessing gives.
        classes: those it was asked to tell apart.
        limit: highest lower end of the interval that passes.
        reason: why the probe could not be run; None where it was.
    """

    name: str
    accuracy: Interval | None
    chance: float
    classes: tuple[str, ...]
    limit: float
    reason: str | None = None

    @property
    def passes(self) -> bool:
        """Whether the classes cannot be told apart this way; a probe that could not be run does not pass."""
        low = None if self.accuracy is None else self.accuracy.low
        return low is not None and low <= self.limit

    def text(self) -> str:
        """One line."""
        if self.accuracy is None:
            return f"{self.name}: not run, {self.reason}"
        verdict = "at chance" if self.passes else "tells the classes apart"
        return f"{self.name}: balanced accuracy {self.accuracy.text()}, chance {self.chance:.2f}: {verdict}"


def probe_thumbnails(
    thumbnails: NDArray[np.uint8], labels: Sequence[str], groups: Sequence[str], rng: np.random.Generator
) -> Probe:
    """Whether photos of 24 x 24 px tell the classes apart.

    Args:
        thumbnails: ``(N, 24, 24, 3)``.
        labels: class of each.
        groups: group of each; no group is learned from and asked about.
        rng: deals the folds and draws the interval.
    """
    features = thumbnails.reshape(len(thumbnails), -1).astype(np.float32) / 255
    return _probe("thumbnails of 24 px", features, labels, groups, rng)


def probe_origin(
    origins: Sequence[dict[str, str | float]], labels: Sequence[str], groups: Sequence[str], rng: np.random.Generator
) -> Probe:
    """Whether camera, size and format tell the classes apart.

    Args:
        origins: what is known of each file; texts are categories.
        labels: class of each.
        groups: group of each.
        rng: deals the folds and draws the interval.
    """
    table: NDArray[np.float64] = DictVectorizer(sparse=False).fit_transform(list(origins))
    return _probe("camera, size and format", table, labels, groups, rng, linear=True)


def _probe(
    name: str,
    features: NDArray[np.floating[Any]],
    labels: Sequence[str],
    groups: Sequence[str],
    rng: np.random.Generator,
    *,
    linear: bool = False,
) -> Probe:
    rows = np.sort(rng.permutation(len(labels))[:MOST_PHOTOS])
    truth, group = np.array(labels)[rows], np.array(groups)[rows]
    classes = tuple(sorted(set(truth.tolist())))
    chance = 1 / max(1, len(classes))
    reason = _too_few(truth, group, classes)
    if reason is not None:
        return Probe(name=name, accuracy=None, chance=chance, classes=classes, limit=chance + TOLERANCE, reason=reason)
    guessed = _guesses(features[rows], truth, group, rng, linear=linear)

    def accuracy(chosen: NDArray[np.intp]) -> float:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a resample may lack a class that was guessed
            return float(balanced_accuracy_score(truth[chosen], guessed[chosen]))

    interval = group_bootstrap(accuracy, group, rng, resamples=300)
    return Probe(name=name, accuracy=interval, chance=chance, classes=classes, limit=chance + TOLERANCE)


def _too_few(truth: NDArray[np.str_], group: NDArray[np.str_], classes: tuple[str, ...]) -> str | None:
    if len(classes) < 2:
        return "there is one class only"
    for name in classes:
        count = len(np.unique(group[truth == name]))
        if count < LEAST_GROUPS:
            return f"{name} has {count} independent groups of photos, and {LEAST_GROUPS} are needed"
    return None


def _guesses(
    features: NDArray[np.floating[Any]],
    truth: NDArray[np.str_],
    group: NDArray[np.str_],
    rng: np.random.Generator,
    *,
    linear: bool,
) -> NDArray[np.str_]:
    """The class that a probe gives each row, learned from rows of other groups."""
    guessed = np.empty_like(truth)
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=int(rng.integers(2**31)))
    for train, held_out in folds.split(features, truth, group):
        kind = LogisticRegression(max_iter=500, class_weight="balanced") if linear else SVC(class_weight="balanced")
        model = make_pipeline(StandardScaler(), kind)
        model.fit(features[train], truth[train])
        guessed[held_out] = model.predict(features[held_out])
    return guessed
