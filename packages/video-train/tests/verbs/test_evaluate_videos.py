"""evaluate, on videos whose class and whose errors are known by hand."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from footage.cli.progress import Progress, progress
from footage.dataset.manifest import quick_fingerprint
from footage.errors import DatasetError, ModelError
from video_train.catalogue.sides import Span
from video_train.cli import app
from video_train.evaluation.evaluate import FILES, evaluate, plan
from video_train.evaluation.findings import Evaluation
from video_train.evaluation.options import EvaluateOptions

EACH = 6


def run(options: EvaluateOptions, told: list[str] | None = None, bars: list[Progress] | None = None) -> Evaluation:
    def bar(total: int, done: int) -> Progress:
        made = progress(total, "videos", "measuring", already_done=done)
        if bars is not None:
            bars.append(made)
        return made

    return evaluate(
        replace(options, jobs=1, device="cpu"),
        tell=(told if told is not None else []).append,
        make_progress=bar,
    )


def span(path: Path, start: float = 0.0, end: float = 2.0) -> Span:
    return Span(quick_fingerprint(path), start, end)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory, make_ramp: Callable[..., Path]) -> Path:
    """Six videos that grow lighter and six that grow darker; one of each lies in the other's folder."""
    folder = tmp_path_factory.mktemp("ramps") / "videos"
    for number in range(EACH):
        low, high = 0.2 + 0.02 * number, 0.8 - 0.02 * number
        wrong = number == EACH - 1
        make_ramp(folder / "lighter" / f"l{number}.mp4", *((high, low) if wrong else (low, high)), seed=number)
        make_ramp(folder / "darker" / f"d{number}.mp4", *((low, high) if wrong else (high, low)), seed=50 + number)
    return folder


@pytest.fixture
def other(tmp_path: Path, make_ramp: Callable[..., Path]) -> Path:
    """What a model may have learned from, elsewhere."""
    return make_ramp(tmp_path / "learned" / "x.mp4", 0.1, 0.9, seed=99)


def test_the_figures_are_those_worked_out_by_hand(
    videos: Path, other: Path, tmp_path: Path, make_order_model: Callable[..., Path]
) -> None:
    model = make_order_model(tmp_path / "model", split={"train": [span(other)]})
    found = run(EvaluateOptions(model=model, video_dir=videos, output=tmp_path / "out"))
    student = found.figures.student
    assert student.accuracy.estimate == pytest.approx(10 / 12)
    assert (student.accuracy.n, student.accuracy.groups, student.chance) == (12, 12, 0.5)
    assert student.gain.estimate == pytest.approx(10 / 12 - 0.5)
    assert student.confusion.tolist() == [[5, 1], [1, 5]]
    assert found.figures.consistency == 1.0
    assert found.figures.single_views is None
    assert found.doubts == ()
    ordered = found.figures.ordered
    assert ordered is not None
    assert ordered.loss.estimate is not None
    assert ordered.shuffled.estimate == pytest.approx(10 / 12 - ordered.loss.estimate)
    assert ordered.loss.estimate > 0
    assert "On videos it never saw" in found.lead


def test_what_is_written_has_the_keys_of_old_and_every_clip(
    videos: Path, other: Path, tmp_path: Path, make_order_model: Callable[..., Path]
) -> None:
    model = make_order_model(tmp_path / "model", split={"train": [span(other)]})
    found = run(EvaluateOptions(model=model, video_dir=videos, output=tmp_path / "out"))
    assert {file.name for file in (tmp_path / "out").iterdir()} == {*FILES, "journal.jsonl", ".lock"}
    document: dict[str, Any] = json.loads((tmp_path / "out" / "video_evaluation.json").read_bytes())
    assert (document["num_videos"], document["student_accuracy"]) == (12, pytest.approx(10 / 12))
    assert document["teacher_accuracy"] is document["teacher_latency_ms"] is document["speedup"] is None
    assert document["student_latency_ms"] > 0
    assert (document["latency"]["student"]["n"], document["latency"]["student"]["warm_up"]) == (30, 5)
    results = {one["video_id"]: one for one in document["results"]}
    assert len(results) == 12
    assert [name for name, one in results.items() if not one["correct"]] == ["darker/d5", "lighter/l5"]
    assert results["lighter/l0"]["probabilities"]["lighter"] > 0.95
    clips = list(csv.DictReader((tmp_path / "out" / "clips.csv").open(encoding="utf-8")))
    assert len(clips) == 24
    assert [float(clips[0][name]) for name in ("first_seconds", "last_seconds")] == pytest.approx([0.125, 0.875])
    events = list(csv.DictReader((tmp_path / "out" / "predictions.csv").open(encoding="utf-8")))
    assert [(row["label"], row["predicted"]) for row in events[:1]] == [("darker", "darker")]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "2 events that got another class" in page
    assert found.lead in page.replace("&#39;", "'")


