"""Everything a run leaves behind: the model and its manifest, the metrics, the predictions, the report."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flexpatch_train.features import PREPROCESSING
from flexpatch_train.findings import Findings
from flexpatch_train.holding_out import PURGE_FRAMES
from flexpatch_train.labels import LABELS
from flexpatch_train.learn import Learned
from flexpatch_train.model import CLASSES, MODEL_FILE, ONNX_FILE, TASK
from flexpatch_train.onnx_export import to_onnx
from flexpatch_train.product_curve import MARKS, ProductCurve
from flexpatch_train.report import lay_out
from flexpatch_train.scores import Evaluation
from flexpatch_train.strips import worst_mistakes, worst_strips
from flexpatch_train.table import feature_matrix, write_table
from footage.dataset.manifest import content_sha256
from footage.errors import ModelError
from footage.persistence.bundle import ModelInput, ModelManifest, save_manifest
from footage.persistence.onnx import open_session
from footage.persistence.sklearn import load_estimator, save_estimator
from footage.runs.directory import RunDirectory, atomic_write_bytes, atomic_write_json
from footage.runs.environment import installed_version

TABLE_FILE = "training_data.csv"
METRICS_FILE = "metrics.json"
PREDICTIONS_FILE = "predictions.csv"
REPORT_FILE = "report.html"
FILES = (
    REPORT_FILE,
    MODEL_FILE,
    ONNX_FILE,
    "flexpatch_model.json",
    TABLE_FILE,
    PREDICTIONS_FILE,
    METRICS_FILE,
    "run.json",
)
STRIPS = 6


def write_outputs(findings: Findings, folder: RunDirectory) -> None:
    """Write all files of a run but its table, which is already there.

    Args:
        findings: what the run found.
        folder: where to write.

    Raises:
        ModelError: a saved model does not answer as the fitted one did.
        VideoError: a video cannot be read any more.
        OSError: the folder is not writable or the disk is full.
    """
    learned = findings.learned
    _save_model(findings, folder)
    metrics = metrics_of(findings)
    atomic_write_json(folder.file(METRICS_FILE), metrics)
    write_table(learned.test.assign(predicted=learned.held_out.predictions), folder.file(PREDICTIONS_FILE))
    mistakes = worst_mistakes(learned.test, learned.held_out.predictions, STRIPS)
    lay_out(findings, worst_strips(findings.clips, findings.table, mistakes)).write(folder.file(REPORT_FILE))
    folder.finish(metrics=metrics, warnings=list(findings.warnings))


def metrics_of(findings: Findings) -> dict[str, object]:
    """The content of ``metrics.json``: every score with its interval and n, and what it was measured on."""
    learned = findings.learned
    blocks = learned.cross_validated
    return {
        "lead": findings.lead,
        "scores": findings.scores,
        "model": learned.options.name,
        "features": list(learned.options.feature_names),
        "max_depth": learned.options.depth,
        "min_samples_leaf": learned.options.leaf_rows,
        "search": [asdict(trial) for trial in learned.trials],
        "labels_from": {clip.source.name: clip.labels_from for clip in findings.clips},
        "held_out": {"what": learned.split.words, "purge_frames": PURGE_FRAMES, **_evaluation(learned.held_out)},
        "by_clip": {clip: _confusion(table) for clip, table in learned.by_clip.items()},
        "product_curve": None if learned.curve is None else _curve(learned.curve),
        "permutation_importance": {one.feature: asdict(one.loss) for one in learned.importance},
        "cross_validated": None if blocks is None else _evaluation(blocks),
        "rows": {"train": len(learned.train), "test": len(learned.test), "neither": learned.split.dropped_reasons},
        "labels": {label: int((findings.table["iou_label"] == label).sum()) for label in LABELS},
        "doubts": list(learned.doubts),
    }


def _evaluation(evaluation: Evaluation) -> dict[str, object]:
    return {
        "scores": [asdict(score) for score in evaluation.scores],
        "gain_over_best_baseline": {"baseline": evaluation.best_baseline, "macro_f1": asdict(evaluation.gain)},
        "confusion": _confusion(evaluation.confusion),
    }


def _confusion(table: NDArray[np.int64]) -> dict[str, object]:
    return {"labels": list(LABELS), "rows_true_columns_predicted": table.tolist()}


def _curve(curve: ProductCurve) -> dict[str, object]:
    return {
        "failures": curve.failures,
        "rows": curve.rows,
        "objects": curve.objects,
        "recall_at_share_of_boxes": {
            one.name: {f"{mark:g}": asdict(found) for mark, found in zip(MARKS, one.at_marks, strict=True)}
            for one in curve.rankings
        },
        "average_precision": {one.name: asdict(one.average_precision) for one in curve.rankings},
        "calibration": None if curve.calibration is None else asdict(curve.calibration),
    }


def _save_model(findings: Findings, folder: RunDirectory) -> None:
    """Write both forms of the model and the manifest; what lies on disk is the model that was measured."""
    learned = findings.learned
    names = learned.options.feature_names
    features = feature_matrix(learned.test, names)
    path, onnx_path = folder.file(MODEL_FILE), folder.file(ONNX_FILE)
    save_estimator(learned.model, path)
    _require_same(np.asarray(load_estimator(path).predict(features), np.str_), learned, path)
    atomic_write_bytes(onnx_path, to_onnx(learned.model, names))
    _require_same(np.asarray(open_session(onnx_path, threads=1).run(features)[0], np.str_), learned, onnx_path)
    scores, curve = learned.held_out.model, learned.curve
    details: dict[str, object] = {
        "settings": findings.settings,
        "doubts": list(learned.doubts),
        "ready": not learned.doubts,
        "max_depth": learned.options.depth,
        "min_samples_leaf": learned.options.leaf_rows,
        "onnx_file": ONNX_FILE,
        "onnx_sha256": content_sha256(onnx_path),
        "onnx_classes": list(CLASSES),
        "onnx_rows_compared": len(features),
    }
    if learned.calibration is not None:
        details["calibration"] = learned.calibration.to_json()
    if curve is not None and curve.calibration is not None:
        details["calibration_error"] = curve.calibration.error
    save_manifest(
        ModelManifest(
            task=TASK,
            classes=tuple(str(name) for name in learned.model.classes_),
            input=ModelInput(features=names, preprocessing=dict(PREPROCESSING)),
            output="labels",
            training_data_sha256=content_sha256(folder.file(TABLE_FILE)),
            split_sha256=learned.split.sha256,
            metrics={
                "macro_f1": scores.macro_f1,
                "recall_high": scores.recall_high,
                "balanced_accuracy": scores.balanced_accuracy,
            },
            libraries=_libraries(),
            details=details,
        ),
        path,
    )


def _require_same(answers: NDArray[np.str_], learned: Learned, path: Path) -> None:
    """Refuse a saved model that does not answer every held-out row as the fitted one did."""
    changed = int((answers != learned.held_out.predictions).sum())
    if changed:
        raise ModelError(f"the saved model answers {changed} of {len(answers)} held-out rows differently", where=path)


def _libraries() -> dict[str, str]:
    names = ("flexpatch-train", "footage-core", "numpy", "onnx", "opencv-python", "scikit-learn")
    return {name: found for name in names if (found := installed_version(name)) is not None}


def output_files(folder: Path) -> list[Path]:
    """The files a finished run leaves for its user, in the order of their interest."""
    return [folder / name for name in FILES]
