"""What the answers amount to: figures over events, each with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from footage.metrics.intervals import Interval
from video_train.evaluation.answers import Answer
from video_train.evaluation.unseen import Chosen
from video_train.measure import Measured, consistency, difference, fused, measured

QUALITIES = ("sharpness", "brightness", "dark_share", "bright_share", "dropped", "repeated")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """Whether the order of frames decides.

    Attributes:
        shuffled: accuracy with the frames of each clip in another order.
        loss: accuracy in the true order minus that, over the same events.
    """

    shuffled: Interval
    loss: Interval

    @property
    def verdict(self) -> str:
        """What it says, in words."""
        if self.loss.low is not None and self.loss.low > 0:
            return "the model goes by the order of frames"
        return "these videos do not show that the model goes by the order of frames"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A teacher beside the student.

    Attributes:
        measured: how good the teacher is on the same events.
        agreement: share of events for which both say the same.
        difference: accuracy of the student minus that of the teacher.
    """

    measured: Measured
    agreement: Interval
    difference: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityRow:
    """A figure of the recordings beside the errors.

    Attributes:
        name: of the figure.
        right: its median over videos whose event got its class; None without such.
        wrong: its median over the others.
    """

    name: str
    right: float | None
    wrong: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All figures.

    Attributes:
        logits: of every event ``(E, classes)``.
        student: how good they are.
        frequent: the class that is named most often among the events; the baseline always says it.
        single_views: accuracy of the videos one by one, where events have several; None elsewhere.
        consistency: how often two clips of one video get the same class, and over how many videos.
        ordered: whether the order of frames decides; None with one frame a clip.
        teacher: beside the student; None without.
        teacher_logits: likewise ``(E, classes)``.
        quality: of the recordings beside the errors.
    """

    logits: NDArray[np.float64]
    student: Measured
    frequent: int
    single_views: Interval | None
    consistency: float | None
    ordered: Ordered | None
    teacher: Compared | None
    teacher_logits: NDArray[np.float64] | None
    quality: tuple[QualityRow, ...]


def figures_of(chosen: Chosen, answers: Mapping[int, Answer], *, seed: int) -> Figures:
    """Work out the figures; every part of ``chosen`` has an answer."""
    by_part = [answers[number] for number in range(len(chosen.parts))]
    truth = np.array([chosen.classes.index(one.event.label) for one in chosen.events])
    groups = np.array([one.group for one in chosen.events])
    frequent = int(np.bincount(truth).argmax())

    def measure(said: NDArray[np.intp], true: NDArray[np.intp] = truth) -> Measured:
        return measured(true, said, groups, frequent=frequent, classes=len(chosen.classes), seed=seed)

    logits = _by_event([one.clips for one in by_part], chosen)
    said = np.asarray(logits.argmax(1), np.intp)
    ordered = None
    if all(one.shuffled is not None for one in by_part):
        mixed = _by_event([one.shuffled for one in by_part if one.shuffled is not None], chosen).argmax(1)
        ordered = Ordered(
            shuffled=measure(mixed).accuracy, loss=difference(said == truth, mixed == truth, groups, seed=seed)
        )
    compared, taught = None, None
    if all(one.teacher is not None for one in by_part):
        taught = _by_event([one.teacher for one in by_part if one.teacher is not None], chosen)
        teacher = np.asarray(taught.argmax(1), np.intp)
        compared = Compared(
            measured=measure(teacher),
            agreement=measure(said, teacher).accuracy,
            difference=difference(said == truth, teacher == truth, groups, seed=seed),
        )
    return Figures(
        logits=logits,
        student=measure(said),
        frequent=frequent,
        single_views=_single_views(chosen, by_part, frequent, seed=seed),
        consistency=consistency([one.more for one in by_part]),
        ordered=ordered,
        teacher=compared,
        teacher_logits=taught,
        quality=_quality(by_part, (said == truth)[chosen.event_of]),
    )


def _by_event(clips: Sequence[NDArray[np.float64]], chosen: Chosen) -> NDArray[np.float64]:
    """Mean logits over the clips of each video, then over the videos of each event."""
    return fused(np.stack([one.mean(0) for one in clips]), chosen.event_of)[1]


def _single_views(chosen: Chosen, by_part: Sequence[Answer], frequent: int, *, seed: int) -> Interval | None:
    if len({(part.event, part.view.path) for part in chosen.parts}) == len(chosen.events):
        return None
    truth = np.array([part.video.label for part in chosen.parts])
    said = np.array([one.clips.mean(0).argmax() for one in by_part])
    groups = np.array([chosen.events[part.event].group for part in chosen.parts])
    return measured(truth, said, groups, frequent=frequent, classes=len(chosen.classes), seed=seed).accuracy


def _quality(by_part: Sequence[Answer], right: NDArray[np.bool_]) -> tuple[QualityRow, ...]:
    rows = []
    for name in QUALITIES:
        values = np.array([getattr(one.quality, name) for one in by_part], float)
        rows.append(QualityRow(name=name, right=_median(values[right]), wrong=_median(values[~right])))
    return tuple(rows)


def _median(values: NDArray[np.float64]) -> float | None:
    return float(np.median(values)) if len(values) else None
