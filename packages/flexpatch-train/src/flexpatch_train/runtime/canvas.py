"""Drawing the canvas that the detector sees, and taking its answer back to the frame."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from flexpatch_train.detections import Detections
from flexpatch_train.runtime.packing import Packing
from footage.metrics.boxes import area, as_boxes, iou_matrix, nms

FILL_GREY = 114
"""What YOLO networks are trained to see where there is no picture."""

BORDER_PX = 3.0
COVERED_SHARE = 0.7
NMS_IOU = 0.45

_LEAST_BILINEAR_SCALE = 0.5

_CORNER, _LIMIT = [0, 1, 0, 1], [2, 3, 2, 3]  # columns of a box: its first corner twice, its second corner twice

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def compose(image: NDArray[np.uint8], packing: Packing, fill: int = FILL_GREY) -> NDArray[np.uint8]:
    """Draw the canvas.

    Args:
        image: uint8 ``(H, W, 3)``, the frame.
        packing: what goes where.
        fill: grey level of the canvas between the patches.

    Returns:
        uint8 ``(H, W, 3)`` of the canvas's size, in the frame's channel order.

    Raises:
        ValueError: a placement's source reaches past the frame.
    """
    width, height = packing.canvas_size
    canvas = np.full((height, width, 3), fill, np.uint8)
    for placement in packing.placements:
        x0, y0, x1, y1 = placement.source
        if x1 > image.shape[1] or y1 > image.shape[0]:
            raise ValueError(f"the patch {placement.source} reaches past a frame of {image.shape[1]}x{image.shape[0]}")
        left, top, right, bottom = placement.target
        part, size = image[y0:y1, x0:x1], (right - left, bottom - top)
        if size == (x1 - x0, y1 - y0):
            canvas[top:bottom, left:right] = part
        else:
            # Down to half its size bilinear interpolation passes over no pixel; it takes a fifth of the time.
            how = cv2.INTER_LINEAR if placement.scale >= _LEAST_BILINEAR_SCALE else cv2.INTER_AREA
            cv2.resize(part, size, dst=canvas[top:bottom, left:right], interpolation=how)
    return canvas


def map_back(
    found: Detections,
    packing: Packing,
    frame_size: tuple[int, int],
    *,
    tracked_boxes: ArrayLike = (),
    border_px: float = BORDER_PX,
    covered_share: float | None = COVERED_SHARE,
    nms_iou: float = NMS_IOU,
) -> Detections:
    """Take what a detector found on a canvas back to the frame.

    A detection belongs to the placement that its centre lies in and is clipped to it; one whose centre lies in none is
    dropped. A detection that reaches a border of its patch which is no border of the frame is a cut object: it is
    dropped where ``covered_share`` of it is covered by a box that shows more of the object, that is by a detection of
    the same class from another patch which is not cut or is larger, or by a larger tracked box. Objects that two
    patches show are found twice: of those non-maximum suppression a class keeps one, whole before cut, then by score.

    Args:
        found: in pixels of the canvas.
        packing: what the canvas shows.
        frame_size: width and height in pixels.
        tracked_boxes: ``(T, 4)``, ``xyxy`` pixels of the frame, where objects are known to be.
        border_px: how near to a patch's border counts as reaching it, in pixels of the canvas.
        covered_share: in (0, 1]; None to keep all cut objects.
        nms_iou: overlap above which the lesser of two boxes of a class is dropped, in [0, 1].

    Returns:
        In pixels of the frame, in the order given.
    """
    if not packing.placements or not len(found):
        return Detections.empty()
    sources = np.array([placement.source for placement in packing.placements], np.float64)
    targets = np.array([placement.target for placement in packing.placements], np.float64)
    owner, inside = _owners(found.boxes.astype(np.float64), targets)
    found, owner = found.select(inside), owner[inside]
    source, target = sources[owner], targets[owner]
    corner, limit = target[:, _CORNER], target[:, _LIMIT]
    clipped = np.clip(found.boxes.astype(np.float64), corner, limit)
    cut = _reaches_border(clipped, target, source, border_px, frame_size)
    zoom = (source[:, _LIMIT] - source[:, _CORNER]) / (limit - corner)
    boxes = source[:, _CORNER] + (clipped - corner) * zoom

    keep = area(boxes) > 0
    if covered_share is not None and cut.any():
        keep[cut] &= ~_covered(
            boxes,
            class_ids=found.class_ids,
            owner=owner,
            cut=cut,
            tracked=as_boxes(tracked_boxes),
            share=covered_share,
        )
    rows = np.flatnonzero(keep)
    # Scores are at most 1: every whole object comes before every cut one.
    rank = found.scores[rows] + np.where(cut[rows], 0.0, 1.0)
    rows = np.sort(rows[nms(boxes[rows], rank, nms_iou, found.class_ids[rows])])
    return Detections(boxes[rows].astype(np.float32), found.scores[rows], found.class_ids[rows])


def _owners(boxes: Floats, targets: Floats) -> tuple[NDArray[np.intp], Bools]:
    """The target that holds each box's centre ``(N,)``, and whether there is one ``(N,)``."""
    centres = (boxes[:, None, :2] + boxes[:, None, 2:]) / 2
    # Half open: a centre on the line between two neighbours belongs to one of them.
    holds = np.all((centres >= targets[:, :2]) & (centres < targets[:, 2:]), axis=2)
    return np.asarray(holds.argmax(axis=1), np.intp), np.asarray(holds.any(axis=1), np.bool_)


def _reaches_border(
    boxes: Floats, target: Floats, source: Floats, border_px: float, frame_size: tuple[int, int]
) -> Bools:
    """Whether each box ``(N, 4)`` on the canvas reaches a border of its patch beyond which the frame goes on."""
    near = np.abs(boxes - target) <= border_px
    goes_on = np.concatenate([source[:, :2] > 0, source[:, 2:] < frame_size], axis=1)
    return np.asarray((near & goes_on).any(axis=1))


def _covered(
    boxes: Floats,
    *,
    class_ids: NDArray[np.int64],
    owner: NDArray[np.intp],
    cut: Bools,
    tracked: Floats,
    share: float,
) -> Bools:
    """Whether a box that shows more of the object covers each of the boxes that are cut: as many as ``cut`` has."""
    areas, mine = area(boxes), boxes[cut]
    own_area = areas[cut, None]
    others = (class_ids[cut, None] == class_ids) & (owner[cut, None] != owner) & (~cut | (areas > own_area))
    covers = np.concatenate([boxes, tracked])
    shows_more = np.concatenate([others, area(tracked) > own_area], axis=1)
    return np.asarray((shows_more & (_share_within(mine, covers) >= share)).any(axis=1))


def _share_within(boxes: Floats, covers: Floats) -> Floats:
    """Share of each box ``(N,)`` that each cover ``(M,)`` covers: ``(N, M)`` in [0, 1], 0 for boxes without area."""
    overlap = iou_matrix(boxes, covers)
    areas = area(boxes)[:, None]
    # From IoU = I / (A + B - I) follows I = IoU (A + B) / (1 + IoU).
    shared = overlap / (1 + overlap) * (areas + area(covers))
    return np.divide(shared, areas, out=np.zeros_like(shared), where=areas > 0)
