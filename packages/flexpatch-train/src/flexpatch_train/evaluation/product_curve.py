"""How many tracking failures are caught for how many boxes detected again: the curve a user buys.

On the rows that a model's training never saw, boxes are ranked by the model and by simple rivals, and detected again
from the top until the budget is spent.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from flexpatch_train.outputs import TABLE_FILE
from flexpatch_train.runtime.failure import TrackingFailureRecommender
from flexpatch_train.runtime.pipeline import FlexPatchOptions
from flexpatch_train.scores import hold_out
from flexpatch_train.table import feature_matrix, label_array, read_table
from footage.dataset.manifest import content_sha256
from footage.errors import DatasetError, ModelError
from footage.metrics.calibration import brier, ece
from footage.metrics.intervals import Interval, group_bootstrap
from footage.metrics.ranking import recall_at_budget
from footage.persistence.bundle import ModelManifest
from footage.persistence.sklearn import load_estimator

GRID: NDArray[np.float64] = np.linspace(0, 1, 51)
MARKS = (0.25, 0.5)
"""The budgets whose recall is given with an interval."""
RESAMPLES = 500
TREE = "the tree's risk"
RUNTIME = "risk and waiting time, as the runtime ranks"
RANDOM = "random"
OLDEST = "oldest first"
UNSURE = "least confident first"
ORACLE = "oracle"

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """What one order of boxes catches.

    Attributes:
        name: of the order.
        by_boxes: recall of failures at each budget of ``GRID``, a box costing 1.
        by_pixels: the same, a box costing the pixels of its padded patch.
        at_marks: recall by budget of boxes, for each of ``MARKS``.
        at_marks_pixels: the same by budget of pixels.
    """

    name: str
    by_boxes: tuple[float, ...]
    by_pixels: tuple[float, ...]
    at_marks: tuple[Interval, ...]
    at_marks_pixels: tuple[Interval, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Whether the tree's probability of failure means what it says.

    Attributes:
        error: expected calibration error over ten ranges, in [0, 1].
        brier: mean squared distance from what happened, in [0, 1].
        brier_of_prevalence: the same of always saying the share of failures.
    """

    error: float
    brier: float
    brier_of_prevalence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductCurve:
    """The curve and what it rests on.

    Attributes:
        budgets: ``GRID``.
        rankings: the tree first, the oracle last.
        gain: recall at a quarter of the boxes, the tree's minus that of its best rival, over the same resamples.
        best_rival: which rival that is.
        calibration: of P(failure).
        held_out: what is held out, in words.
        rows: held-out boxes.
        objects: they are of so many objects.
        failures: boxes with IoU of at most .5 with their object.
    """

    budgets: tuple[float, ...]
    rankings: tuple[Ranking, ...]
    gain: Interval
    best_rival: str
    calibration: Calibration
    held_out: str
    rows: int
    objects: int
    failures: int

    def ranking(self, name: str) -> Ranking:
        """The ranking of a name."""
        return next(one for one in self.rankings if one.name == name)


def product_curve(model: Path, manifest: ModelManifest, rng: np.random.Generator) -> ProductCurve:
    """The curve on the held-out rows of the table beside a model.

    Args:
        model: a ``flexpatch_model.joblib`` with ``training_data.csv`` beside it.
        manifest: the model's.
        rng: source of the bootstrap's resamples.

    Raises:
        DatasetError: the table is missing or is not a table, or no held-out box failed.
        ModelError: the table or its split is not the one the model was made from.
    """
    test, words = _held_out(model, manifest)
    failed = label_array(test) != "low"
    if not failed.any():
        raise DatasetError("no held-out box failed: there is nothing to catch", where=model.with_name(TABLE_FILE))
    orders = rankings_of(test, failed, model)
    pixels = padded_pixels(test)
    groups = test["track_id"].to_numpy()
    seed = int(rng.integers(2**31))
    rankings = tuple(
        _ranking(name, scores, failed, pixels=pixels, groups=groups, seed=seed) for name, scores in orders.items()
    )
    rivals = [one for one in rankings if one.name not in {TREE, RUNTIME, ORACLE}]
    best = max(rivals, key=lambda one: one.at_marks[0].estimate or 0.0).name

    def gain(rows: NDArray[np.intp]) -> float | None:
        ours, theirs = (recall_at_budget(orders[name][rows], failed[rows], None, MARKS[0]) for name in (TREE, best))
        return None if ours is None or theirs is None else ours - theirs

    return ProductCurve(
        budgets=tuple(GRID.tolist()),
        rankings=rankings,
        gain=group_bootstrap(gain, groups, np.random.default_rng(seed), resamples=RESAMPLES),
        best_rival=best,
        calibration=_calibration(model, test, failed),
        held_out=words,
        rows=len(test),
        objects=int(test["track_id"].nunique()),
        failures=int(failed.sum()),
    )


