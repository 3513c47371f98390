"""YOLO networks as arithmetic: a picture to a network's input, its raw outputs to detections.

What a network expects and returns follows from its :class:`~flexpatch_train.detectors.layouts.Layout`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from flexpatch_train.detections import Detections
from flexpatch_train.detectors.layouts import Layout, cells_of
from footage.metrics.boxes import clip_boxes, cxcywh_to_xyxy, nms

PADDING_GREY = 114


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterbox:
    """Where a picture lies in a network's input.

    Attributes:
        scale_x: input pixels per picture pixel, across.
        scale_y: the same, down; it differs from ``scale_x`` by rounding to whole pixels.
        left: input pixels left of the picture.
        top: input pixels above it.
        width: the picture's width in its own pixels.
        height: the picture's height in its own pixels.
    """

    scale_x: float
    scale_y: float
    left: int
    top: int
    width: int
    height: int

    def to_picture(self, boxes: NDArray[np.float32]) -> NDArray[np.float64]:
        """Boxes xyxy ``(N, 4)`` in input pixels as boxes in picture pixels, cut at the picture's edges."""
        shift = np.array([self.left, self.top, self.left, self.top], np.float64)
        scale = np.array([self.scale_x, self.scale_y, self.scale_x, self.scale_y], np.float64)
        return clip_boxes((boxes - shift) / scale, (self.width, self.height))


def letterbox(image: NDArray[np.uint8], size: tuple[int, int], *, centred: bool) -> tuple[NDArray[np.uint8], Letterbox]:
    """Fit a picture ``(H, W, 3)`` into ``size`` (width, height), keeping its shape and padding with grey 114.

    ``centred`` pads on both sides and rounds as ultralytics does; otherwise the picture lies at the top left and its
    size is cut to whole pixels, as YOLOX does.
    """
    width, height = size
    picture_height, picture_width = image.shape[:2]
    ratio = min(width / picture_width, height / picture_height)
    whole = round if centred else int
    new_width, new_height = max(1, whole(picture_width * ratio)), max(1, whole(picture_height * ratio))
    # Half a pixel too much goes to the right and bottom.
    left, top = ((width - new_width) // 2, (height - new_height) // 2) if centred else (0, 0)
    canvas = np.full((height, width, 3), PADDING_GREY, np.uint8)
    inside = canvas[top : top + new_height, left : left + new_width]
    if (new_width, new_height) == (picture_width, picture_height):
        inside[:] = image
    else:
        inside[:] = cv2.resize(image, (new_width, new_height), interpolation=cv2.INTER_LINEAR)
    placed = Letterbox(
        scale_x=new_width / picture_width,
        scale_y=new_height / picture_height,
        left=left,
        top=top,
        width=picture_width,
        height=picture_height,
    )
    return canvas, placed


def network_input(canvas: NDArray[np.uint8], layout: Layout, dtype: np.dtype[Any]) -> NDArray[Any]:
    """An RGB canvas ``(H, W, 3)`` as the batch ``(1, 3, H, W)`` that the layout's networks were trained on."""
    if layout.is_yolox:
        return np.ascontiguousarray(canvas[:, :, ::-1].transpose(2, 0, 1)[None], dtype)
    batch = np.ascontiguousarray(canvas.transpose(2, 0, 1)[None], np.float32)
    batch /= np.float32(255)
    return batch.astype(dtype, copy=False)


def decode(
    outputs: Sequence[NDArray[Any]], layout: Layout, placed: Letterbox, *, size: tuple[int, int], confidence: float
) -> Detections:
    """A network's raw outputs as detections in picture pixels, before non-maximum suppression.

    Only rows whose score reaches ``confidence`` are looked at further. Boxes that are not finite, or empty once cut
    at the picture's edges, are dropped.
    """
    output = outputs[0][0]
    if layout is Layout.END_TO_END:
        rows = np.asarray(output[output[:, 4] >= confidence], np.float32)
        boxes, scores, class_ids = rows[:, :4], rows[:, 4], rows[:, 5].astype(np.int64)
    elif layout.is_yolox:
        boxes, scores, class_ids = _decode_yolox(output, layout, size, confidence)
    else:
        columns = output if layout is Layout.YOLOV8 else output.T
        best = columns[4:].max(axis=0)
        kept = np.flatnonzero(best >= confidence)
        scores = np.asarray(best[kept], np.float32)
        class_ids = columns[4:, kept].argmax(axis=0)
        boxes = cxcywh_to_xyxy(columns[:4, kept].T).astype(np.float32)
    in_picture = placed.to_picture(boxes).astype(np.float32)
    usable = np.isfinite(boxes).all(axis=1) & (in_picture[:, 2:] > in_picture[:, :2]).all(axis=1)
    return Detections(in_picture[usable], np.clip(scores[usable], 0, 1), class_ids[usable].astype(np.int64))


def suppress(found: Detections, layout: Layout, nms_iou: float) -> Detections:
    """Non-maximum suppression within each class; an end-to-end network has done its own."""
    if layout is Layout.END_TO_END:
        return found.select(np.argsort(-found.scores, kind="stable"))
    return found.select(nms(found.boxes, found.scores, nms_iou, found.class_ids))


def _decode_yolox(
    output: NDArray[Any], layout: Layout, size: tuple[int, int], confidence: float
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    # A score is objectness times class score, so it cannot pass where objectness alone does not.
    rows = np.flatnonzero(output[:, 4] >= confidence)
    table = np.asarray(output[rows], np.float32)
    class_ids = table[:, 5:].argmax(axis=1)
    scores = table[:, 4] * table[np.arange(len(table)), class_ids + 5]
    passing = scores >= confidence
    rows, boxes, scores, class_ids = rows[passing], table[passing, :4], scores[passing], class_ids[passing]
    if layout is Layout.YOLOX:
        grid, strides = cells_of(size)
        centres = (boxes[:, :2] + grid[rows]) * strides[rows]
        # A size beyond float32 becomes infinite here and is dropped with the boxes that are not finite.
        with np.errstate(over="ignore"):
            sides = np.exp(boxes[:, 2:]) * strides[rows]
        boxes = np.concatenate([centres, sides], axis=1)
    return cxcywh_to_xyxy(boxes).astype(np.float32), scores, class_ids
