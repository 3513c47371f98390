"""Identity scores: how much of every object one and the same predicted identity covers.

Ristani et al., "Performance Measures and a Data Set for Multi-Target, Multi-Camera Tracking", ECCV workshops 2016. The
figures equal those of MOTChallenge's own program (tests hold them to it), except that what cannot be computed is None
here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from footage.metrics.tracking import TrackedFrame, check_threshold, overlaps, ratio, why_none


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Identity scores of one or more sequences, each in [0, 1] and the higher the better.

    Attributes:
        idf1: ``2 idtp / (2 idtp + idfp + idfn)``; None without a true or a predicted box.
        idp: identity precision; None without predicted boxes.
        idr: identity recall; None without true boxes.
        idtp: boxes of objects covered by the identity assigned to them.
        idfp: predicted boxes beyond those.
        idfn: true boxes beyond those.
        reason: why figures are None, else None.
    """

    idf1: float | None
    idp: float | None
    idr: float | None
    idtp: int
    idfp: int
    idfn: int
    reason: str | None = None


def identity(frames: Sequence[TrackedFrame], *, iou: float = 0.5) -> Identity:
    """Identity scores of one sequence: every object is given at most one predicted identity for all its frames.

    Args:
        frames: of one sequence.
        iou: overlap from which a predicted box covers a true one, above 0 and at most 1.

    Raises:
        ValueError: the threshold is out of range.
    """
    check_threshold(iou)
    seen = overlaps(frames)
    together = np.zeros((len(seen.truth_frames), len(seen.predicted_frames)))
    for truth, predicted, overlap in zip(seen.truth, seen.predicted, seen.overlap, strict=True):
        # No slack for rounding here: the benchmark's program has none either.
        rows, columns = np.nonzero(overlap >= iou)
        together[truth[rows], predicted[columns]] += 1
    # Fewest misses and false alarms together are most frames covered: a pair saves one of each a frame.
    idtp = int(together[linear_sum_assignment(together, maximize=True)].sum())
    return _result(
        idtp=idtp,
        idfp=int(seen.predicted_frames.sum()) - idtp,
        idfn=int(seen.truth_frames.sum()) - idtp,
    )


def combine_identity(results: Sequence[Identity]) -> Identity:
    """Identity scores over several sequences, which share the threshold: counts are added.

    Raises:
        ValueError: there are no results.
    """
    if not results:
        raise ValueError("there are no sequences to combine")
    return _result(
        idtp=sum(r.idtp for r in results),
        idfp=sum(r.idfp for r in results),
        idfn=sum(r.idfn for r in results),
    )


def _result(*, idtp: int, idfp: int, idfn: int) -> Identity:
    truths, predictions = idtp + idfn > 0, idtp + idfp > 0
    return Identity(
        idf1=ratio(2 * idtp, 2 * idtp + idfp + idfn),
        idp=ratio(idtp, idtp + idfp),
        idr=ratio(idtp, idtp + idfn),
        idtp=idtp,
        idfp=idfp,
        idfn=idfn,
        reason=why_none(truths=truths, predictions=predictions),
    )
