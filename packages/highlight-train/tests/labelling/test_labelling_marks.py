"""What keys make of what was said before, and how it comes to the disk and back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footage.errors import DatasetError
from highlight_train.labelling.library import Library
from highlight_train.labelling.marks import UNMARKED, Mark, Verdict, mark_span
from highlight_train.labelling.session import Session
from highlight_train.labels import Labelled, Labels, label_at, read_labels, write_labels

LENGTH = 20
SPANS = st.tuples(st.integers(0, LENGTH - 1), st.integers(1, LENGTH)).map(
    lambda ends: (float(min(ends[0], ends[1] - 1)), float(ends[1]))
)
H, N, S = Verdict.HIGHLIGHT, Verdict.NORMAL, Verdict.SKIP


def seconds_that_are_highlights(mark: Mark) -> set[int]:
    """Of the clip's seconds those that training would call highlights."""
    labelled = Labelled(Path("a.mp4"), mark.spans)
    is_highlight = mark.verdict is H
    return {s for s in range(LENGTH) if label_at(labelled, is_highlight=is_highlight, seconds=s + 0.5)}


@given(st.sampled_from([H, N]), st.lists(st.tuples(SPANS, st.sampled_from([H, N])), max_size=8))
def test_spans_add_and_cut_what_training_sees(first: Verdict, said: list[tuple[tuple[float, float], Verdict]]) -> None:
    mark = Mark(first)
    expected = seconds_that_are_highlights(mark)
    for span, verdict in said:
        meant = set(range(int(span[0]), int(span[1])))
        if verdict is N:
            expected -= meant
        elif mark.spans:
            expected |= meant
        else:
            expected = meant  # the first span of a clip that was one thing as a whole
        mark = mark_span(mark, span, verdict, lambda: float(LENGTH))
        assert seconds_that_are_highlights(mark) == expected
        assert mark.verdict is (H if expected else N)
        assert mark.spans or mark.verdict is N


@pytest.mark.parametrize("before", [UNMARKED, Mark(S)])
def test_a_normal_span_needs_a_highlight(before: Mark) -> None:
    with pytest.raises(DatasetError, match="no moment of this clip is a highlight yet"):
        mark_span(before, (1.0, 2.0), N, lambda: 9.0)
    assert mark_span(before, (1.0, 2.0), H, lambda: 9.0) == Mark(H, ((1.0, 2.0),))


def test_a_span_that_is_none() -> None:
    with pytest.raises(DatasetError, match="2 to 2 s is no span"):
        mark_span(UNMARKED, (2.0, 2.0), H, lambda: 9.0)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    for name in ("a.mp4", "b.MOV", "c.mkv"):
        file = tmp_path / "library" / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"a session never opens it")
    return Library(tmp_path / "library")


def test_labels_that_are_there_are_kept_and_joined(tmp_path: Path, library: Library) -> None:
    file = tmp_path / "labels.json"
    (tmp_path / "other").symlink_to(library.folder)
    seed = {"highlights": ["gone/x.mp4", "other/a.mp4"], "normal": ["library/b.MOV"]}
    file.write_text(json.dumps(seed))
    a, b, c = library
    session = Session(library, file)
    assert session.changes()[1] == {a.id: Mark(H), b.id: Mark(N)}
    session.mark(c.id, N)
    session.mark_span(a.id, (3.0, 9.5), H, lambda: 20.0)
    assert json.loads(file.read_text()) == {
        "highlights": ["gone/x.mp4", "other/a.mp4"],
        "normal": ["library/b.MOV", "library/c.mkv"],
        "spans": {"other/a.mp4": [{"start_seconds": 3.0, "end_seconds": 9.5, "label": "highlight"}]},
    }
    session.mark(a.id, S)
    assert json.loads(file.read_text()) == {
        "highlights": ["gone/x.mp4"],
        "normal": ["library/b.MOV", "library/c.mkv"],
    }
    assert Session(library, file).changes()[1] == {b.id: Mark(N), c.id: Mark(N)}, "skipped is not labelled"


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from([H, N, S]), st.none() | SPANS),
        max_size=8,
    )
)
@settings(max_examples=25)  # each label waits for the disk
def test_undo_goes_all_the_way_back(said: list[tuple[int, Verdict, tuple[float, float] | None]]) -> None:
    with TemporaryDirectory() as name:
        _label_and_take_back(Path(name), said)


def _label_and_take_back(folder: Path, said: list[tuple[int, Verdict, tuple[float, float] | None]]) -> None:
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        (folder / name).touch()
    library = Library(folder)
    file = folder / "labels.json"
    clips = [clip.id for clip in library]
    write_labels(Labels(normal=(Labelled(folder / "a.mp4"),)), file)
    session = Session(library, file)
    unmarked = dict.fromkeys(clips, UNMARKED)
    states = [{**unmarked, **session.changes()[1]}]
    for number, verdict, span in said:
        try:
            if span is None or verdict is S:
                session.mark(clips[number], verdict)
            else:
                session.mark_span(clips[number], span, verdict, lambda: float(LENGTH))
        except DatasetError:
            continue
        now = {**unmarked, **session.changes()[1]}
        if now != states[-1]:
            states.append(now)
        on_disk = Session(library, file).changes()[1]
        assert on_disk == {clip: mark for clip, mark in now.items() if mark.verdict in {H, N}}
    for state in reversed(states[:-1]):
        assert session.undo() is not None
        assert {**unmarked, **session.changes()[1]} == state
    assert session.undo() is None
    assert read_labels(file) == Labels(normal=(Labelled(folder / "a.mp4"),))


def test_a_file_changed_by_another_program_is_read_again(tmp_path: Path, library: Library) -> None:
    file = tmp_path / "labels.json"
    a, b, c = library
    session = Session(library, file)
    session.mark(a.id, H)
    revision, _ = session.changes()
    other = Session(library, file)
    other.mark(b.id, N)
    other.mark(a.id, N)
    assert session.changes(revision)[1] == {a.id: Mark(N), b.id: Mark(N)}
    assert session.undo() is None, "what it would take back is no longer there"
    session.mark(c.id, H)
    labels = read_labels(file)
    assert [one.path.name for one in labels.highlights] == ["c.mkv"]
    assert {one.path.name for one in labels.normal} == {"a.mp4", "b.MOV"}


def test_a_file_broken_by_another_program_is_left_alone(tmp_path: Path, library: Library) -> None:
    file = tmp_path / "labels.json"
    session = Session(library, file)
    session.mark(next(iter(library)).id, H)
    file.write_text("{")
    with pytest.raises(DatasetError, match="is not JSON"):
        session.mark(next(iter(library)).id, N)
    assert file.read_text() == "{"
    with pytest.raises(DatasetError, match="is not JSON"):
        Session(library, file)


def test_what_cannot_be_saved_has_not_been_said(tmp_path: Path, library: Library) -> None:
    folder = tmp_path / "labels"
    folder.mkdir()
    session = Session(library, folder / "labels.json")
    a, b, _ = library
    session.mark(a.id, H)
    shutil.rmtree(folder)
    with pytest.raises(FileNotFoundError):
        session.mark(b.id, N)
    assert session.changes()[1] == {a.id: Mark(H)}
    folder.mkdir()
    session.mark(b.id, N)
    assert len(read_labels(folder / "labels.json")) == 2, "the file is written as a whole again"
    with pytest.raises(DatasetError, match="cannot be written in this folder"):
        Session(library, tmp_path / "nowhere" / "labels.json")
