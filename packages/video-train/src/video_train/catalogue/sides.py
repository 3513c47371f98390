"""Who learns from what: events dealt into training, validation and test, and the parts of videos on each side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from footage.dataset.manifest import rows_sha256
from footage.errors import DatasetError
from footage.training.clips import LabelledVideo
from video_train.catalogue.events import KnownEvent

SIDES = ("train", "val", "test")
SHARES = (0.6, 0.2, 0.2)
FEWEST_GROUPS = 3
"""Of a class, so that each side has one."""
FEW_TEST_GROUPS = 10
_GAP_SHARE = 0.04
"""Of a video that is cut in time: left out at each cut, so that no frame has its neighbour on the other side."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a video, whatever the file is called.

    Attributes:
        content: fingerprint of the file.
        start_seconds: where the part begins.
        end_seconds: where it ends.
    """

    content: str
    start_seconds: float
    end_seconds: float

    def overlaps(self, other: Span) -> bool:
        """Whether both hold the same moment of the same content."""
        apart = self.end_seconds <= other.start_seconds or other.end_seconds <= self.start_seconds
        return self.content == other.content and not apart


def overlapping(spans: Iterable[Span], others: Iterable[Span]) -> int:
    """How many spans hold a moment of one of the others."""
    by_content: dict[str, list[Span]] = defaultdict(list)
    for other in others:
        by_content[other.content].append(other)
    return sum(any(span.overlaps(other) for other in by_content[span.content]) for span in spans)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Parts of videos and the side each is on.

    Attributes:
        classes: names, sorted; a label is a place in them.
        events: the events.
        parts: parts of videos, views of one event one after another.
        event_of: of every part, the place of its event, ``(N,)``.
        side_of: of every part, 0 train, 1 val, 2 test, ``(N,)``.
        grouped_by: what never stands on two sides, in words.
        doubts: what limits every figure made with this.
    """

    classes: tuple[str, ...]
    events: tuple[KnownEvent, ...]
    parts: tuple[LabelledVideo, ...]
    event_of: NDArray[np.intp]
    side_of: NDArray[np.intp]
    grouped_by: str
    doubts: tuple[str, ...]

    @property
    def labels(self) -> NDArray[np.int64]:
        """Class of every part, ``(N,)``."""
        return np.array([part.label for part in self.parts], np.int64)

    @property
    def groups(self) -> NDArray[np.str_]:
        """Group of every part, ``(N,)``."""
        return np.array([self.events[number].group for number in self.event_of])

    def rows(self, side: str) -> NDArray[np.intp]:
        """The parts on a side."""
        return np.flatnonzero(self.side_of == SIDES.index(side))

    def count(self, side: str) -> tuple[int, int]:
        """Events and groups on a side."""
        rows = self.rows(side)
        return len(np.unique(self.event_of[rows])), len(np.unique(self.groups[rows]))

    def spans(self, *names: str) -> list[Span]:
        """Which parts of which contents stand on some sides."""
        found = []
        for row in (row for name in names for row in self.rows(name).tolist()):
            part, event = self.parts[row], self.events[int(self.event_of[row])]
            content = next(view.fingerprint for view in event.views if view.path == part.path)
            found.append(Span(content, part.start_seconds, part.end_seconds))
        return found

    def sha256(self) -> str:
        """Hash of which part is on which side."""
        spans = [(part.start_seconds, part.end_seconds) for part in self.parts]
        contents = [view.fingerprint for event in self.events for view in event.views]
        return rows_sha256(contents, spans, self.event_of.tolist(), self.side_of.tolist())


