"""Higher order tracking accuracy: how well objects are found and how well they are kept apart, in equal parts.

Luiten et al., "HOTA: A Higher Order Metric for Evaluating Multi-Object Tracking", IJCV 2021. The figures equal those of
the benchmark's own program (tests hold them to it), except that what cannot be computed is None here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from footage.metrics.tracking import SLACK, Overlaps, TrackedFrame, overlaps, why_none

# Summed up as the benchmark does: a threshold another digit off would decide otherwise about an overlap equal to it.
ALPHAS: NDArray[np.float64] = np.arange(0.05, 0.99, 0.05)
ALPHAS.flags.writeable = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HotaCurves:
    """The figures at each of the 19 overlap thresholds .05, .10 to .95, each an array ``(19,)``.

    Where nothing matched at a threshold, the association figures are 0 and the localisation is 1 by convention.

    Attributes:
        alphas: the thresholds.
        tp: matched pairs of a true and a predicted box.
        fn: true boxes without a match.
        fp: predicted boxes without a match.
        hota: geometric mean of ``deta`` and ``assa``.
        deta: detection accuracy, ``tp / (tp + fn + fp)``.
        assa: association accuracy, mean over the matches.
        loca: mean overlap of the matches.
        detre: detection recall.
        detpr: detection precision.
        assre: association recall.
        asspr: association precision.
    """

    alphas: NDArray[np.float64]
    tp: NDArray[np.int64]
    fn: NDArray[np.int64]
    fp: NDArray[np.int64]
    hota: NDArray[np.float64]
    deta: NDArray[np.float64]
    assa: NDArray[np.float64]
    loca: NDArray[np.float64]
    detre: NDArray[np.float64]
    detpr: NDArray[np.float64]
    assre: NDArray[np.float64]
    asspr: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hota:
    """Means over the 19 overlap thresholds, each in [0, 1] and the higher the better.

    Attributes:
        hota: higher order tracking accuracy; None without a true or a predicted box.
        deta: detection accuracy; None likewise.
        assa: association accuracy; None where nothing matched at any threshold.
        loca: mean overlap of what matched; None likewise.
        detre: detection recall; None without true boxes.
        detpr: detection precision; None without predicted boxes.
        assre: association recall: how much of an object its prediction covers; None where nothing matched.
        asspr: association precision: how far a predicted identity keeps to one object; None likewise.
        curves: the figures at each threshold.
        reason: why figures are None, else None.
    """

    hota: float | None
    deta: float | None
    assa: float | None
    loca: float | None
    detre: float | None
    detpr: float | None
    assre: float | None
    asspr: float | None
    curves: HotaCurves
    reason: str | None = None


def hota(frames: Sequence[TrackedFrame]) -> Hota:
    """HOTA and its parts for one sequence, in the order of time."""
    seen = overlaps(frames)
    truths, predictions = int(seen.truth_frames.sum()), int(seen.predicted_frames.sum())
    pair, overlap = _matches(seen)
    # Matches by falling overlap: those at a threshold are the first so many of them.
    order = np.argsort(-overlap, kind="stable")
    pair, overlap = pair[order], overlap[order]
    tp = np.array([np.count_nonzero(overlap >= alpha - SLACK) for alpha in ALPHAS], dtype=np.int64)
    either = np.maximum(tp, 1)
    association = np.array([_association(seen, pair[:n]) for n in tp]) / either[:, None]
    summed = np.concatenate([[0.0], np.cumsum(overlap)])
    return _result(
        tp=tp,
        fn=truths - tp,
        fp=predictions - tp,
        association=association,
        loca=np.where(tp > 0, summed[tp] / either, 1.0),
    )


def combine_hota(results: Sequence[Hota]) -> Hota:
    """HOTA over several sequences: counts are added, association and overlap weighted by the matches.

    Raises:
        ValueError: there are no results.
    """
    if not results:
        raise ValueError("there are no sequences to combine")
    curves = [result.curves for result in results]
    tp = np.sum([c.tp for c in curves], axis=0)
    either = np.maximum(tp, 1)
    association = np.sum([c.tp[:, None] * np.stack([c.assa, c.assre, c.asspr], axis=1) for c in curves], axis=0)
    return _result(
        tp=tp,
        fn=np.sum([c.fn for c in curves], axis=0),
        fp=np.sum([c.fp for c in curves], axis=0),
        association=association / either[:, None],
        loca=np.where(tp > 0, np.sum([c.tp * c.loca for c in curves], axis=0) / either, 1.0),
    )


def _matches(seen: Overlaps) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Pairs matched in every frame and their overlap; a pair's number is ``true * T + predicted``."""
    count = len(seen.predicted_frames)
    alike = _alignment(seen)
    pairs: list[NDArray[np.intp]] = []
    found: list[NDArray[np.float64]] = []
    for truth, predicted, overlap in zip(seen.truth, seen.predicted, seen.overlap, strict=True):
        if not overlap.size:
            continue
        # Identities that go together over the whole sequence are matched even where another overlaps a little more.
        rows, columns = linear_sum_assignment(-(alike[truth[:, None], predicted[None, :]] * overlap))
        pairs.append(truth[rows] * count + predicted[columns])
        found.append(overlap[rows, columns])
    if not pairs:
        return np.empty(0, np.intp), np.empty(0)
    return np.concatenate(pairs), np.concatenate(found)


