"""Training: what it writes, that it resumes to the same bytes, and what it refuses."""

from __future__ import annotations

import csv
import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from blur_train.classes import CLASSES
from blur_train.classifier import BlurClassifier, read_names
from blur_train.cli import app
from blur_train.photos import read_photo
from blur_train.prepare.manifest import read_prepared
from blur_train.train import command
from blur_train.train.command import TrainOptions, plan, train
from blur_train.train.outputs import output_files
from footage.cli.progress import Progress, progress
from footage.errors import DatasetError, InputError, ModelError, UntrustedModel
from footage.persistence.bundle import verify

SMALL = {"weights": "none", "side_px": 64, "device": "cpu", "jobs": 1}


def make_progress(total: int | None, _: int) -> Progress:
    return progress(total, "items", "testing")


def quietly(options: TrainOptions) -> list[str]:
    told: list[str] = []
    train(options, tell=told.append, make_progress=make_progress)
    return told


def test_every_file_is_there_and_they_agree(trained: Path, drawn_dataset: Path) -> None:
    assert all(file.is_file() for file in output_files(trained))
    assert not (trained / "checkpoint.pth").exists()
    assert not (trained / "inputs.npy").exists()
    manifest = verify(trained / "blur_classifier.onnx")
    prepared = read_prepared(drawn_dataset)
    assert manifest.training_data_sha256 == prepared.data_sha256
    assert manifest.split_sha256 == prepared.split_sha256
    assert read_names(trained) == CLASSES == tuple(sorted(CLASSES))
    metrics = json.loads((trained / "metrics.json").read_text())
    assert metrics["test"]["accuracy"]["n"] == 12
    assert metrics["parity"]["decisions_changed"] == 0
    assert any("operating points" in doubt for doubt in metrics["doubts"])
    assert "not ready" in metrics["lead"]