def deal(events: Sequence[KnownEvent], *, seed: int) -> Sides:
    """Deal events by group, class by class; where a class has too few groups, cut every video in time instead.

    Raises:
        DatasetError: there are fewer than two classes.
    """
    classes = tuple(sorted({one.event.label for one in events}))
    if len(classes) < 2:
        raise DatasetError("two classes are needed to learn to tell them apart")
    groups: dict[str, set[str]] = defaultdict(set)
    for one in events:
        groups[one.event.label].add(one.group)
    fewest = min(groups, key=lambda label: (len(groups[label]), label))
    if len(groups[fewest]) < FEWEST_GROUPS:
        return _cut_in_time(events, classes, f"{fewest!r} has {len(groups[fewest])} of {FEWEST_GROUPS} recordings")
    side_of_group = _dealt(events, np.random.default_rng(seed))
    parts, event_of, side_of = [], [], []
    for number, one in enumerate(events):
        for view in one.views:
            parts.append(_part(view.path, classes.index(one.event.label), one.start_seconds, one.end_seconds))
            event_of.append(number)
            side_of.append(side_of_group[one.group])
    made = Sides(
        classes=classes,
        events=tuple(events),
        parts=tuple(parts),
        event_of=np.array(event_of, np.intp),
        side_of=np.array(side_of, np.intp),
        grouped_by="group of recordings",
        doubts=(),
    )
    tested = made.count("test")[1]
    if tested < FEW_TEST_GROUPS:
        few = f"only {tested} groups are tested on: figures from fewer than {FEW_TEST_GROUPS} say little"
        return replace(made, doubts=(few,))
    return made


def _part(path: Path, label: int, start: float, end: float) -> LabelledVideo:
    return LabelledVideo(path=path, label=label, start_seconds=start, end_seconds=end)


def _dealt(events: Sequence[KnownEvent], rng: np.random.Generator) -> dict[str, int]:
    """Side of every group: each class's groups in random order, each to the side that lacks most of its events."""
    side_of: dict[str, int] = {}
    by_class: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one in events:
        by_class[one.event.label][one.group] += 1
    # Rare classes choose first: a group may hold several classes, and theirs are the scarcest.
    for label in sorted(by_class, key=lambda name: (len(by_class[name]), name)):
        sizes = by_class[label]
        wanted = np.array(SHARES) * sum(sizes.values())
        have = np.zeros(len(SIDES))
        for group in sizes.keys() & side_of.keys():
            have[side_of[group]] += sizes[group]
        left = [group for group in sorted(sizes) if group not in side_of]
        empty = [side for side in range(len(SIDES)) if have[side] == 0]
        for done, group in enumerate(rng.permutation(np.array(left, dtype=object)).tolist()):
            open_sides = empty if len(left) - done <= len(empty) else list(range(len(SIDES)))
            side = max(open_sides, key=lambda one: (wanted[one] - have[one], -one))
            side_of[group] = side
            have[side] += sizes[group]
            empty = [one for one in empty if one != side]
    return side_of


def _cut_in_time(events: Sequence[KnownEvent], classes: tuple[str, ...], why: str) -> Sides:
    """Every video's beginning to learn from, its end to test on, with gaps between."""
    parts, event_of, side_of = [], [], []
    edges = np.cumsum((0.0, *SHARES))
    for number, one in enumerate(events):
        start, length = one.start_seconds, one.end_seconds - one.start_seconds
        for view in one.views:
            for side in range(len(SIDES)):
                begin = edges[side] + (_GAP_SHARE / 2 if side else 0.0)
                end = edges[side + 1] - (_GAP_SHARE / 2 if side < len(SIDES) - 1 else 0.0)
                label = classes.index(one.event.label)
                parts.append(_part(view.path, label, float(start + begin * length), float(start + end * length)))
                event_of.append(number)
                side_of.append(side)
    doubt = (
        f"the class {why}: each video was cut in time, so the model has seen every scene it is tested on, "
        "and nothing is known about other recordings"
    )
    return Sides(
        classes=classes,
        events=tuple(events),
        parts=tuple(parts),
        event_of=np.array(event_of, np.intp),
        side_of=np.array(side_of, np.intp),
        grouped_by="part of a video in time",
        doubts=(doubt,),
    )