def _alignment(seen: Overlaps) -> NDArray[np.float64]:
    """How far each true and each predicted identity go together over the sequence, ``(G, T)`` in [0, 1].

    The sums run frame by frame: added up in another order they would differ in the last digit, and that digit decides
    which of two equally good matches is taken.
    """
    together = np.zeros((len(seen.truth_frames), len(seen.predicted_frames)))
    for truth, predicted, overlap in zip(seen.truth, seen.predicted, seen.overlap, strict=True):
        if not overlap.size:
            continue
        union = overlap.sum(axis=0)[None, :] + overlap.sum(axis=1)[:, None] - overlap
        share = np.zeros_like(overlap)
        np.divide(overlap, union, out=share, where=union > SLACK)
        together[truth[:, None], predicted[None, :]] += share
    return together / (seen.truth_frames[:, None] + seen.predicted_frames[None, :] - together)


def _association(seen: Overlaps, pair: NDArray[np.intp]) -> tuple[float, float, float]:
    """Accuracy, recall and precision of the association, summed over the matches given."""
    pairs, times = np.unique(pair, return_counts=True)
    truth, predicted = np.divmod(pairs, max(len(seen.predicted_frames), 1))
    of_truth, of_predicted = seen.truth_frames[truth], seen.predicted_frames[predicted]
    return (
        float(np.sum(times * (times / (of_truth + of_predicted - times)))),
        float(np.sum(times * (times / of_truth))),
        float(np.sum(times * (times / of_predicted))),
    )


def _result(
    *,
    tp: NDArray[np.int64],
    fn: NDArray[np.int64],
    fp: NDArray[np.int64],
    association: NDArray[np.float64],
    loca: NDArray[np.float64],
) -> Hota:
    deta = tp / np.maximum(tp + fn + fp, 1)
    curves = HotaCurves(
        alphas=ALPHAS,
        tp=tp,
        fn=fn,
        fp=fp,
        hota=np.sqrt(deta * association[:, 0]),
        deta=deta,
        assa=association[:, 0],
        loca=loca,
        detre=tp / np.maximum(tp + fn, 1),
        detpr=tp / np.maximum(tp + fp, 1),
        assre=association[:, 1],
        asspr=association[:, 2],
    )
    truths, predictions, matched = bool((tp + fn).any()), bool((tp + fp).any()), bool(tp.any())
    return Hota(
        hota=_mean(curves.hota, truths or predictions),
        deta=_mean(curves.deta, truths or predictions),
        assa=_mean(curves.assa, matched),
        loca=_mean(curves.loca, matched),
        detre=_mean(curves.detre, truths),
        detpr=_mean(curves.detpr, predictions),
        assre=_mean(curves.assre, matched),
        asspr=_mean(curves.asspr, matched),
        curves=curves,
        reason=why_none(truths=truths, predictions=predictions, matched=matched),
    )


def _mean(curve: NDArray[np.float64], exists: bool) -> float | None:
    return float(np.mean(curve)) if exists else None
