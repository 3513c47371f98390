"""CLEAR MOT: misses, false alarms and changes of identity at one overlap threshold.

Bernardin and Stiefelhagen, "Evaluating Multiple Object Tracking Performance: The CLEAR MOT Metrics", EURASIP JIVP 2008;
mostly tracked and mostly lost from Wu and Nevatia, CVPR 2006. The figures equal those of MOTChallenge's own program
(tests hold them to it), except that what cannot be computed is None here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from footage.metrics.tracking import SLACK, TrackedFrame, check_threshold, overlaps, ratio, why_none

_MOSTLY_TRACKED, _MOSTLY_LOST = 0.8, 0.2
# More than the overlaps of a frame add up to: pairs of the frame before are kept before anything else counts.
_KEEP = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearMot:
    """CLEAR MOT of one or more sequences.

    Attributes:
        mota: ``1 - (fn + fp + idsw) / truths``, at most 1 and below 0 where errors outnumber the true boxes; None
            without true boxes.
        motp: mean overlap of the matches, in [0, 1]; None where nothing matched.
        recall: matched true boxes over all; None without true boxes.
        precision: matched predicted boxes over all; None without predicted boxes.
        f1: ``2 tp / (2 tp + fn + fp)``; None with neither.
        idsw: how often an object is matched with another identity than when it was last matched.
        frag: how often the matching of an object is taken up again after a break.
        tp: matched pairs.
        fn: true boxes without a match.
        fp: predicted boxes without a match.
        mt: objects matched in more than 80 % of their frames (mostly tracked).
        pt: objects matched in 20 % to 80 % (partly tracked).
        ml: objects matched in less than 20 % (mostly lost).
        overlap_sum: summed overlap of the matches.
        reason: why figures are None, else None.
    """

    mota: float | None
    motp: float | None
    recall: float | None
    precision: float | None
    f1: float | None
    idsw: int
    frag: int
    tp: int
    fn: int
    fp: int
    mt: int
    pt: int
    ml: int
    overlap_sum: float
    reason: str | None = None


@dataclass(slots=True)
class _Memory:
    """What is known of every true object so far, each ``(G,)``."""

    matched: NDArray[np.intp]  # in how many frames
    stretches: NDArray[np.intp]  # of frames matched without a break
    last: NDArray[np.intp]  # the identity of the last match; nothing where there was none
    is_fresh: NDArray[np.bool_]  # whether that was in the frame before
    switches: int = 0
    overlap_sum: float = 0.0

    def take(self, truth: NDArray[np.intp], predicted: NDArray[np.intp]) -> None:
        """Note the matches of a frame."""
        self.switches += int(np.count_nonzero((self.matched[truth] > 0) & (self.last[truth] != predicted)))
        self.stretches[truth] += ~self.is_fresh[truth]
        self.matched[truth] += 1
        self.last[truth] = predicted
        self.is_fresh[:] = False
        self.is_fresh[truth] = True


def clear_mot(frames: Sequence[TrackedFrame], *, iou: float = 0.5) -> ClearMot:
    """CLEAR MOT of one sequence, in the order of time.

    Pairs matched in the frame before stay together as long as they overlap enough; the rest is matched for the largest
    summed overlap. A frame without true or without predicted boxes does not count as the frame before, so an object's
    matching goes on after it without a break, as in the benchmark's program.

    Args:
        frames: in the order of time.
        iou: overlap from which a pair may match, above 0 and at most 1.

    Raises:
        ValueError: the threshold is out of range.
    """
    check_threshold(iou)
    seen = overlaps(frames)
    objects = len(seen.truth_frames)
    nothing = np.zeros(objects, dtype=np.intp)
    memory = _Memory(nothing.copy(), nothing.copy(), nothing.copy(), np.zeros(objects, dtype=np.bool_))
    for truth, predicted, overlap in zip(seen.truth, seen.predicted, seen.overlap, strict=True):
        if not overlap.size:
            continue
        goes_on = memory.is_fresh[truth][:, None] & (predicted[None, :] == memory.last[truth][:, None])
        worth = _KEEP * goes_on + overlap
        worth[overlap < iou - SLACK] = 0
        rows, columns = linear_sum_assignment(-worth)
        matches = worth[rows, columns] > SLACK
        rows, columns = rows[matches], columns[matches]
        memory.take(truth[rows], predicted[columns])
        memory.overlap_sum += float(overlap[rows, columns].sum())
    tp = int(memory.matched.sum())
    share = memory.matched / seen.truth_frames
    mostly_tracked = int(np.count_nonzero(share > _MOSTLY_TRACKED))
    mostly_lost = int(np.count_nonzero(share < _MOSTLY_LOST))
    return _result(
        idsw=memory.switches,
        frag=int(np.maximum(memory.stretches - 1, 0).sum()),
        tp=tp,
        fn=int(seen.truth_frames.sum()) - tp,
        fp=int(seen.predicted_frames.sum()) - tp,
        mt=mostly_tracked,
        pt=objects - mostly_tracked - mostly_lost,
        ml=mostly_lost,
        overlap_sum=memory.overlap_sum,
    )


def combine_clear(results: Sequence[ClearMot]) -> ClearMot:
    """CLEAR MOT over several sequences, which share the threshold: counts are added.

    Raises:
        ValueError: there are no results.
    """
    if not results:
        raise ValueError("there are no sequences to combine")
    return _result(
        idsw=sum(r.idsw for r in results),
        frag=sum(r.frag for r in results),
        tp=sum(r.tp for r in results),
        fn=sum(r.fn for r in results),
        fp=sum(r.fp for r in results),
        mt=sum(r.mt for r in results),
        pt=sum(r.pt for r in results),
        ml=sum(r.ml for r in results),
        overlap_sum=sum(r.overlap_sum for r in results),
    )


def _result(
    *, idsw: int, frag: int, tp: int, fn: int, fp: int, mt: int, pt: int, ml: int, overlap_sum: float
) -> ClearMot:
    return ClearMot(
        mota=ratio(tp - fp - idsw, tp + fn),
        motp=ratio(overlap_sum, tp),
        recall=ratio(tp, tp + fn),
        precision=ratio(tp, tp + fp),
        f1=ratio(2 * tp, 2 * tp + fn + fp),
        idsw=idsw,
        frag=frag,
        tp=tp,
        fn=fn,
        fp=fp,
        mt=mt,
        pt=pt,
        ml=ml,
        overlap_sum=overlap_sum,
        reason=why_none(truths=tp + fn > 0, predictions=tp + fp > 0, matched=tp > 0),
    )
