"""One video scored and shown, and what the two scoring verbs print."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from footage.cli.exits import ExitCode
from footage.errors import ModelError, VideoError
from highlight_train.batch import command as batch_command
from highlight_train.batch.options import BatchOptions
from highlight_train.one_video import command
from highlight_train.one_video.score import VideoTestOptions, default_report, plan, run
from highlight_train.scoring.bands import Band
from highlight_train.scoring.sampler import Way

Clip = Callable[..., Path]


@pytest.fixture(scope="module")
def dive(tmp_path_factory: pytest.TempPathFactory, make_red_clip: Clip) -> Path:
    """A minute, normal but for six seconds from 0:40."""
    redness = [0.1] * 600
    redness[400:460] = [0.95] * 60
    return make_red_clip(tmp_path_factory.mktemp("dive") / "a dive.mp4", redness)


def test_a_video_gets_its_score_its_band_and_the_time_of_its_best_moment(
    dive: Path, red_model: Path, tmp_path: Path
) -> None:
    told: list[str] = []
    report = tmp_path / "report.html"
    tested = run(VideoTestOptions(video=dive, models=(red_model,), report=report), tell=told.append)
    assert tested.video.score > 0.8
    assert tested.video.band in {Band.LIKELY_HIGHLIGHT, Band.SURE_HIGHLIGHT}
    assert len(tested.video.windows) == 1
    assert 37 <= tested.video.windows[0].start_seconds < tested.video.windows[0].end_seconds <= 49
    assert len(tested.frames.scores) == 16
    for seconds, score in zip(tested.frames.times_seconds, tested.frames.scores, strict=True):
        assert score == pytest.approx(0.95 if 40 <= seconds < 46 else 0.1, abs=0.03)
    assert tested.frames.way is Way.KEYFRAMES
    assert str(red_model) in told[0]
    page = report.read_text()
    assert tested.lead in page
    assert page.count("data:image/jpeg") == 1
    assert page.count("<svg") == 1
    for band in Band:
        assert band.value in page


def test_a_video_that_is_read_another_way_says_so(red_model: Path, tmp_path: Path, make_red_clip: Clip) -> None:
    clip = make_red_clip(tmp_path / "a.mp4", [0.5] * 30, gop=1000)
    told: list[str] = []
    tested = run(VideoTestOptions(video=clip, models=(red_model,), report=tmp_path / "r.html"), tell=told.append)
    assert tested.frames.way is Way.EXACT
    assert "note: only 1 keyframe" in told
    assert "Only 1 keyframe." in (tmp_path / "r.html").read_text()


def test_one_frame_is_enough(red_model: Path, tmp_path: Path, make_red_clip: Clip) -> None:
    clip = make_red_clip(tmp_path / "a.mp4", [0.5])
    tested = run(VideoTestOptions(video=clip, models=(red_model,), report=tmp_path / "r.html"), tell=lambda _: None)
    assert tested.video.score == pytest.approx(0.5, abs=0.02)
    assert (tmp_path / "r.html").exists()


def test_what_cannot_be_scored_is_refused(dive: Path, red_model: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").write_bytes(b"")
    with pytest.raises(VideoError, match="empty"):
        run(VideoTestOptions(video=tmp_path / "empty.mp4", models=(red_model,)), tell=lambda _: None)
    with pytest.raises(ModelError, match="no such model file"):
        run(VideoTestOptions(video=dive, models=(tmp_path / "none.onnx",)), tell=lambda _: None)


def test_the_plan_knows_the_video_and_writes_nothing(
    dive: Path, red_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = plan(VideoTestOptions(video=dive, models=(red_model,)))
    assert found.keyframes == 60
    assert found.duration_seconds == pytest.approx(60, abs=0.2)
    assert list(tmp_path.iterdir()) == []
    assert default_report(Path("some/where/clip.v2.mp4")) == Path("clip.v2_score.html")


def test_what_test_video_prints(
    dive: Path, red_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = VideoTestOptions(video=dive, models=(red_model,), report=tmp_path / "r.html")
    assert command.show(options, dry_run=False, as_json=False) is ExitCode.DONE
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("a dive.mp4 scores 0.")
    assert printed[-1] == str(tmp_path / "r.html")
    command.show(options, dry_run=False, as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert document["band"] in {"likely highlight", "sure highlight"}
    assert len(document["frames"]) == 16
    command.show(options, dry_run=True, as_json=False)
    assert "of 1:00" in capsys.readouterr().out
    with pytest.raises(ModelError) as refusal:
        command.show(VideoTestOptions(video=dive, models=(tmp_path,)), dry_run=False, as_json=False)
    assert "highlight-train train" in refusal.value.__notes__[0]


def test_what_batch_classify_prints(
    dive: Path, red_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    library = tmp_path / "lib"
    library.mkdir()
    shutil.copy(dive, library)
    options = BatchOptions(library=library, models=(red_model,), output=tmp_path / "out", jobs=1)
    assert batch_command.show(options, dry_run=True, as_json=False) is ExitCode.DONE
    assert "would score 1 of 1 videos" in capsys.readouterr().out
    assert batch_command.show(options, dry_run=False, as_json=False) is ExitCode.DONE
    printed = capsys.readouterr()
    assert printed.out.startswith("1 of 1 scored videos is a highlight (score 0.7 or more).")
    assert printed.out.splitlines()[-3:] == [
        str(tmp_path / "out" / name) for name in ("report.html", "highlights.json", "scores.csv")
    ]
    assert "scoring with" in printed.err
    (library / "new\nline.mp4").write_bytes(b"")
    assert batch_command.show(options, dry_run=False, as_json=True) is ExitCode.SOME_INPUTS_FAILED
    document = json.loads(capsys.readouterr().out)
    assert document["scanned"] == 2
    assert document["scored"] == 1
    assert [failed["reason"] for failed in document["failures"]] == ["the file is empty (0 bytes)"]
    assert batch_command.show(options, dry_run=False, as_json=False) is ExitCode.SOME_INPUTS_FAILED
    assert "new\\nline.mp4: the file is empty (0 bytes)" in capsys.readouterr().out


def test_one_video_scores_the_same_alone_and_in_a_library(dive: Path, red_model: Path, tmp_path: Path) -> None:
    alone = run(VideoTestOptions(video=dive, models=(red_model,)), tell=lambda _: None).video
    options = BatchOptions(library=dive.parent, models=(red_model,), output=tmp_path, jobs=1)
    batch_command.show(options, dry_run=False, as_json=True)
    document = json.loads((tmp_path / "highlights.json").read_bytes())
    assert document["highlights"][0]["score"] == alone.score
