"""``flexpatch-train check``: is a saved model the one its manifest describes, and does it do what it says?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flexpatch_train.held_out_rows import held_out_rows
from flexpatch_train.model import verified_manifest, verified_onnx
from flexpatch_train.outputs import TABLE_FILE
from flexpatch_train.table import feature_matrix, label_array
from footage.errors import GateNotMet
from footage.metrics.classification import macro_f1
from footage.metrics.intervals import Interval
from footage.persistence.sklearn import load_estimator

_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A model that passed.

    Attributes:
        model: the file.
        claimed: macro-F1 as the manifest gives it.
        reproduced: macro-F1 computed anew on the held-out rows; None where their table was not at hand.
        doubts: what the manifest says against relying on the scores.
    """

    model: Path
    claimed: Interval
    reproduced: float | None
    doubts: tuple[str, ...]


def check(model: Path, table: Path | None) -> Checked:
    """Verify a model's hash, read it through the allow-list, and reproduce its held-out score.

    Args:
        model: a ``.joblib`` file with its manifest beside it.
        table: the ``training_data.csv`` it was made from; None looks beside the model.

    Raises:
        UntrustedModel: the file asks for something outside the allow-list.
        ModelError: it is not what its manifest describes, or not a tracking-failure model.
        DatasetError: the table cannot be read.
        GateNotMet: the score in the manifest is not what the model scores.
    """
    manifest = verified_manifest(model)
    verified_onnx(model, manifest)
    estimator = load_estimator(model)
    claimed = manifest.metrics["macro_f1"]
    beside = model.with_name(TABLE_FILE)
    source = table if table is not None else beside if beside.is_file() else None
    doubts = tuple(str(doubt) for doubt in manifest.details.get("doubts", ()))
    if source is None:
        return Checked(model=model, claimed=claimed, reproduced=None, doubts=doubts)
    test, _ = held_out_rows(model, manifest, source)
    features = feature_matrix(test, manifest.input.features or ())
    score = macro_f1(label_array(test), estimator.predict(features).astype(np.str_))
    if claimed.estimate is None or abs(score - claimed.estimate) > _TOLERANCE:
        raise GateNotMet(
            f"scores {score:.6f} on its held-out rows and its manifest says {claimed.estimate}", where=model
        )
    return Checked(model=model, claimed=claimed, reproduced=score, doubts=doubts)
