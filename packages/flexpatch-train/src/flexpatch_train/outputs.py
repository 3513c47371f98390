"""Everything a run leaves behind: the model and its manifest, the metrics, the predictions, the report."""

from __future__ import annotations

import json
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

import numpy as np

from flexpatch_train.features import FEATURES, PREPROCESSING
from flexpatch_train.findings import Findings
from flexpatch_train.labels import LABELS
from flexpatch_train.model import MODEL_FILE, TASK
from flexpatch_train.report import lay_out
from flexpatch_train.scores import PURGE_FRAMES, Evaluation
from flexpatch_train.strips import mistake_strips, worst_mistakes
from flexpatch_train.table import feature_matrix, write_table
from footage.dataset.manifest import content_sha256
from footage.errors import ModelError
from footage.persistence.bundle import ModelInput, ModelManifest, save_manifest
from footage.persistence.sklearn import load_estimator, save_estimator
from footage.runs.directory import RunDirectory, atomic_write_json
from footage.runs.environment import installed_version
from footage.video.reader import VideoReader

TABLE_FILE = "training_data.csv"
METRICS_FILE = "metrics.json"
PREDICTIONS_FILE = "predictions.csv"
REPORT_FILE = "report.html"
FILES = (REPORT_FILE, MODEL_FILE, "flexpatch_model.json", TABLE_FILE, PREDICTIONS_FILE, METRICS_FILE, "run.json")
STRIPS = 6


def write_outputs(findings: Findings, reader: VideoReader, folder: RunDirectory) -> None:
    """Write all files of a run but its table, which is already there.

    Args:
        findings: what the run found.
        reader: the video, from which the report's film strips are cut.
        folder: where to write.

    Raises:
        ModelError: the saved model does not answer as the fitted one did.
        OSError: the folder is not writable or the disk is full.
    """
    learned = findings.learned
    _save_model(findings, folder)
    metrics = metrics_of(findings)
    atomic_write_json(folder.file(METRICS_FILE), metrics)
    write_table(learned.test.assign(predicted=learned.held_out.predictions), folder.file(PREDICTIONS_FILE))
    mistakes = worst_mistakes(learned.test, learned.held_out.predictions, STRIPS)
    strips = mistake_strips(reader, findings.table, mistakes, findings.identities)
    lay_out(findings, strips).write(folder.file(REPORT_FILE))
    folder.finish(metrics=metrics, warnings=list(findings.warnings))


def metrics_of(findings: Findings) -> dict[str, object]:
    """The content of ``metrics.json``: every score with its interval and n, and what it was measured on."""
    learned = findings.learned
    blocks = learned.cross_validated
    return {
        "lead": findings.lead,
        "labels_from": findings.labels_from,
        "held_out": {"what": learned.split.words, "purge_frames": PURGE_FRAMES, **_evaluation(learned.held_out)},
        "time_blocks": None if blocks is None else _evaluation(blocks),
        "rows": {"train": len(learned.train), "test": len(learned.test), "neither": learned.split.dropped_reasons},
        "labels": {label: int((findings.table["iou_label"] == label).sum()) for label in LABELS},
        "doubts": list(learned.doubts),
    }


def _evaluation(evaluation: Evaluation) -> dict[str, object]:
    return {
        "scores": [asdict(score) for score in evaluation.scores],
        "gain_over_best_baseline": {"baseline": evaluation.best_baseline, "macro_f1": asdict(evaluation.gain)},
        "confusion": {"labels": list(LABELS), "rows_true_columns_predicted": evaluation.confusion.tolist()},
    }


def _save_model(findings: Findings, folder: RunDirectory) -> None:
    """Write model and manifest, and make sure that the file on disk is the model that was measured."""
    learned = findings.learned
    path = folder.file(MODEL_FILE)
    save_estimator(learned.tree, path)
    answers = load_estimator(path).predict(feature_matrix(learned.test))
    if not np.array_equal(answers, learned.held_out.predictions):
        changed = int((answers != learned.held_out.predictions).sum())
        raise ModelError(f"the saved model answers {changed} of {len(answers)} held-out rows differently", where=path)
    model = learned.held_out.model
    save_manifest(
        ModelManifest(
            task=TASK,
            classes=tuple(str(name) for name in learned.tree.classes_),
            input=ModelInput(features=FEATURES, preprocessing=dict(PREPROCESSING)),
            output="labels",
            training_data_sha256=content_sha256(folder.file(TABLE_FILE)),
            split_sha256=_split_sha256(findings),
            metrics={
                "macro_f1": model.macro_f1,
                "recall_high": model.recall_high,
                "balanced_accuracy": model.balanced_accuracy,
            },
            libraries=_libraries(),
            details={"settings": findings.settings, "doubts": list(learned.doubts), "ready": not learned.doubts},
        ),
        path,
    )


def _split_sha256(findings: Findings) -> str:
    split = findings.learned.split
    return sha256(json.dumps([split.train.tolist(), split.test.tolist()]).encode("ascii")).hexdigest()


def _libraries() -> dict[str, str]:
    names = ("flexpatch-train", "footage-core", "numpy", "opencv-python", "scikit-learn")
    return {name: found for name in names if (found := installed_version(name)) is not None}


def output_files(folder: Path) -> list[Path]:
    """The files a finished run leaves for its user, in the order of their interest."""
    return [folder / name for name in FILES]
