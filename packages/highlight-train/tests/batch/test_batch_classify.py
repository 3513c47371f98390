"""A library scored: what is written, what is done again, and what bad files do to the rest."""

from __future__ import annotations

import csv
import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from footage.errors import DatasetError, ModelError
from highlight_train.batch.classify import plan
from highlight_train.batch.findings import Scan
from highlight_train.batch.options import BatchOptions, find_models
from highlight_train.batch.outputs import COLUMNS
from highlight_train.highlights import read_highlights
from highlight_train.scoring.model import Ensemble
from highlight_train.scoring.pooling import Pooling

Clip = Callable[..., Path]
RunScan = Callable[[BatchOptions], Scan]
REDNESS = (0.05, 0.2, 0.4, 0.6, 0.8, 0.95)


def rows_of(folder: Path) -> list[dict[str, str]]:
    text = (folder / "scores.csv").read_bytes().decode("utf-8", "surrogateescape")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_library_is_scored_and_told(six_clips: Path, red_model: Path, tmp_path: Path, scan: RunScan) -> None:
    out = tmp_path / "out"
    found = scan(BatchOptions(library=six_clips, models=(red_model,), output=out, jobs=2))
    assert found.scanned == 6
    assert [video.score for video in found.videos] == pytest.approx(sorted(REDNESS, reverse=True), abs=0.02)
    written = read_highlights(out / "highlights.json")
    assert written.scanned == 6
    assert written.status == "complete"
    assert [highlight.path.name for highlight in written.highlights] == ["clip5.mp4", "clip4.mp4"]
    for highlight, video in zip(written.highlights, found.videos, strict=False):
        assert highlight.score == video.score
        assert highlight.windows == video.windows
        (window,) = highlight.windows
        assert highlight.timestamp_seconds == (window.start_seconds + window.end_seconds) / 2
        assert 0 <= window.start_seconds < window.end_seconds <= 6.1
    rows = rows_of(out)
    assert tuple(rows[0]) == COLUMNS
    assert [float(row["score"]) for row in rows] == [video.score for video in found.videos]
    assert {row["band"] for row in rows} == {
        "sure highlight",
        "likely highlight",
        "uncertain",
        "likely normal",
        "sure normal",
    }
    page = (out / "report.html").read_text()
    assert "2 of 6 scored videos are highlights" in page
    assert page.count("data:image/jpeg") == 1


def test_the_number_of_workers_changes_nothing(
    six_clips: Path, red_model: Path, tmp_path: Path, scan: RunScan, highlights_of: Callable[[Path], dict[str, Any]]
) -> None:
    for jobs in (1, 2):
        scan(BatchOptions(library=six_clips, models=(red_model,), output=tmp_path / str(jobs), jobs=jobs))
    assert highlights_of(tmp_path / "1") == highlights_of(tmp_path / "2")
    assert (tmp_path / "1" / "scores.csv").read_bytes() == (tmp_path / "2" / "scores.csv").read_bytes()


def test_a_second_scan_reads_only_what_is_new_or_changed(
    six_clips: Path, red_model: Path, tmp_path: Path, scan: RunScan, make_red_clip: Clip
) -> None:
    library = tmp_path / "lib"
    shutil.copytree(six_clips, library)
    options = BatchOptions(library=library, models=(red_model,), output=tmp_path / "out", jobs=1)
    scan(options)
    # A file whose content changed behind the journal's back, times and size unchanged, shows that it is not read.
    untouched = library / "day 0" / "clip0.mp4"
    before = untouched.stat()
    untouched.write_bytes(bytes(before.st_size))
    os.utime(untouched, ns=(before.st_atime_ns, before.st_mtime_ns))
    (library / "day 1" / "clip5.mp4").unlink()
    make_red_clip(library / "day 1" / "clip3.mp4", [1.0] * 30)
    make_red_clip(library / "new.mp4", [0.75] * 60)
    assert plan(options).known == 4
    found = scan(options)
    assert found.scanned == 6
    assert not found.failures
    scores = {video.path.name: video.score for video in found.videos}
    assert "clip5.mp4" not in scores
    assert scores["clip3.mp4"] == pytest.approx(1, abs=0.02)
    assert scores["new.mp4"] == pytest.approx(0.75, abs=0.02)
    assert scores["clip0.mp4"] == pytest.approx(0.05, abs=0.02)
    shutil.move(library, tmp_path / "moved")
    moved = replace(options, library=tmp_path / "moved")
    assert plan(moved).known == 6, "a library that is mounted elsewhere keeps its scores"


