"""train, from labelled videos to the files it leaves; killed, resumed, in several processes, and on real footage."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from footage.cli.exits import ExitCode
from footage.cli.progress import Progress, progress
from footage.errors import GateNotMet, InputError, MissingDependency, ModelError
from footage.persistence.bundle import verify
from footage.training.augmentation import Augmentation
from footage.training.clips import ClipSampling
from video_train.model import open_model, read_split
from video_train.networks.clips import TINY
from video_train.train.command import plan, train
from video_train.train.findings import Findings
from video_train.train.options import TrainOptions
from video_train.train.outputs import output_files
from video_train.train.show import show

SAMPLING = ClipSampling(frames=6, size_px=48, span_seconds=0.5)


def bar(total: int | None, done: int) -> Progress:
    return progress(total, "steps", "training", already_done=done)


def run(options: TrainOptions, told: list[str] | None = None) -> Findings:
    return train(options, tell=(told if told is not None else []).append, make_progress=bar)


def options_of(videos: Path, output: Path) -> TrainOptions:
    return TrainOptions(
        video_dir=videos,
        output=output,
        student=TINY,
        student_weights="none",
        teacher=TINY,
        teacher_weights="none",
        distill=False,
        sampling=SAMPLING,
        windows=2,
        views=2,
        augmentation=Augmentation(flip=False),
        epochs=2,
        batch_size=4,
        learning_rate=3e-3,
        device="cpu",
        jobs=1,
        checkpoint_seconds=0.0,
    )


@pytest.fixture(scope="session")
def finished(few_movements: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Findings, list[str]]:
    """A finished short training: its folder, its findings, and what was told."""
    folder = tmp_path_factory.mktemp("finished") / "video_training"
    told: list[str] = []
    return folder, run(options_of(few_movements, folder), told), told


def test_it_leaves_every_file_and_no_other(finished: tuple[Path, Findings, list[str]]) -> None:
    folder, findings, told = finished
    assert {file.name for file in folder.iterdir()} == {*(f.name for f in output_files(folder)), ".lock", "clips"}
    record = json.loads((folder / "run.json").read_text())
    assert record["finished"] is not None
    assert told[:2] == ["computing on the CPU, as asked for", "labels are the folders' names: left 10, right 10"]
    history = json.loads((folder / "training_history.json").read_text())
    assert list(history) == ["train_loss", "train_acc", "val_loss", "val_acc"]
    assert {len(values) for values in history.values()} == {2}
    assert all(0 <= value <= 1 for value in (*history["train_acc"], *history["val_acc"]))
    assert findings.student.fitted is not None
    assert history["val_loss"] == [record.val_loss for record in findings.student.fitted.history]


def test_the_model_that_ships_is_the_one_that_was_measured(finished: tuple[Path, Findings, list[str]]) -> None:
    folder, findings, _ = finished
    manifest = verify(folder / "model.onnx")
    assert manifest.classes == ("left", "right")
    assert manifest.input.shape == (None, 6, 48, 48, 3)
    assert manifest.details["parity"].startswith("0 of ")
    as_onnx, as_torch = open_model(folder), open_model(folder / "best_student.pt")
    assert as_onnx.sampling == as_torch.sampling == SAMPLING
    lines = {line["event"]: line for line in csv.DictReader((folder / "predictions.csv").open())}
    assert len(lines) == len(findings.test_events) == 4
    rows = findings.sides.rows("test")
    from footage.training.clips import clip_times, read_clip

    for row in rows.tolist():
        part, event = findings.sides.parts[row], findings.sides.events[int(findings.sides.event_of[row])]
        middle = (part.start_seconds + part.end_seconds) / 2
        halves = [(part.start_seconds, middle), (middle, part.end_seconds)]
        clips = [read_clip(part.path, clip_times(*half, SAMPLING, None), 48) for half in halves]
        by_onnx, by_torch = as_onnx.logits(clips), as_torch.logits(clips)
        np.testing.assert_allclose(by_onnx, by_torch, atol=1e-4)
        mean = by_onnx.mean(0)
        line = lines[event.event.identity]
        assert manifest.classes[int(mean.argmax())] == line["predicted"]
        # The logarithms of a softmax differ from logits by a constant a clip, which the mean's softmax forgets.
        assert float(np.exp(mean).max() / np.exp(mean).sum()) == pytest.approx(float(line["probability"]), abs=1e-4)


def test_nothing_of_the_test_was_learned_from(finished: tuple[Path, Findings, list[str]]) -> None:
    folder, _, _ = finished
    split = read_split(folder / "split.json")
    contents = {side: {span.content for span in spans} for side, spans in split.items()}
    assert not contents["train"] & (contents["val"] | contents["test"])
    assert {side: len(spans) for side, spans in split.items()} == {"train": 12, "val": 4, "test": 4}


def test_the_report_opens_with_the_result_and_does_not_call_it_ready(
    finished: tuple[Path, Findings, list[str]],
) -> None:
    folder, findings, told = finished
    page = (folder / "report.html").read_text()
    lead = re.search(r'class="lead">(.*?)</p>', page, re.DOTALL)
    assert lead is not None
    assert lead[1] == json.loads((folder / "metrics.json").read_text())["lead"] == findings.lead
    assert re.search(r"accuracy of \d\.\d\d \[.*\] \(n = 4 of 4 groups\)", findings.lead)
    assert "always naming the most frequent class gets 0.50" in findings.lead
    assert not findings.ready
    assert "This model is not ready" in findings.lead
    assert any("only 4 groups are tested on" in line for line in told)
    assert page.index("<svg") < page.index("<table")
    assert "http://" not in page.replace("http://www.w3.org/", "")


PROGRAM = """
import json, sys, torch
from pathlib import Path
from footage.cli.progress import Progress
from footage.training.augmentation import Augmentation
from footage.training.clips import ClipSampling
from video_train.networks.distilling import Distillation
from video_train.train.command import train
from video_train.train.options import TrainOptions
torch.set_num_threads(1)
class Told(Progress):
    def advance(self, count=1):
        super().advance(count)
        print(self.total, self.done, flush=True)
