"""Which events a model is measured on: those that its training never saw, unless asked otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from footage.dataset.discover import Skipped
from footage.errors import DatasetError
from footage.training.clips import LabelledVideo
from video_train.catalogue.events import KnownEvent, View
from video_train.catalogue.sides import FEW_TEST_GROUPS, Span, overlapping

_SHORTEST_SECONDS = 0.1
"""Less of a video is no part to measure on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A view of an event, or what training left of it.

    Attributes:
        event: place of the event among those measured.
        view: the video.
        video: the part of it, with its class.
    """

    event: int
    view: View
    video: LabelledVideo

    @property
    def key(self) -> str:
        """What identifies it wherever the file lies."""
        return f"{self.view.fingerprint}:{self.video.start_seconds:.6f}:{self.video.end_seconds:.6f}"

    @property
    def span(self) -> Span:
        """The same, to be compared with what a training saw."""
        return Span(self.view.fingerprint, self.video.start_seconds, self.video.end_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What is measured, and what is not.

    Attributes:
        classes: names in the order of the model's outputs.
        events: those that are measured.
        parts: their videos, those of one event one after another.
        seen: how many of the events training saw; 0 unless that was asked for.
        left_out: events left out because training saw them.
        unknown: events whose class the model does not know.
        doubts: what limits every figure.
    """

    classes: tuple[str, ...]
    events: tuple[KnownEvent, ...]
    parts: tuple[Part, ...]
    seen: int
    left_out: tuple[str, ...]
    unknown: tuple[Skipped, ...]
    doubts: tuple[str, ...]

    @property
    def event_of(self) -> NDArray[np.intp]:
        """The event of every part, ``(N,)``."""
        return np.array([part.event for part in self.parts], np.intp)


def choose(
    events: Sequence[KnownEvent],
    classes: tuple[str, ...],
    split: Mapping[str, Sequence[Span]] | None,
    *,
    count_seen: bool,
    max_events: int | None = None,
) -> Chosen:
    """Choose events to measure on.

    Args:
        events: what is there.
        classes: that the model knows.
        split: the parts of videos on each side of its training; None where that is not known.
        count_seen: measure on all of it, seen or not.
        max_events: only so many of each class; None for all.

    Raises:
        DatasetError: nothing is left to measure on.
    """
    kept: list[tuple[KnownEvent, list[tuple[View, float, float]], bool]] = []
    left_out: list[str] = []
    unknown: list[Skipped] = []
    taken = Counter[str]()
    seen_groups = set()
    learned = [*split["train"], *split["val"]] if split is not None else []
    for one in events:
        if one.event.label not in classes:
            reason = f"the model does not know the class {one.event.label!r}"
            unknown.append(Skipped(one.views[0].path, reason))
            continue
        whole = [(view, one.start_seconds, one.end_seconds) for view in one.views]
        seen = bool(overlapping(_spans(whole), learned))
        if seen:
            seen_groups.add(one.group)
        parts = whole if count_seen or not seen else _rest(whole, split["test"] if split is not None else [])
        if not parts:
            left_out.append(one.event.identity)
        elif max_events is None or taken[one.event.label] < max_events:
            taken[one.event.label] += 1
            kept.append((one, parts, seen))
    _refuse_nothing(kept, left_out, unknown)
    return Chosen(
        classes=classes,
        events=tuple(one for one, _, _ in kept),
        parts=tuple(
            _part(number, classes.index(one.event.label), part)
            for number, (one, parts, _) in enumerate(kept)
            for part in parts
        ),
        seen=sum(seen for *_, seen in kept) if count_seen else 0,
        left_out=tuple(left_out),
        unknown=tuple(unknown),
        doubts=_doubts([one for one, _, _ in kept], seen_groups, known=split is not None, count_seen=count_seen),
    )


def _part(event: int, label: int, part: tuple[View, float, float]) -> Part:
    view, start, end = part
    video = LabelledVideo(path=view.path, label=label, start_seconds=start, end_seconds=end)
    return Part(event=event, view=view, video=video)


def _spans(parts: Sequence[tuple[View, float, float]]) -> list[Span]:
    return [Span(view.fingerprint, start, end) for view, start, end in parts]


def _rest(whole: Sequence[tuple[View, float, float]], held_out: Sequence[Span]) -> list[tuple[View, float, float]]:
    """What training held out of videos that it learned from elsewhere."""
    found = []
    for view, start, end in whole:
        for span in held_out:
            begin, stop = max(start, span.start_seconds), min(end, span.end_seconds)
            if span.content == view.fingerprint and stop - begin >= _SHORTEST_SECONDS:
                found.append((view, begin, stop))
    return found


def _refuse_nothing(kept: Sequence[object], left_out: Sequence[str], unknown: Sequence[Skipped]) -> None:
    if kept:
        return
    why = [f"{len(left_out)} were seen in training"] if left_out else []
    if unknown:
        why.append(f"{len(unknown)} are of classes that the model does not know, the first: {unknown[0].reason}")
    raise DatasetError(
        f"there is no event to measure on: {', '.join(why) or 'none was given'}",
        remedy="give videos that the model did not learn from, of the classes it knows",
    )


def _doubts(measured: Sequence[KnownEvent], seen_groups: set[str], *, known: bool, count_seen: bool) -> tuple[str, ...]:
    doubts = []
    groups = {one.group for one in measured}
    related = sum(one.group in seen_groups for one in measured)
    if not known:
        doubts.append("it is not known what the model learned from, so these videos may be among it")
    elif related and count_seen:
        doubts.append(f"{related} of {len(measured)} events were seen in training: these figures are not held out")
    elif related:
        doubts.append(
            f"{related} of {len(measured)} events are of recordings or groups that the model learned from elsewhere"
        )
    if len(groups) < FEW_TEST_GROUPS:
        doubts.append(f"only {len(groups)} groups are measured: figures from fewer than {FEW_TEST_GROUPS} say little")
    return tuple(doubts)