def test_predictions_are_those_of_the_shipped_classifier(trained: Path, drawn_dataset: Path) -> None:
    classifier = BlurClassifier.open(trained, device="cpu")
    with (trained / "predictions.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert {row["side"] for row in rows} == {"val", "calibration", "test"}
    for row in rows:
        image = read_photo(drawn_dataset / row["file"], luma=classifier.by_luma).image
        (decision,) = classifier.decide([classifier.evidence(image)])
        assert decision.predicted_class == row["predicted_class"]
        assert np.allclose([float(row[name]) for name in CLASSES], list(decision.probabilities.values()), atol=1e-4)


def test_the_deciding_crop_lies_in_the_photo(trained: Path, drawn_dataset: Path) -> None:
    classifier = BlurClassifier.open(trained, device="cpu")
    photo = read_photo(drawn_dataset / read_prepared(drawn_dataset).photos[0].file)
    (decision,) = classifier.decide([classifier.evidence(photo.image)], "lenient")
    assert decision.deciding_crop is not None
    left, top, right, bottom = decision.deciding_crop
    assert 0 <= left < right <= photo.width
    assert 0 <= top < bottom <= photo.height
    assert sum(decision.detected.values()) == (decision.predicted_class != "sharp")


@pytest.mark.slow
def test_an_interrupted_training_ends_with_the_same_bytes(
    drawn_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    settings = {**SMALL, "dataset": drawn_dataset, "backend": "squeezenet1_1", "epochs": 2, "batch_size": 8}
    quietly(TrainOptions(output=whole, **settings))  # type: ignore[arg-type]  # a dict has one type of value

    def interrupt(record: object) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(command, "epoch_line", interrupt)
        with pytest.raises(KeyboardInterrupt):
            quietly(TrainOptions(output=broken, **settings))  # type: ignore[arg-type]  # likewise
    assert (broken / "checkpoint.pth").is_file()
    told = quietly(TrainOptions(output=broken, resume=True, **settings))  # type: ignore[arg-type]  # likewise
    assert any(line.startswith("going on in epoch 2") for line in told)
    for name in ("model.pth", "blur_classifier.onnx", "predictions.csv"):
        assert (broken / name).read_bytes() == (whole / name).read_bytes(), name


@pytest.mark.slow
def test_yolov8n_is_trained_and_ships_like_the_others(drawn_dataset: Path, tmp_path: Path) -> None:
    if importlib.util.find_spec("ultralytics") is None:  # not importorskip: imported plainly it is unsafe
        pytest.skip("the extra blur-train[ultralytics] is not installed")
    settings = {**SMALL, "dataset": drawn_dataset, "backend": "ultralytics", "epochs": 1}
    quietly(TrainOptions(output=tmp_path / "run", **settings))  # type: ignore[arg-type]  # a dict has one type of value
    classifier = BlurClassifier.open(tmp_path / "run", device="cpu")
    image = read_photo(drawn_dataset / read_prepared(drawn_dataset).photos[0].file).image
    (decision,) = classifier.decide([classifier.evidence(image)])
    assert decision.deciding_crop is None
    assert sum(decision.probabilities.values()) == pytest.approx(1)
    assert classifier.manifest.input.shape == (None, 64, 64, 3)


def test_the_plan_writes_nothing(drawn_dataset: Path, tmp_path: Path) -> None:
    found = plan(TrainOptions(dataset=drawn_dataset, output=tmp_path / "run", weights="none", device="cpu"))
    assert found.photos["train"] == dict.fromkeys(CLASSES, 4)
    assert found.disk_bytes == 44 * 101 * 64 * 64
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_one_type_alone_is_trained_without_an_unreadable_photo(drawn_dataset: Path, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    shutil.copytree(drawn_dataset, dataset)
    victim = next(photo for photo in read_prepared(dataset).side("test") if photo.label == "sharp")
    (dataset / victim.file).write_bytes((dataset / victim.file).read_bytes()[:900])
    network = ["--backend", "squeezenet1_1", "--side", "64", "--weights", "none", "--epochs", "1", "--device", "cpu"]
    run = [str(dataset), "-o", str(tmp_path / "run"), "-j", "1", "--classes", "motion_blurred,sharp"]
    ended = CliRunner().invoke(app, ["train", *run, *network])
    assert ended.exit_code == 4, ended.output
    assert f"left out {victim.file}" in ended.stderr
    assert "only motion_blurred, sharp were trained" in ended.stderr
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["test"]["accuracy"]["n"] == 5
    classifier = BlurClassifier.open(tmp_path / "run", device="cpu")
    image = read_photo(drawn_dataset / read_prepared(drawn_dataset).photos[0].file).image
    (decision,) = classifier.decide([classifier.evidence(image)])
    assert decision.probabilities["defocused_blurred"] < 1e-6
    assert classifier.classes == CLASSES


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"classes": ("motion_blurred",)}, InputError, "name sharp"),
        ({"classes": ("sharp", "blurry")}, InputError, "cannot train the classes"),
        ({"backend": "resnet_of_dreams"}, InputError, "no image classifier"),
        ({"weights": "imagenet"}, InputError, "no imagenet weights for native"),
        ({"weights": "gone.pth"}, ModelError, "no such file"),
        ({"dataset": Path("nowhere")}, DatasetError, "no prepared data set"),
        ({"resume": True}, InputError, "no unfinished training"),
    ],
)
def test_what_cannot_be_is_refused(
    changes: dict[str, object], kind: type[Exception], words: str, drawn_dataset: Path, tmp_path: Path
) -> None:
    given = {"dataset": drawn_dataset, "output": tmp_path / "run", "weights": "none", "device": "cpu", "jobs": 1}
    options = TrainOptions(**{**given, **changes})  # type: ignore[arg-type]  # a dict has one type of value
    with pytest.raises(kind, match=words):
        quietly(options)


def test_weights_that_ask_for_more_than_tensors_are_not_executed(drawn_dataset: Path, tmp_path: Path) -> None:
    import pickle

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "harm",))  # type: ignore[return-value]  # what a pickle may ask for

    (tmp_path / "evil.pth").write_bytes(pickle.dumps({"weight": Evil()}))
    options = TrainOptions(dataset=drawn_dataset, output=tmp_path / "run", weights=str(tmp_path / "evil.pth"))
    with pytest.raises((UntrustedModel, ModelError)):
        quietly(options)
    assert not (tmp_path / "harm").exists()
