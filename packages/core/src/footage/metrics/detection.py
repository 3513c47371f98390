"""Scores of a detector against true boxes of one class, without regard to identities.

They take frames of any number of sequences (chain them): nothing reaches from one frame into another. A
:class:`~footage.metrics.tracking.TrackedFrame` will do for a frame.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from footage.metrics.boxes import as_boxes, iou_matrix
from footage.metrics.tracking import SLACK, DetectedFrame, check_threshold, counted, ratio, why_none


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionAp:
    """Area under the interpolated precision-recall curve of a detector.

    Attributes:
        value: in [0, 1]; None without true boxes, see ``reason``.
        iou: overlap from which a detection found a box.
        truths: true boxes.
        detections: detections that count.
        tp: detections that found a box, at the lowest score.
        reason: why ``value`` is None, else None.
    """

    value: float | None
    iou: float
    truths: int
    detections: int
    tp: int
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionScores:
    """Precision and recall of the detections as given.

    Attributes:
        precision: matched detections over all; None without detections.
        recall: matched true boxes over all; None without true boxes.
        f1: ``2 tp / (2 tp + fp + fn)``; None with neither.
        tp: matched pairs.
        fp: detections without a match.
        fn: true boxes without a match.
        reason: why figures are None, else None.
    """

    precision: float | None
    recall: float | None
    f1: float | None
    tp: int
    fp: int
    fn: int
    reason: str | None = None


def detection_ap(frames: Iterable[DetectedFrame], *, iou: float = 0.5) -> DetectionAp:
    """Average precision, interpolated at every point as in the PASCAL VOC challenges since 2010, matched as in COCO.

    By falling score, a detection finds the true box of its frame that it overlaps most among those not found before, if
    it overlaps it enough; equal scores in the order given. The precision at a recall is the highest at that recall or
    above; detections of equal score enter the curve together. Detections of ignored boxes are left out.

    Args:
        frames: all with scores.
        iou: overlap from which a detection finds a box, above 0 and at most 1.

    Raises:
        ValueError: a frame with detections has no scores, or the threshold is out of range.
    """
    check_threshold(iou)
    truths = 0
    scores: list[NDArray[np.float64]] = [np.empty(0)]
    hits: list[NDArray[np.bool_]] = [np.empty(0, np.bool_)]
    for frame in frames:
        truths += len(frame.truth_boxes)
        if not len(frame.predicted_boxes):
            continue
        if frame.predicted_scores is None:
            raise ValueError("average precision needs the scores of the detections, and a frame has none")
        keep = counted(frame)
        score = frame.predicted_scores[keep].astype(np.float64)
        overlap = iou_matrix(as_boxes(frame.predicted_boxes)[keep], frame.truth_boxes)
        scores.append(score)
        hits.append(_found(overlap, score, iou))
    score, hit = np.concatenate(scores), np.concatenate(hits)
    tp = int(hit.sum())
    if not truths:
        reason = why_none(truths=False, predictions=len(hit) > 0)
        return DetectionAp(value=None, iou=iou, truths=0, detections=len(hit), tp=0, reason=reason)
    return DetectionAp(
        value=_area(score, hit, truths) if len(hit) else 0.0, iou=iou, truths=truths, detections=len(hit), tp=tp
    )


def detection_f1(frames: Iterable[DetectedFrame], *, iou: float = 0.5) -> DetectionScores:
    """Precision, recall and F1 of the detections as given, whatever their scores.

    In every frame as many pairs as possible are matched one to one. Detections of ignored boxes are left out.

    Args:
        frames: of one or more sequences.
        iou: overlap from which a pair may match, above 0 and at most 1.

    Raises:
        ValueError: the threshold is out of range.
    """
    check_threshold(iou)
    tp = truths = predictions = 0
    for frame in frames:
        keep = counted(frame)
        may_match = iou_matrix(frame.truth_boxes, as_boxes(frame.predicted_boxes)[keep]) >= iou - SLACK
        tp += int(may_match[linear_sum_assignment(may_match, maximize=True)].sum())
        truths += len(frame.truth_boxes)
        predictions += int(keep.sum())
    return DetectionScores(
        precision=ratio(tp, predictions),
        recall=ratio(tp, truths),
        f1=ratio(2 * tp, truths + predictions),
        tp=tp,
        fp=predictions - tp,
        fn=truths - tp,
        reason=why_none(truths=truths > 0, predictions=predictions > 0),
    )


def _found(overlap: NDArray[np.float64], score: NDArray[np.float64], iou: float) -> NDArray[np.bool_]:
    """Which detections (rows) find a true box (columns) of their frame, each box once."""
    hit = np.zeros(len(overlap), dtype=np.bool_)
    # A box already found is crossed out by an overlap below any threshold.
    left = np.where(overlap >= iou - SLACK, overlap, -1.0)
    for row in np.argsort(-score, kind="stable"):
        if not left.shape[1]:
            break
        best = int(np.argmax(left[row]))
        if left[row, best] > 0:
            hit[row] = True
            left[:, best] = -1.0
    return hit


def _area(score: NDArray[np.float64], hit: NDArray[np.bool_], truths: int) -> float:
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)
    hits = np.cumsum(hit[order])[ends]
    precision = hits / (ends + 1)
    highest_from_here = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(hits, prepend=0) / truths * highest_from_here))
