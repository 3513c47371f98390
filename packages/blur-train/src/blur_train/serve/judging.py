"""One photo's bytes to its answer: what the single route, batches in this process and workers all do."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from blur_train.classes import BlurClass
from blur_train.classifier import BlurClassifier
from blur_train.decision import Preset
from blur_train.photos import PhotoLimits, read_photo
from blur_train.serve.answers import BlurType, Crop, Dimensions, FullAnswer, TargetedAnswer
from blur_train.serve.options import Limits
from footage.errors import FootageError, ModelError

RETRY_SECONDS = 5.0
"""How long a model that could not be opened is not tried again."""


class ModelHolder:
    """A model that may come later than the server: opened when it is first asked for. Threads may share it."""

    def __init__(self, path: Path, *, device: str = "cpu") -> None:
        """Say which model.

        Args:
            path: its folder or file.
            device: where it runs.
        """
        self._path = path
        self._device = device
        self._lock = threading.Lock()
        self._opened: BlurClassifier | None = None
        self._refused: FootageError | None = None
        self._refused_at = 0.0

    def get(self) -> BlurClassifier:
        """The opened model.

        Raises:
            FootageError: it cannot be opened; asked again within seconds, the reason is given without another try.
        """
        opened = self._opened
        if opened is not None:
            return opened
        with self._lock:
            return self._opened or self._open()

    def _open(self) -> BlurClassifier:
        if self._refused is not None and time.monotonic() - self._refused_at < RETRY_SECONDS:
            raise self._refused
        try:
            self._opened = BlurClassifier.open(self._path, device=self._device, threads=1)
        except OSError as error:
            self._refused = ModelError(f"cannot be read ({error.strerror or error})", where=self._path)
        except FootageError as error:
            self._refused = error
        else:
            return self._opened
        self._refused_at = time.monotonic()
        raise self._refused


def photo_limits(limits: Limits) -> PhotoLimits:
    """What is refused of a photo."""
    return PhotoLimits(max_bytes=limits.max_bytes, max_pixels=limits.max_pixels, min_side_px=limits.min_side_px)


def judge(
    source: bytes | Path, model: ModelHolder, limits: Limits, *, blur_type: BlurType | None, preset: Preset
) -> FullAnswer | TargetedAnswer:
    """Read a photo and decide.

    Args:
        source: a photo's bytes, or the file of one.
        model: to decide with.
        limits: what to refuse.
        blur_type: ask for this type only; None for the full answer.
        preset: how readily a photo is called blurred.

    Raises:
        PhotoError: the photo cannot be used.
        ModelError: the model cannot be opened, or failed.
    """
    classifier = model.get()
    started = time.perf_counter()
    photo = read_photo(source, limits=photo_limits(limits), luma=classifier.by_luma)
    (decision,) = classifier.decide([classifier.evidence(photo.image)], preset)
    crop = decision.deciding_crop
    deciding_crop = None if crop is None else Crop(x0=crop[0], y0=crop[1], x1=crop[2], y1=crop[3])
    dimensions = Dimensions(width=photo.width, height=photo.height)
    elapsed_ms = round(1000 * (time.perf_counter() - started), 3)
    predicted = BlurClass(decision.predicted_class)
    if blur_type is None:
        return FullAnswer(
            predicted_class=predicted,
            confidence=decision.confidence,
            probabilities=decision.probabilities,
            detected=decision.detected,
            deciding_crop=deciding_crop,
            image_dimensions=dimensions,
            processing_time_ms=elapsed_ms,
        )
    return TargetedAnswer(
        blur_type=blur_type,
        detected=decision.detected[blur_type.value],
        confidence=decision.confidence,
        predicted_class=predicted,
        blur_type_probability=decision.probabilities[blur_type.value],
        deciding_crop=deciding_crop,
        image_dimensions=dimensions,
        processing_time_ms=elapsed_ms,
    )
