"""Everything a training leaves behind: the model in two forms, its manifest, metrics, predictions and report."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from footage.persistence.bundle import ModelInput, ModelManifest, save_manifest
from footage.persistence.parity import Parity
from footage.runs.directory import RunDirectory, atomic_write_json, atomic_write_text
from footage.runs.environment import installed_version
from footage.training.backbones import Classifier
from footage.training.export import export_onnx
from footage.training.weights import save_state_dict
from highlight_train.labels import CLASSES
from highlight_train.preprocess import described
from highlight_train.train.findings import Findings
from highlight_train.train.pictures import Pictures
from highlight_train.train.report import lay_out
from highlight_train.train.split_file import SIDES, SPLIT_FILE, write_split

WEIGHTS_FILE = "model.pth"
MODEL_FILE = "model.onnx"
METRICS_FILE = "metrics.json"
PREDICTIONS_FILE = "predictions.csv"
REPORT_FILE = "report.html"
FILES = (REPORT_FILE, MODEL_FILE, "model.json", WEIGHTS_FILE, PREDICTIONS_FILE, METRICS_FILE, SPLIT_FILE, "run.json")
TASK = "highlight"
_PARITY_FRAMES = 256
_PARITY_BATCH = 16
_LIBRARIES = ("highlight-train", "footage-core", "numpy", "onnx", "opencv-python", "torch", "torchvision")


def write_outputs(
    findings: Findings, classifier: Classifier, pictures: Pictures, folder: RunDirectory, *, side_px: int
) -> None:
    """Write all files of a training.

    Raises:
        ModelError: a written model is not the one that was measured.
        OSError: the folder is not writable or the disk is full.
    """
    save_state_dict(classifier.network, folder.file(WEIGHTS_FILE))
    model = folder.file(MODEL_FILE)
    parity = export_onnx(classifier, model, _held_out_batches(findings, pictures), shape=(side_px, side_px, 3))
    save_manifest(_manifest(findings, parity, side_px), model)
    write_split(findings.sides.split(), folder.file(SPLIT_FILE))
    metrics = metrics_of(findings)
    atomic_write_json(folder.file(METRICS_FILE), {**metrics, "parity": asdict(parity)})
    atomic_write_text(folder.file(PREDICTIONS_FILE), _predictions(findings))
    lay_out(findings, pictures, parity).write(folder.file(REPORT_FILE))
    folder.finish(
        data_sha256=findings.sides.frames.sha256(),
        split_sha256=findings.sides.sha256(),
        metrics=metrics,
        doubts=findings.doubts,
        skipped=findings.skipped,
    )


def output_files(folder: Path) -> list[Path]:
    """The files a finished training leaves for its user, in the order of their interest."""
    return [folder / name for name in FILES]


def metrics_of(findings: Findings) -> dict[str, object]:
    """The content of ``metrics.json``: every score with its interval and n, and what it was measured on."""
    evaluation, sides = findings.evaluation, findings.sides
    return {
        "lead": findings.lead,
        "ready": findings.ready,
        "doubts": findings.doubts,
        "test": {
            "scores": evaluation.scores,
            "gain_over_best_baseline": {"baseline": evaluation.best_baseline, "average_precision": evaluation.gain},
            "confusion": {"labels": CLASSES, "rows_true_columns_predicted": evaluation.confusion},
            "pooling": evaluation.pooling,
        },
        "validation": {"average_precision_by_pooling": evaluation.pooling_on_validation},
        "grouped_by": sides.grouped_by,
        "sides": {name: _side(findings, name) for name in SIDES},
        "training": findings.fitted,
    }


def _side(findings: Findings, name: str) -> dict[str, int]:
    frames, clips = findings.sides.frames, findings.sides.side(name)
    return {
        "clips": len(clips),
        "highlight_clips": int(frames.clip_labels[clips].sum()),
        "groups": len(np.unique(frames.clip_groups[clips])),
        "frames": len(frames.of_clips(clips)),
    }


def _held_out_batches(findings: Findings, pictures: Pictures) -> Iterator[NDArray[np.uint8]]:
    sides = findings.sides
    rows = sides.frames.of_clips(np.concatenate([sides.val, sides.test]))
    spread = rows[np.linspace(0, len(rows) - 1, min(len(rows), _PARITY_FRAMES)).round().astype(int)]
    for start in range(0, len(spread), _PARITY_BATCH):
        yield np.stack([pictures(int(row)) for row in spread[start : start + _PARITY_BATCH]])


def _manifest(findings: Findings, parity: Parity, side_px: int) -> ModelManifest:
    model = findings.evaluation.model
    return ModelManifest(
        task=TASK,
        classes=CLASSES,
        input=ModelInput(shape=(None, side_px, side_px, 3), preprocessing=described(side_px)),
        output="probabilities",
        training_data_sha256=findings.sides.frames.sha256(),
        split_sha256=findings.sides.sha256(),
        metrics={"average_precision": model.average_precision, "balanced_accuracy": model.balanced_accuracy},
        libraries={name: found for name in _LIBRARIES if (found := installed_version(name)) is not None},
        details={
            "settings": findings.settings,
            "start": findings.start,
            "pooling": findings.evaluation.pooling.value,
            "threshold": model.threshold,
            "parity": parity.text(),
            "doubts": list(findings.doubts),
            "ready": findings.ready,
        },
    )


def _predictions(findings: Findings) -> str:
    """A line a frame of validation and test: its clip, time, group, label and score, and its clip's label and score."""
    frames, sides, evaluation = findings.sides.frames, findings.sides, findings.evaluation
    clip_scores = dict(zip(sides.test.tolist(), evaluation.clip_scores.tolist(), strict=True))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["side", "clip", "group", "seconds", "label", "score", "clip_label", "clip_score"])
    for name in SIDES[1:]:
        for row in frames.of_clips(sides.side(name)).tolist():
            number = int(frames.clip[row])
            clip = frames.clips[number]
            scores = (f"{findings.frame_scores[row]:.6f}", f"{clip_scores[number]:.6f}" if name == "test" else "")
            labels = (int(frames.labels[row]), int(clip.is_highlight))
            place = (name, clip.path, clip.group, f"{frames.seconds[row]:.3f}")
            writer.writerow([*place, labels[0], scores[0], labels[1], scores[1]])
    return text.getvalue()
