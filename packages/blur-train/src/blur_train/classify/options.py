"""What ``classify`` is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from blur_train.classifier import MODEL_FOLDER
from blur_train.decision import Preset


class Sidecars(StrEnum):
    """Files of their own, one a photo, that carry its answer."""

    NONE = "none"
    JSON = "json"
    XMP = "xmp"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifyOptions:
    """What to classify, and how.

    Attributes:
        photos: files, folders and globs.
        model: the folder of an exported classifier, or its ``.onnx`` file.
        output: the folder for everything written.
        preset: how readily a photo is called blurred.
        sidecars: which kind, if any.
        beside: lay sidecars beside the photos instead of into the output folder.
        jobs: worker processes; None for one a processor.
        device: where the model runs.
        most_photos: take so many only; None for all.
    """

    photos: tuple[Path, ...]
    model: Path = MODEL_FOLDER
    output: Path = Path("blur_answers")
    preset: Preset = Preset.MODERATE
    sidecars: Sidecars = Sidecars.NONE
    beside: bool = False
    jobs: int | None = None
    device: str = "cpu"
    most_photos: int | None = None
