"""All that a training found, before any of it is written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from footage.dataset.discover import Skipped
from footage.metrics.intervals import Interval
from footage.training.loop import Fitted
from footage.training.weights import StateDict
from video_train.catalogue.sides import Sides
from video_train.measure import Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """One network and what it says of the test side.

    Attributes:
        name: its architecture.
        start: what it started from, in words.
        fitted: how training went; None for a teacher that was trained before.
        final: weights after its last epoch; None likewise.
        logits: of every event on the test side ``(E, classes)``.
        measured: how good they are.
        consistency: how often two clips of a video agree; None with one clip a video.
    """

    name: str
    start: str
    fitted: Fitted | None
    final: StateDict | None
    logits: NDArray[np.float64]
    measured: Measured
    consistency: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Students with and without a teacher, on the same budget.

    Attributes:
        seeds: of the pairs.
        taught: accuracy of each taught student.
        alone: accuracy of each student without a teacher.
        difference: mean of taught minus alone, with an interval from resampling whole groups of test events.
        over_seeds: standard deviation of the difference over seeds; None with one seed.
    """

    seeds: tuple[int, ...]
    taught: tuple[float, ...]
    alone: tuple[float, ...]
    difference: Interval
    over_seeds: float | None

    @property
    def verdict(self) -> str:
        """What it says, in words."""
        low, high = self.difference.low, self.difference.high
        if low is None or high is None:
            return "these videos do not tell whether the teacher helped"
        if low > 0:
            return "the teacher helped"
        return "the teacher did harm" if high < 0 else "these videos do not tell whether the teacher helped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All that a training found.

    Attributes:
        classes: names in the order of the network's outputs.
        device: where it was computed, in words.
        settings: everything that decides the result, but for the data.
        source: where labels come from, in words.
        sides: the split.
        test_events: of every event on the test side, its place among the events ``(E,)``.
        skipped: videos that could not be used.
        student: what was made.
        teacher: whom it learned from; None without.
        comparison: with and without the teacher; None where it was not asked for.
        doubts: why the figures should not be relied on.
    """

    classes: tuple[str, ...]
    device: str
    settings: dict[str, object]
    source: str
    sides: Sides
    test_events: NDArray[np.intp]
    skipped: tuple[Skipped, ...]
    student: Trained
    teacher: Trained | None
    comparison: Comparison | None
    doubts: tuple[str, ...]

    @property
    def ready(self) -> bool:
        """Whether the model may be called ready."""
        return not self.doubts and self.student.measured.beats_chance

    @property
    def lead(self) -> str:
        """The result in one sentence."""
        measured = self.student.measured
        against = f"always naming the most frequent class gets {measured.chance:.2f}"
        taught = "" if self.teacher is None else f", its teacher {short(self.teacher.measured.accuracy)}"
        compared = ""
        if self.comparison is not None:
            gain = short(self.comparison.difference)
            compared = f" With the teacher minus without: {gain}: {self.comparison.verdict}."
        unready = "" if self.ready else " This model is not ready: see the reservations."
        unseen = "parts of videos" if self.sides.grouped_by.startswith("part") else "videos"
        return (
            f"On {unseen} it never saw, the student ({self.student.name}) names the class with an accuracy of "
            f"{measured.accuracy.text()}; {against}{taught}.{compared}{unready}"
        )


def short(interval: Interval) -> str:
    """A figure and its interval without the counts."""
    return interval.text().split(" (n =")[0]
