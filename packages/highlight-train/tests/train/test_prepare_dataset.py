"""prepare-dataset: the files it writes, what it leaves out and why, and how it goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from footage.cli.progress import Progress, progress
from footage.dataset.manifest import content_sha256
from footage.errors import DatasetError, InputError
from highlight_train.labels import Labelled, Labels, read_labels, write_labels
from highlight_train.prepare.command import PrepareOptions, plan, prepare
from highlight_train.prepare.manifest import Dataset, read_dataset

FILES = ("dataset.json", "manifest.json")


def bar(total: int | None, done: int) -> Progress:
    return progress(total, "clips", "taking frames", already_done=done)


def run(options: PrepareOptions, told: list[str] | None = None) -> Dataset:
    return prepare(options, tell=(told if told is not None else []).append, make_progress=bar)


def options_of(library: Any, output: Path, **more: Any) -> PrepareOptions:
    return PrepareOptions(labels=library.labels, output=output, jobs=1, **more)


def document(folder: Path, name: str = "dataset.json") -> Any:
    return json.loads((folder / name).read_text())


def test_the_files_are_those_users_know_and_names_never_collide(little_library: Any, tmp_path: Path) -> None:
    out = tmp_path / "dataset"
    dataset = run(options_of(little_library, out))
    known = document(out)
    assert set(known) == {"frames", "labels"}
    assert len(known["frames"]) == len(set(known["frames"])) == len(known["labels"]) == 4 * 3
    assert known["labels"] == [1] * 6 + [0] * 6
    for name in known["frames"]:
        with Image.open(out / name) as picture:
            assert picture.size == (96, 64)
    assert {clip.group for clip in dataset.clips} == {str(little_library.folder / f"day {day}") for day in (0, 1)}
    assert sum("DJI_0001-" in name for name in known["frames"]) == 6
    for clip in dataset.clips:
        assert [frame.seconds for frame in clip.frames] == pytest.approx([0, 1, 2])
        assert all(content_sha256(out / frame.file) == frame.sha256 for frame in clip.frames)
    assert read_dataset(out) == dataset


def test_moments_inside_spans_are_highlights_and_the_rest_is_normal(little_library: Any, tmp_path: Path) -> None:
    clip = Labelled(little_library.highlights[0], ((0.9, 1.9),))
    write_labels(Labels((clip,), (Labelled(little_library.normal[0]),)), little_library.labels)
    run(options_of(little_library, tmp_path / "dataset"))
    assert document(tmp_path / "dataset")["labels"] == [0, 1, 0, 0, 0, 0]


def test_bad_clips_are_left_out_with_their_reason_and_end_nothing(little_library: Any, tmp_path: Path) -> None:
    folder = little_library.folder
    bad = {
        "empty.mp4": "empty",
        "words.mp4": "",
        "gone.mp4": "cannot be read",
        "cut.mp4": "",
        "copy of a highlight.mp4": "the same content as",
        'new\nline "quoted".mp4': "",
    }
    (folder / "empty.mp4").touch()
    (folder / "words.mp4").write_text("not a video")
    (folder / "cut.mp4").write_bytes(little_library.normal[0].read_bytes()[:300])
    (folder / "copy of a highlight.mp4").write_bytes(little_library.highlights[1].read_bytes())
    (folder / 'new\nline "quoted".mp4').write_bytes(b"\0" * 99)
    labels = read_labels(little_library.labels)
    write_labels(
        Labels(labels.highlights, (*labels.normal, *(Labelled(folder / n) for n in bad))), little_library.labels
    )
    told: list[str] = []
    dataset = run(options_of(little_library, tmp_path / "dataset"), told)
    assert len(dataset.clips) == 4
    reasons = {Path(one.path).name: one.reason for one in dataset.skipped}
    assert reasons.keys() == bad.keys()
    assert all(reasons[name] and bad[name] in reasons[name] for name in bad)
    assert "labelled the other way" in reasons["copy of a highlight.mp4"]
    assert sum("left out" in line for line in told) == len(bad)
    assert len(document(tmp_path / "dataset", "manifest.json")["skipped"]) == len(bad)


def test_where_nothing_can_be_used_it_says_why(tmp_path: Path) -> None:
    file = tmp_path / "labels.json"
    write_labels(Labels((Labelled(tmp_path / "gone.mp4"),), ()), file)
    with pytest.raises(DatasetError, match="none of the 1 labelled clips can be used; cannot be read"):
        run(PrepareOptions(labels=file, output=tmp_path / "out"))
    write_labels(Labels(), file)
    with pytest.raises(DatasetError, match="no clip is labelled"):
        run(PrepareOptions(labels=file, output=tmp_path / "out"))


def test_merging_adds_without_redoing(
    little_library: Any, tmp_path: Path, make_textured_clip: Callable[..., Path]
) -> None:
    out = tmp_path / "dataset"
    run(options_of(little_library, out))
    before = {file: file.stat().st_mtime_ns for file in (out / "frames").iterdir()}
    known = document(out)
    new = make_textured_clip(tmp_path / "other" / "DJI_0001.mp4", seed=50, red=True)
    more = tmp_path / "more.json"
    write_labels(Labels((Labelled(new),), ()), more)
    with pytest.raises(InputError, match=r"holds a data set with 4 clips .* merge"):
        run(PrepareOptions(labels=more, output=out, jobs=1))
    assert document(out) == known
    dataset = run(PrepareOptions(labels=more, output=out, jobs=1, merge=True))
    assert document(out)["frames"][: len(known["frames"])] == known["frames"]
    assert document(out)["labels"] == [*known["labels"], 1, 1, 1]
    assert dataset.clips[-1].path == str(new)
    assert {file: file.stat().st_mtime_ns for file in before} == before
    with pytest.raises(InputError, match="other settings"):
        run(PrepareOptions(labels=more, output=out, jobs=1, merge=True, rate=2.0))


def test_a_clip_labelled_anew_is_not_decoded_anew(little_library: Any, tmp_path: Path) -> None:
    out = tmp_path / "dataset"
    run(options_of(little_library, out))
    before = {file: file.stat().st_mtime_ns for file in (out / "frames").iterdir()}
    labels = read_labels(little_library.labels)
    write_labels(Labels(labels.normal, labels.highlights), little_library.labels)
    told: list[str] = []
    run(options_of(little_library, out), told)
    assert sum(document(out)["labels"]) == 6
    assert "going on: the frames of 4 of 4 clips are there already" in told
    assert {file: file.stat().st_mtime_ns for file in (out / "frames").iterdir()} == before


def test_lost_frames_are_taken_again_and_other_settings_leave_no_strays(little_library: Any, tmp_path: Path) -> None:
    out = tmp_path / "dataset"
    run(options_of(little_library, out))
    whole = {name: (out / name).read_bytes() for name in FILES}
    next((out / "frames").iterdir()).unlink()
    (out / "frames" / "mine.jpg").touch()
    run(options_of(little_library, out))
    assert {name: (out / name).read_bytes() for name in FILES} == whole
    run(options_of(little_library, out, rate=0.5))
    assert {f"frames/{f.name}" for f in (out / "frames").iterdir()} == {*document(out)["frames"], "frames/mine.jpg"}
    assert len(document(out)["frames"]) == 4 * 2


def test_several_processes_write_the_same_files(little_library: Any, tmp_path: Path) -> None:
    run(options_of(little_library, tmp_path / "one"))
    run(replace(options_of(little_library, tmp_path / "two"), jobs=2))
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


PROGRAM = """
import sys
from pathlib import Path
from footage.cli.progress import Progress
from highlight_train.prepare.command import PrepareOptions, prepare
class Told(Progress):
    def advance(self, count=1):
        super().advance(count)
        print(self.done, flush=True)
