"""Everything a training leaves behind: the student in three forms, its manifest, metrics, predictions and report."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from footage.metrics.intervals import Interval
from footage.persistence.bundle import ModelInput, ModelManifest, save_manifest
from footage.persistence.parity import Parity
from footage.runs.directory import RunDirectory, atomic_write_json, atomic_write_text
from footage.runs.environment import installed_version
from footage.training.export import export_onnx
from footage.training.loop import Fitted
from footage.training.weights import save_state_dict
from video_train.catalogue.events import events_sha256
from video_train.catalogue.sides import SIDES
from video_train.model import BEST_FILE, FINAL_FILE, MODEL_FILE, SPLIT_FILE, TASK, described
from video_train.networks.clips import ClipNetwork, build_network
from video_train.train.findings import Findings, Trained
from video_train.train.options import TrainOptions
from video_train.train.report import lay_out
from video_train.train.rows import Row

METRICS_FILE = "metrics.json"
PREDICTIONS_FILE = "predictions.csv"
REPORT_FILE = "report.html"
HISTORY_FILE = "training_history.json"
FILES = (
    REPORT_FILE,
    MODEL_FILE,
    "model.json",
    BEST_FILE,
    FINAL_FILE,
    HISTORY_FILE,
    PREDICTIONS_FILE,
    METRICS_FILE,
    SPLIT_FILE,
    "run.json",
)
_PARITY_CLIPS = 64
_LIBRARIES = ("video-train", "footage-core", "av", "numpy", "onnx", "timm", "torch", "torchvision")


def write_outputs(
    findings: Findings, network: ClipNetwork, held_out: Sequence[Row], options: TrainOptions, folder: RunDirectory
) -> None:
    """Write all files of a training.

    Raises:
        ModelError: a written model is not the one that was measured.
        OSError: the folder is not writable or the disk is full.
    """
    network = network.to("cpu").eval()
    save_state_dict(network, folder.file(BEST_FILE))
    final = build_network(network.name, len(findings.classes))
    final.load_state_dict(findings.student.final or network.state_dict())
    save_state_dict(final, folder.file(FINAL_FILE))
    sampling = options.sampling
    shape = (sampling.frames, sampling.size_px, sampling.size_px, 3)
    model = folder.file(MODEL_FILE)
    parity = export_onnx(network, model, held_out_clips(held_out), shape=shape)
    save_manifest(_manifest(findings, network, parity, options), model)
    if findings.student.fitted is not None:
        atomic_write_json(folder.file(HISTORY_FILE), history_of(findings.student.fitted))
    sides = {name: findings.sides.spans(name) for name in SIDES}
    atomic_write_json(folder.file(SPLIT_FILE), sides)
    metrics = metrics_of(findings)
    atomic_write_json(folder.file(METRICS_FILE), {**metrics, "parity": asdict(parity)})
    atomic_write_text(folder.file(PREDICTIONS_FILE), _predictions(findings))
    lay_out(findings, held_out, parity).write(folder.file(REPORT_FILE))
    folder.finish(
        data_sha256=events_sha256(findings.sides.events),
        split_sha256=findings.sides.sha256(),
        metrics=metrics,
        doubts=findings.doubts,
        skipped=findings.skipped,
    )


def output_files(folder: Path) -> list[Path]:
    """The files a finished training leaves for its user, in the order of their interest."""
    return [folder / name for name in FILES]


def held_out_clips(rows: Sequence[Row]) -> Iterator[NDArray[np.uint8]]:
    """Real clips of held-out videos, one a batch, to compare an exported model on."""
    step = max(1, len(rows) // _PARITY_CLIPS)
    for row in rows[::step][:_PARITY_CLIPS]:
        yield np.array(np.load(row.file, mmap_mode="r")[:1])


def history_of(fitted: Fitted) -> dict[str, list[float | None]]:
    """Epoch by epoch under the names that readers of ``training_history.json`` know."""
    records = fitted.history
    return {
        "train_loss": [record.train_loss for record in records],
        "train_acc": [record.also.get("train_accuracy") for record in records],
        "val_loss": [record.val_loss for record in records],
        "val_acc": [record.val_metric for record in records],
    }


def metrics_of(findings: Findings) -> dict[str, object]:
    """The content of ``metrics.json``: every score with its interval and n, and what it was measured on."""
    sides = findings.sides
    return {
        "lead": findings.lead,
        "ready": findings.ready,
        "doubts": findings.doubts,
        "classes": findings.classes,
        "test": {
            "student": _scores(findings.student),
            "teacher": None if findings.teacher is None else _scores(findings.teacher),
            "comparison": findings.comparison,
        },
        "grouped_by": sides.grouped_by,
        "sides": {name: dict(zip(("events", "groups"), sides.count(name), strict=True)) for name in SIDES},
        "training": findings.student.fitted,
    }


def _scores(trained: Trained) -> dict[str, object]:
    found = trained.measured
    return {
        "network": trained.name,
        "accuracy": found.accuracy,
        "chance": found.chance,
        "gain_over_chance": found.gain,
        "by_class": found.by_class,
        "confusion_rows_true_columns_predicted": found.confusion,
        "temporal_consistency": trained.consistency,
    }


def _manifest(findings: Findings, network: ClipNetwork, parity: Parity, options: TrainOptions) -> ModelManifest:
    sampling, measured = options.sampling, findings.student.measured
    metrics: dict[str, Interval] = {"accuracy": measured.accuracy, "gain_over_chance": measured.gain}
    return ModelManifest(
        task=TASK,
        classes=findings.classes,
        input=ModelInput(
            shape=(None, sampling.frames, sampling.size_px, sampling.size_px, 3), preprocessing=described(sampling)
        ),
        output="probabilities",
        training_data_sha256=events_sha256(findings.sides.events),
        split_sha256=findings.sides.sha256(),
        metrics=metrics,
        libraries={name: found for name in _LIBRARIES if (found := installed_version(name)) is not None},
        details={
            "architecture": network.name,
            "parameters": sum(parameter.numel() for parameter in network.parameters()),
            "start": findings.student.start,
            "teacher": None if findings.teacher is None else findings.teacher.name,
            "windows": options.windows,
            "parity": parity.text(),
            "doubts": list(findings.doubts),
            "ready": findings.ready,
        },
    )


def _predictions(findings: Findings) -> str:
    """A line an event of the test side."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["event", "group", "videos", "label", "predicted", "probability", "teacher"])
    probabilities = torch.softmax(torch.from_numpy(findings.student.logits), 1).numpy()
    teacher = None if findings.teacher is None else findings.teacher.logits.argmax(1)
    for place, number in enumerate(findings.test_events.tolist()):
        one = findings.sides.events[number]
        best = int(probabilities[place].argmax())
        said = "" if teacher is None else findings.classes[int(teacher[place])]
        videos = " | ".join(str(view.path) for view in one.views)
        values = [one.event.label, findings.classes[best], f"{probabilities[place, best]:.6f}", said]
        writer.writerow([one.event.identity, one.group, videos, *values])
    return text.getvalue()
