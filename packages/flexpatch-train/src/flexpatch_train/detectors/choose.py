"""Which detector runs, and why."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from flexpatch_train.detectors.protocol import Detector
from footage.errors import MissingDependency, ModelError

DetectorKind = Literal["auto", "onnx", "ultralytics", "tensorrt", "mot", "motion"]

_KIND_BY_SUFFIX: dict[str, DetectorKind] = {
    ".onnx": "onnx",
    ".pt": "ultralytics",
    ".engine": "tensorrt",
    ".txt": "mot",
}
_SUFFIX_BY_KIND = {kind: suffix for suffix, kind in _KIND_BY_SUFFIX.items()}
_LYING_ABOUT = "yolo*.onnx"
_DEVICES: dict[DetectorKind, re.Pattern[str]] = {
    "onnx": re.compile(r"auto|cpu|cuda(:\d+)?"),
    "ultralytics": re.compile(r"auto|cpu|mps|cuda(:\d+)?"),
    "tensorrt": re.compile(r"auto|cpu|cuda(:\d+)?"),  # its own module says that it needs a GPU
    "mot": re.compile(r"auto|cpu"),
    "motion": re.compile(r"auto|cpu"),
}


def choose_detector(
    kind: DetectorKind,
    *,
    video: Path,
    weights: Path | None = None,
    confidence: float = 0.25,
    nms_iou: float = 0.45,
    classes: tuple[str, ...] | None = None,
    device: str = "auto",
) -> tuple[Detector, str]:
    """Open a detector and say which one and why.

    ``auto`` takes, in this order: what the weights' suffix names; ``det/det.txt`` in the video's folder; a
    ``yolo*.onnx`` in the video's folder or the current one; motion. Formats that run code of their own (``.pt``,
    ``.engine``) are only opened when they are named.

    Args:
        kind: the kind asked for, or ``auto``.
        video: the video, beside which files are looked for.
        weights: the detector's file; None where none was given.
        confidence: detections that score less are dropped, in [0, 1].
        nms_iou: overlap above which the lesser of two boxes of a class is dropped, in [0, 1].
        classes: names of the classes to keep; None for all.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``; not every kind can use every one.

    Returns:
        The detector, and one sentence part such as ``motion: no weights were given and none lie beside the video``.

    Raises:
        ModelError: the weights are missing, do not fit the kind, or are needed and neither given nor found.
        MissingDependency: what the kind needs is not installed, or it cannot compute on the device.
    """
    if weights is not None:
        chosen, path, why = _from_weights(kind, weights)
    elif kind == "auto":
        chosen, path, why = _from_surroundings(video)
    else:
        chosen, path, why = _from_kind(kind, video)
    if not _DEVICES[chosen].fullmatch(device):
        raise MissingDependency(
            f"the detector {chosen} cannot compute on {device}", remedy="compute on the CPU or take another detector"
        )
    detector = _open(chosen, path, confidence=confidence, nms_iou=nms_iou, classes=classes, device=device)
    return detector, f"{chosen}: {why}"


def _from_weights(kind: DetectorKind, weights: Path) -> tuple[DetectorKind, Path | None, str]:
    by_suffix = _KIND_BY_SUFFIX.get(weights.suffix.lower())
    if kind == "motion":
        raise ModelError("motion takes no weights", where=weights, remedy="leave the weights out, or the detector")
    if by_suffix is None:
        raise ModelError(
            f"cannot tell a detector from the suffix {weights.suffix!r}",
            where=weights,
            remedy=f"give one of {', '.join(_KIND_BY_SUFFIX)}",
        )
    if kind == "tensorrt" and by_suffix == "onnx":
        by_suffix = kind  # an engine is built of it
    if kind not in {"auto", by_suffix}:
        raise ModelError(
            f"is no file for the detector {kind}", where=weights, remedy=f"give a {_SUFFIX_BY_KIND[kind]} file"
        )
    if not weights.is_file():
        raise ModelError("there is no such file", where=weights)
    return by_suffix, weights, f"{weights.name} was given"


def _from_surroundings(video: Path) -> tuple[DetectorKind, Path | None, str]:
    detections = _detections_beside(video)
    if detections is not None:
        return "mot", detections, "det/det.txt lies beside the video"
    found = _network_nearby(video)
    if found is not None:
        return "onnx", *found
    return "motion", None, "no weights were given and none lie beside the video"


def _from_kind(kind: DetectorKind, video: Path) -> tuple[DetectorKind, Path | None, str]:
    if kind == "motion":
        return kind, None, "it was asked for"
    if kind == "mot":
        detections = _detections_beside(video)
        if detections is not None:
            return kind, detections, "it was asked for, and det/det.txt lies beside the video"
    if kind == "onnx":
        found = _network_nearby(video)
        if found is not None:
            return kind, found[0], f"it was asked for, and {found[1]}"
    raise ModelError(
        f"the detector {kind} needs a {_SUFFIX_BY_KIND[kind]} file and none was given", remedy="give its weights"
    )


def _detections_beside(video: Path) -> Path | None:
    path = video.parent / "det" / "det.txt"
    return path if path.is_file() else None


def _network_nearby(video: Path) -> tuple[Path, str] | None:
    """The first ``yolo*.onnx`` by name in the video's folder, else in the current one, and how it was found."""
    for folder, place in ((video.parent, "the video's folder"), (Path(), "the current folder")):
        names = sorted(path for path in folder.glob(_LYING_ABOUT) if path.is_file())
        if names:
            among = "" if len(names) == 1 else f", the first of {len(names)}"
            return names[0], f"{names[0].name} lies in {place}{among}"
    return None


def _open(
    kind: DetectorKind,
    path: Path | None,
    *,
    confidence: float,
    nms_iou: float,
    classes: tuple[str, ...] | None,
    device: str,
) -> Detector:
    # Each of these loads its own heavy library.
    if path is None:
        from flexpatch_train.detectors.motion import MotionDetector

        return MotionDetector(confidence=confidence, classes=classes)
    if kind == "mot":
        from flexpatch_train.detectors.mot import MotDetector

        return MotDetector(path, confidence=confidence, classes=classes)
    if kind == "onnx":
        from flexpatch_train.detectors.onnx import OnnxDetector

        return OnnxDetector(path, confidence=confidence, nms_iou=nms_iou, classes=classes, device=device)
    if kind == "tensorrt":
        from flexpatch_train.detectors.tensorrt import TensorRTDetector

        return TensorRTDetector(path, confidence=confidence, nms_iou=nms_iou, classes=classes, device=device)
    from flexpatch_train.detectors.ultralytics import UltralyticsDetector

    return UltralyticsDetector(path, confidence=confidence, nms_iou=nms_iou, classes=classes, device=device)