def rankings_of(test: pd.DataFrame, failed: NDArray[np.bool_], model: Path) -> dict[str, Floats]:
    """A score for every row by ranking, the highest first in line; equal scores are in random order."""
    confidence = test["confidence"].to_numpy(np.float64)
    age = (test["frame"] - test["start_frame"]).to_numpy(np.float64)
    risk = TrackingFailureRecommender(model).risks(feature_matrix(test))
    return {
        TREE: _ordered(risk, -confidence),
        RUNTIME: _ordered(risk + FlexPatchOptions().ageing_per_frame * age, -confidence),
        OLDEST: age,
        UNSURE: -confidence,
        RANDOM: np.zeros(len(test)),
        ORACLE: failed.astype(np.float64),
    }


def padded_pixels(test: pd.DataFrame) -> Floats:
    """Pixels of the patch that each box needs, padded as the runtime does; not clipped to the picture, not scaled."""
    grown = 1 + 2 * FlexPatchOptions().padding
    width = np.maximum((test["x2"] - test["x1"]).to_numpy(np.float64), 1.0)
    height = np.maximum((test["y2"] - test["y1"]).to_numpy(np.float64), 1.0)
    return np.asarray(grown * width * grown * height)


def _held_out(model: Path, manifest: ModelManifest) -> tuple[pd.DataFrame, str]:
    path = model.with_name(TABLE_FILE)
    rows = read_table(path)
    if content_sha256(path) != manifest.training_data_sha256:
        raise ModelError("was made from another table: its SHA-256 differs from the manifest's", where=path)
    settings = manifest.details.get("settings")
    seed = settings.get("seed") if isinstance(settings, dict) else None
    if not isinstance(seed, int):
        raise ModelError("its manifest names no seed, so the held-out rows are unknown", where=model)
    split = hold_out(rows, np.random.default_rng(seed))
    if sha256(json.dumps([split.train.tolist(), split.test.tolist()]).encode("ascii")).hexdigest() != (
        manifest.split_sha256
    ):
        raise ModelError(
            "was held out differently: the split's SHA-256 differs from the manifest's",
            where=model,
            remedy="train it anew with this version",
        )
    return rows.iloc[split.test], split.words


def _ordered(first: Floats, then: Floats) -> Floats:
    """One score for an order by ``first``, ties by ``then``."""
    _, place = np.unique(np.stack([first, then], axis=1), axis=0, return_inverse=True)
    return place.reshape(-1).astype(np.float64)


def _ranking(
    name: str, scores: Floats, failed: NDArray[np.bool_], *, pixels: Floats, groups: NDArray[np.int64], seed: int
) -> Ranking:
    def interval(cost: Floats | None, budget: float) -> Interval:
        def recall(rows: NDArray[np.intp]) -> float | None:
            return recall_at_budget(scores[rows], failed[rows], None if cost is None else cost[rows], budget)

        # One seed for all: every ranking meets the same resamples.
        return group_bootstrap(recall, groups, np.random.default_rng(seed), resamples=RESAMPLES)

    def curve(cost: Floats | None) -> tuple[float, ...]:
        return tuple(recall_at_budget(scores, failed, cost, budget) or 0.0 for budget in GRID.tolist())

    return Ranking(
        name=name,
        by_boxes=curve(None),
        by_pixels=curve(pixels),
        at_marks=tuple(interval(None, budget) for budget in MARKS),
        at_marks_pixels=tuple(interval(pixels, budget) for budget in MARKS),
    )


def _calibration(model: Path, test: pd.DataFrame, failed: NDArray[np.bool_]) -> Calibration:
    tree = load_estimator(model)
    names = [str(name) for name in tree.classes_]
    failing = [column for column, name in enumerate(names) if name != "low"]
    probability = np.clip(tree.predict_proba(feature_matrix(test))[:, failing].sum(axis=1), 0.0, 1.0)
    share = float(failed.mean())
    return Calibration(
        error=ece(failed, probability),
        brier=brier(failed, probability),
        brier_of_prevalence=brier(failed, np.full(len(failed), share)),
    )
