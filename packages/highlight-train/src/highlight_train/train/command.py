"""``highlight-train train``: from labelled frames to a highlight model and the evidence for it."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from footage.dataset.manifest import content_sha256
from footage.errors import DatasetError, InputError, MissingDependency, ModelError
from footage.runs.directory import RunDirectory
from footage.training.backbones import check_side
from footage.training.checkpoint import find_checkpoint
from footage.training.devices import Device, resolve_device
from footage.training.recipe import Recipe
from highlight_train.prepare.clips import GroupBy, MakeProgress, Tell, identified, labelled_clips
from highlight_train.prepare.manifest import ClipEntry, Dataset, FrameEntry, read_dataset
from highlight_train.preprocess import SIDE_PX
from highlight_train.scoring.sampler import SAMPLES
from highlight_train.train.findings import Findings
from highlight_train.train.fitting import (
    Task,
    epoch_line,
    frame_scores,
    new_classifier,
    train_alone,
    train_in_processes,
)
from highlight_train.train.outputs import write_outputs
from highlight_train.train.pictures import keyframes_of
from highlight_train.train.rows import Frames, frames_of_clips
from highlight_train.train.scores import evaluate
from highlight_train.train.sides import Sides, audited, deal
from highlight_train.train.split_file import SIDES

OUTPUT_FOLDER = "highlight_training"
SMOKE_CLIPS = 6
SMOKE_EPOCHS = 2
FROZEN_EPOCHS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOptions:
    """What to train on, and how.

    Attributes:
        source: the prepared data set (its folder or a file in it), or with ``from_videos`` the ``labels.json``.
        output: the folder for everything written.
        from_videos: learn from the keyframes of the labelled videos, without extracted frames.
        keyframes_per_clip: how many of each, at most.
        group_by: with ``from_videos``: what must stay on one side of the split.
        backbone: any image classifier of torchvision.
        weights: what to start from: ``imagenet`` (downloaded by torchvision), ``none``, or the path of a file.
        epochs: passes over the training frames, at most.
        batch_size: frames a step, over all processes.
        learning_rate: of the head, at its highest; the backbone learns at a tenth of it.
        frozen_epochs: in which only the head is trained; None: 3 with pretrained weights, else 0.
        patience: epochs without a better validation after which training ends.
        multi_gpu: train on all GPUs at once.
        processes: with ``multi_gpu``: how many; None for one a GPU.
        side_px: the side of the square pictures.
        resume: go on with the training in the folder, or fail; without it the same settings go on and others start
            anew.
        device: where to compute.
        jobs: worker processes that decode; None for one a core.
        max_clips: take only so many clips of each class; None for all.
        checkpoint_seconds: how much work a kill may cost.
        seed: of everything random.
    """

    source: Path
    output: Path = Path(OUTPUT_FOLDER)
    from_videos: bool = False
    keyframes_per_clip: int = SAMPLES
    group_by: GroupBy = "folder"
    backbone: str = "resnet18"
    weights: str = "imagenet"
    epochs: int = 50
    batch_size: int = 32
    learning_rate: float = 1e-3
    frozen_epochs: int | None = None
    patience: int = 10
    multi_gpu: bool = False
    processes: int | None = None
    side_px: int = SIDE_PX
    resume: bool = False
    device: str = "auto"
    jobs: int | None = None
    max_clips: int | None = None
    checkpoint_seconds: float = 60.0
    seed: int = 42


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainPlan:
    """What training would do.

    Attributes:
        clips: how many of each side: train, val, test.
        frames: to learn from; with keyframes of videos at most.
        steps: of the optimiser at most.
        backbone: the architecture, and what it starts from.
        device: where it would compute, and why.
        doubts: what limits the result, as far as it can be known before.
    """

    clips: dict[str, int]
    frames: int
    steps: int
    backbone: str
    device: str
    doubts: tuple[str, ...]


def train(options: TrainOptions, *, tell: Tell, make_progress: MakeProgress) -> Findings:
    """Learn from the training clips, choose by the validation clips, look once at the test clips, write everything.

    Killed and called again, it goes on from its last checkpoint and ends with the same model, on a CPU to the last bit.

    Args:
        options: what to train on, and how.
        tell: told what is chosen and what the user should know.
        make_progress: makes the progress display from the number of items and how many are already done; used for the
            reading of videos and for the steps of training.

    Returns:
        What was found; the files are in ``options.output``.

    Raises:
        DatasetError: there is too little to learn from, or the data set is damaged.
        InputError: the output folder cannot be used, or there is nothing to resume.
        ModelError: the weights cannot be used, or the exported model decides otherwise.
        MissingDependency: the device or the ImageNet weights cannot be had.
    """
    _refuse_missing_labels(options)
    device = resolve_device(options.device)
    tell(f"computing on {device.reason}")
    processes = _processes(options, device)
    classifier, start = new_classifier(options.backbone, options.weights, seed=options.seed)
    check_side(classifier, options.backbone, options.side_px)
    tell(f"{options.backbone}, starting from {start}")
    settings = _settings(options, processes)
    with RunDirectory(options.output).open(tool="highlight-train", seed=options.seed, settings=settings) as folder:
        clips, frames = _clips(options, folder, tell, make_progress)
        sides = deal(frames, seed=options.seed)
        task = _task(options, clips, sides, settings, processes)
        pictures = task.pictures()
        doubts = (*sides.doubts, *audited(sides, pictures))
        for doubt in doubts:
            tell(f"warning: {doubt}")
        done = _steps_done(options, task, tell)
        if processes > 1:
            train_in_processes(task, device_type=device.torch.type, processes=processes)
        with make_progress(task.recipe.epochs * task.steps(), done) as progress:
            fitted = train_alone(
                task,
                classifier,
                device=device.torch,
                on_step=lambda step: progress.advance(step - progress.done),
                on_epoch=lambda record: tell(epoch_line(record)),
            )
        tell(f"{fitted.stopped}; the best was epoch {fitted.best_epoch + 1}")
        held_out = sides.frames.of_clips(np.concatenate([sides.val, sides.test]))
        scores = np.zeros(len(sides.frames))
        scores[held_out] = frame_scores(classifier, pictures, held_out, device.torch)
        findings = Findings(
            backbone=options.backbone,
            start=start,
            device=device.reason,
            settings=settings,
            sides=sides,
            skipped=clips.skipped,
            fitted=fitted,
            evaluation=evaluate(sides, scores, pictures, seed=options.seed),
            frame_scores=scores,
            doubts=doubts,
        )
        write_outputs(findings, classifier, pictures, folder, side_px=options.side_px)
        task.checkpoint.unlink()
    return findings


def plan(options: TrainOptions) -> TrainPlan:
    """Read the labels, deal the clips, and say what training would take; nothing is written, no picture is read.

    Raises:
        FootageError: as for :func:`train`.
    """
    device = resolve_device(options.device)
    processes = _processes(options, device)
    if options.from_videos:
        known, _ = identified(labelled_clips(options.source, options.max_clips), options.group_by)
        empty = FrameEntry(file="", seconds=0.0, sha256="")
        entries = [clip.entry(clip.record([empty], duration_seconds=None, sampled="", note=None)) for clip in known]
        sides, per_clip = deal(frames_of_clips(entries, None), seed=options.seed), options.keyframes_per_clip
    else:
        sides, per_clip = deal(_prepared(options)[1], seed=options.seed), 1
    frames = len(sides.frames.of_clips(sides.train)) * per_clip
    recipe = _recipe(options, processes)
    return TrainPlan(
        clips={name: len(sides.side(name)) for name in SIDES},
        frames=frames,
        steps=max(1, round(frames / recipe.batch_size)) * recipe.epochs,
        backbone=f"{options.backbone}, weights: {options.weights}",
        device=device.reason,
        doubts=sides.doubts,
    )


def _processes(options: TrainOptions, device: Device) -> int:
    """How many processes train.

    Raises:
        InputError: this process is already one of several.
        MissingDependency: there is no GPU, and no number was given.
    """
    if not options.multi_gpu:
        return 1
    if "LOCAL_RANK" in os.environ:
        raise InputError("was started by torchrun", where="train", remedy="start it by itself: it starts its processes")
    if options.processes is not None:
        return options.processes
    if not device.name.startswith("cuda"):
        raise MissingDependency(
            f"cannot train on several GPUs on {device.reason}", remedy="train without several GPUs, in one process"
        )
    return torch.cuda.device_count()


def _recipe(options: TrainOptions, processes: int) -> Recipe:
    pretrained = options.weights != "none"
    frozen = options.frozen_epochs if options.frozen_epochs is not None else FROZEN_EPOCHS if pretrained else 0
    return Recipe(
        epochs=options.epochs,
        batch_size=options.batch_size,
        parts=processes,
        learning_rate=options.learning_rate,
        body_factor=0.1 if pretrained else 1.0,
        frozen_epochs=min(frozen, options.epochs),
        frozen_norms=pretrained,
        patience=options.patience,
        seed=options.seed,
    )


def _settings(options: TrainOptions, processes: int) -> dict[str, object]:
    """Everything that decides the result, but for the data."""
    own = options.weights not in {"imagenet", "none"}
    return {
        "backbone": options.backbone,
        "weights": {"sha256": content_sha256(options.weights)} if own else options.weights,
        "frames": f"{options.keyframes_per_clip} keyframes a clip" if options.from_videos else "prepared",
        "group_by": options.group_by if options.from_videos else "as prepared",
        "side_px": options.side_px,
        "max_clips": options.max_clips,
        "recipe": asdict(_recipe(options, processes)),
    }


def _prepared(options: TrainOptions) -> tuple[Dataset, Frames]:
    """A prepared data set, or the first clips of each class of it, and its table."""
    folder = _frames_folder(options)
    there = read_dataset(folder)
    chosen: list[ClipEntry] = []
    for clip in there.clips:
        same = sum(other.is_highlight == clip.is_highlight for other in chosen)
        if options.max_clips is None or same < options.max_clips:
            chosen.append(clip)
    clips = replace(there, clips=tuple(chosen))
    return clips, frames_of_clips(clips.clips, folder)


def _frames_folder(options: TrainOptions) -> Path:
    """The folder of the prepared data set.

    Raises:
        DatasetError: there is nothing of that name.
    """
    if not options.source.exists():
        raise DatasetError("there is no such data set", where=options.source, remedy="prepare one from your labels")
    return options.source if options.source.is_dir() else options.source.parent


def _refuse_missing_labels(options: TrainOptions) -> None:
    """Look whether there is anything to learn from before weights are fetched and a folder is made.

    Raises:
        DatasetError: there are no labels, or no prepared data set.
    """
    if options.from_videos:
        labelled_clips(options.source, options.max_clips)
    else:
        _prepared(options)


def _clips(
    options: TrainOptions, folder: RunDirectory, tell: Tell, make_progress: MakeProgress
) -> tuple[Dataset, Frames]:
    """The clips with their frames; keyframes of videos are read here."""
    if not options.from_videos:
        return _prepared(options)
    known, skipped = identified(labelled_clips(options.source, options.max_clips), options.group_by)
    clips, failed = keyframes_of(
        known,
        folder,
        per_clip=options.keyframes_per_clip,
        side_px=options.side_px,
        jobs=options.jobs,
        tell=tell,
        make_progress=make_progress,
    )
    skipped = [*skipped, *failed]
    for one in skipped:
        tell(f"warning: left out {one.path}: {one.reason}")
    return Dataset(settings={}, clips=tuple(clips), skipped=tuple(skipped)), frames_of_clips(clips, None)


def _task(options: TrainOptions, clips: Dataset, sides: Sides, settings: dict[str, object], processes: int) -> Task:
    return Task(
        run_folder=options.output,
        frames_folder=None if options.from_videos else _frames_folder(options),
        clips=clips,
        train=tuple(sides.train.tolist()),
        val=tuple(sides.val.tolist()),
        backbone=options.backbone,
        weights=options.weights,
        side_px=options.side_px,
        recipe=_recipe(options, processes),
        key={**settings, "data_sha256": sides.frames.sha256(), "split_sha256": sides.sha256()},
        checkpoint_seconds=options.checkpoint_seconds,
    )


def _steps_done(options: TrainOptions, task: Task, tell: Tell) -> int:
    """How far an earlier training in the folder came; one of other settings is removed, and said.

    Raises:
        InputError: a training was to be resumed and there is none, or it is of other settings.
        ModelError: there is a file of the checkpoint's name that is none.
    """
    try:
        earlier = find_checkpoint(task.checkpoint, key=task.key)
    except (InputError, ModelError) as error:
        if options.resume:
            raise
        tell(f"starting anew: {error.what}")
        task.checkpoint.unlink()
        return 0
    if earlier is None:
        if options.resume:
            raise InputError(
                "holds no unfinished training", where=options.output, remedy="start one without asking to resume"
            )
        return 0
    tell(f"going on in epoch {min(earlier.epoch + 1, task.recipe.epochs)}, after {earlier.step} steps of it")
    return earlier.epoch * task.steps() + earlier.step