prepare(PrepareOptions(labels=Path(sys.argv[1]), output=Path(sys.argv[2]), jobs=1), tell=print,
        make_progress=lambda total, done: Told(total, "clips", "taking", already_done=done))
"""


def test_killed_and_started_again_it_writes_the_same_files(library: Any, tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(library.labels), str(tmp_path / "killed")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        next(line for line in process.stdout if line == "3\n")
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "killed" / "dataset.json").exists()
    told: list[str] = []
    run(options_of(library, tmp_path / "killed"), told)
    assert any(line.startswith("going on: the frames of ") for line in told)
    run(options_of(library, tmp_path / "whole"))
    for name in FILES:
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert {f.name for f in (tmp_path / "killed" / "frames").iterdir()} == {
        f.name for f in (tmp_path / "whole" / "frames").iterdir()
    }


def test_the_plan_counts_and_writes_nothing(little_library: Any, tmp_path: Path) -> None:
    (little_library.folder / "bad.mp4").write_text("bad")
    labels = read_labels(little_library.labels)
    bad = Labelled(little_library.folder / "bad.mp4")
    write_labels(Labels(labels.highlights, (*labels.normal, bad)), little_library.labels)
    found = plan(options_of(little_library, tmp_path / "dataset", rate=2.0))
    assert (found.clips, found.frames) == (4, 24)
    assert found.disk_bytes > 0
    assert [Path(one.path).name for one in found.unreadable] == ["bad.mp4"]
    assert not (tmp_path / "dataset").exists()


def test_groups_by_clip_and_few_clips_of_each_class(little_library: Any, tmp_path: Path) -> None:
    dataset = run(options_of(little_library, tmp_path / "dataset", group_by="clip", max_clips=1))
    assert [clip.group for clip in dataset.clips] == [clip.path for clip in dataset.clips]
    assert [clip.is_highlight for clip in dataset.clips] == [True, False]


@pytest.mark.parametrize("change", [{"rate": 0.0}, {"rate": float("nan")}, {"longest_side_px": 0}])
def test_settings_without_frames_are_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="cannot be taken"):
        PrepareOptions(labels=tmp_path / "labels.json", **change)


def test_the_predecessors_data_set_is_refused_for_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text('{"frames": ["frames/DJI_0001_0.jpg"], "labels": [1]}')
    with pytest.raises(DatasetError, match="nobody knows which frames are of one clip"):
        read_dataset(tmp_path)
    with pytest.raises(DatasetError, match="no prepared data set"):
        read_dataset(tmp_path / "nowhere")


@pytest.mark.parametrize("damage", ["[]", "{}", '{"format_version": 2}', '{"format_version": 1, "clips": [{}]}', "{"])
def test_a_damaged_manifest_is_refused(tmp_path: Path, damage: str) -> None:
    (tmp_path / "manifest.json").write_text(damage)
    with pytest.raises(DatasetError, match="manifest"):
        read_dataset(tmp_path)
