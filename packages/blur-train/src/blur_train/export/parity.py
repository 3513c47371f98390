"""Whether two models give the same answers for real photos, over the whole path from file to decision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from blur_train.classes import CLASSES
from blur_train.classifier import BlurClassifier
from blur_train.decision import DecisionRule, Preset, probabilities_of
from blur_train.evidence import EvidenceMaker
from blur_train.photos import PhotoError, read_photo
from footage.cli.progress import Progress
from footage.errors import ModelError


@dataclass(frozen=True, slots=True, kw_only=True)
class PathParity:
    """Two models on the same photo files.

    Attributes:
        n: photos compared.
        decisions_changed: photos on which any preset decides otherwise.
        max_abs_difference: largest distance between two probabilities.
        changed: the first few of the photos that changed.
        unreadable: photos that could not be opened.
    """

    n: int
    decisions_changed: int
    max_abs_difference: float
    changed: tuple[str, ...]
    unreadable: int

    def text(self) -> str:
        """One line, such as ``0 of 240 decisions changed, probabilities differ by at most 3.1e-07``."""
        return (
            f"{self.decisions_changed} of {self.n} decisions changed, "
            f"probabilities differ by at most {self.max_abs_difference:.2g}"
        )


Answer = Callable[[NDArray[np.uint8]], tuple[NDArray[np.float64], tuple[str, ...]]]
"""From a photo, RGB or luma as the model needs it, to its probabilities and its answer by each preset."""


def by_torch(network: nn.Module, maker: EvidenceMaker, rule: DecisionRule) -> Answer:
    """The network that was measured, as it was measured."""
    network.eval()

    def answer(image: NDArray[np.uint8]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
        with torch.inference_mode():
            logits = network(torch.from_numpy(maker.of(image).array[None])).double().numpy()
        found = probabilities_of(logits, rule.temperature)
        return found[0], tuple(CLASSES[int(rule.predict(found, preset)[0])] for preset in Preset)

    return answer


def by_classifier(classifier: BlurClassifier) -> Answer:
    """The classifier that ships."""

    def answer(image: NDArray[np.uint8]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
        evidence = classifier.evidence(image)
        decided = [classifier.decide([evidence], preset)[0] for preset in Preset]
        return np.array(list(decided[0].probabilities.values())), tuple(one.predicted_class for one in decided)

    return answer


def compare(
    reference: Answer,
    candidate: Answer,
    files: Sequence[Path],
    *,
    luma: bool,
    progress: Progress,
    most_listed: int = 10,
) -> PathParity:
    """Open every photo and ask both models.

    Args:
        reference: the model that was measured.
        candidate: the other.
        files: photos that no model learned from.
        luma: whether both need no more than a photo's luma.
        progress: told of every photo.
        most_listed: how many changed photos are named.

    Raises:
        ModelError: not one photo could be opened, or an output is not a finite number.
    """
    changed: list[str] = []
    largest, n, unreadable = 0.0, 0, 0
    for file in files:
        try:
            image = read_photo(file, luma=luma).image
        except PhotoError:
            unreadable += 1
            progress.fail()
            continue
        (wanted, answers), (found, others) = reference(image), candidate(image)
        if not (np.isfinite(wanted).all() and np.isfinite(found).all()):
            raise ModelError("an output is not a finite number", where=file)
        if answers != others:
            changed.append(str(file))
        largest = max(largest, float(np.abs(wanted - found).max()))
        n += 1
        progress.advance()
    if n == 0:
        raise ModelError(
            "there is no photo to compare the two models on",
            remedy="name the data set of the training where it lies now",
        )
    return PathParity(
        n=n,
        decisions_changed=len(changed),
        max_abs_difference=largest,
        changed=tuple(changed[:most_listed]),
        unreadable=unreadable,
    )


def require(parity: PathParity, *, what: Path, max_abs_difference: float | None = None) -> None:
    """Refuse a model that decides otherwise.

    Raises:
        ModelError: a decision changed, or probabilities differ by more than ``max_abs_difference``.
    """
    too_far = max_abs_difference is not None and parity.max_abs_difference > max_abs_difference
    if parity.decisions_changed or too_far:
        raise ModelError(f"does not decide as the model that was measured: {parity.text()}", where=what)
