"""train, from labelled clips to the files it leaves; killed, resumed, in several processes, and on real footage."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from footage.cli.exits import ExitCode
from footage.cli.progress import Progress, progress
from footage.errors import InputError, MissingDependency, ModelError
from footage.persistence.bundle import verify
from footage.training.backbones import build_classifier
from footage.training.weights import load_strictly, read_state_dict
from highlight_train.labels import Labelled, Labels, write_labels
from highlight_train.prepare.command import PrepareOptions, prepare
from highlight_train.preprocess import squeeze
from highlight_train.scoring.model import open_models
from highlight_train.train.command import TrainOptions, plan, train
from highlight_train.train.findings import Findings
from highlight_train.train.outputs import output_files
from highlight_train.train.show import show

SIDE = 64
SMALL = "squeezenet1_1"


def bar(total: int | None, done: int) -> Progress:
    return progress(total, "steps", "training", already_done=done)


def run(options: TrainOptions, told: list[str] | None = None) -> Findings:
    return train(options, tell=(told if told is not None else []).append, make_progress=bar)


@pytest.fixture(scope="session")
def dataset(library: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("prepared") / "dataset"
    prepare(PrepareOptions(labels=library.labels, output=out, jobs=1), tell=lambda _: None, make_progress=bar)
    return out


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of the backbone as a file, as one downloads them."""
    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("weights") / "imagenet.pth"
    from torchvision.models import get_model

    torch.save(get_model(SMALL, weights=None).state_dict(), file)
    return file


def options_of(dataset: Path, start: Path, output: Path) -> TrainOptions:
    return TrainOptions(
        source=dataset,
        output=output,
        backbone=SMALL,
        weights=str(start),
        epochs=4,
        frozen_epochs=1,
        batch_size=8,
        learning_rate=3e-3,
        side_px=SIDE,
        device="cpu",
        jobs=1,
        checkpoint_seconds=0.0,
    )


@pytest.fixture(scope="session")
def finished(dataset: Path, start: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Findings, list[str]]:
    """A finished training: its folder, its findings, and what was told."""
    folder = tmp_path_factory.mktemp("finished") / "highlight_training"
    told: list[str] = []
    return folder, run(options_of(dataset, start, folder), told), told


def test_it_leaves_every_file_and_no_other(finished: tuple[Path, Findings, list[str]]) -> None:
    folder, findings, told = finished
    assert {file.name for file in folder.iterdir()} == {*(file.name for file in output_files(folder)), ".lock"}
    record = json.loads((folder / "run.json").read_text())
    assert record["finished"] is not None
    assert record["seed"] == 42
    assert len(record["settings"]["weights"]["sha256"]) == 64
    assert told[0] == "computing on the CPU, as asked for"
    assert any(f"{SMALL}, starting from weights from" in line for line in told)
    assert sum(line.startswith("epoch ") for line in told) == len(findings.fitted.history)
    assert [record.frozen for record in findings.fitted.history][:2] == [True, False]


def test_the_model_that_ships_is_the_one_that_was_measured(
    finished: tuple[Path, Findings, list[str]], dataset: Path
) -> None:
    from footage.video.images import read_image

    folder, findings, _ = finished
    manifest = verify(folder / "model.onnx")
    assert manifest.input.shape == (None, SIDE, SIDE, 3)
    assert manifest.details["parity"].startswith("0 of ")
    lines = list(csv.DictReader((folder / "predictions.csv").open()))
    frames = findings.sides.frames
    assert len(lines) == len(frames.of_clips(np.concatenate([findings.sides.val, findings.sides.test])))
    files = {(clip.path, f"{frame.seconds:.3f}"): frame.file for clip in frames.clips for frame in clip.frames}
    pictures = np.stack(
        [squeeze(read_image(dataset / files[line["clip"], line["seconds"]]), side_px=SIDE) for line in lines]
    )
    with_onnx = open_models([folder / "model.onnx"]).score(pictures)
    np.testing.assert_allclose(with_onnx, [float(line["score"]) for line in lines], atol=1e-4)
    classifier = build_classifier(SMALL, 2).eval()
    load_strictly(classifier.network, read_state_dict(folder / "model.pth"), what=SMALL, where="model.pth")
    with torch.inference_mode():
        with_torch = torch.softmax(classifier(torch.from_numpy(pictures)), 1)[:, 1].numpy()
    np.testing.assert_allclose(with_torch, with_onnx, atol=1e-4)


def test_no_flight_of_the_test_was_learned_from(finished: tuple[Path, Findings, list[str]]) -> None:
    folder, findings, _ = finished
    lines = list(csv.DictReader((folder / "predictions.csv").open()))
    tested = {line["group"] for line in lines if line["side"] == "test"}
    learned = {findings.sides.frames.clips[clip].group for clip in findings.sides.train}
    assert tested
    assert not tested & learned
    assert findings.sides.grouped_by == "flight or day folder"


