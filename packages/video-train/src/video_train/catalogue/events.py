"""Labelled events: one or more videos of the same thing, and its class."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from footage.dataset.discover import Skipped
from footage.dataset.manifest import quick_fingerprint, rows_sha256
from footage.errors import DatasetError, InputError
from footage.training.clips import length_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that was filmed, by one camera or several at once.

    Attributes:
        identity: unique among the events.
        label: name of its class.
        views: its videos; several cameras of one event are never on two sides of a split.
        group: events of one group (a person, a day, a recording) are never on two sides of a split.
        start_seconds: where in the videos it begins.
        end_seconds: where it ends; None for the end of the video.
    """

    identity: str
    label: str
    views: tuple[Path, ...]
    group: str
    start_seconds: float = 0.0
    end_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class View:
    """A video of an event that can be read.

    Attributes:
        path: the file.
        length_seconds: how long it is.
        fingerprint: of its content.
    """

    path: Path
    length_seconds: float
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownEvent:
    """An event whose videos can be read.

    Attributes:
        event: as it was labelled.
        views: its videos.
        group: as labelled, joined with that of every event which shares a video's content.
    """

    event: Event
    views: tuple[View, ...]
    group: str

    @property
    def start_seconds(self) -> float:
        """Where it begins."""
        return self.event.start_seconds

    @property
    def end_seconds(self) -> float:
        """Where it ends, in its shortest video."""
        longest = min(view.length_seconds for view in self.views)
        return longest if self.event.end_seconds is None else min(self.event.end_seconds, longest)


def known_events(events: Sequence[Event]) -> tuple[list[KnownEvent], list[Skipped]]:
    """Look at every video once: how long it is, and whether its content is there twice.

    An event keeps the views that can be read; one without any is left out.

    Returns:
        The events that can be used, and every video or event that cannot, with the reason.

    Raises:
        DatasetError: the same content is labelled differently at overlapping times, or nothing can be used.
    """
    skipped: list[Skipped] = []
    looked: dict[Path, View | None] = {}
    for path in dict.fromkeys(path for event in events for path in event.views):
        try:
            looked[path] = View(path, length_seconds(path), quick_fingerprint(path))
        except (InputError, OSError) as error:
            looked[path] = None
            skipped.append(Skipped(path, error.what if isinstance(error, InputError) else str(error)))
    known = []
    for event in events:
        views = tuple(view for path in event.views if (view := looked[path]) is not None)
        one = KnownEvent(event=event, views=views, group=event.group)
        if views and one.start_seconds < one.end_seconds:
            known.append(one)
        elif views:
            skipped.append(Skipped(event.views[0], f"{event.identity} begins after its video ends"))
    if not known:
        raise DatasetError(
            "not one of the videos can be read" if skipped else "there is no labelled video",
            remedy=f"the first: {skipped[0].path}: {skipped[0].reason}" if skipped else "check the folder",
        )
    return _joined(known), skipped


def _joined(known: Sequence[KnownEvent]) -> list[KnownEvent]:
    """Give events that share content one group.

    Raises:
        DatasetError: the same content has two labels at the same time.
    """
    by_content: dict[str, list[int]] = defaultdict(list)
    for number, one in enumerate(known):
        for view in one.views:
            by_content[view.fingerprint].append(number)
    groups = _Groups(one.group for one in known)
    for numbers in by_content.values():
        first = known[numbers[0]]
        for number in numbers[1:]:
            groups.join(first.group, known[number].group)
        _refuse_conflicts([known[number] for number in numbers])
    return [replace(one, group=groups.of(one.group)) for one in known]


def _refuse_conflicts(alike: Sequence[KnownEvent]) -> None:
    ordered = sorted(alike, key=lambda one: one.start_seconds)
    for one, other in pairwise(ordered):
        if one.event.label != other.event.label and other.start_seconds < one.end_seconds:
            raise DatasetError(
                f"the same video is labelled {one.event.label!r} and {other.event.label!r}",
                where=f"{one.views[0].path} and {other.views[0].path}",
                remedy="decide for one, or give the times of each",
            )


class _Groups:
    """Names that were found to mean one group."""

    def __init__(self, names: Iterable[str]) -> None:
        self._leader = {name: name for name in names}

    def of(self, name: str) -> str:
        while self._leader[name] != name:
            name = self._leader[name]
        return name

    def join(self, one: str, other: str) -> None:
        first, second = sorted((self.of(one), self.of(other)))
        self._leader[second] = first


def events_sha256(known: Sequence[KnownEvent]) -> str:
    """Hash of what is learned from: contents, times and labels; where the files lie does not count."""
    return rows_sha256(
        *(
            (tuple(view.fingerprint for view in one.views), one.event.label, one.start_seconds, one.end_seconds)
            for one in known
        )
    )
