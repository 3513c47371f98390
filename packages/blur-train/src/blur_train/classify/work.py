"""What a worker process does with one photo, and the row that comes of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2

from blur_train.classes import BLUR_TYPES, CLASSES
from blur_train.classifier import BlurClassifier
from blur_train.decision import Preset
from blur_train.photos import PhotoError, read_photo
from footage.errors import ModelError


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A photo to judge, and what with.

    Attributes:
        path: of the photo.
        size: of the file in bytes.
        modified_ns: when it was last changed.
        model: the model file.
        model_sha256: of it.
        preset: how readily a photo is called blurred.
        device: where the model runs.
    """

    path: Path
    size: int
    modified_ns: int
    model: Path
    model_sha256: str
    preset: Preset
    device: str

    @property
    def state(self) -> tuple[str, int, int]:
        """The photo as it is now; a file that changed is judged again."""
        return os.fspath(self.path), self.size, self.modified_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A photo's answer, or why it has none.

    Attributes:
        path: of the photo.
        predicted_class: the answer; None where there is none.
        confidence: the probability of that class.
        probabilities: by class.
        detected: the definite answer by blur type.
        deciding_crop: the part that spoke most for it, xyxy pixels of the upright photo.
        width: of the upright photo, in pixels.
        height: likewise.
        camera: by its EXIF.
        taken: when, by its EXIF, in the camera's time.
        problem: the kind of problem, where there is no answer.
        error: the problem in words.
    """

    path: Path
    predicted_class: str | None = None
    confidence: float | None = None
    probabilities: Mapping[str, float] | None = None
    detected: Mapping[str, bool] | None = None
    deciding_crop: tuple[int, int, int, int] | None = None
    width: int | None = None
    height: int | None = None
    camera: str | None = None
    taken: str | None = None
    problem: str | None = None
    error: str | None = None


def judge_photo(task: Task) -> Row:
    """Read a photo and decide.

    Raises:
        ModelError: the model cannot be opened, is another one by now, or failed.
    """
    classifier = _opened(task.model, task.model_sha256, task.device)
    try:
        photo = read_photo(task.path, luma=classifier.by_luma)
    except PhotoError as error:
        return Row(path=task.path, problem=error.problem.value, error=error.what)
    (decision,) = classifier.decide([classifier.evidence(photo.image)], task.preset)
    return Row(
        path=task.path,
        predicted_class=decision.predicted_class,
        confidence=decision.confidence,
        probabilities=decision.probabilities,
        detected=decision.detected,
        deciding_crop=decision.deciding_crop,
        width=photo.width,
        height=photo.height,
        camera=photo.camera,
        taken=None if photo.taken is None else photo.taken.isoformat(),
    )


def row_of(kept: Mapping[str, Any]) -> Row:
    """A row from a journal's record of it."""
    crop = kept["deciding_crop"]
    return Row(
        **{
            **kept,
            "path": Path(kept["path"]),
            "probabilities": None if kept["probabilities"] is None else {n: kept["probabilities"][n] for n in CLASSES},
            "detected": None if kept["detected"] is None else {name: kept["detected"][name] for name in BLUR_TYPES},
            "deciding_crop": None if crop is None else tuple(crop),
        }
    )


@lru_cache(maxsize=1)
def _opened(model: Path, sha256: str, device: str) -> BlurClassifier:
    """The model, opened once a process."""
    cv2.setNumThreads(1)  # processes share the processors: threads inside them would only wait for each other
    classifier = BlurClassifier.open(model, device=device, threads=1)
    if classifier.manifest.model_sha256 != sha256:
        raise ModelError("was replaced while photos were judged with it", where=model, remedy="run the command again")
    return classifier
