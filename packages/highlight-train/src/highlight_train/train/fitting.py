"""Training itself: alone in this process, or as one of several processes that torch starts.

``python -m highlight_train.train.fitting TASK.json`` is what each of several processes runs.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from footage.cli.console import talk
from footage.errors import FootageError
from footage.runs.files import atomic_write_json
from footage.training.backbones import Classifier, build_classifier, load_pretrained
from footage.training.checkpoint import EpochRecord
from footage.training.loop import Fitted, Validation, fit
from footage.training.randomness import seed_torch_at
from footage.training.recipe import Recipe
from footage.training.team import ALONE, Team, joined, run_team
from highlight_train.labels import CLASSES
from highlight_train.prepare.manifest import Dataset, dataset_of, document_of
from highlight_train.scoring.pooling import Pooling
from highlight_train.train.pictures import JpegPictures, Pictures, keyframe_pictures, training_frames
from highlight_train.train.rows import Frames, frames_of_clips
from highlight_train.train.scores import clip_average_precision, pooled

CHECKPOINT_FILE = "checkpoint.pth"
TASK_FILE = "task.json"
_BATCH = 64
_INITIAL = 12
_LEAST_PROBABILITY = 1e-7


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """All that a process needs in order to train.

    Attributes:
        run_folder: where the checkpoint is, and the keyframes of videos.
        frames_folder: the prepared data set's folder; None where the pictures are the videos' keyframes.
        clips: the clips and their frames.
        train: positions of the clips to learn from.
        val: positions of the clips that choose the epoch.
        backbone: the architecture.
        weights: what to start from: ``imagenet``, ``none``, or the path of a file.
        side_px: the side of the pictures.
        recipe: how to train.
        key: everything that decides the result.
        checkpoint_seconds: how much work a kill may cost.
    """

    run_folder: Path
    frames_folder: Path | None
    clips: Dataset
    train: tuple[int, ...]
    val: tuple[int, ...]
    backbone: str
    weights: str
    side_px: int
    recipe: Recipe
    key: dict[str, Any]
    checkpoint_seconds: float

    @property
    def checkpoint(self) -> Path:
        """The file of the training's state."""
        return self.run_folder / CHECKPOINT_FILE

    def frames(self) -> Frames:
        """The table of all frames."""
        return frames_of_clips(self.clips.clips, self.frames_folder)

    def steps(self) -> int:
        """How many steps an epoch has."""
        rows = np.isin(self.frames().clip, self.train)
        return max(1, round(int(rows.sum()) / self.recipe.batch_size))

    def pictures(self) -> Pictures:
        """The pictures of all frames."""
        if self.frames_folder is None:
            return keyframe_pictures(self.clips.clips, self.run_folder)
        return JpegPictures(self.frames().files, self.side_px)


def new_classifier(backbone: str, weights: str, *, seed: int) -> tuple[Classifier, str]:
    """A classifier of the two classes, and what it starts from, in words.

    Raises:
        FootageError: as ``build_classifier`` and ``load_pretrained``.
    """
    seed_torch_at(seed, _INITIAL)
    classifier = build_classifier(backbone, len(CLASSES))
    if weights == "none":
        return classifier, "random weights: nothing is known of pictures yet"
    return classifier, load_pretrained(classifier, backbone, None if weights == "imagenet" else Path(weights))


def train_alone(
    task: Task,
    classifier: Classifier,
    *,
    device: torch.device,
    on_step: Callable[[int], None],
    on_epoch: Callable[[EpochRecord], None],
    team: Team = ALONE,
) -> Fitted:
    """Train in this process, which may be one of a team; go on from the checkpoint where there is one.

    Raises:
        FootageError: as ``footage.training.loop.fit``.
    """
    frames, pictures = task.frames(), task.pictures()
    val = np.array(task.val, dtype=np.intp)
    rows = frames.of_clips(val)

    def validate(network: nn.Module) -> Validation:
        scores = np.zeros(len(frames))
        scores[rows] = frame_scores(network, pictures, rows, device)
        metric = clip_average_precision(frames, val, pooled(frames, val, scores, Pooling.SOFTMAX))
        return Validation(metric, _clip_loss(frames, val, scores))

    return fit(
        classifier,
        training_frames(frames, frames.of_clips(np.array(task.train, dtype=np.intp)), pictures),
        validate,
        task.recipe,
        device=device,
        checkpoint=task.checkpoint,
        key=task.key,
        team=team,
        checkpoint_seconds=task.checkpoint_seconds,
        on_step=on_step,
        on_epoch=on_epoch,
    )


def train_in_processes(task: Task, *, device_type: str, processes: int) -> None:
    """Train in several processes; the result is the checkpoint, with which :func:`train_alone` then ends at once.

    Raises:
        FootageError: a process failed.
    """
    file = task.run_folder / TASK_FILE
    document = {
        **{name: getattr(task, name) for name in _PLAIN},
        "clips": document_of(task.clips),
        "recipe": asdict(task.recipe),
        "device_type": device_type,
    }
    atomic_write_json(file, document)
    try:
        run_team("highlight_train.train.fitting", [str(file)], processes=processes)
    finally:
        file.unlink(missing_ok=True)


_PLAIN = (
    "run_folder",
    "frames_folder",
    "train",
    "val",
    "backbone",
    "weights",
    "side_px",
    "key",
    "checkpoint_seconds",
)


def frame_scores(
    network: nn.Module, pictures: Pictures, rows: NDArray[np.intp], device: torch.device
) -> NDArray[np.float64]:
    """Probability of highlight of some rows, ``(len(rows),)``; the network must be in evaluation mode."""
    scores = np.zeros(len(rows))
    with torch.inference_mode(), ThreadPoolExecutor(max(1, torch.get_num_threads())) as pool:
        for start in range(0, len(rows), _BATCH):
            batch = np.stack(list(pool.map(lambda row: pictures(int(row)), rows[start : start + _BATCH])))
            logits = network(torch.from_numpy(batch).to(device))
            scores[start : start + len(batch)] = torch.softmax(logits.double(), dim=1)[:, 1].cpu().numpy()
    return scores


def _clip_loss(frames: Frames, clips: NDArray[np.intp], scores: NDArray[np.float64]) -> float:
    """Mean over clips of the mean cross entropy of their frames: a long clip does not outweigh the others."""
    right = np.where(frames.labels == 1, scores, 1 - scores)
    losses = -np.log(np.maximum(right, _LEAST_PROBABILITY))
    return float(np.mean([losses[frames.clip == clip].mean() for clip in clips]))


def _read_task(file: Path) -> tuple[Task, str]:
    document = json.loads(file.read_bytes())
    folder = document["frames_folder"]
    task = Task(
        run_folder=Path(document["run_folder"]),
        frames_folder=None if folder is None else Path(folder),
        clips=dataset_of(document["clips"], file),
        train=tuple(document["train"]),
        val=tuple(document["val"]),
        backbone=document["backbone"],
        weights=document["weights"],
        side_px=document["side_px"],
        recipe=Recipe(**document["recipe"]),
        key=document["key"],
        checkpoint_seconds=document["checkpoint_seconds"],
    )
    return task, document["device_type"]


def main() -> int:
    """One process of a team."""
    task, device_type = _read_task(Path(sys.argv[1]))
    try:
        with joined(device_type) as (team, device):
            classifier, _ = new_classifier(task.backbone, task.weights, seed=task.recipe.seed)
            train_alone(
                task,
                classifier,
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
    return record.line("average precision over clips")


if __name__ == "__main__":
    sys.exit(main())
