"""A YOLO network as a detector, whatever runs it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flexpatch_train.detections import Detections
from flexpatch_train.detectors.layouts import STRIDES, Layout, class_count_of, recognise
from flexpatch_train.detectors.names import COCO_80, default_names, parse_names, wanted_ids
from flexpatch_train.detectors.yolo import PADDING_GREY, decode, letterbox, network_input, suppress
from footage.errors import ModelError

DEFAULT_INPUT_PX = 640


class YoloNetwork:
    """Preparation, decoding and class names around a network's bare ``run``.

    One run on a plain grey picture at the start tells the layout and warms the runtime up.

    Args:
        run: takes the batch ``(1, 3, H, W)`` and gives the outputs.
        input_shape: of the network's only input; sizes that are not numbers are free.
        dtype: NumPy name of the input's type.
        metadata: the exporter's notes: ``names``, ``imgsz`` and ``task`` are read where they are.
        path: the model, for errors.
        confidence: detections that score less are dropped, in [0, 1].
        nms_iou: overlap above which the lesser of two boxes of a class is dropped, in [0, 1].
        classes: names of the classes to keep; None for all.
        native_size: give the network every picture at its own size, rounded up to the stride, instead of scaled to one
            size; for networks whose sides are free.

    Raises:
        ModelError: not a detector of a known layout, a class that it does not know, or a network of one size where the
            picture's own is wanted.
        ValueError: a threshold outside [0, 1].
    """

    def __init__(
        self,
        run: Callable[[NDArray[Any]], list[NDArray[Any]]],
        *,
        input_shape: tuple[int | str | None, ...],
        dtype: str,
        metadata: Mapping[str, Any],
        path: Path,
        confidence: float,
        nms_iou: float,
        classes: tuple[str, ...] | None,
        native_size: bool = False,
    ) -> None:
        if not (0 <= confidence <= 1 and 0 <= nms_iou <= 1):
            raise ValueError(f"confidence {confidence} and nms_iou {nms_iou} must lie in [0, 1]")
        self._run = run
        self._path = path
        self._confidence = confidence
        self._nms_iou = nms_iou
        where = str(path)
        task = metadata.get("task", "detect")
        if task != "detect":
            raise ModelError(f"a model for the task {task!r}", where=where, remedy="give one that detects boxes")
        self.size = _input_size(input_shape, dtype, metadata, where)
        self._native_size = native_size
        if native_size and any(isinstance(side, int) and side > 0 for side in input_shape[2:]):
            remedy = "export it with dynamic sides"
            raise ModelError(f"takes pictures of {self.size[0]}x{self.size[1]} only", where=where, remedy=remedy)
        self._dtype = np.dtype(dtype)
        named = _names(metadata, where)
        grey = np.full((self.size[1], self.size[0], 3), PADDING_GREY, np.uint8)
        # YOLOX wants other values than the rest; on plain grey either shows the layout.
        outputs = run(network_input(grey, Layout.YOLOV8, self._dtype))
        self.layout = recognise(outputs, self.size, class_count=None if named is None else len(named), where=where)
        self.names_come_from = "metadata" if named is not None else "assumed"
        if named is None:
            count = class_count_of(outputs[0], self.layout)
            named = COCO_80 if count is None else default_names(count)
        self.class_names = named
        wanted = wanted_ids(classes, self.class_names, where=where)
        self._wanted = None if wanted is None else np.asarray(wanted, np.int64)

    def detect(self, image: NDArray[np.uint8]) -> Detections:
        """The objects in an RGB picture ``(H, W, 3)``, by falling score.

        Raises:
            ModelError: the network gave a class that it has no name for, or failed to run.
        """
        size = _rounded_up(image) if self._native_size else self.size
        canvas, placed = letterbox(image, size, centred=not self.layout.is_yolox)
        outputs = self._run(network_input(canvas, self.layout, self._dtype))
        found = decode(outputs, self.layout, placed, size=size, confidence=self._confidence)
        if len(found) and not 0 <= found.class_ids.min() <= found.class_ids.max() < len(self.class_names):
            raise ModelError(
                f"gave class {found.class_ids.max()} and names {len(self.class_names)}",
                where=self._path,
                remedy="export the model with its class names",
            )
        if self._wanted is not None:
            found = found.select(np.isin(found.class_ids, self._wanted))
        return suppress(found, self.layout, self._nms_iou)

    def describe(self) -> dict[str, str | int | float | bool]:
        """Layout, input size and thresholds."""
        return {
            "layout": self.layout.value,
            "input_width": self.size[0],
            "input_height": self.size[1],
            "native_size": self._native_size,
            "input_dtype": str(self._dtype),
            "class_count": len(self.class_names),
            "class_names_from": self.names_come_from,
            "classes": "all" if self._wanted is None else ", ".join(self.class_names[i] for i in self._wanted),
            "confidence": self._confidence,
            "nms_iou": self._nms_iou,
        }


def _rounded_up(image: NDArray[np.uint8]) -> tuple[int, int]:
    """(width, height) of a picture, rounded up to whole strides."""
    stride = STRIDES[-1]
    return -(-image.shape[1] // stride) * stride, -(-image.shape[0] // stride) * stride


def _input_size(
    shape: tuple[int | str | None, ...], dtype: str, metadata: Mapping[str, Any], where: str
) -> tuple[int, int]:
    """Input (width, height): the network's own, else the exporter's, else 640 by 640."""
    shown = f"{dtype} ({', '.join('?' if side is None else str(side) for side in shape)})"
    if (
        len(shape) != 4
        or dtype not in {"float32", "float16"}
        or (isinstance(shape[0], int) and shape[0] not in {-1, 1})
        or (isinstance(shape[1], int) and shape[1] not in {-1, 3})
    ):
        raise ModelError(f"takes {shown}", where=where, remedy="expected one float picture, (1, 3, height, width)")
    default_height, default_width = _exported_size(metadata.get("imgsz"))
    height = shape[2] if isinstance(shape[2], int) and shape[2] > 0 else default_height
    width = shape[3] if isinstance(shape[3], int) and shape[3] > 0 else default_width
    if height % STRIDES[-1] or width % STRIDES[-1]:
        raise ModelError(
            f"takes pictures of {width}x{height}",
            where=where,
            remedy=f"export it for sides that are multiples of {STRIDES[-1]}",
        )
    return width, height


def _exported_size(note: object) -> tuple[int, int]:
    """(height, width) from ultralytics' ``imgsz`` note, 640 by 640 where there is none that makes sense."""
    try:
        sides = ast.literal_eval(note[:100]) if isinstance(note, str) else note
    except (ValueError, SyntaxError):
        sides = None
    if isinstance(sides, list | tuple) and len(sides) == 2 and all(isinstance(n, int) and n > 0 for n in sides):
        return int(sides[0]), int(sides[1])
    return DEFAULT_INPUT_PX, DEFAULT_INPUT_PX


def _names(metadata: Mapping[str, Any], where: str) -> tuple[str, ...] | None:
    note = metadata.get("names")
    if note is None:
        return None
    # An engine's header is JSON, whose keys are text.
    if isinstance(note, dict):
        note = {int(key) if str(key).isdecimal() else key: name for key, name in note.items()}
    return parse_names(note if isinstance(note, str) else repr(note), where=where)
