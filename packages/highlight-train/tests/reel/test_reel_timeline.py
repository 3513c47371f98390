"""Timelines say what the film shows, read back by the library and by the rules of the format."""

from __future__ import annotations

import os
import re
from fractions import Fraction
from pathlib import Path

import pytest

from highlight_train.reel.plan import Cut, Layout, lay_out
from highlight_train.reel.timeline import timecode, write_edl, write_otio

NAMES = ("a b.mp4", "new\nline.mp4", os.fsdecode(b"\xff.mp4"), "d.mp4")
EVENT = re.compile(
    r"(?P<number>\d{3})  (?P<reel>\S+) +AA/V  (?P<kind>C|D) +(?P<length>\d{3})? *"
    r"(?P<a>\S{11}) (?P<b>\S{11}) (?P<c>\S{11}) (?P<d>\S{11})"
)


def reel(rate: str, wanted_overlap: int) -> Layout:
    cuts = [Cut(Path("/clips") / name, 0.9, 100 * index, 90) for index, name in enumerate(NAMES)]
    return lay_out([*cuts, Cut(Path("/clips/one.mp4"), 0.5, 7, 1)], Fraction(rate), wanted_overlap)


def frames_of(code: str, rate: Fraction) -> int:
    hours, minutes, seconds, frames = (int(part) for part in code.split(":"))
    return ((hours * 60 + minutes) * 60 + seconds) * round(rate) + frames


@pytest.mark.parametrize(("rate", "overlap"), [("25", 12), ("30000/1001", 15), ("30", 0)])
def test_an_edit_list_covers_the_reel_without_gaps(tmp_path: Path, rate: str, overlap: int) -> None:
    layout = reel(rate, overlap)
    write_edl(layout, tmp_path / "reel.edl")
    text = (tmp_path / "reel.edl").read_text()
    assert text.startswith("TITLE: reel\nFCM: NON-DROP FRAME\n")
    lines = [line for line in text.splitlines() if line[:1].isdigit()]
    events = [match.groupdict() for line in lines if (match := EVENT.fullmatch(line))]
    assert len(events) == len(lines)
    shown = [event for event in events if event["a"] != event["b"]]
    assert [int(event["number"]) for event in shown] == [1, 2, 3, 4, 5]
    ends = [0, *(frames_of(event["d"], layout.rate) for event in shown)]
    for event, placed, begin in zip(shown, layout.placed, ends, strict=False):
        source_in, source_out, record_in, record_out = (frames_of(event[key], layout.rate) for key in "abcd")
        assert source_in == placed.cut.start_frame
        assert record_in == placed.first_frame == begin
        assert source_out - source_in == record_out - record_in
        assert event["kind"] == ("D" if placed.overlap_frames else "C")
        assert int(event["length"] or 0) == placed.overlap_frames
    assert ends[-1] == layout.frames
    # A dissolve leaves the clip before it where its shown part ends.
    left = [(event, before) for event, before in zip(events[1:], events, strict=False) if event["a"] == event["b"]]
    assert len(left) == (3 if overlap else 0)
    assert all(event["a"] == before["b"] for event, before in left)
    assert "* FROM CLIP NAME: new\\nline.mp4" in text


@pytest.mark.parametrize(("rate", "overlap"), [("25", 12), ("30000/1001", 15), ("30", 0)])
def test_a_timeline_is_read_back_by_opentimelineio(tmp_path: Path, rate: str, overlap: int) -> None:
    otio = pytest.importorskip("opentimelineio", reason="the extra otio is not installed")
    layout = reel(rate, overlap)
    write_otio(layout, tmp_path / "reel.otio")
    timeline = otio.adapters.read_from_file(str(tmp_path / "reel.otio"))
    assert [track.kind for track in timeline.tracks] == ["Video", "Audio"]
    for track in timeline.tracks:
        assert track.duration() == otio.opentime.RationalTime(layout.frames, float(Fraction(rate)))
        clips = list(track.find_clips())
        assert len(clips) == len(layout.placed)
        for item, placed in zip(clips, layout.placed, strict=True):
            assert item.range_in_parent().start_time.to_frames() == placed.first_frame
            assert item.source_range.start_time.to_frames() == placed.cut.start_frame
            assert item.metadata["highlight_train"]["score"] == placed.cut.score
        dissolves = [item for item in track if isinstance(item, otio.schema.Transition)]
        lengths = [item.out_offset.to_frames() for item in dissolves]
        assert lengths == [placed.overlap_frames for placed in layout.placed if placed.overlap_frames]
        assert clips[2].media_reference.target_url == "file:///clips/%FF.mp4"


@pytest.mark.parametrize(
    ("frame", "rate", "code"),
    [(0, "25", "00:00:00:00"), (1801, "30000/1001", "00:01:00:01"), (25 * 3600 * 27 + 24, "25", "27:00:00:24")],
)
def test_timecode(frame: int, rate: str, code: str) -> None:
    assert timecode(frame, Fraction(rate)) == code
