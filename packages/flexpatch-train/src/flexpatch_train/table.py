"""``training_data.csv``: the labelled samples as a table.

The first six columns are the ones the first FlexPatch trainers wrote and their users read; the rest says where each
row comes from, so that it can be split without leaking and looked at again, and ends with the extra features.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from flexpatch_train.features import EXTRA_FEATURES, FEATURES
from flexpatch_train.labels import LABELS
from flexpatch_train.rollouts import LabelledSample
from footage.errors import DatasetError
from footage.runs.directory import atomic_write_text

COLUMNS = (
    *FEATURES,
    "iou_label",
    "clip",
    "track_id",
    "start_frame",
    "frame",
    "time_seconds",
    "iou",
    "left",
    "x1",
    "y1",
    "x2",
    "y2",
    *EXTRA_FEATURES,
)


def to_table(labelled: Sequence[LabelledSample], clip: str) -> pd.DataFrame:
    """One row a labelled sample, in the order given, with the columns of ``COLUMNS``."""
    seed = len(FEATURES)  # samples hold these first, then the extra ones
    rows = [
        (
            *item.sample.features[:seed],
            item.outcome.label,
            clip,
            item.object_id,
            item.sample.start_frame,
            item.sample.frame,
            item.sample.time_seconds,
            np.nan if item.outcome.iou is None else item.outcome.iou,
            int(item.outcome.left),
            *item.sample.box,
            *item.sample.features[seed:],
        )
        for item in labelled
    ]
    return pd.DataFrame.from_records(rows, columns=list(COLUMNS))


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write the CSV; an undefined value is an empty field."""
    text = StringIO()
    table.to_csv(text, index=False, float_format="%.6g", lineterminator="\n")
    atomic_write_text(path, text.getvalue())


def read_table(path: Path) -> pd.DataFrame:
    """Read a ``training_data.csv``, whole or from before there were ``EXTRA_FEATURES``.

    Raises:
        DatasetError: the file is not there, is not a CSV, lacks another column, or holds an unknown label.
    """
    try:
        table = pd.read_csv(path)
    except FileNotFoundError:
        raise DatasetError("there is no such file", where=path) from None
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DatasetError(f"cannot be read as CSV ({error})", where=path) from error
    missing = [column for column in COLUMNS if column not in table.columns and column not in EXTRA_FEATURES]
    if missing:
        remedy = "make it anew with `flexpatch-train run`" if set(FEATURES) <= set(table.columns) else None
        raise DatasetError(f"lacks the columns {', '.join(missing)}", where=path, remedy=remedy)
    unknown = sorted(set(table["iou_label"].astype(str)) - set(LABELS))
    if unknown:
        raise DatasetError(f"holds unknown labels: {', '.join(unknown)} (known: {', '.join(LABELS)})", where=path)
    return table


def feature_matrix(table: pd.DataFrame, names: Sequence[str] = FEATURES) -> NDArray[np.float64]:
    """float64 ``(rows, len(names))`` in the order of ``names``, rounded to float32; NaN where a value is undefined.

    Raises:
        DatasetError: the table lacks one of them.
    """
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise DatasetError(
            f"the table lacks the features {', '.join(missing)}", remedy="make it anew with `flexpatch-train run`"
        )
    # scikit-learn's trees compare in single precision, its boosting and ONNX in double: this way all see the same.
    return table[list(names)].to_numpy(np.float32).astype(np.float64)


def label_array(table: pd.DataFrame) -> NDArray[np.str_]:
    """The labels as a string array ``(rows,)``."""
    return table["iou_label"].to_numpy(dtype=np.str_)


def object_groups(table: pd.DataFrame) -> NDArray[np.intp]:
    """Number of each row's object ``(rows,)``, from 0: the same ``track_id`` in another clip is another object."""
    return np.asarray(table.groupby(["clip", "track_id"]).ngroup(), np.intp)
