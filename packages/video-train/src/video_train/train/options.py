"""What to train on, and how."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from footage.training.augmentation import Augmentation
from footage.training.clips import ClipSampling
from video_train.networks.distilling import Distillation

OUTPUT_FOLDER = "video_training"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOptions:
    """What to train on, and how.

    Attributes:
        video_dir: folder of videos.
        annotations: JSON list of labels; None for the folders' names or the pattern.
        pattern: of file names, such as ``{id}_{label}``.
        output: the folder for everything written.
        student: architecture of what is made.
        student_weights: what it starts from: ``imagenet``, ``none``, or the path of a file.
        teacher: architecture of what it learns from besides.
        teacher_weights: what the teacher starts from.
        teacher_run: folder of an earlier training whose model is the teacher; it is checked, not trained.
        distill: whether to learn from a teacher.
        distillation: how much from what.
        compare: seeds to train with and without the teacher on the same budget; 0 to train once.
        sampling: of clips.
        windows: clips at even times of every held-out video.
        views: random clips stored of each video to learn from; 0 to decode anew in every epoch.
        augmentation: of clips to learn from.
        epochs: passes over the videos, at most.
        batch_size: clips a step, over all processes.
        learning_rate: of the head, at its highest; a pretrained body learns at a tenth of it.
        patience: epochs without a better validation after which training ends.
        multi_gpu: train on all GPUs at once.
        processes: with ``multi_gpu``: how many; None for one a GPU.
        resume: go on with the training in the folder, or fail.
        device: where to compute.
        jobs: worker processes that decode; None for one a core.
        max_events: take only so many events of each class; None for all.
        checkpoint_seconds: how much work a kill may cost.
        seed: of everything random.
    """

    video_dir: Path
    annotations: Path | None = None
    pattern: str | None = None
    output: Path = Path(OUTPUT_FOLDER)
    student: str = "mobilenet_v3_small"
    student_weights: str = "imagenet"
    teacher: str = "resnet50"
    teacher_weights: str = "imagenet"
    teacher_run: Path | None = None
    distill: bool = True
    distillation: Distillation = field(default_factory=Distillation)
    compare: int = 0
    sampling: ClipSampling = field(default_factory=ClipSampling)
    windows: int = 1
    views: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)
    epochs: int = 10
    batch_size: int = 8
    learning_rate: float = 5e-5
    patience: int = 10
    multi_gpu: bool = False
    processes: int | None = None
    resume: bool = False
    device: str = "auto"
    jobs: int | None = None
    max_events: int | None = None
    checkpoint_seconds: float = 60.0
    seed: int = 42
