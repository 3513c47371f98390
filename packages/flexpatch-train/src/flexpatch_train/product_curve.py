"""How many tracking failures are caught for how many boxes detected again: the curve a user buys.

On rows that a model's training never saw, boxes are ranked by the model and by simple rivals, and detected again from
the top until the budget is spent.

The full frame every N frames has no line of its own, since it does not choose among boxes. It takes all boxes of one
frame in N, lost or not: averaged over the frame it begins with, it catches one failure in N, which is the random line.
With a clock for each box, which is detected again as soon as its last detection is N frames old, it is oldest first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from flexpatch_train.ranked_rows import Floats, RankedRows
from flexpatch_train.runtime.pipeline import FlexPatchOptions
from footage.errors import DatasetError
from footage.metrics.calibration import brier, ece
from footage.metrics.intervals import Interval, group_bootstrap_of_counts

GRID: Floats = np.linspace(0, 1, 51)
MARKS = (0.25, 0.5)
"""The budgets whose recall is given with an interval."""
RESAMPLES = 500
MODEL = "the model's risk"
RUNTIME = "risk and waiting time"
RANDOM = "random"
OLDEST = "oldest first"
UNSURE = "least confident first"
UNLIKE = "1 \N{MINUS SIGN} NCC"
ORACLE = "oracle"

Statistic = Callable[[Floats], Floats]
"""From how often each object occurs ``(R, G)`` to a figure a resample ``(R,)``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """What one order of boxes catches.

    Attributes:
        name: of the order.
        by_boxes: recall of failures at each budget of ``GRID``, a box costing 1.
        by_pixels: the same, a box costing the pixels of its padded patch.
        at_marks: recall by budget of boxes, for each of ``MARKS``.
        at_marks_pixels: the same by budget of pixels.
        average_precision: area under precision over recall of failures; that of a random order is their prevalence.
    """

    name: str
    by_boxes: tuple[float, ...]
    by_pixels: tuple[float, ...]
    at_marks: tuple[Interval, ...]
    at_marks_pixels: tuple[Interval, ...]
    average_precision: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Whether the model's probability of failure means what it says.

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
        rankings: the model first, the oracle last.
        gain: recall at a quarter of the boxes, the model's minus that of its best rival, over the same resamples.
        best_rival: which rival that is.
        calibration: of P(failure); None where the model gives no probability.
        held_out: what is held out, in words.
        rows: held-out boxes.
        objects: they are of so many objects.
        failures: boxes with IoU of at most .5 with their object.
    """

    budgets: tuple[float, ...]
    rankings: tuple[Ranking, ...]
    gain: Interval
    best_rival: str
    calibration: Calibration | None
    held_out: str
    rows: int
    objects: int
    failures: int

    @property
    def prevalence(self) -> float:
        """Share of the boxes that failed, in (0, 1]."""
        return self.failures / self.rows

    def ranking(self, name: str) -> Ranking:
        """The ranking of a name."""
        return next(one for one in self.rankings if one.name == name)


def product_curve(
    test: pd.DataFrame,
    failed: NDArray[np.bool_],
    risk: Floats,
    probability: Floats | None,
    *,
    groups: NDArray[np.intp],
    held_out: str,
    rng: np.random.Generator,
) -> ProductCurve:
    """The curve of a model on rows that it never saw.

    Args:
        test: the rows, with the columns of ``flexpatch_train.table.COLUMNS``.
        failed: bool ``(N,)``: the box no longer shows its object, IoU of at most .5.
        risk: what the runtime ranks by ``(N,)``, finite.
        probability: the model's P(failure) ``(N,)`` in [0, 1]; None where it gives none.
        groups: number of each row's object ``(N,)``, from 0 without gaps, as ``object_groups`` gives them.
        held_out: what is held out, in words.
        rng: source of the bootstrap's resamples.

    Raises:
        DatasetError: no box failed.
    """
    if not failed.any():
        raise DatasetError("no held-out box failed: there is nothing to catch")
    scores = scores_of(test, failed, risk)
    seed = int(rng.integers(2**31))
    pixels = padded_pixels(test)
    by_boxes = {name: RankedRows(score, failed, None, groups) for name, score in scores.items()}
    by_pixels = {name: RankedRows(score, failed, pixels, groups) for name, score in scores.items()}
    rankings = tuple(_ranking(name, by_boxes[name], by_pixels[name], groups, seed) for name in scores)
    rivals = [one for one in rankings if one.name not in {MODEL, RUNTIME, ORACLE}]
    best = max(rivals, key=lambda one: one.at_marks[0].estimate or 0.0).name

    def gain(times: Floats) -> Floats:
        ours, theirs = (by_boxes[name].recalls(times, np.array(MARKS[:1])) for name in (MODEL, best))
        return np.asarray((ours - theirs)[:, 0])

    return ProductCurve(
        budgets=tuple(GRID.tolist()),
        rankings=rankings,
        gain=_interval(gain, groups, seed),
        best_rival=best,
        calibration=None if probability is None else _calibration(probability, failed),
        held_out=held_out,
        rows=len(test),
        objects=int(groups.max()) + 1,
        failures=int(failed.sum()),
    )


def scores_of(test: pd.DataFrame, failed: NDArray[np.bool_], risk: Floats) -> dict[str, Floats]:
    """A score for every row by ranking, the highest first in line; equal scores are in random order."""
    confidence = test["confidence"].to_numpy(np.float64)
    age = (test["frame"] - test["start_frame"]).to_numpy(np.float64)
    ncc = test["ncc"].to_numpy(np.float64)
    return {
        MODEL: _ordered(risk, -confidence),
        RUNTIME: _ordered(risk + FlexPatchOptions().ageing_per_frame * age, -confidence),
        OLDEST: age,
        UNSURE: -confidence,
        # 1 - NCC ends at 2: where it is unknown, nothing speaks for the box, and it goes first.
        UNLIKE: np.where(np.isnan(ncc), 3.0, 1.0 - ncc),
        RANDOM: np.zeros(len(test)),
        ORACLE: failed.astype(np.float64),
    }


def padded_pixels(test: pd.DataFrame) -> Floats:
    """Pixels of the patch that each box needs, padded as the runtime does; not clipped to the picture, not scaled."""
    grown = 1 + 2 * FlexPatchOptions().padding
    width = np.maximum((test["x2"] - test["x1"]).to_numpy(np.float64), 1.0)
    height = np.maximum((test["y2"] - test["y1"]).to_numpy(np.float64), 1.0)
    return np.asarray(grown * width * grown * height)


def _ordered(first: Floats, then: Floats) -> Floats:
    """One score for an order by ``first``, ties by ``then``."""
    _, place = np.unique(np.stack([first, then], axis=1), axis=0, return_inverse=True)
    return place.reshape(-1).astype(np.float64)


def _interval(statistic: Statistic, groups: NDArray[np.intp], seed: int) -> Interval:
    """The interval of a statistic of how often each group occurs; one seed for all: all meet the same resamples."""
    each_group_once = np.eye(int(groups.max()) + 1)
    return group_bootstrap_of_counts(
        statistic, each_group_once, np.random.default_rng(seed), n=len(groups), resamples=RESAMPLES
    )


def _ranking(name: str, by_boxes: RankedRows, by_pixels: RankedRows, groups: NDArray[np.intp], seed: int) -> Ranking:
    def curve(rows: RankedRows) -> tuple[float, ...]:
        return tuple(rows.recalls(np.ones((1, int(groups.max()) + 1)), GRID)[0].tolist())

    def at_marks(rows: RankedRows) -> tuple[Interval, ...]:
        # One seed gives the same resamples for every mark, so all marks are counted in one go.
        counted: dict[int, Floats] = {}

        def recall(times: Floats, mark: int) -> Floats:
            if len(times) not in counted:
                counted[len(times)] = rows.recalls(times, np.array(MARKS))
            return np.asarray(counted[len(times)][:, mark])

        return tuple(_interval(partial(recall, mark=mark), groups, seed) for mark in range(len(MARKS)))

    return Ranking(
        name=name,
        by_boxes=curve(by_boxes),
        by_pixels=curve(by_pixels),
        at_marks=at_marks(by_boxes),
        at_marks_pixels=at_marks(by_pixels),
        average_precision=_interval(by_boxes.average_precisions, groups, seed),
    )


def _calibration(probability: Floats, failed: NDArray[np.bool_]) -> Calibration:
    return Calibration(
        error=ece(failed, probability),
        brier=brier(failed, probability),
        brier_of_prevalence=brier(failed, np.full(len(failed), float(failed.mean()))),
    )
