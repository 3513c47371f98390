"""Training itself: alone in this process, or as one of several processes that torch starts.

``python -m video_train.train.fitting TASK.json`` is what each of several processes runs.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name every reader of torch code expects
from numpy.typing import NDArray
from torch import nn

from footage.cli.console import talk
from footage.errors import FootageError
from footage.runs.files import atomic_write_json
from footage.training.augmentation import Augmentation
from footage.training.batches import Examples
from footage.training.checkpoint import EpochRecord
from footage.training.clips import ClipSampling, LiveClips, StoredClips
from footage.training.loop import Fitted, Validation, classification_loss, fit
from footage.training.network import HeadedNetwork
from footage.training.randomness import seed_torch_at
from footage.training.recipe import Recipe
from footage.training.team import ALONE, Team, joined, run_team
from footage.training.weights import StateDict
from video_train.networks.clips import ClipNetwork, build_network, load_pretrained, read_network
from video_train.networks.distilling import Distillation, Student, from_answers, from_teacher
from video_train.train.rows import Row, answers_of, teacher_answers

TASK_FILE = "task.json"
_INITIAL = 12
_TRAIN_CHECKED = 200
"""At most so many parts of the training side are looked at to tell the accuracy on them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Teacher:
    """A trained network to learn from.

    Attributes:
        name: its architecture.
        weights: the file of its weights.
        distillation: how much is learned from what.
    """

    name: str
    weights: Path
    distillation: Distillation


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """All that a process needs in order to train a network.

    Attributes:
        checkpoint: the file of the training's state.
        name: the architecture.
        weights: what to start from: ``imagenet``, ``none``, or the path of a file.
        classes: how many.
        train: what to learn from.
        val: what chooses the epoch.
        events: of every row to learn from, its event; cameras of one event share its weight.
        sampling: of clips.
        augmentation: of clips to learn from.
        views: stored random clips of each row to learn from; 0 to decode anew in every epoch.
        recipe: how to train.
        key: everything that decides the result.
        teacher: whom to learn from besides; None for the labels alone.
        checkpoint_seconds: how much work a kill may cost.
    """

    checkpoint: Path
    name: str
    weights: str
    classes: int
    train: tuple[Row, ...]
    val: tuple[Row, ...]
    events: tuple[int, ...]
    sampling: ClipSampling
    augmentation: Augmentation
    views: int
    recipe: Recipe
    key: dict[str, Any]
    teacher: Teacher | None
    checkpoint_seconds: float

    def examples(self) -> LiveClips | StoredClips:
        """What is learned from: every class alike, and within a class every event."""
        labels = np.array([row.video.label for row in self.train], np.int64)
        weights = balanced(labels, np.array(self.events))
        if not self.views:
            return LiveClips([row.video for row in self.train], weights, self.sampling, self.augmentation)
        return StoredClips(
            labels=np.repeat(labels, self.views),
            weights=np.repeat(weights, self.views),
            files=[row.file for row in self.train for _ in range(self.views)],
            places=np.tile(np.arange(1, self.views + 1), len(self.train)),
            sampling=self.sampling,
            augmentation=self.augmentation,
        )


def balanced(labels: NDArray[np.int64], events: NDArray[np.intp]) -> NDArray[np.float64]:
    """Weights that give every class the same sum, and within a class every event."""
    rows_of = Counter(zip(labels.tolist(), events.tolist(), strict=True))
    events_of = Counter(label for label, _ in rows_of)
    return np.array(
        [
            1 / (events_of[label] * rows_of[label, event])
            for label, event in zip(labels.tolist(), events.tolist(), strict=True)
        ]
    )


def new_network(name: str, weights: str, classes: int, *, seed: int) -> tuple[ClipNetwork, str]:
    """A network to be trained, and what it starts from, in words.

    Raises:
        FootageError: as ``build_network`` and ``load_pretrained``.
    """
    seed_torch_at(seed, _INITIAL)
    network = build_network(name, classes)
    if weights == "none":
        return network, "random weights"
    return network, load_pretrained(network, None if weights == "imagenet" else Path(weights))


