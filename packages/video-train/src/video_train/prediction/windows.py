"""Windows along a video, and what a model says of them; shared by files and streams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from footage.errors import InputError
from video_train.model import SPLIT_FILE, ClipModel, read_split

_LEAST_SHARE = 0.5
"""A last window that is shorter than this share of a window is joined to the one before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a model says of a stretch of video.

    Attributes:
        start_seconds: where it begins.
        end_seconds: where it ends.
        label: the likeliest class.
        probabilities: by class.
    """

    start_seconds: float
    end_seconds: float
    label: str
    probabilities: dict[str, float]

    @property
    def probability(self) -> float:
        """Of the label."""
        return self.probabilities[self.label]

    def document(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "start_seconds": self.start_seconds,
            "end_seconds": self.end_seconds,
            "label": self.label,
            "probability": self.probability,
            "probabilities": self.probabilities,
        }


def probabilities(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of logits ``(N, classes)``, rows that add up to 1."""
    raised = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(raised / raised.sum(1, keepdims=True))


def said_of(start_seconds: float, end_seconds: float, logits: NDArray[np.float64], classes: Sequence[str]) -> Said:
    """What logits ``(classes,)`` of a stretch mean."""
    chances = probabilities(logits[None])[0]
    return Said(
        start_seconds=start_seconds,
        end_seconds=end_seconds,
        label=classes[int(chances.argmax())],
        probabilities=dict(zip(classes, chances.tolist(), strict=True)),
    )


def window_seconds(model: ClipModel, wanted: float | None) -> tuple[float | None, str]:
    """How long a window is, and why.

    Args:
        model: whose clips it was trained on decides where nothing else is wanted.
        wanted: by the user.

    Returns:
        Seconds, None for whole videos; and the reason in words.

    Raises:
        InputError: what is wanted is not positive.
    """
    if wanted is not None:
        if not 0 < wanted < float("inf"):
            raise InputError("a window must have a positive length")
        return wanted, "as asked for"
    if model.sampling.span_seconds is not None:
        return model.sampling.span_seconds, "as long as the clips it learned from"
    split = model.path.with_name(SPLIT_FILE)
    if split.is_file():
        lengths = [span.end_seconds - span.start_seconds for span in read_split(split)["train"]]
        if lengths:
            return float(np.median(lengths)), "as long as the videos it learned from"
    return None, "it is not known how long the videos were that it learned from: each video is one window"


def windows_of(length_seconds: float, window: float | None, step: float | None) -> list[tuple[float, float]]:
    """Where windows along a video lie: start and end, covering it from its beginning to its end.

    Args:
        length_seconds: of the video.
        window: length of each; None for the whole video.
        step: from the start of one to the next; None for one after another.

    Raises:
        InputError: the step is not positive.
    """
    if window is None or window >= length_seconds:
        return [(0.0, length_seconds)]
    apart = window if step is None else step
    if not 0 < apart < float("inf"):
        raise InputError("the step between windows must be positive")
    found: list[tuple[float, float]] = []
    number = 0
    while (start := number * apart) < length_seconds:
        left = length_seconds - start
        if found and left < _LEAST_SHARE * window:
            found[-1] = (found[-1][0], max(found[-1][1], length_seconds))
            break
        found.append((start, min(start + window, length_seconds)))
        if left <= window:
            break
        number += 1
    return found


def stretches(windows: Sequence[Said]) -> list[Said]:
    """Windows with one label after another joined: where a label begins and ends, with its mean probabilities."""
    joined: list[list[Said]] = []
    for window in windows:
        if joined and joined[-1][-1].label == window.label:
            joined[-1].append(window)
        else:
            joined.append([window])
    return [
        Said(
            start_seconds=group[0].start_seconds,
            end_seconds=group[-1].end_seconds,
            label=group[0].label,
            probabilities={
                name: float(np.mean([one.probabilities[name] for one in group])) for name in group[0].probabilities
            },
        )
        for group in joined
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A video and its labels over time.

    Attributes:
        path: the file.
        whole: what the mean over its windows says.
        windows: one after another.
    """

    path: Path
    whole: Said
    windows: tuple[Said, ...]
