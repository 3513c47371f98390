"""Scores of a way of tracking against ground truth, of one sequence and of several together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flexpatch_train.evaluation.sequences import SequenceTruth
from flexpatch_train.runtime.tracked import Tracks
from footage.metrics.clear import ClearMot, clear_mot, combine_clear
from footage.metrics.detection import DetectionScores, detection_ap, detection_f1
from footage.metrics.hota import Hota, combine_hota, hota
from footage.metrics.identity import Identity, combine_identity, identity
from footage.metrics.intervals import Interval, group_bootstrap_of_counts
from footage.metrics.tracking import TrackedFrame

BLOCK_FRAMES = 20
"""Frames of a block of the bootstrap: errors of neighbouring frames are the same error."""
MIN_BLOCKS = 5
IOU = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Scores in [0, 1] (MOTA may be negative), None where nothing can be said, and what they rest on.

    Attributes:
        hota: higher order tracking accuracy.
        deta: its detection part.
        assa: its association part.
        mota: CLEAR MOT accuracy at IoU .5.
        idf1: identity F1 at IoU .5.
        ap50: average precision at IoU .5.
        f1: detection F1 at IoU .5, with an interval from resampling blocks of time; it speaks of these sequences only.
        identity_switches: how often an object changed its identity.
        frames: frames scored.
        objects: true identities.
        boxes: true boxes.
    """

    hota: float | None
    deta: float | None
    assa: float | None
    mota: float | None
    idf1: float | None
    ap50: float | None
    f1: Interval
    identity_switches: int
    frames: int
    objects: int
    boxes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceScores:
    """One way on one sequence, in the parts that those of other sequences can be added to.

    Attributes:
        frames: truth and answer of every frame.
        tracking: HOTA.
        clear: CLEAR MOT.
        identity: identity scores.
        by_frame: detections matched, false and missed, one entry a frame.
        objects: true identities.
    """

    frames: tuple[TrackedFrame, ...]
    tracking: Hota
    clear: ClearMot
    identity: Identity
    by_frame: tuple[DetectionScores, ...]
    objects: int


def frame_of(truth: SequenceTruth, index: int, tracks: Tracks) -> TrackedFrame:
    """Truth and answer of the frame ``index``, counted from 0."""
    objects = truth.objects.of_frame(index + 1)
    if objects.ids is None:
        raise ValueError("ground truth without identities")
    return TrackedFrame(
        truth_boxes=objects.boxes,
        truth_ids=objects.ids,
        predicted_boxes=tracks.boxes.astype(np.float64),
        predicted_ids=tracks.object_ids,
        predicted_scores=tracks.scores.astype(np.float64),
        ignored_boxes=truth.ignored.of_frame(index + 1).boxes,
        uncounted_boxes=truth.uncounted.of_frame(index + 1).boxes,
    )


def score_sequence(frames: Sequence[TrackedFrame]) -> SequenceScores:
    """Score one sequence, in the order of time."""
    ids = [frame.truth_ids for frame in frames]
    return SequenceScores(
        frames=tuple(frames),
        tracking=hota(frames),
        clear=clear_mot(frames, iou=IOU),
        identity=identity(frames, iou=IOU),
        by_frame=tuple(detection_f1([frame], iou=IOU) for frame in frames),
        objects=len(np.unique(np.concatenate(ids))) if ids else 0,
    )


def scores_of(parts: Sequence[SequenceScores], rng: np.random.Generator) -> Scores:
    """The scores over one or more sequences: counts are added, as the benchmark does.

    Args:
        parts: at least one.
        rng: source of the bootstrap's resamples.
    """
    tracking = combine_hota([part.tracking for part in parts])
    clear = combine_clear([part.clear for part in parts])
    frames = [frame for part in parts for frame in part.frames]
    return Scores(
        hota=tracking.hota,
        deta=tracking.deta,
        assa=tracking.assa,
        mota=clear.mota,
        idf1=combine_identity([part.identity for part in parts]).idf1,
        ap50=detection_ap(frames, iou=IOU).value,
        f1=_f1(parts, rng),
        identity_switches=clear.idsw,
        frames=len(frames),
        objects=sum(part.objects for part in parts),
        boxes=sum(len(frame.truth_boxes) for frame in frames),
    )


def _f1(parts: Sequence[SequenceScores], rng: np.random.Generator) -> Interval:
    blocks = [
        np.sum([(one.tp, one.fp, one.fn) for one in part.by_frame[start : start + BLOCK_FRAMES]], axis=0)
        for part in parts
        for start in range(0, len(part.by_frame), BLOCK_FRAMES)
    ]
    counts = np.array(blocks, np.float64)
    boxes = int(counts[:, 0].sum() + counts[:, 2].sum())
    if len(blocks) >= MIN_BLOCKS:
        return group_bootstrap_of_counts(_f1_of, counts, rng, n=boxes)
    estimate = float(_f1_of(counts.sum(axis=0, keepdims=True))[0])
    return Interval(
        estimate=None if np.isnan(estimate) else estimate,
        low=None,
        high=None,
        n=boxes,
        groups=len(blocks),
        reason=f"fewer than {MIN_BLOCKS} blocks of {BLOCK_FRAMES} frames",
    )


def _f1_of(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """F1 of rows of (matched, false, missed)."""
    whole = 2 * counts[:, 0] + counts[:, 1] + counts[:, 2]
    return np.asarray(np.divide(2 * counts[:, 0], whole, out=np.full(len(counts), np.nan), where=whole > 0))