def test_the_report_opens_with_the_result_and_does_not_call_it_ready(
    finished: tuple[Path, Findings, list[str]],
) -> None:
    folder, findings, told = finished
    page = (folder / "report.html").read_text()
    lead = re.search(r'class="lead">(.*?)</p>', page, re.DOTALL)
    assert lead is not None
    metrics = json.loads((folder / "metrics.json").read_text())
    assert lead[1] == metrics["lead"] == findings.lead
    assert re.search(r"average precision of \d\.\d\d .*\(n = \d+ clips of \d+ folders?\)", findings.lead)
    for baseline in ("always normal", "motion", "colourfulness"):
        assert baseline in findings.lead
    assert not findings.ready
    assert metrics["ready"] is False
    assert "This model is not ready" in findings.lead
    assert json.loads((folder / "model.json").read_text())["details"]["ready"] is False
    assert any("at least 5 are needed" in line for line in told)
    assert page.index("<svg") < page.index("<table")
    assert "http://" not in page.replace("http://www.w3.org/", "")


def test_it_learned_the_colour(finished: tuple[Path, Findings, list[str]]) -> None:
    _, findings, _ = finished
    assert findings.evaluation.model.average_precision.estimate == 1.0
    assert findings.fitted.history[-1].train_loss < findings.fitted.history[0].train_loss


PROGRAM = """
import json, sys, torch
from pathlib import Path
from footage.cli.progress import Progress
from highlight_train.train.command import TrainOptions, train
torch.set_num_threads(1)
class Told(Progress):
    def advance(self, count=1):
        super().advance(count)
        print(self.done, flush=True)
settings = json.loads(sys.argv[1])
for name in ("source", "output"):
    settings[name] = Path(settings[name])
train(TrainOptions(**settings), tell=lambda line: None,
      make_progress=lambda total, done: Told(total, "steps", "training", already_done=done))
"""


def program(options: TrainOptions) -> list[str]:
    settings = {name: getattr(options, name) for name in options.__dataclass_fields__}
    return [
        sys.executable,
        "-c",
        PROGRAM,
        json.dumps({k: str(v) if isinstance(v, Path) else v for k, v in settings.items()}),
    ]


