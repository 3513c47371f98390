"""Everything a training leaves behind: the model in two forms, its manifest, metrics, predictions and report."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from blur_train.classes import CLASSES
from blur_train.classifier import MODEL_NAME, NAMES_FILE
from blur_train.decision import probabilities_of
from blur_train.export.bundle import Origin, write_bundle
from blur_train.models.backends import Backend
from blur_train.models.some_classes import OfSomeClasses
from blur_train.train.findings import Findings
from blur_train.train.report import lay_out
from footage.runs.directory import RunDirectory, atomic_write_json, atomic_write_text
from footage.runs.jsonable import to_jsonable
from footage.training.weights import save_state_dict

WEIGHTS_FILE = "model.pth"
METRICS_FILE = "metrics.json"
PREDICTIONS_FILE = "predictions.csv"
REPORT_FILE = "report.html"
FILES = (
    REPORT_FILE,
    MODEL_NAME,
    "blur_classifier.json",
    NAMES_FILE,
    WEIGHTS_FILE,
    PREDICTIONS_FILE,
    METRICS_FILE,
    "run.json",
)
_PARITY_PHOTOS = 128
_PARITY_BATCH = 8


def write_outputs(
    findings: Findings, network: OfSomeClasses, backend: Backend, folder: RunDirectory, *, dataset: Path
) -> None:
    """Write all files of a training.

    Raises:
        ModelError: a written model is not the one that was measured.
        OSError: the folder is not writable or the disk is full.
    """
    save_state_dict(network.network, folder.file(WEIGHTS_FILE))
    measured = findings.measured
    details = {
        "network": backend.described(),
        "classes_trained": list(findings.classes),
        "settings": to_jsonable(findings.settings),
        "start": findings.start,
        "dataset": str(dataset.absolute()),
        "chosen_on": findings.chosen_on,
        "doubts": list(findings.doubts),
        "ready": findings.ready,
    }
    origin = Origin(
        backend=findings.backend,
        training_data_sha256=findings.data_sha256,
        split_sha256=findings.split_sha256,
        metrics={}
        if measured is None
        else {
            "accuracy": measured.accuracy,
            "balanced_accuracy": measured.balanced_accuracy,
            "false_positives_on_sharp": measured.false_positives,
            "blurred_called_sharp": measured.missed,
        },
        details=details,
    )
    _, parity = write_bundle(
        network, findings.rule, backend.maker, folder.path, batches=_held_out(findings), origin=origin
    )
    metrics = metrics_of(findings)
    atomic_write_json(folder.file(METRICS_FILE), {**metrics, "parity": asdict(parity)})
    atomic_write_text(folder.file(PREDICTIONS_FILE), _predictions(findings))
    lay_out(findings, parity, dataset).write(folder.file(REPORT_FILE))
    folder.finish(
        data_sha256=findings.data_sha256,
        split_sha256=findings.split_sha256,
        metrics=metrics,
        doubts=findings.doubts,
        left_out=findings.inputs.left_out,
    )


def output_files(folder: Path) -> list[Path]:
    """The files a finished training leaves for its user, in the order of their interest."""
    return [folder / name for name in FILES]


def metrics_of(findings: Findings) -> dict[str, object]:
    """The content of ``metrics.json``: every figure with its interval and n, and what it was measured on."""
    return {
        "lead": findings.lead,
        "ready": findings.ready,
        "doubts": findings.doubts,
        "photos": findings.counts(),
        "left_out": findings.inputs.left_out,
        "test": findings.measured,
        "decision": findings.rule.document(),
        "decision_chosen_on": findings.chosen_on,
        "training": findings.fitted,
    }


def _held_out(findings: Findings) -> Iterator[NDArray[np.uint8]]:
    """Photos that were not learned from, spread evenly over all of them."""
    rows = np.flatnonzero([photo.side != "train" for photo in findings.inputs.photos])
    spread = rows[np.linspace(0, len(rows) - 1, min(len(rows), _PARITY_PHOTOS)).round().astype(int)]
    for start in range(0, len(spread), _PARITY_BATCH):
        yield findings.inputs.take(spread[start : start + _PARITY_BATCH])


def _predictions(findings: Findings) -> str:
    """A line a photo of val, calibration and test."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["side", "file", "group", "edge_case", "label", "predicted_class", *CLASSES])
    probabilities = probabilities_of(findings.logits, findings.rule.temperature)
    said = findings.rule.predict(probabilities)
    for row, photo in enumerate(findings.inputs.photos):
        if photo.side != "train":
            place = (photo.side, photo.file, photo.group, photo.edge_case or "", photo.label.value)
            writer.writerow([*place, CLASSES[said[row]], *(f"{value:.6f}" for value in probabilities[row])])
    return text.getvalue()