def test_another_model_is_another_scan_and_another_pooling_is_not(
    six_clips: Path, red_model: Path, tmp_path: Path, scan: RunScan, make_red_model: Callable[..., Path]
) -> None:
    options = BatchOptions(library=six_clips, models=(red_model,), output=tmp_path / "out", jobs=1)
    scan(options)
    assert plan(replace(options, pooling=Pooling.MAX, threshold=0.1)).known == 6
    half = make_red_model(tmp_path / "half.onnx", gain=0.5)
    both = replace(options, models=(red_model, half))
    assert plan(both).known == 0
    assert plan(replace(options, samples=8)).known == 0
    mean = {video.path: video.score for video in scan(both).videos}
    highest = {video.path: video.score for video in scan(replace(both, ensemble=Ensemble.MAX)).videos}
    alone = {video.path: video.score for video in scan(options).videos}
    assert mean == pytest.approx({path: 0.75 * score for path, score in alone.items()}, abs=1e-6)
    assert highest == pytest.approx(alone, abs=1e-6)


def test_a_short_highlight_is_found_with_its_time(
    red_model: Path, tmp_path: Path, scan: RunScan, make_red_clip: Clip
) -> None:
    redness = [0.1] * 600
    redness[400:460] = [0.95] * 60
    make_red_clip(tmp_path / "lib" / "dive.mp4", redness)
    options = BatchOptions(library=tmp_path / "lib", models=(red_model,), output=tmp_path / "out", jobs=1)
    (video,) = scan(options).videos
    assert video.score > 0.8
    assert video.windows[0].start_seconds >= 37
    assert video.windows[0].end_seconds <= 49
    (drowned,) = scan(replace(options, pooling=Pooling.MEAN)).videos
    assert drowned.score < 0.3