values = json.loads(sys.argv[1])
values["video_dir"], values["output"] = Path(values["video_dir"]), Path(values["output"])
values["sampling"]["speed"] = tuple(values["sampling"]["speed"])
values["sampling"] = ClipSampling(**values["sampling"])
values["augmentation"] = Augmentation(**values["augmentation"])
values["distillation"] = Distillation(**values["distillation"])
train(TrainOptions(**values), tell=lambda line: None,
      make_progress=lambda total, done: Told(total, "steps", "training", already_done=done))
"""


def program(options: TrainOptions) -> list[str]:
    from dataclasses import asdict

    values = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(options).items()}
    return [sys.executable, "-c", PROGRAM, json.dumps(values)]


@pytest.mark.slow
@pytest.mark.parametrize("views", [0, 2])
def test_killed_and_resumed_it_ends_with_the_same_bits(shades: Path, tmp_path: Path, views: int) -> None:
    """A teacher, a student and what they are compared with; killed in the student's second epoch."""
    whole = replace(options_of(shades, tmp_path / "whole"), distill=True, compare=1, views=views, epochs=2)
    expected = run(whole)
    options = replace(whole, output=tmp_path / "killed")
    with subprocess.Popen(program(options), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        seen = 0
        for line in process.stdout:
            seen += line == "12 8\n"
            if seen == 2:  # the second step of the second network's last epoch
                break
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert json.loads((options.output / "run.json").read_text())["finished"] is None
    told: list[str] = []
    resumed = run(replace(options, resume=True), told)
    assert any(line.startswith("going on in epoch") for line in told), told
    assert resumed.student.fitted == expected.student.fitted
    assert resumed.comparison == expected.comparison
    for name in ("best_student.pt", "final_student.pt", "model.onnx", "predictions.csv", "metrics.json", "report.html"):
        assert (options.output / name).read_bytes() == (whole.output / name).read_bytes(), name
    assert (options.output / "teacher.pt").read_bytes() == (whole.output / "teacher.pt").read_bytes()
    with pytest.raises(InputError, match="holds no unfinished training"):
        run(replace(options, resume=True))


@pytest.mark.slow
def test_order_is_learned_from_moving_videos_and_the_teacher_is_compared(movements: Path, tmp_path: Path) -> None:
    """Which way a disc moves is in no single frame: ordered clips tell it, the same frames shuffled do not."""
    options = replace(
        options_of(movements, tmp_path / "run"), views=4, epochs=15, batch_size=8, distill=True, compare=2
    )
    options = replace(options, checkpoint_seconds=60.0)
    findings = run(options)
    accuracy = findings.student.measured.accuracy
    assert accuracy.low is not None
    assert accuracy.low > 0.6, findings.lead
    assert findings.student.measured.beats_chance
    assert findings.teacher is not None
    assert findings.comparison is not None
    assert len(findings.comparison.taught) == len(findings.comparison.alone) == 2
    assert findings.comparison.verdict in findings.lead
    model = open_model(tmp_path / "run")
    rng, right = np.random.default_rng(0), {True: 0, False: 0}
    rows = findings.sides.rows("test").tolist()
    from footage.training.clips import clip_times, read_clip

    for row in rows:
        part = findings.sides.parts[row]
        clip = read_clip(part.path, clip_times(part.start_seconds, part.end_seconds, SAMPLING, None), 48)
        for ordered in (True, False):
            shown = clip if ordered else clip[rng.permutation(len(clip))]
            right[ordered] += int(model.logits([shown])[0].argmax()) == part.label
    assert right[True] >= 0.85 * len(rows)
    assert right[False] <= 0.8 * len(rows)


def test_a_teacher_that_knows_nothing_is_refused(tmp_path: Path) -> None:
    """Still pictures of the same kind in two classes: there is nothing to learn, and the gate says so."""
    from fractions import Fraction

    from footage.video.writer import VideoWriter

    rng = np.random.default_rng(0)
    for label in ("heads", "tails"):
        (tmp_path / "videos" / label).mkdir(parents=True)
        for number in range(8):
            picture = rng.integers(0, 256, (48, 48, 3), np.uint8)
            with VideoWriter(tmp_path / "videos" / label / f"{number}.mp4", size=(48, 48), rate=Fraction(12)) as writer:
                for _ in range(8):
                    writer.write(picture)
    options = replace(options_of(tmp_path / "videos", tmp_path / "run"), distill=True, epochs=1)
    with pytest.raises(
        GateNotMet, match=r"the teacher \(tiny3d\) is not shown to be better than chance: accuracy on validation 0\."
    ):
        run(options)
    assert not (tmp_path / "run" / "best_student.pt").exists()


def test_a_teacher_of_an_earlier_run_must_not_have_seen_what_is_held_out(
    finished: tuple[Path, Findings, list[str]], few_movements: Path, tmp_path: Path
) -> None:
    folder, _, _ = finished
    options = replace(options_of(few_movements, tmp_path / "run"), distill=True, teacher_run=folder)
    with pytest.raises(ModelError, match=r"learned from \d of the videos that are held out here"):
        run(replace(options, seed=7))
    with pytest.raises(ModelError, match="other frames of a clip: 6, here 4"):
        run(replace(options, sampling=replace(SAMPLING, frames=4)))
    with pytest.raises(ModelError, match="manifest"):
        run(replace(options, teacher_run=tmp_path))


@pytest.mark.slow
def test_two_processes_train_a_model_too(few_movements: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    findings = run(replace(options_of(few_movements, tmp_path / "two"), multi_gpu=True, processes=2))
    assert findings.student.fitted is not None
    assert len(findings.student.fitted.history) == 2
    assert not (tmp_path / "two" / "task.json").exists()


@pytest.mark.slow
def test_real_signs_cut_in_time_with_real_weights(shared_data: Path, tmp_path: Path) -> None:
    """One recording a class: videos are cut in time, which is said in the first sentence and as a doubt."""
    videos = tmp_path / "videos"
    videos.mkdir()
    for name in ("again", "book", "eat"):
        shutil.copy(shared_data / "action" / "asl" / f"{name}.mkv", videos)
    options = TrainOptions(
        video_dir=videos,
        pattern="{label}",
        output=tmp_path / "run",
        student="mobilenet_v2",
        student_weights=str(shared_data / "cls" / "mobilenet_v2_imagenet.pth"),
        distill=False,
        sampling=ClipSampling(frames=3, size_px=96),
        views=2,
        epochs=2,
        batch_size=3,
        learning_rate=1e-3,
        device="cpu",
        jobs=1,
    )
    findings = run(options)
    assert findings.lead.startswith("On parts of videos it never saw")
    assert findings.sides.grouped_by == "part of a video in time"
    assert any("nothing is known about other recordings" in doubt for doubt in findings.doubts)
    assert not findings.ready
    assert findings.student.measured.accuracy.n == 3


def test_the_plan_says_what_it_takes_and_writes_nothing(few_movements: Path, tmp_path: Path) -> None:
    planned = plan(replace(options_of(few_movements, tmp_path / "out"), distill=True, compare=2))
    assert planned.classes == {"left": 10, "right": 10}
    assert planned.events == {"train": 12, "val": 4, "test": 4}
    assert planned.steps == 2 * 3 * 5  # two epochs of three steps: a teacher, and two pairs
    assert planned.networks == ("tiny3d", "tiny3d, starting from none")
    assert planned.stored_megabytes == pytest.approx((12 * 3 + 8 * 2) * 6 * 48 * 48 * 3 / 1e6)
    assert not (tmp_path / "out").exists()


def test_bad_videos_are_left_out_and_counted(
    few_movements: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    videos = tmp_path / "videos"
    shutil.copytree(few_movements, videos)
    (videos / "left" / "empty.mp4").write_bytes(b"")
    whole = next((videos / "right").glob("*.mp4")).read_bytes()
    (videos / "right" / "cut.mp4").write_bytes(whole[: len(whole) // 3])
    (videos / "stray.mp4").write_bytes(whole)
    told: list[str] = []
    findings = run(replace(options_of(videos, tmp_path / "run"), epochs=1), told)
    assert {one.path.name for one in findings.skipped} == {"empty.mp4", "cut.mp4", "stray.mp4"}
    assert sum(line.startswith("warning: left out") for line in told) == 3
    assert len(json.loads((tmp_path / "run" / "run.json").read_text())["skipped"]) == 3
    again = replace(options_of(videos, tmp_path / "again"), epochs=1)
    assert show(again, dry_run=False, as_json=True) == ExitCode.SOME_INPUTS_FAILED
    assert json.loads(capsys.readouterr().out)["files"]


def test_what_cannot_be_had_is_said(few_movements: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = options_of(few_movements, tmp_path / "out")
    with pytest.raises(MissingDependency, match="cannot compute on cuda:99"):
        run(replace(options, device="cuda:99"))
    with pytest.raises(MissingDependency, match="cannot train on several GPUs on the CPU"):
        run(replace(options, multi_gpu=True))
    with pytest.raises(InputError, match="holds no unfinished training"):
        run(replace(options, resume=True))
    monkeypatch.setenv("LOCAL_RANK", "0")
    with pytest.raises(InputError, match="was started by torchrun"):
        run(replace(options, multi_gpu=True, processes=2))
    assert torch.get_num_threads() >= 1


def test_a_plan_is_told_in_words_and_writes_nothing(
    few_movements: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    videos = tmp_path / "videos"
    shutil.copytree(few_movements, videos)
    (videos / "left" / "broken.mp4").write_bytes(b"no video")
    options = replace(options_of(videos, tmp_path / "planned"), distill=True)
    assert show(options, dry_run=True, as_json=False) is ExitCode.DONE
    labels, lead, left_out, *doubts = capsys.readouterr().out.splitlines()
    planned = plan(options)
    assert labels == "labels are the folders' names: left 10, right 10"
    assert lead.startswith(
        f"would train {TINY}, taught by {TINY}, starting from none, on the CPU, as asked for: events "
    )
    assert f"at most {planned.steps} steps" in lead
    assert left_out == "would leave out 1 videos"
    assert doubts == [f"not to be relied on: {doubt}" for doubt in planned.doubts]
    assert show(options, dry_run=True, as_json=True) is ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["steps"] == planned.steps
    assert not options.output.exists()


def test_what_is_missing_is_asked_for_by_its_option(few_movements: Path, tmp_path: Path) -> None:
    options = options_of(tmp_path / "nowhere", tmp_path / "out")
    with pytest.raises(InputError) as caught:
        show(options, dry_run=False, as_json=False)
    assert "--video-dir names the videos" in caught.value.__notes__[0]
    options = replace(options_of(few_movements, tmp_path / "out"), student_weights=str(tmp_path / "none.pth"))
    with pytest.raises((InputError, MissingDependency, ModelError)):
        show(options, dry_run=False, as_json=False)