def test_videos_that_training_saw_are_left_out_wherever_they_were_moved(
    videos: Path, tmp_path: Path, make_order_model: Callable[..., Path]
) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(videos, moved)
    (moved / "lighter" / "l0.mp4").rename(moved / "lighter" / "new name.mp4")
    learned = [span(videos / "lighter" / "l0.mp4"), span(videos / "darker" / "d0.mp4")]
    chosen_by = [span(videos / "lighter" / "l1.mp4")]
    model = make_order_model(tmp_path / "model", split={"train": learned, "val": chosen_by})
    told: list[str] = []
    options = EvaluateOptions(model=model, video_dir=moved, output=tmp_path / "out")
    found = run(options, told)
    assert sorted(found.chosen.left_out) == ["darker/d0", "lighter/l1", "lighter/new name"]
    assert (len(found.chosen.events), found.chosen.seen) == (9, 0)
    assert any("left out: 3 events that training saw" in line for line in told)
    everything = run(replace(options, count_seen=True))
    assert (len(everything.chosen.events), everything.chosen.seen) == (12, 3)
    assert any("3 of 12 events were seen in training" in doubt for doubt in everything.doubts)
    assert "3 of which it has seen" in everything.lead


def test_of_videos_cut_in_time_the_held_out_part_is_measured(
    videos: Path, tmp_path: Path, make_order_model: Callable[..., Path]
) -> None:
    files = sorted(videos.rglob("*.mp4"))
    split = {"train": [span(file, 0.0, 1.1) for file in files], "test": [span(file, 1.3, 2.0) for file in files]}
    model = make_order_model(tmp_path / "model", split=split)
    found = run(EvaluateOptions(model=model, video_dir=videos, output=tmp_path / "out"))
    assert {(part.video.start_seconds, part.video.end_seconds) for part in found.chosen.parts} == {(1.3, 2.0)}
    assert min(answer.moments.min() for answer in found.answers.values()) > 1.3
    assert any("12 of 12 events are of recordings" in doubt for doubt in found.doubts)


def test_nothing_unseen_or_nothing_known_of_training_is_refused(
    videos: Path, tmp_path: Path, make_order_model: Callable[..., Path]
) -> None:
    every = [span(file) for file in videos.rglob("*.mp4")]
    model = make_order_model(tmp_path / "seen", split={"train": every})
    with pytest.raises(DatasetError, match="no event to measure on: 12 were seen in training"):
        run(EvaluateOptions(model=model, video_dir=videos, output=tmp_path / "out"))
    unknown = make_order_model(tmp_path / "unknown")
    options = EvaluateOptions(model=unknown, video_dir=videos, output=tmp_path / "out")
    with pytest.raises(DatasetError, match=r"no split\.json beside it"):
        run(options)
    assert not (tmp_path / "out").exists()
    assert any(
        "not known what the model learned from" in doubt for doubt in plan(replace(options, count_seen=True)).doubts
    )
    foreign = make_order_model(tmp_path / "foreign", classes=("up", "down"), split={"train": []})
    with pytest.raises(DatasetError, match="12 are of classes that the model does not know"):
        run(replace(options, model=foreign))
    with pytest.raises(ModelError):
        run(replace(options, model=tmp_path / "none.onnx"))


