"""What became of a tracked box: the label that the tree learns.

The label is read from the overlap with the *same* object (FlexPatch, Yang et al. 2022): IoU 0 is ``high`` risk, up to
.5 ``medium``, above ``low``. A box that has jumped to a neighbour overlaps that neighbour perfectly and is a failure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from flexpatch_train.identities import Identities
from footage.metrics.boxes import iou_pairs

Label = Literal["high", "medium", "low"]
LABELS: tuple[Label, ...] = ("high", "medium", "low")
MEDIUM_IOU = 0.5


@dataclass(frozen=True, slots=True)
class Outcome:
    """A label and what it was read from.

    Attributes:
        label: the risk class.
        iou: overlap with the same object, in [0, 1]; None when the object has left.
        left: whether the object is gone, which makes the label ``high`` whatever the box shows.
    """

    label: Label
    iou: float | None
    left: bool


def label_of_iou(iou: float) -> Label:
    """The risk class of an overlap in [0, 1]."""
    if iou <= 0:
        return "high"
    return "medium" if iou <= MEDIUM_IOU else "low"


def outcome(identities: Identities, object_id: int, frame: int, box: NDArray[np.float64]) -> Outcome | None:
    """What became of a box that set out on an object.

    Args:
        identities: who was where.
        object_id: the object the track started on.
        frame: the frame index now.
        box: ``(4,)``, ``xyxy`` pixels, where the tracker believes the object to be.

    Returns:
        The outcome; None where it is unknown, because the detector missed the object for a moment or because the
        frames end before one can tell.
    """
    truth = identities.timelines[object_id].box_at(frame)
    if truth is not None:
        iou = float(iou_pairs(box[None], truth[None])[0])
        return Outcome(label_of_iou(iou), iou, left=False)
    return Outcome("high", None, left=True) if identities.has_left(object_id, frame) else None
