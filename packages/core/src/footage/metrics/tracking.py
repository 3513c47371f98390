"""True and predicted boxes of a sequence, frame by frame: what the scores of detection and tracking are computed from.

The scores themselves stand beside this module: ``footage.metrics.hota``, ``footage.metrics.clear``,
``footage.metrics.identity`` and ``footage.metrics.detection``.

An identity occurs at most once in a frame and means the same object in every frame of one sequence. Two sequences are
scored apart and their results combined: identities do not reach from one into the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from footage.metrics.boxes import as_boxes, iou_matrix

Boxes: TypeAlias = NDArray[np.floating[Any]]
Ids: TypeAlias = NDArray[np.integer[Any]]

# Overlaps that equal a threshold but for rounding reach it.
SLACK = float(np.finfo(np.float64).eps)
# MOT16 and MOT17: how far a prediction must overlap an ignored box to be ignored with it.
_IGNORED_IOU = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DetectedFrame:
    """True and predicted boxes of one frame.

    Attributes:
        truth_boxes: xyxy ``(N, 4)`` pixels; what should be found.
        predicted_boxes: xyxy ``(M, 4)`` pixels.
        predicted_scores: ``(M,)``, finite, higher is surer; None where there are none.
        ignored_boxes: xyxy ``(K, 4)``: objects that it is neither right nor wrong to find (distractors). None for none.
        uncounted_boxes: xyxy ``(L, 4)``: other true boxes, finding which is wrong (MOT16/17: cars, occluders,
            pedestrians with flag 0). They only keep what was found on them from passing for an ignored box. None for
            none.

    Raises:
        ValueError: shapes do not fit together, or a score is not finite.
    """

    truth_boxes: Boxes
    predicted_boxes: Boxes
    predicted_scores: NDArray[np.floating[Any]] | None = None
    ignored_boxes: Boxes | None = None
    uncounted_boxes: Boxes | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit together."""
        for boxes in (self.truth_boxes, self.predicted_boxes, self.ignored_boxes, self.uncounted_boxes):
            if boxes is not None:
                as_boxes(boxes)
        if self.predicted_scores is not None:
            if self.predicted_scores.shape != (len(self.predicted_boxes),):
                raise ValueError(
                    f"{len(self.predicted_boxes)} predicted boxes and scores of shape {self.predicted_scores.shape}"
                )
            if not np.isfinite(self.predicted_scores).all():
                raise ValueError("a predicted score is not finite")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrackedFrame(DetectedFrame):
    """True and predicted boxes of one frame with their identities.

    Attributes:
        truth_ids: whole numbers ``(N,)``, all different.
        predicted_ids: whole numbers ``(M,)``, all different; they need not resemble the true ones.

    Raises:
        ValueError: as :class:`DetectedFrame`; or an identity stands twice.
    """

    truth_ids: Ids
    predicted_ids: Ids

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit together and identities that stand twice."""
        # Without arguments super() would look for the class as it was before it got slots.
        super(TrackedFrame, self).__post_init__()
        for side, ids, boxes in (
            ("true", self.truth_ids, self.truth_boxes),
            ("predicted", self.predicted_ids, self.predicted_boxes),
        ):
            if ids.shape != (len(boxes),):
                raise ValueError(f"{len(boxes)} {side} boxes and identities of shape {ids.shape}")
            unique, counts = np.unique(ids, return_counts=True)
            if len(unique) < len(ids):
                raise ValueError(f"{side} identity {unique[counts > 1][0]} stands twice in one frame")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BoxRows:
    """Boxes of many frames, one a row in any order, as in the files of MOTChallenge.

    Attributes:
        frames: the number of each row's frame, whole numbers ``(R,)``.
        boxes: xyxy ``(R, 4)`` pixels.
        ids: whole numbers ``(R,)``; None where they do not matter.
        scores: ``(R,)``; None where there are none.

    Raises:
        ValueError: lengths differ.
    """

    frames: Ids
    boxes: Boxes
    ids: Ids | None = None
    scores: NDArray[np.floating[Any]] | None = None

    def __post_init__(self) -> None:
        """Refuse columns of different lengths."""
        rows = len(as_boxes(self.boxes))
        for name, column in (("frames", self.frames), ("identities", self.ids), ("scores", self.scores)):
            if column is not None and column.shape != (rows,):
                raise ValueError(f"{rows} boxes and {name} of shape {column.shape}")

    def by_frame(self, numbers: Ids) -> list[NDArray[np.intp]]:
        """Rows of each of the frames named, which must ascend; rows of one frame stay in their order."""
        order = np.argsort(self.frames, kind="stable")
        found = self.frames[order]
        first, last = np.searchsorted(found, numbers, side="left"), np.searchsorted(found, numbers, side="right")
        return [order[a:b] for a, b in zip(first, last, strict=True)]


def frames_from_rows(
    *, truth: BoxRows, predicted: BoxRows, ignored: BoxRows | None = None, uncounted: BoxRows | None = None
) -> list[TrackedFrame]:
    """Sort rows into frames: every frame that occurs in any of the rows, ascending.

    A frame without a box on either side changes no score, so none is made for the gaps.

    Args:
        truth: what should be found, with identities.
        predicted: what was found, with identities.
        ignored: see :class:`DetectedFrame`.
        uncounted: see :class:`DetectedFrame`.

    Raises:
        ValueError: the truth or the prediction has no identities, one stands twice in a frame, or a score is not
            finite.
    """
    if truth.ids is None or predicted.ids is None:
        raise ValueError(f"the {'truth' if truth.ids is None else 'prediction'} has no identities")
    nothing = BoxRows(frames=np.empty(0, np.int64), boxes=np.empty((0, 4)))
    sides = (truth, predicted, nothing if ignored is None else ignored, nothing if uncounted is None else uncounted)
    numbers = np.unique(np.concatenate([rows.frames for rows in sides]))
    boxes = [as_boxes(rows.boxes) for rows in sides]
    frames: list[TrackedFrame] = []
    for number, *rows in zip(numbers.tolist(), *(rows.by_frame(numbers) for rows in sides), strict=True):
        try:
            frame = TrackedFrame(
                truth_boxes=boxes[0][rows[0]],
                truth_ids=truth.ids[rows[0]],
                predicted_boxes=boxes[1][rows[1]],
                predicted_ids=predicted.ids[rows[1]],
                predicted_scores=None if predicted.scores is None else predicted.scores[rows[1]],
                ignored_boxes=boxes[2][rows[2]],
                uncounted_boxes=boxes[3][rows[3]],
            )
        except ValueError as error:
            raise ValueError(f"frame {number}: {error}") from error
        frames.append(frame)
    return frames


def counted(frame: DetectedFrame) -> NDArray[np.bool_]:
    """Which predictions count: bool ``(M,)``, False for those that found an ignored box.

    The rule of MOT16 and MOT17 (Milan et al., 2016): predictions are first matched one to one with all true boxes,
    ignored and uncounted ones among them, at an overlap of at least 0.5; those matched with an ignored box are removed.
    """
    keep = np.ones(len(frame.predicted_boxes), dtype=np.bool_)
    if frame.ignored_boxes is None or not len(frame.ignored_boxes) or not len(keep):
        return keep
    uncounted = np.empty((0, 4)) if frame.uncounted_boxes is None else as_boxes(frame.uncounted_boxes)
    truth, ignored = as_boxes(frame.truth_boxes), as_boxes(frame.ignored_boxes)
    overlap = iou_matrix(np.concatenate([truth, ignored, uncounted]), frame.predicted_boxes)
    overlap[overlap < _IGNORED_IOU - SLACK] = 0
    rows, columns = linear_sum_assignment(-overlap)
    is_ignored = (rows >= len(truth)) & (rows < len(truth) + len(ignored)) & (overlap[rows, columns] > 0)
    keep[columns[is_ignored]] = False
    return keep


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Overlaps:
    """A sequence as the scores of tracking see it, without what is ignored.

    Attributes:
        truth: the true identities of each frame, numbered from 0 over the sequence: ``(N,)`` a frame.
        predicted: the predicted ones, numbered likewise: ``(M,)`` a frame.
        overlap: intersection over union ``(N, M)`` a frame.
        truth_frames: in how many frames each true identity occurs, ``(G,)``.
        predicted_frames: in how many frames each predicted identity occurs, ``(T,)``.
    """

    truth: list[NDArray[np.intp]]
    predicted: list[NDArray[np.intp]]
    overlap: list[NDArray[np.float64]]
    truth_frames: NDArray[np.intp]
    predicted_frames: NDArray[np.intp]


def overlaps(frames: Sequence[TrackedFrame]) -> Overlaps:
    """Remove what is ignored, number the identities from 0 and compute the overlaps."""
    keep = [counted(frame) for frame in frames]
    truth, truth_frames = _numbered(frame.truth_ids for frame in frames)
    predicted, predicted_frames = _numbered(frame.predicted_ids[k] for frame, k in zip(frames, keep, strict=True))
    overlap = [
        iou_matrix(frame.truth_boxes, as_boxes(frame.predicted_boxes)[k]) for frame, k in zip(frames, keep, strict=True)
    ]
    return Overlaps(
        truth=truth,
        predicted=predicted,
        overlap=overlap,
        truth_frames=truth_frames,
        predicted_frames=predicted_frames,
    )


def _numbered(ids: Iterable[Ids]) -> tuple[list[NDArray[np.intp]], NDArray[np.intp]]:
    """Identities of each frame as numbers from 0 in ascending order, and how often each occurs."""
    parts = list(ids)
    joined = np.concatenate([np.empty(0, np.int64), *parts])
    _, numbers, counts = np.unique(joined, return_inverse=True, return_counts=True)
    ends = np.cumsum([len(part) for part in parts])
    return np.split(numbers.astype(np.intp), ends[:-1]) if parts else [], counts


def ratio(part: float, whole: float) -> float | None:
    """A share; None of nothing."""
    return float(part / whole) if whole else None


def why_none(*, truths: bool, predictions: bool, matched: bool = True) -> str | None:
    """Why some figures of a result are None: what is missing; None where nothing is."""
    if not truths and not predictions:
        return "no true and no predicted boxes"
    if not truths:
        return "no true boxes"
    if not predictions:
        return "no predicted boxes"
    return None if matched else "nothing matched"


def check_threshold(iou: float) -> None:
    """Refuse an overlap threshold that is not above 0 and at most 1.

    Raises:
        ValueError: it is not.
    """
    if not 0 < iou <= 1:
        raise ValueError(f"iou is {iou}, expected a number above 0 and at most 1")
