"""One training from the first decoded clip to the networks that are kept."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from footage.dataset.discover import Skipped
from footage.dataset.manifest import content_sha256
from footage.errors import GateNotMet, InputError, MissingDependency, ModelError
from footage.training.checkpoint import find_checkpoint, load_checkpoint
from footage.training.devices import Device
from footage.training.loop import Fitted
from footage.training.recipe import Recipe
from footage.training.weights import StateDict, save_state_dict
from video_train.catalogue.events import events_sha256
from video_train.catalogue.sides import Sides, overlapping
from video_train.measure import Measured, consistency, difference, fused, measured
from video_train.model import TrainedModel, read_model
from video_train.networks.clips import ClipNetwork, check_size
from video_train.train.findings import Comparison, Trained
from video_train.train.fitting import (
    Task,
    Teacher,
    epoch_line,
    kept_weights,
    new_network,
    train_alone,
    train_in_processes,
)
from video_train.train.options import TrainOptions
from video_train.train.rows import Answers, MakeProgress, Row, Tell, answers_of, store_clips

TEACHER_FOLDER = "teacher"
COMPARE_FOLDER = "compare"
CHECKPOINT_FILE = "checkpoint.pth"
TEACHER_FILE = "teacher.pt"
_FROZEN_EPOCHS = 1


class Session:
    """What the networks of one training share.

    Attributes:
        sides: the parts of videos whose clips could be decoded.
        rows: their clips.
    """

    def __init__(
        self,
        options: TrainOptions,
        device: Device,
        *,
        processes: int,
        tell: Tell,
        make_progress: MakeProgress,
    ) -> None:
        self._options, self._device, self._processes = options, device, processes
        self._tell, self._make_progress = tell, make_progress
        self._checkpoints: list[Path] = []
        self.sides: Sides
        self.rows: list[Row]

    def read(self, sides: Sides) -> list[Skipped]:
        """Decode the clips that are looked at again; returns what could not be.

        Raises:
            InputError: a training was to be resumed and there is none.
        """
        options = self._options
        if options.resume and not any(options.output.rglob(CHECKPOINT_FILE)):
            raise InputError(
                "holds no unfinished training", where=options.output, remedy="start one without asking to resume"
            )
        self.sides, self.rows, failed = store_clips(
            sides,
            options.output,
            sampling=options.sampling,
            windows=options.windows,
            views=options.views,
            seed=options.seed,
            jobs=options.jobs,
            make_progress=self._make_progress,
        )
        for one in failed:
            self._tell(f"warning: left out {one.path}: {one.reason}")
        return failed

    def side_rows(self, side: str) -> list[Row]:
        """The parts on a side."""
        return [self.rows[number] for number in self.sides.rows(side).tolist()]

    @property
    def test_events(self) -> NDArray[np.intp]:
        """The events on the test side, each once."""
        return np.unique(self.sides.event_of[self.sides.rows("test")])

    def teacher(self) -> tuple[Teacher, Trained]:
        """A teacher that has shown on validation that it has something to teach.

        Raises:
            GateNotMet: it is not shown to be better than always naming the most frequent class.
            ModelError: the earlier training's model cannot be used here.
        """
        options = self._options
        if options.teacher_run is not None:
            model = read_model(options.teacher_run)
            self._check_teacher(model)
            network, start, fitted, final = model.network, f"the training in {options.teacher_run}", None, None
        else:
            name, where = options.teacher, options.output / TEACHER_FOLDER
            self._tell(f"the teacher first: {name}")
            network, start, fitted, final = self._fit(name, options.teacher_weights, where, options.seed, None)
        weights = options.output / TEACHER_FILE
        save_state_dict(network, weights)
        gate = self._measured(network, "val")[0]
        if not gate.beats_chance:
            raise GateNotMet(
                f"the teacher ({network.name}) is not shown to be better than chance: accuracy on validation "
                f"{gate.accuracy.text()}, always naming the most frequent class {gate.chance:.2f}",
                remedy="train it longer or on more videos, choose another, or train without a teacher",
            )
        self._tell(f"the teacher's accuracy on validation: {gate.accuracy.text()}; chance {gate.chance:.2f}")
        teacher = Teacher(name=network.name, weights=weights, distillation=options.distillation)
        return teacher, self._trained(network, start, fitted, final)

    def students(self, teacher: tuple[Teacher, Trained] | None) -> tuple[Comparison | None, Trained, ClipNetwork]:
        """The student that is kept, and how students with and without the teacher compare where that was asked for."""
        options, taught_by = self._options, None if teacher is None else teacher[0]
        weights = options.student_weights
        network, start, fitted, final = self._fit(options.student, weights, options.output, options.seed, taught_by)
        kept = self._trained(network, start, fitted, final)
        if not options.compare or taught_by is None:
            return None, kept, network
        hits: dict[bool, list[NDArray[np.bool_]]] = {True: [self._hits(kept)], False: []}
        seeds = tuple(range(options.seed, options.seed + options.compare))
        for seed in seeds:
            for with_teacher in (True, False):
                if with_teacher and seed == options.seed:
                    continue
                words = "taught" if with_teacher else "alone"
                self._tell(f"to compare: a student {words}, seed {seed}")
                where = options.output / COMPARE_FOLDER / f"{words}-{seed}"
                other = self._fit(options.student, weights, where, seed, taught_by if with_teacher else None)
                hits[with_teacher].append(self._hits(self._trained(*other)))
        taught, alone = np.array(hits[True], float), np.array(hits[False], float)
        spread = (taught.mean(1) - alone.mean(1)).std(ddof=1) if len(seeds) > 1 else None
        comparison = Comparison(
            seeds=seeds,
            taught=tuple(taught.mean(1).tolist()),
            alone=tuple(alone.mean(1).tolist()),
            difference=difference(taught, alone, self._test_groups(), seed=options.seed),
            over_seeds=None if spread is None else float(spread),
        )
        return comparison, kept, network

    def tidy(self) -> None:
        """Remove the states of trainings that are over."""
        for checkpoint in self._checkpoints:
            checkpoint.unlink(missing_ok=True)

    def _fit(
        self, name: str, weights: str, where: Path, seed: int, teacher: Teacher | None
    ) -> tuple[ClipNetwork, str, Fitted, StateDict]:
        """Train one network, or go on where that stopped."""
        options = self._options
        where.mkdir(parents=True, exist_ok=True)
        network, start = new_network(name, weights, len(self.sides.classes), seed=seed)
        check_size(network, options.sampling.frames, options.sampling.size_px)
        self._tell(f"{name}, starting from {start}")
        task = self._task(name, weights, where / CHECKPOINT_FILE, seed, teacher)
        self._checkpoints.append(task.checkpoint)
        steps = max(1, round(len(task.train) / task.recipe.batch_size))
        done = self._steps_done(task, steps)
        if self._processes > 1:
            train_in_processes(task, device_type=self._device.torch.type, processes=self._processes)
        with self._make_progress(task.recipe.epochs * steps, done) as progress:
            trained, fitted = train_alone(
                task,
                device=self._device.torch,
                on_step=lambda step: progress.advance(step - progress.done),
                on_epoch=lambda record: self._tell(epoch_line(record)),
            )
        self._tell(f"{fitted.stopped}; the best was epoch {fitted.best_epoch + 1}")
        final = kept_weights(trained, load_checkpoint(task.checkpoint, key=task.key).network)
        return trained, start, fitted, final

    def _task(self, name: str, weights: str, checkpoint: Path, seed: int, teacher: Teacher | None) -> Task:
        options, train = self._options, self.sides.rows("train")
        pretrained = weights != "none"
        recipe = Recipe(
            epochs=options.epochs,
            batch_size=options.batch_size,
            epoch_items=len(train),
            parts=self._processes,
            learning_rate=options.learning_rate,
            frozen_epochs=min(_FROZEN_EPOCHS, options.epochs) if pretrained else 0,
            body_factor=0.1 if pretrained else 1.0,
            frozen_norms=pretrained,
            patience=options.patience,
            seed=seed,
        )
        key: dict[str, Any] = {
            **settings_of(options, self._processes),
            "network": name,
            "starts_from": _identity(weights),
            "recipe": asdict(recipe),
            "data_sha256": events_sha256(self.sides.events),
            "split_sha256": self.sides.sha256(),
            "taught_by": None if teacher is None else content_sha256(teacher.weights),
        }
        return Task(
            checkpoint=checkpoint,
            name=name,
            weights=weights,
            classes=len(self.sides.classes),
            train=tuple(self.rows[number] for number in train.tolist()),
            val=tuple(self.side_rows("val")),
            events=tuple(self.sides.event_of[train].tolist()),
            sampling=options.sampling,
            augmentation=options.augmentation,
            views=options.views,
            recipe=recipe,
            key=key,
            teacher=teacher,
            checkpoint_seconds=options.checkpoint_seconds,
        )

    def _steps_done(self, task: Task, steps: int) -> int:
        """How far an earlier training in the folder came; one of other settings is removed, and said.

        Raises:
            InputError: a training was to be resumed and it is of other settings.
        """
        try:
            earlier = find_checkpoint(task.checkpoint, key=task.key)
        except (InputError, ModelError) as error:
            if self._options.resume:
                raise
            self._tell(f"starting anew: {error.what}")
            task.checkpoint.unlink()
            return 0
        if earlier is None:
            return 0
        self._tell(f"going on in epoch {min(earlier.epoch + 1, task.recipe.epochs)}, after {earlier.step} steps of it")
        return earlier.epoch * steps + earlier.step

    def _trained(self, network: ClipNetwork, start: str, fitted: Fitted | None, final: StateDict | None) -> Trained:
        """A network with what it says of the test side."""
        found, answers, logits = self._measured(network, "test")
        return Trained(
            name=network.name,
            start=start,
            fitted=fitted,
            final=final,
            logits=logits,
            measured=found,
            consistency=consistency(answers.clips),
        )

    def _measured(self, network: ClipNetwork, side: str) -> tuple[Measured, Answers, NDArray[np.float64]]:
        rows = self.sides.rows(side)
        answers = answers_of(network.to(self._device.torch), self.side_rows(side), self._device.torch, windows=None)
        events, logits = fused(answers.logits, self.sides.event_of[rows])
        labels = np.array([self.sides.classes.index(self.sides.events[event].event.label) for event in events])
        groups = np.array([self.sides.events[event].group for event in events])
        learned = np.bincount(self.sides.labels[self.sides.rows("train")], minlength=len(self.sides.classes))
        found = measured(
            labels,
            logits.argmax(1),
            groups,
            frequent=int(learned.argmax()),
            classes=len(self.sides.classes),
            seed=self._options.seed,
        )
        return found, answers, logits

    def _hits(self, trained: Trained) -> NDArray[np.bool_]:
        labels = [self.sides.classes.index(self.sides.events[event].event.label) for event in self.test_events]
        return np.asarray(trained.logits.argmax(1) == np.array(labels))

    def _test_groups(self) -> NDArray[np.str_]:
        return np.array([self.sides.events[event].group for event in self.test_events])

    def _check_teacher(self, model: TrainedModel) -> None:
        mine = (self.sides.classes, self._options.sampling.frames, self._options.sampling.size_px)
        theirs = (model.classes, model.sampling.frames, model.sampling.size_px)
        seen = overlapping(self.sides.spans("val", "test"), model.learned_from)
        if seen:
            raise ModelError(
                f"learned from {seen} of the videos that are held out here",
                where=self._options.teacher_run,
                remedy="train the teacher here, or with the same videos and seed",
            )
        for what, here, there in zip(("classes", "frames of a clip", "size"), mine, theirs, strict=True):
            if here != there:
                raise ModelError(
                    f"was trained with other {what}: {there}, here {here}",
                    where=self._options.teacher_run,
                    remedy="train with the same, or choose another teacher",
                )


def processes_of(options: TrainOptions, device: Device) -> int:
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


def settings_of(options: TrainOptions, processes: int) -> dict[str, object]:
    """Everything that decides the result, but for the data."""
    return {
        "student": options.student,
        "student_weights": _identity(options.student_weights),
        "teacher": teacher_words(options) if options.distill else None,
        "distillation": asdict(options.distillation) if options.distill else None,
        "compare": options.compare,
        "sampling": asdict(options.sampling),
        "windows": options.windows,
        "views": options.views,
        "augmentation": asdict(options.augmentation),
        "epochs": options.epochs,
        "batch_size": options.batch_size,
        "learning_rate": options.learning_rate,
        "patience": options.patience,
        "processes": processes,
        "max_events": options.max_events,
    }


def teacher_words(options: TrainOptions) -> str:
    """The teacher in words."""
    if options.teacher_run is not None:
        return f"the model in {options.teacher_run}"
    return f"{options.teacher}, starting from {_identity(options.teacher_weights)}"


def _identity(weights: str) -> str:
    """What weights are, wherever their file lies."""
    return weights if weights in {"imagenet", "none"} else f"file of sha256 {content_sha256(weights)}"
