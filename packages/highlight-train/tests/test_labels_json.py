"""labels.json: the form users have, the moments that extend it, and what is refused."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footage.errors import DatasetError
from highlight_train.labels import Labelled, Labels, label_at, read_labels, write_labels

SPANS = st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)).map(lambda s: (float(s[0]), float(s[0] + s[1]))))


def written(folder: Path, document: object) -> Path:
    file = folder / "labels.json"
    file.write_text(json.dumps(document))
    return file


def test_the_form_users_have_is_read_as_whole_clips(tmp_path: Path) -> None:
    outside = tmp_path.parent / "far" / "c.mp4"
    file = written(tmp_path, {"highlights": ["day/a.mp4", "day/../day/a.mp4"], "normal": ["b.mp4", str(outside)]})
    labels = read_labels(file)
    assert labels == Labels((Labelled(tmp_path / "day/a.mp4"),), (Labelled(tmp_path / "b.mp4"), Labelled(outside)))
    assert len(labels) == 3


def test_moments_come_back_and_older_readers_find_their_lists(tmp_path: Path) -> None:
    labels = Labels(
        (Labelled(tmp_path / "a.mp4", ((8.0, 9.5), (1.0, 2.25))), Labelled(tmp_path / "b.mp4")),
        (Labelled(tmp_path / "c.mp4"),),
    )
    file = tmp_path / "labels.json"
    write_labels(labels, file)
    document = json.loads(file.read_text())
    assert document["highlights"] == [str(tmp_path / "a.mp4"), str(tmp_path / "b.mp4")]
    assert document["normal"] == [str(tmp_path / "c.mp4")]
    assert document["spans"] == {
        str(tmp_path / "a.mp4"): [
            {"start_seconds": 1.0, "end_seconds": 2.25, "label": "highlight"},
            {"start_seconds": 8.0, "end_seconds": 9.5, "label": "highlight"},
        ]
    }
    assert read_labels(file) == labels
    write_labels(Labels((Labelled(tmp_path / "b.mp4"),), ()), file)
    assert json.loads(file.read_text()) == {"highlights": [str(tmp_path / "b.mp4")], "normal": []}


def test_a_file_of_relative_paths_can_still_be_moved(tmp_path: Path) -> None:
    file = written(tmp_path, {"highlights": ["./day/a.mp4"], "normal": ["b.mp4"]})
    labels = read_labels(file)
    more = Labels((*labels.highlights, Labelled(tmp_path / "day/new.mp4")), labels.normal)
    write_labels(more, file)
    assert json.loads(file.read_text())["highlights"] == ["./day/a.mp4", "day/new.mp4"]
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    file.rename(moved / "labels.json")
    assert read_labels(moved / "labels.json").normal == (Labelled(moved / "b.mp4"),)


def test_a_file_of_absolute_paths_stays_one(tmp_path: Path) -> None:
    file = written(tmp_path, {"highlights": [str(tmp_path / "a.mp4")], "normal": []})
    write_labels(Labels(read_labels(file).highlights, (Labelled(tmp_path / "b.mp4"),)), file)
    assert json.loads(file.read_text())["normal"] == [str(tmp_path / "b.mp4")]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file names of any bytes")
def test_names_of_any_bytes_come_back(tmp_path: Path) -> None:
    clip = tmp_path / os.fsdecode(b"a \xff'\n\".mp4")
    write_labels(Labels((), (Labelled(clip),)), tmp_path / "labels.json")
    assert read_labels(tmp_path / "labels.json").normal == (Labelled(clip),)


@given(spans=SPANS, seconds=st.floats(0, 80))
def test_a_moment_is_a_highlight_where_a_span_holds_it(spans: list[tuple[float, float]], seconds: float) -> None:
    labelled = Labelled(Path("a.mp4"), tuple(spans))
    inside = any(start <= seconds < end for start, end in spans)
    assert label_at(labelled, is_highlight=True, seconds=seconds) == int(inside or not spans)
    assert label_at(labelled, is_highlight=False, seconds=seconds) == 0
    assert all(end < start for (_, end), (start, _) in zip(labelled.spans[:-1], labelled.spans[1:], strict=True))


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "neither a list of highlights"),
        ({"clips": []}, "neither a list of highlights"),
        ({"highlights": "a.mp4"}, "highlights is not a list"),
        ({"highlights": [3]}, "entry 0 of highlights is no path"),
        ({"normal": ["a.mp4", ""]}, "entry 1 of normal is no path"),
        ({"normal": ["a\0.mp4"]}, "is no path"),
        ({"highlights": ["a.mp4"], "normal": ["./a.mp4"]}, "labelled both highlight and normal"),
        ({"highlights": [], "normal": ["a.mp4"], "spans": {"a.mp4": [{"start_seconds": 0, "end_seconds": 1}]}}, "both"),
        ({"highlights": [], "spans": []}, "spans is not an object"),
        ({"highlights": [], "spans": {"a.mp4": {}}}, "not a list"),
        ({"highlights": [], "spans": {"a.mp4": [3]}}, "not an object"),
        ({"highlights": [], "spans": {"a.mp4": [{"start_seconds": 3, "end_seconds": 3}]}}, "no times in order"),
        ({"highlights": [], "spans": {"a.mp4": [{"start_seconds": -1, "end_seconds": 3}]}}, "no times in order"),
        ({"highlights": [], "spans": {"a.mp4": [{"start_seconds": True, "end_seconds": 3}]}}, "no times in order"),
        ({"highlights": [], "spans": {"a.mp4": [{"start_seconds": 0, "end_seconds": float("nan")}]}}, "no times"),
        (
            {"highlights": [], "spans": {"a.mp4": [{"start_seconds": 0, "end_seconds": 1, "label": "normal"}]}},
            "labelled 'normal'",
        ),
    ],
)
def test_what_contradicts_itself_is_refused_with_the_place(tmp_path: Path, document: object, says: str) -> None:
    with pytest.raises(DatasetError, match=says) as refused:
        read_labels(written(tmp_path, document))
    assert refused.value.where == str(tmp_path / "labels.json")


def test_a_file_that_is_missing_or_no_json(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be read"):
        read_labels(tmp_path / "labels.json")
    (tmp_path / "labels.json").write_bytes(b"{'highlights'")
    with pytest.raises(DatasetError, match="is not JSON"):
        read_labels(tmp_path / "labels.json")


def test_a_file_of_something_else_is_not_overwritten(tmp_path: Path) -> None:
    file = written(tmp_path, {"settings": 1})
    with pytest.raises(DatasetError):
        write_labels(Labels((Labelled(Path("a.mp4")),), ()), file)
    assert json.loads(file.read_text()) == {"settings": 1}


@pytest.mark.parametrize("span", [(1.0, 1.0), (2.0, 1.0), (-1.0, 1.0), (0.0, float("inf")), (float("nan"), 1.0)])
def test_no_span_is_made_of_what_is_none(span: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="is no span"):
        Labelled(Path("a.mp4"), (span,))


def test_contradictions_are_not_written(tmp_path: Path) -> None:
    clip = Labelled(tmp_path / "a.mp4", ((0.0, 1.0),))
    for labels in (Labels((clip,), (Labelled(clip.path),)), Labels((), (clip,))):
        with pytest.raises(ValueError, match="normal"):
            write_labels(labels, tmp_path / "labels.json")