@pytest.mark.slow
def test_killed_and_resumed_it_ends_with_the_same_model(
    finished: tuple[Path, Findings, list[str]], dataset: Path, start: Path, tmp_path: Path
) -> None:
    folder, findings, _ = finished
    options = options_of(dataset, start, tmp_path / "killed")
    with subprocess.Popen(program(options), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        next(line for line in process.stdout if line == "6\n")
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert json.loads((options.output / "run.json").read_text())["finished"] is None
    told: list[str] = []
    with pytest.raises(InputError, match="another recipe"):
        run(replace(options, resume=True, learning_rate=0.1))
    resumed = run(replace(options, resume=True), told)
    assert any(line.startswith("going on in epoch 2") for line in told), told
    assert resumed.fitted == findings.fitted
    for name in ("model.pth", "model.onnx", "model.json", "predictions.csv", "metrics.json", "report.html"):
        assert (options.output / name).read_bytes() == (folder / name).read_bytes(), name
    with pytest.raises(InputError, match="holds no unfinished training"):
        run(replace(options, resume=True))


@pytest.mark.slow
def test_two_processes_train_a_model_too(
    dataset: Path, start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    options = replace(options_of(dataset, start, tmp_path / "two"), multi_gpu=True, processes=2, epochs=2)
    findings = run(options)
    assert len(findings.fitted.history) == 2
    assert verify(options.output / "model.onnx").details["settings"]["recipe"]["parts"] == 2
    assert not (options.output / "task.json").exists()


@pytest.mark.slow
def test_straight_from_the_videos(library: Any, start: Path, tmp_path: Path) -> None:
    """No frames to look after; what cannot be read is left out; a second run does not decode again."""
    bad = tmp_path / "bad.mp4"
    bad.write_text("bad")
    labels = tmp_path / "labels.json"
    write_labels(
        Labels(tuple(map(Labelled, library.highlights)), (*map(Labelled, library.normal), Labelled(bad))), labels
    )
    options = replace(
        options_of(labels, start, tmp_path / "run"), from_videos=True, keyframes_per_clip=2, epochs=1, weights="none"
    )
    told: list[str] = []
    findings = run(options, told)
    assert len(findings.sides.frames.clips) == 16
    assert {clip.sampled for clip in findings.sides.frames.clips} <= {"keyframes", "exact frames"}
    assert any(line.startswith(f"warning: left out {bad}") for line in told)
    assert any("random weights" in line for line in told)
    again: list[str] = []
    assert run(options, again).fitted == findings.fitted
    assert "going on: the frames of 16 of 17 clips are there already" in again


@pytest.mark.slow
def test_real_weights_on_real_footage(shared_data: Path, tmp_path: Path) -> None:
    """ImageNet's body tells fast sport from other footage on clips it never saw, or says by how much it cannot."""
    lively = ["drone/uav123_wakeboard7.mp4", "video/cotracker_paragliding.mp4", "video/sam2_05_default_juggle.mp4"]
    dull = ["drone/uav123_truck4.mp4", "drone/nadir_city_spatialhast.mp4", "video/intel_car-detection.mp4"]
    labels = tmp_path / "labels.json"
    clips = [tuple(Labelled(shared_data / name) for name in names) for names in (lively, dull)]
    write_labels(Labels(*clips), labels)
    options = TrainOptions(
        source=labels,
        output=tmp_path / "run",
        from_videos=True,
        group_by="clip",
        keyframes_per_clip=3,
        backbone="mobilenet_v2",
        weights=str(shared_data / "cls" / "mobilenet_v2_imagenet.pth"),
        epochs=2,
        frozen_epochs=1,
        batch_size=4,
        device="cpu",
        jobs=1,
    )
    findings = run(options)
    assert findings.start.startswith("weights from ")
    assert not findings.ready
    assert verify(options.output / "model.onnx").input.shape == (None, 224, 224, 3)


def test_the_plan_reads_no_picture_and_writes_nothing(dataset: Path, library: Any, start: Path, tmp_path: Path) -> None:
    options = options_of(dataset, start, tmp_path / "out")
    prepared = plan(options)
    assert sum(prepared.clips.values()) == 16
    assert prepared.steps == max(1, round(prepared.frames / 8)) * 4
    from_videos = plan(replace(options, source=library.labels, from_videos=True))
    assert from_videos.clips == prepared.clips
    assert from_videos.frames == 16 * prepared.clips["train"]
    assert prepared.doubts == from_videos.doubts
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_had_is_said_and_nothing_is_pretended(
    dataset: Path, start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = options_of(dataset, start, tmp_path / "out")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(MissingDependency, match=f"ImageNet weights of {SMALL} could not be downloaded"):
        run(replace(options, weights="imagenet"))
    with pytest.raises(ModelError, match="no such file"):
        run(replace(options, weights=str(tmp_path / "gone.pth")))
    with pytest.raises(MissingDependency, match="cannot compute on cuda:99"):
        run(replace(options, device="cuda:99"))
    with pytest.raises(MissingDependency, match="cannot train on several GPUs on the CPU"):
        run(replace(options, multi_gpu=True))
    with pytest.raises(InputError, match="no image classifier of torchvision"):
        run(replace(options, backbone="resnet1"))
    monkeypatch.setenv("LOCAL_RANK", "0")
    with pytest.raises(InputError, match="was started by torchrun"):
        run(replace(options, multi_gpu=True, processes=2))
    assert not (tmp_path / "out").exists()


def test_a_size_the_backbone_cannot_take_is_said(dataset: Path, tmp_path: Path) -> None:
    options = TrainOptions(
        source=dataset, output=tmp_path / "out", backbone=SMALL, weights="none", side_px=4, device="cpu", epochs=1
    )
    with pytest.raises(InputError, match=f"{SMALL} cannot take pictures of 4 px"):
        run(options)


def test_a_plan_is_told_in_words_and_writes_nothing(
    dataset: Path, start: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = options_of(dataset, start, tmp_path / "planned")
    assert show(options, dry_run=True, as_json=False) is ExitCode.DONE
    lead, *doubts = capsys.readouterr().out.splitlines()
    planned = plan(options)
    assert lead.startswith(f"would train {SMALL}, weights: {start}, on the CPU, as asked for: clips ")
    assert lead.endswith(f"at most {planned.steps} steps")
    assert [int(count) for count in re.findall(r"(\d+) to [a-z]+[,;]", lead)] == list(planned.clips.values())
    assert doubts == [f"not to be relied on: {doubt}" for doubt in planned.doubts]
    assert show(options, dry_run=True, as_json=True) is ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["steps"] == planned.steps
    assert not options.output.exists()


def test_weights_that_are_not_there_are_asked_for_by_their_option(
    dataset: Path, start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    options = replace(options_of(dataset, start, tmp_path / "out"), weights="imagenet")
    with pytest.raises(MissingDependency) as caught:
        show(options, dry_run=False, as_json=False)
    assert "--weights names a file of weights, or none" in caught.value.__notes__[0]
