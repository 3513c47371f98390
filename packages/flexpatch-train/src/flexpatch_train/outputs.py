"""Everything a run leaves behind: the model and its manifest, the metrics, the predictions, the report."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from io import StringIO

import numpy as np
import pandas as pd

from flexpatch_train.evaluate import PURGE_FRAMES, TEST_FRACTION, Evaluation
from flexpatch_train.features import FEATURES
from flexpatch_train.labels import LABELS
from flexpatch_train.learn import Learned
from flexpatch_train.observe import Observation
from flexpatch_train.table import feature_matrix
from footage.errors import ModelError
from footage.persistence.sklearn import load_estimator, save_estimator
from footage.runs.directory import RunDirectory, atomic_write_json, atomic_write_text
from footage.video.types import VideoInfo

MODEL_FILE = "flexpatch_model.joblib"
METRICS_FILE = "metrics.json"
PREDICTIONS_FILE = "predictions.csv"
REPORT_FILE = "report.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All that a run found.

    Attributes:
        video: what the video says about itself.
        detector_reason: the detector that was taken, and why.
        labels_from: what the labels were read from, in words.
        settings: everything that decides the result.
        seen: the pass over the video.
        table: the labelled rows.
        learned: the tree and its scores.
        warnings: what limits the result, in sentences.
    """

    video: VideoInfo
    detector_reason: str
    labels_from: str
    settings: dict[str, object]
    seen: Observation
    table: pd.DataFrame
    learned: Learned
    warnings: tuple[str, ...]

    @property
    def lead(self) -> str:
        """The result in one sentence."""
        held_out = self.learned.held_out
        rivals = ", ".join(
            f"{score.name} {_short(score.macro_f1.estimate)} and {_short(score.recall_high.estimate)}"
            for score in held_out.scores[1:]
        )
        return (
            f"On held-out frames the tree scores a macro-F1 of {held_out.model.macro_f1.text()} and catches "
            f"{held_out.model.recall_high.text()} of the boxes at high risk; {rivals}."
        )


def _short(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f}"
