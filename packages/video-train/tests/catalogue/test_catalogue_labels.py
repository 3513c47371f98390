"""Labels from folders, from names and from annotations; nothing is guessed, nothing lost without a line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from footage.errors import DatasetError, InputError
from video_train.catalogue.labels import counts, read_labels


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"video")


def annotate(folder: Path, *entries: object) -> Path:
    file = folder / "annotations.json"
    file.write_text(json.dumps(list(entries)))
    return file


def test_the_first_folder_is_the_label_and_not_a_part_of_a_word(tmp_path: Path) -> None:
    touch(tmp_path, "standing/a.mp4", "understanding/standing/b.mp4", "understanding/c.mov", "loose.mp4")
    labelled = read_labels(tmp_path)
    assert counts(labelled.events) == {"standing": 1, "understanding": 2}
    assert [(one.path.name, one.reason) for one in labelled.skipped] == [("loose.mp4", "lies in no class folder")]
    assert len({event.identity for event in labelled.events}) == 3


@pytest.mark.parametrize(
    ("pattern", "name", "label", "group"),
    [
        ("{id}_{label}", "17_running", "running", None),
        ("{id}_{label}", "17_long_jump", "long_jump", None),
        ("v_{label}_g{group}_c{id}", "v_Archery_g03_c02", "Archery", "03"),
        ("{label}", "wave", "wave", None),
    ],
)
def test_a_pattern_takes_labels_from_names(
    tmp_path: Path, pattern: str, name: str, label: str, group: str | None
) -> None:
    other = name.replace(label, "other")
    touch(tmp_path, f"{name}.mp4", f"{other}.mp4", "nothing like it.txt")
    events = {event.identity: event for event in read_labels(tmp_path, pattern=pattern).events}
    assert events[name].label == label
    assert events[name].group == (group or name)
    assert events[other].label == "other"


@pytest.mark.parametrize("pattern", ["{id}", "{label}_{label}", "{label}_{what}", "name"])
def test_a_pattern_without_a_label_is_refused(tmp_path: Path, pattern: str) -> None:
    touch(tmp_path, "a_b.mp4")
    with pytest.raises(InputError, match="cannot be used"):
        read_labels(tmp_path, pattern=pattern)


def test_annotations_match_whole_names_only(tmp_path: Path) -> None:
    touch(tmp_path, "1.mp4", "10.mp4", "sub/19.mkv")
    file = annotate(
        tmp_path,
        {"video_id": "1", "action_label": "run", "sampled_frames": []},
        {"video_id": "sub/19.mkv", "action_label": "walk"},
        {"video_id": "9", "action_label": "walk"},
    )
    labelled = read_labels(tmp_path, annotations=file)
    assert {event.identity: event.views[0].name for event in labelled.events} == {"1": "1.mp4", "sub/19.mkv": "19.mkv"}
    assert sorted(one.reason for one in labelled.skipped) == [
        "is annotated, and there is no such video",
        "is not annotated",
    ]


def test_annotations_group_views_and_cut_parts(tmp_path: Path) -> None:
    touch(tmp_path, "left.mp4", "right.mp4", "long.mp4")
    file = annotate(
        tmp_path,
        {"views": ["left", "right"], "video_id": "goal", "action_label": "goal", "group": "match 1"},
        {"video_id": "long", "action_label": "foul", "start_seconds": 0, "end_seconds": 4.5},
        {"video_id": "long", "action_label": "goal", "start_seconds": 5},
    )
    events = {event.identity: event for event in read_labels(tmp_path, annotations=file).events}
    assert [view.name for view in events["goal"].views] == ["left.mp4", "right.mp4"]
    assert events["goal"].group == "match 1"
    assert events["long@0s"].end_seconds == 4.5
    assert (events["long@5s"].start_seconds, events["long@5s"].end_seconds) == (5.0, None)
    assert events["long@0s"].group == events["long@5s"].group == "long"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"action_label": "run"}, "names no video"),
        ({"video_id": "a"}, "has no action_label"),
        ({"video_id": "a", "action_label": "run", "start_seconds": -1}, "start_seconds is -1"),
        ({"video_id": "a", "action_label": "run", "end_seconds": True}, "end_seconds is True"),
        ({"video_id": "a", "action_label": "run", "start_seconds": 2, "end_seconds": 2}, "before it begins"),
        ({"views": [], "action_label": "run"}, "names no video"),
    ],
)
def test_a_wrong_annotation_is_named_with_its_place(tmp_path: Path, entry: object, message: str) -> None:
    touch(tmp_path, "a.mp4", "b.mp4")
    file = annotate(tmp_path, {"video_id": "b", "action_label": "walk"}, entry)
    with pytest.raises(DatasetError, match=message) as caught:
        read_labels(tmp_path, annotations=file)
    assert "entry 2" in str(caught.value)


def test_a_name_that_is_there_twice_is_not_guessed(tmp_path: Path) -> None:
    touch(tmp_path, "x/clip.mp4", "y/clip.mp4")
    file = annotate(tmp_path, {"video_id": "clip", "action_label": "run"})
    with pytest.raises(DatasetError, match="may be"):
        read_labels(tmp_path, annotations=file)


@pytest.mark.parametrize("text", ["{", '{"a": 1}', "[1]"])
def test_what_is_no_list_of_annotations_is_refused(tmp_path: Path, text: str) -> None:
    touch(tmp_path, "a.mp4")
    (tmp_path / "annotations.json").write_text(text)
    with pytest.raises(DatasetError):
        read_labels(tmp_path, annotations=tmp_path / "annotations.json")


def test_one_class_is_too_few(tmp_path: Path) -> None:
    touch(tmp_path, "run/a.mp4", "run/b.mp4")
    with pytest.raises(DatasetError, match="only the class 'run'"):
        read_labels(tmp_path)
    with pytest.raises(InputError, match="not from both"):
        read_labels(tmp_path, annotations=tmp_path / "x.json", pattern="{label}")
