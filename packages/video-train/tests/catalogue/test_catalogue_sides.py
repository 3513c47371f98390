"""Events whose content is known stay together; sides hold whole groups, every class, and nothing twice."""

from __future__ import annotations

import shutil
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footage.errors import DatasetError
from footage.video.writer import VideoWriter
from video_train.catalogue.events import Event, KnownEvent, View, events_sha256, known_events
from video_train.catalogue.sides import SIDES, Span, deal, overlapping


def known(identity: str, label: str, group: str, views: int = 1, seconds: float = 10.0) -> KnownEvent:
    paths = [Path(f"{identity}-{view}.mp4") for view in range(views)]
    event = Event(identity=identity, label=label, views=tuple(paths), group=group)
    return KnownEvent(
        event=event, views=tuple(View(path, seconds, f"content of {path}") for path in paths), group=group
    )


@st.composite
def catalogues(draw: st.DrawFn) -> list[KnownEvent]:
    events = []
    for label in draw(st.sampled_from(["ab", "abc", "abcd"])):
        groups = draw(st.integers(3, 8))
        for number in range(draw(st.integers(groups, 20))):
            views = draw(st.integers(1, 2))
            events.append(known(f"{label}{number}", label, f"{label}-{number % groups}", views))
    return events


@given(events=catalogues(), seed=st.integers(0, 2**31))
def test_groups_are_never_on_two_sides_and_every_side_has_every_class(events: list[KnownEvent], seed: int) -> None:
    sides = deal(events, seed=seed)
    assert len(sides.parts) == sum(len(event.views) for event in events)
    on = {name: set(sides.groups[sides.rows(name)].tolist()) for name in SIDES}
    assert not on["train"] & on["val"]
    assert not on["train"] & on["test"]
    assert not on["val"] & on["test"]
    for name in SIDES:
        assert set(sides.labels[sides.rows(name)].tolist()) == set(range(len(sides.classes)))
    assert overlapping(sides.spans("test"), sides.spans("train", "val")) == 0
    assert deal(events, seed=seed).sha256() == sides.sha256()


def test_enough_groups_are_dealt_as_wanted() -> None:
    events = [known(f"{label}{number}", label, f"{label}{number}") for label in "ab" for number in range(50)]
    sides = deal(events, seed=3)
    assert [sides.count(name)[0] for name in SIDES] == [60, 20, 20]
    assert sides.doubts == ()
    assert deal(events, seed=4).sha256() != sides.sha256()


def test_too_few_recordings_of_a_class_are_cut_in_time_and_said() -> None:
    events = [known("hello", "hello", "hello"), known("thanks", "thanks", "thanks", views=2, seconds=5.0)]
    sides = deal(events, seed=0)
    assert sides.grouped_by == "part of a video in time"
    assert "nothing is known about other recordings" in sides.doubts[0]
    assert len(sides.parts) == 9
    for number in range(2):
        rows = np.flatnonzero(sides.event_of == number)[:3]
        edges = [(sides.parts[row].start_seconds, sides.parts[row].end_seconds) for row in rows.tolist()]
        assert [int(sides.side_of[row]) for row in rows] == [0, 1, 2]
        assert all(end < begin for (_, end), (begin, _) in pairwise(edges))
        assert edges[0][0] == 0.0
        assert edges[-1][1] == events[number].end_seconds
    assert overlapping(sides.spans("test"), sides.spans("train", "val")) == 0


def test_spans_overlap_only_in_the_same_content_at_the_same_time() -> None:
    one = Span("a", 2.0, 4.0)
    assert one.overlaps(Span("a", 3.9, 9.0))
    assert not one.overlaps(Span("a", 4.0, 9.0))
    assert not one.overlaps(Span("b", 2.0, 4.0))
    assert overlapping([one, Span("c", 0.0, 1.0)], [Span("a", 0.0, 2.1), Span("a", 3.0, 3.5)]) == 1


def write(path: Path, shade: int, frames: int = 12) -> Path:
    with VideoWriter(path, size=(32, 32), rate=Fraction(12)) as writer:
        for number in range(frames):
            writer.write(np.full((32, 32, 3), shade + number, np.uint8))
    return path


def event(identity: str, label: str, *views: Path, start: float = 0.0, end: float | None = None) -> Event:
    return Event(identity=identity, label=label, views=views, group=identity, start_seconds=start, end_seconds=end)


def test_copies_share_a_group_and_what_cannot_be_read_is_listed(tmp_path: Path) -> None:
    first, other = write(tmp_path / "first.mp4", 20), write(tmp_path / "other.mp4", 120)
    copy = Path(shutil.copy(first, tmp_path / "copy.mp4"))
    (tmp_path / "bad.mp4").write_text("not a video")
    events = [
        event("1", "a", first),
        event("2", "a", copy),
        event("3", "b", other),
        event("4", "b", tmp_path / "bad.mp4"),
        event("5", "b", other, start=50.0),
    ]
    found, skipped = known_events(events)
    assert [one.event.identity for one in found] == ["1", "2", "3"]
    assert found[0].group == found[1].group != found[2].group
    assert found[0].end_seconds == pytest.approx(1.0, abs=0.1)
    assert [one.path.name for one in skipped] == ["bad.mp4", "other.mp4"]
    assert "begins after its video ends" in skipped[1].reason
    shutil.move(first, tmp_path / "moved.mp4")
    moved, _ = known_events([event("1", "a", tmp_path / "moved.mp4"), *events[1:3]])
    assert events_sha256(moved) == events_sha256(found)


def test_one_content_with_two_labels_is_an_error_unless_at_other_times(tmp_path: Path) -> None:
    first = write(tmp_path / "first.mp4", 20)
    copy = Path(shutil.copy(first, tmp_path / "copy.mp4"))
    with pytest.raises(DatasetError, match="is labelled 'a' and 'b'"):
        known_events([event("1", "a", first), event("2", "b", copy)])
    parts = [event("1", "a", first, end=0.5), event("2", "b", copy, start=0.5)]
    assert len(known_events(parts)[0]) == 2


def test_nothing_that_can_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_text("not a video")
    with pytest.raises(DatasetError, match="not one of the videos can be read"):
        known_events([event("1", "a", tmp_path / "bad.mp4")])
    with pytest.raises(DatasetError, match="no labelled video"):
        known_events([])
    with pytest.raises(DatasetError, match="two classes"):
        deal([known("1", "a", "1")], seed=0)