@pytest.fixture(scope="module")
def rough_library(tmp_path_factory: pytest.TempPathFactory, make_red_clip: Clip) -> Path:
    """Whatever a disk of footage may hold; files named good are to be scored, those named bad are to be listed."""
    folder = tmp_path_factory.mktemp("rough")
    clip = make_red_clip(folder / "good one.mp4", [0.8] * 40)
    data = clip.read_bytes()
    make_red_clip(folder / "good odd.mkv", [0.8] * 40, size=(61, 47), pixel_format="yuv444p")
    make_red_clip(folder / "good single frame.MOV", [0.8])
    make_red_clip(folder / "good varying.m4v", [0.8] * 40, ticks=[*range(0, 200, 10), *range(200, 2200, 100)])
    make_red_clip(folder / "good turned.mp4", [0.8] * 40, rotation=90)
    make_red_clip(folder / "good codec.avi", [0.8] * 40, codec="mjpeg", pixel_format="yuvj420p")
    for name in ('good "quoted" & <b>.mp4', "good new\nline.mp4", "good 'x; rm -rf $HOME'.mp4", "good -n.mp4"):
        shutil.copy(clip, folder / name)
    (folder / "bad empty.mp4").write_bytes(b"")
    (folder / "bad cut.mp4").write_bytes(data[: len(data) // 2])
    (folder / "bad text.mov").write_text("these are notes, not a video\n" * 40)
    (folder / "bad bytes.mkv").write_bytes(bytes(range(256)) * 40)
    make_red_clip(folder / "sound.mp4", [0.5] * 2).unlink()
    _write_sound(folder / "bad sound.mp4")
    (folder / "loop").symlink_to(folder)
    (folder / "bad link.mp4").symlink_to(folder / "bad link.mp4")
    (folder / "notes.txt").write_text("not looked at")
    (folder / ".hidden.mp4").write_bytes(b"x")
    return folder


def _write_sound(path: Path) -> None:
    import av
    import numpy as np

    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100, layout="mono")
        assert isinstance(stream, av.AudioStream)
        for block in range(10):
            quiet = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            quiet.sample_rate, quiet.pts = 44100, block * 1024
            container.mux(stream.encode(quiet))
        container.mux(stream.encode(None))


def test_no_bad_file_ends_the_scan_and_none_goes_unmentioned(
    rough_library: Path, red_model: Path, tmp_path: Path, scan: RunScan
) -> None:
    out = tmp_path / "out"
    found = scan(BatchOptions(library=rough_library, models=(red_model,), output=out, jobs=2))
    names = {path.name for path in rough_library.iterdir()}
    good = {name for name in names if name.startswith("good")}
    bad = {name for name in names if name.startswith("bad")}
    assert {video.path.name for video in found.videos} == good
    assert {failed.path.name for failed in found.failures} == bad
    assert [video.score for video in found.videos] == pytest.approx([0.8] * len(good), abs=0.03)
    reasons = {failed.path.name: failed.reason for failed in found.failures}
    assert reasons["bad empty.mp4"] == "the file is empty (0 bytes)"
    assert "moov" in reasons["bad cut.mp4"]
    assert "text" in reasons["bad text.mov"]
    assert "not a video" in reasons["bad bytes.mkv"]
    assert reasons["bad sound.mp4"] == "the file holds only sound"
    assert reasons["bad link.mp4"] == "is a link that leads nowhere"
    rows = rows_of(out)
    assert {Path(row["path"]).name for row in rows} == good | bad
    assert all(bool(row["score"]) != bool(row["failure"]) for row in rows)
    page = (out / "report.html").read_text()
    for name in bad:
        assert name in page
    assert "<b>" not in page.split("What could not be used")[0].split("The best")[1].replace("<b></b>", "")


def test_a_name_that_is_not_utf8_keeps_its_bytes(
    red_model: Path, tmp_path: Path, scan: RunScan, six_clips: Path
) -> None:
    library = tmp_path / "lib"
    library.mkdir()
    raw = os.fsencode(library) + b"/caf\xe9 \xff.mp4"
    try:
        shutil.copy(six_clips / "day 1" / "clip5.mp4", os.fsdecode(raw))
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    out = tmp_path / "out"
    options = BatchOptions(library=library, models=(red_model,), output=out, jobs=1)
    scan(options)
    (highlight,) = read_highlights(out / "highlights.json").highlights
    assert os.fsencode(highlight.path) == raw
    (row,) = rows_of(out)
    assert os.fsencode(row["path"]) == raw
    assert plan(options).known == 1
    assert "caf\\udce9" in (out / "report.html").read_text()


@contextmanager
def nobody_in_particular() -> Iterator[None]:
    """Give up the superuser's right to read everything, where the tests run with it."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.name == "nt", reason="this system has other permissions")
def test_what_may_not_be_read_is_listed(red_model: Path, scan: RunScan, six_clips: Path) -> None:
    # pytest's own folders are closed to all but their owner, who may be the superuser.
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        library, model = base / "lib", base / "model"
        shutil.copytree(six_clips, library)
        shutil.copytree(red_model.parent, model)
        (base / "out").mkdir()
        for path in (base, library, model, *library.iterdir()):
            path.chmod(0o755)
        (base / "out").chmod(0o777)
        options = BatchOptions(library=library, models=(model,), output=base / "out", jobs=1)
        scan(replace(options, output=base / "everything"))  # all modules are loaded now
        locked_file, locked_folder = library / "day 0" / "clip0.mp4", library / "day 1"
        locked_file.chmod(0)
        locked_folder.chmod(0)
        try:
            with nobody_in_particular():
                found = scan(options)
        finally:
            locked_folder.chmod(0o755)
    assert {video.path.name for video in found.videos} == {"clip2.mp4", "clip4.mp4"}
    reasons = {failed.path: failed.reason for failed in found.failures}
    assert reasons.keys() == {locked_file, locked_folder}
    assert "may not be read" in reasons[locked_file]
    assert "Permission denied" in reasons[locked_folder]


def test_a_file_that_can_be_read_at_last_is_no_failure_any_more(
    six_clips: Path, red_model: Path, tmp_path: Path, scan: RunScan
) -> None:
    """A disk that failed for a moment: same size, same time, other content."""
    library = tmp_path / "lib"
    library.mkdir()
    whole = six_clips / "day 1" / "clip5.mp4"
    clip = library / "clip.mp4"
    clip.write_bytes(bytes(whole.stat().st_size))
    stamp = (clip.stat().st_atime_ns, clip.stat().st_mtime_ns)
    options = BatchOptions(library=library, models=(red_model,), output=tmp_path / "out", jobs=1)
    assert len(scan(options).failures) == 1
    clip.write_bytes(whole.read_bytes())
    os.utime(clip, ns=stamp)
    assert len(scan(options).highlights) == 1


def test_what_cannot_work_at_all_is_said_before_anything_is_written(
    six_clips: Path, red_model: Path, tmp_path: Path, scan: RunScan, make_red_model: Callable[..., Path]
) -> None:
    out = tmp_path / "out"
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="no files with the extensions"):
        scan(BatchOptions(library=tmp_path / "empty", models=(red_model,), output=out))
    blur = make_red_model(tmp_path / "blur.onnx", task="photo-blur")
    with pytest.raises(ModelError, match="not for 'highlight'"):
        scan(BatchOptions(library=six_clips, models=(blur,), output=out))
    assert not out.exists()


def test_a_model_that_fails_while_scoring_ends_the_run_instead_of_failing_every_file(
    six_clips: Path, tmp_path: Path, scan: RunScan, make_red_model: Callable[..., Path]
) -> None:
    broken = make_red_model(tmp_path / "broken.onnx", gain=float("nan"))
    with pytest.raises(ModelError, match="no probabilities"):
        scan(BatchOptions(library=six_clips, models=(broken,), output=tmp_path / "out", jobs=2))


def test_models_are_those_given_or_those_of_the_last_run(
    *,
    six_clips: Path,
    red_model: Path,
    tmp_path: Path,
    scan: RunScan,
    make_red_model: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "highlight_scores"
    with pytest.raises(ModelError, match="there is no model here"):
        find_models((), out)
    assert find_models((red_model.parent, Path("b.onnx")), out) == (red_model, Path("b.onnx"))
    scan(BatchOptions(library=six_clips, models=(red_model,), jobs=1, most_files=1))
    assert find_models((), out) == (red_model,)
    trained = make_red_model(tmp_path / "highlight_training" / "model.onnx")
    assert find_models((), out) == (trained.relative_to(tmp_path),)


def test_the_plan_writes_nothing(six_clips: Path, red_model: Path, tmp_path: Path) -> None:
    options = BatchOptions(library=six_clips, models=(red_model,), output=tmp_path / "out")
    found = plan(options)
    assert (found.files, found.known, found.skipped) == (6, 0, 0)
    assert found.bytes == sum(path.stat().st_size for path in six_clips.rglob("*.mp4"))
    assert found.estimated_seconds is not None
    assert found.estimated_seconds > 0
    assert list(tmp_path.iterdir()) == []