def train_alone(
    task: Task,
    *,
    device: torch.device,
    on_step: Callable[[int], None],
    on_epoch: Callable[[EpochRecord], None],
    team: Team = ALONE,
) -> tuple[ClipNetwork, Fitted]:
    """Train in this process, which may be one of a team; go on from the checkpoint where there is one.

    Returns:
        The network with the weights of its best epoch, and how training went.

    Raises:
        FootageError: as ``footage.training.loop.fit``.
    """
    network, _ = new_network(task.name, task.weights, task.classes, seed=task.recipe.seed)
    examples = task.examples()
    learner, criterion = _taught(task, network, examples, device)
    checked = task.train[:: max(1, len(task.train) // _TRAIN_CHECKED)]

    def validate(judged: nn.Module) -> Validation:
        loss, right = _judged(judged, task.val, device)
        return Validation(right, loss, {"train_accuracy": _judged(judged, checked, device)[1]})

    fitted = fit(
        learner,
        examples,
        validate,
        task.recipe,
        device=device,
        checkpoint=task.checkpoint,
        key=task.key,
        team=team,
        criterion=criterion,
        checkpoint_seconds=task.checkpoint_seconds,
        on_step=on_step,
        on_epoch=on_epoch,
    )
    return network.eval(), fitted


def _taught(
    task: Task, network: ClipNetwork, examples: Examples, device: torch.device
) -> tuple[HeadedNetwork, Callable[[Any, Any], torch.Tensor]]:
    """What learns, and by which loss."""
    if task.teacher is None:
        return network, classification_loss
    teacher = read_network(task.teacher.name, task.classes, task.teacher.weights)
    learner = Student(network, teacher.top.width)
    if isinstance(examples, StoredClips):
        answers = teacher_answers(teacher, examples.clip, len(examples.labels), device)
        return learner, from_answers(*answers, task.teacher.distillation, device)
    return learner, from_teacher(teacher, task.teacher.distillation, device)


def _judged(network: nn.Module, rows: Sequence[Row], device: torch.device) -> tuple[float, float]:
    """Mean cross-entropy and accuracy over parts, the mean of both over classes: a frequent class counts once."""
    labels = np.array([row.video.label for row in rows])
    logits = answers_of(network, rows, device, windows=1).logits
    losses = F.cross_entropy(torch.from_numpy(logits), torch.from_numpy(labels), reduction="none").numpy()
    right = logits.argmax(1) == labels
    kinds = np.unique(labels)
    return (
        float(np.mean([losses[labels == kind].mean() for kind in kinds])),
        float(np.mean([right[labels == kind].mean() for kind in kinds])),
    )


def train_in_processes(task: Task, *, device_type: str, processes: int) -> None:
    """Train in several processes; the result is the checkpoint, with which :func:`train_alone` then ends at once.

    Raises:
        FootageError: a process failed.
    """
    file = task.checkpoint.with_name(TASK_FILE)
    atomic_write_json(file, {**_document(task), "device_type": device_type})
    try:
        run_team("video_train.train.fitting", [str(file)], processes=processes)
    finally:
        file.unlink(missing_ok=True)


def kept_weights(network: ClipNetwork, state: StateDict) -> StateDict:
    """A network's own weights out of a checkpoint's, which are those of a student with its projection where taught."""
    prefix = "network." if any(key.startswith("projection.") for key in state) else ""
    return {key: state[f"{prefix}{key}"] for key in network.state_dict()}


def _document(task: Task) -> dict[str, Any]:
    document = asdict(task)
    for side in ("train", "val"):
        document[side] = [row.document() for row in getattr(task, side)]
    return document


def _read_task(file: Path) -> tuple[Task, str]:
    document = json.loads(file.read_bytes())
    device_type = document.pop("device_type")
    teacher = document["teacher"]
    sampling = document["sampling"]
    task = Task(
        **{
            **document,
            "checkpoint": Path(document["checkpoint"]),
            "train": tuple(Row.of(row) for row in document["train"]),
            "val": tuple(Row.of(row) for row in document["val"]),
            "events": tuple(document["events"]),
            "sampling": ClipSampling(**{**sampling, "speed": tuple(sampling["speed"])}),
            "augmentation": Augmentation(**document["augmentation"]),
            "recipe": Recipe(**document["recipe"]),
            "teacher": None
            if teacher is None
            else Teacher(
                name=teacher["name"],
                weights=Path(teacher["weights"]),
                distillation=Distillation(**teacher["distillation"]),
            ),
        }
    )
    return task, str(device_type)


def main() -> int:
    """One process of a team."""
    task, device_type = _read_task(Path(sys.argv[1]))
    try:
        with joined(device_type) as (team, device):
            train_alone(
                task,
                device=device,
                team=team,
                on_step=lambda _: None,
                on_epoch=lambda record: talk(epoch_line(record)) if team.leads else None,
            )
    except FootageError as error:
        talk(f"error: {error}")
        return 1
    return 0


def epoch_line(record: EpochRecord) -> str:
    """An epoch in one line."""
    return record.line("accuracy on validation")


if __name__ == "__main__":
    sys.exit(main())