def test_what_cannot_be_read_or_named_is_listed(
    videos: Path,
    other: Path,
    tmp_path: Path,
    make_order_model: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    own = tmp_path / "own"
    shutil.copytree(videos, own)
    (own / "lighter" / "broken.mp4").write_bytes(b"no video at all")
    (own / "sideways").mkdir()
    shutil.copy(other, own / "sideways" / "s.mp4")
    model = make_order_model(tmp_path / "model", split={"train": []})
    arguments = ["evaluate", str(model), "--video-dir", str(own), "-o", str(tmp_path / "out"), "-j", "1"]
    assert app(arguments, standalone_mode=False) == 4
    printed = capsys.readouterr()
    assert printed.out.startswith("On videos it never saw the model names the class with an accuracy of 0.83")
    assert "broken.mp4: this is text, not a video" in printed.out
    assert "the model does not know the class 'sideways'" in printed.err
    assert app([*arguments, "--json"], standalone_mode=False) == 4
    document = json.loads(capsys.readouterr().out)
    assert [Path(one["path"]).name for one in document["failed"]] == ["broken.mp4"]
    assert [Path(one["path"]).name for one in document["skipped"]] == ["s.mp4"]


def test_views_of_one_event_are_fused(
    tmp_path: Path, make_ramp: Callable[..., Path], make_order_model: Callable[..., Path]
) -> None:
    """Of each event one camera sees the movement clearly and one, faintly, its opposite."""
    folder, entries = tmp_path / "videos", []
    for number in range(4):
        label = ("darker", "lighter")[number % 2]
        clear, faint = ((0.8, 0.2), (0.48, 0.55)) if label == "darker" else ((0.2, 0.8), (0.55, 0.48))
        for camera, ends in (("a", clear), ("b", faint)):
            make_ramp(folder / f"{number}{camera}.mp4", *ends, seed=number * 2 + (camera == "b"))
        views = [f"{number}a", f"{number}b"]
        entries.append({"video_id": f"event {number}", "views": views, "action_label": label})
    annotations = tmp_path / "annotations.json"
    annotations.write_text(json.dumps(entries))
    model = make_order_model(tmp_path / "model", split={"train": []}, windows=1)
    found = run(EvaluateOptions(model=model, video_dir=folder, annotations=annotations, output=tmp_path / "out"))
    assert found.figures.student.accuracy.estimate == 1.0
    assert found.figures.single_views is not None
    assert (found.figures.single_views.estimate, found.figures.single_views.n) == (0.5, 8)
    assert any("only 4 groups" in doubt for doubt in found.doubts)
    assert "views one by one" in (tmp_path / "out" / "report.html").read_text()


def test_a_teacher_is_compared_class_by_name(
    videos: Path, tmp_path: Path, make_order_model: Callable[..., Path]
) -> None:
    """The teacher has its classes in the other order and calls everything by the opposite name."""
    model = make_order_model(tmp_path / "model", split={"train": []})
    opposite = make_order_model(tmp_path / "teacher", split={"train": []}, classes=("lighter", "darker"), windows=1)
    options = EvaluateOptions(model=model, video_dir=videos, teacher=opposite.parent, output=tmp_path / "out")
    compared = run(options).figures.teacher
    assert compared is not None
    assert compared.agreement.estimate == 0.0
    assert compared.measured.accuracy.estimate == pytest.approx(2 / 12)
    assert compared.difference.estimate == pytest.approx(8 / 12)
    document = json.loads((tmp_path / "out" / "video_evaluation.json").read_bytes())
    assert document["teacher_accuracy"] == pytest.approx(2 / 12)
    assert document["speedup"] == pytest.approx(document["teacher_latency_ms"] / document["student_latency_ms"])
    seen = make_order_model(tmp_path / "saw", split={"train": [span(videos / "lighter" / "l2.mp4")]})
    assert any("teacher learned from 1 of 12" in doubt for doubt in plan(replace(options, teacher=seen)).doubts)
    foreign = make_order_model(tmp_path / "foreign", classes=("up", "down"))
    with pytest.raises(ModelError, match="knows the classes up, down"):
        plan(replace(options, teacher=foreign))


def test_what_was_answered_before_is_not_asked_again(
    videos: Path, tmp_path: Path, make_order_model: Callable[..., Path]
) -> None:
    model = make_order_model(tmp_path / "model", split={"train": []})
    options = EvaluateOptions(model=model, video_dir=videos, output=tmp_path / "out")
    bars: list[Progress] = []
    run(replace(options, max_events=2), bars=bars)
    again = run(options, bars=bars)
    fresh = run(replace(options, output=tmp_path / "fresh"), bars=bars)
    assert [(bar.total, bar._already_done) for bar in bars] == [(4, 0), (12, 4), (12, 0)]
    assert again.clips_csv() == fresh.clips_csv()
    assert again.lead == fresh.lead
    told: list[str] = []
    run(replace(options, windows=1), told)
    assert any("made with another windows" in line for line in told)


def test_the_plan_says_what_it_takes_and_writes_nothing(
    videos: Path, tmp_path: Path, make_order_model: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    model = make_order_model(tmp_path / "model", split={"train": [span(videos / "lighter" / "l2.mp4")]})
    arguments = ["evaluate", str(model), "--video-dir", str(videos), "-o", str(tmp_path / "out"), "--dry-run"]
    assert app(arguments, standalone_mode=False) == 0
    printed = capsys.readouterr().out
    assert "darker 6, lighter 5" in printed
    assert "on 22 clips of 11 videos; 1 events left out as seen in training" in printed
    assert app([*arguments, "--smoke", "--json"], standalone_mode=False) == 0
    assert json.loads(capsys.readouterr().out)["videos"] == 6
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_an_exported_model_says_the_same_as_the_checkpoint_clip_by_clip(
    taught: Path, shades: Path, tmp_path: Path
) -> None:
    exported = tmp_path / "shipped"
    app(["export", str(taught), str(exported)], standalone_mode=False)
    tables = {}
    for name, model in {
        "checkpoint": taught / "best_student.pt",
        "in the run": taught,
        "exported": exported / "model.onnx",
    }.items():
        found = run(EvaluateOptions(model=model, video_dir=shades, windows=2, output=tmp_path / name))
        tables[name] = list(csv.DictReader(found.clips_csv().splitlines()))
        assert len(found.chosen.left_out) == 32
        if name != "exported":
            assert found.figures.teacher is not None
            assert found.times.teacher is not None
            assert found.times.teacher.runtime.startswith("torch")
            assert found.times.speedup is not None
    assert len(tables["checkpoint"]) == 2 * 8
    for name in ("in the run", "exported"):
        for ours, theirs in zip(tables[name], tables["checkpoint"], strict=True):
            assert {key: ours[key] for key in ("video", "clip", "predicted")} == {
                key: theirs[key] for key in ("video", "clip", "predicted")
            }
            for label in ("dark", "light"):
                assert float(ours[label]) == pytest.approx(float(theirs[label]), abs=1e-5)
