"""highlights.json: what is written is read back, old files are understood, bad ones are refused in one line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footage.errors import DatasetError
from highlight_train.highlights import Highlight, Highlights, Window, read_highlights, write_highlights

SCORES = st.floats(0, 1)
SECONDS = st.floats(0, 1e6)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    start, length = draw(SECONDS), draw(st.floats(0.1, 100))
    return Window(start, start + length, draw(SCORES))


HIGHLIGHTS = st.builds(
    Highlight,
    path=st.sampled_from(["/a/DJI_0001.MP4", '/b/it\'s "one"\n.mp4', os.fsdecode(b"/c/\xff.mp4")]).map(Path),
    score=SCORES,
    timestamp_seconds=SECONDS,
    windows=st.lists(windows(), max_size=3).map(tuple),
)


@given(st.lists(HIGHLIGHTS, max_size=4), st.sampled_from(["complete", "partial"]))
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, found: list[Highlight], status: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "highlights.json"
    everything = Highlights(scanned=9, highlights=tuple(found), processed_at="2025-06-01T09:30:00+00:00", status=status)
    write_highlights(path, everything)
    assert read_highlights(path) == everything


def test_an_old_file_has_a_moment_and_no_windows(tmp_path: Path) -> None:
    path = tmp_path / "highlights.json"
    entry = {"path": "day1/DJI_0001.MP4", "score": 0.9, "timestamp": 12}
    path.write_text(json.dumps({"scanned": 3, "highlights": [entry], "processed_at": "2024-05-01T10:00:00"}))
    only = read_highlights(path).highlights[0]
    assert only == Highlight(path=tmp_path / "day1/DJI_0001.MP4", score=0.9, timestamp_seconds=12.0)
    assert only.best_window is None


def test_relative_paths_are_written_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()
    one = Highlight(path=Path("clip.mp4"), score=1.0, timestamp_seconds=0.0)
    write_highlights("out/highlights.json", Highlights(scanned=1, highlights=(one,)))
    assert read_highlights("out/highlights.json").highlights[0].path == tmp_path / "clip.mp4"


def test_the_best_window_is_the_highest_then_the_earliest() -> None:
    first, same, low = Window(1, 2, 0.9), Window(5, 6, 0.9), Window(0, 1, 0.1)
    one = Highlight(path=Path("a"), score=0.9, timestamp_seconds=1.5, windows=(low, same, first))
    assert one.best_window == first


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[]", 'no list "highlights"'),
        (b'{"highlights": {}}', 'no list "highlights"'),
        (b'{"highlights": [3]}', "highlights[0] is not an object"),
        (b'{"highlights": [{"score": 0.5, "timestamp": 1}]}', "highlights[0]: path is not"),
        (b'{"highlights": [{"path": "a\\u0000b", "score": 0.5, "timestamp": 1}]}', "path is not"),
        (b'{"highlights": [{"path": "a", "score": 1.5, "timestamp": 1}]}', "score is 1.5, which is not in 0 to 1"),
        (b'{"highlights": [{"path": "a", "score": NaN, "timestamp": 1}]}', "score is nan"),
        (b'{"highlights": [{"path": "a", "score": true, "timestamp": 1}]}', "score is not a number"),
        (b'{"highlights": [{"path": "a", "score": 0.5}]}', "timestamp is not a number"),
        (b'{"highlights": [{"path": "a", "score": 0.5, "timestamp": -1}]}', "timestamp is -1"),
        (b'{"highlights": [{"path": "a", "score": 0.5, "timestamp": 1, "windows": 3}]}', "windows is not a list"),
        (
            b'{"highlights":[{"path":"a","score":1,"timestamp":1,"windows":[{"start_seconds":3,"end_seconds":3}]}]}',
            "windows[0]: it ends at 3 s",
        ),
    ],
)
def test_a_bad_file_is_refused_in_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "highlights.json"
    path.write_bytes(content)
    with pytest.raises(DatasetError) as caught:
        read_highlights(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="No such file"):
        read_highlights(tmp_path / "none.json")
