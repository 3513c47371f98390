"""What to measure, and on what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

OUTPUT_FOLDER = "video_evaluation"
SMOKE_EVENTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateOptions:
    """What to measure, and on what.

    Attributes:
        model: the folder of a training, its ``model.onnx`` or its ``best_student.pt``.
        video_dir: folder of videos.
        annotations: JSON list of labels; None for the folders' names or the pattern.
        pattern: of file names, such as ``{id}_{label}``.
        teacher: a second model to compare with; None for the one that taught this, where its weights lie beside it.
        output: the folder for everything written.
        windows: clips of every video; None for as many as in training.
        count_seen: whether videos that training saw are measured too.
        jobs: worker processes that decode; None for one a core.
        device: where models compute.
        seed: of resamples and of the other order of frames.
        max_events: take only so many events of each class; None for all.
    """

    model: Path
    video_dir: Path
    annotations: Path | None = None
    pattern: str | None = None
    teacher: Path | None = None
    output: Path = Path(OUTPUT_FOLDER)
    windows: int | None = None
    count_seen: bool = False
    jobs: int | None = None
    device: str = "auto"
    seed: int = 42
    max_events: int | None = None
