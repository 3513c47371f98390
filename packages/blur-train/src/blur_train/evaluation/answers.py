"""What a classifier, and the measures it has to beat, say of photos: from file to answer, in worker processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from blur_train.classes import CLASSES
from blur_train.classifier import BlurClassifier
from blur_train.evaluation.hand import FEATURES, focus_features
from blur_train.evidence import LONG_SIDE_PX
from blur_train.photos import read_photo
from blur_train.prepare.manifest import LeftOut, PreparedPhoto
from footage.cli.progress import Progress
from footage.parallel import parallel_map


@dataclass(frozen=True, slots=True)
class Answers:
    """What was said of photos.

    Attributes:
        photos: those that could be read.
        probabilities: of the classifier, ``(N, 4)``; zeros where it was not asked.
        features: measures of focus, ``(N, FEATURES)``.
        left_out: photos that could not be read, with the reason.
    """

    photos: tuple[PreparedPhoto, ...]
    probabilities: NDArray[np.float64]
    features: NDArray[np.float64]
    left_out: tuple[LeftOut, ...]


@cache
def _opened(model: str, device: str) -> BlurClassifier:
    """A worker opens a model once."""
    return BlurClassifier.open(Path(model), device=device)


def _answer(path: str, *, model: str | None, device: str) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    classifier = None if model is None else _opened(model, device)
    image = read_photo(path, luma=classifier is None or classifier.by_luma).image
    features = focus_features(image, long_side_px=LONG_SIDE_PX)
    if classifier is None:
        return np.zeros(len(CLASSES)), features
    return classifier.probabilities(classifier.evidence(image)), features


def answers_of(
    photos: Sequence[PreparedPhoto],
    dataset: Path,
    *,
    model: Path | None,
    device: str,
    jobs: int | None,
    progress: Progress,
) -> Answers:
    """Read photos and say what the classifier makes of them.

    Args:
        photos: of a data set.
        dataset: its folder.
        model: the classifier's file; None measures focus only.
        device: where the classifier computes.
        jobs: worker processes; None takes one a processor.
        progress: told of every photo.
    """
    work = partial(_answer, model=None if model is None else str(model), device=device)
    found: list[tuple[NDArray[np.float64], NDArray[np.float32]]] = []
    kept: list[PreparedPhoto] = []
    left_out = []
    for outcome in parallel_map(work, [str(dataset / photo.file) for photo in photos], jobs=jobs):
        photo = photos[outcome.index]
        if outcome.value is None:
            reason = "failed" if outcome.error is None else outcome.error.message
            left_out.append(LeftOut(path=photo.file, reason=reason))
            progress.fail()
            continue
        kept.append(photo)
        found.append(outcome.value)
        progress.advance()
    return Answers(
        photos=tuple(kept),
        probabilities=np.array([one[0] for one in found]).reshape(-1, len(CLASSES)),
        features=np.array([one[1] for one in found], np.float64).reshape(-1, FEATURES),
        left_out=tuple(left_out),
    )
