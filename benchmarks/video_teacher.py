"""Does a teacher help? Twice: where it has seen much more than its student, and where both have seen enough.

Run from the root of the repository: ``uv run python -m benchmarks.video_teacher --folder FOLDER``. Videos are drawn: a
disc moves one of four ways, so that only the order of frames gives the class away. The teacher learns from 240 of them;
its student, a network of the same kind, from others, on several seeds, with it and without it and for as many epochs.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch

from footage.cli.progress import progress
from footage.training.augmentation import Augmentation
from footage.training.clips import ClipSampling
from video_train.demo.motion import DIRECTIONS, draw_set
from video_train.networks.clips import TINY
from video_train.train.command import train
from video_train.train.findings import Findings
from video_train.train.options import TrainOptions

TEACHER_VIDEOS = 60
"""Of each direction."""
CASES = {"few videos": 24, "as many as its teacher": TEACHER_VIDEOS}
SAMPLING = ClipSampling(frames=6, size_px=48, span_seconds=0.5)


def trained(videos: Path, output: Path, *, epochs: int, compare: int, teacher: Path | None) -> Findings:
    """A training as the command runs it; it goes on where an earlier one was broken off."""
    options = TrainOptions(
        video_dir=videos,
        output=output,
        student=TINY,
        student_weights="none",
        teacher=TINY,
        teacher_weights="none",
        teacher_run=teacher,
        distill=teacher is not None,
        compare=compare,
        sampling=SAMPLING,
        windows=3,
        views=4,
        augmentation=Augmentation(flip=False),
        epochs=epochs,
        learning_rate=3e-3,
        device="cpu",
        jobs=1,
        seed=5,
    )
    return train(
        options,
        tell=lambda _line: None,
        make_progress=lambda total, done: progress(total, "items", "training", already_done=done),
    )


def main() -> None:
    """Draw, train and print."""
    parser = argparse.ArgumentParser(description="Does a teacher help, where it knows more and where it does not?")
    parser.add_argument("--folder", type=Path, required=True, help="for videos and trainings; it can be gone on with")
    parser.add_argument("--epochs", type=int, default=20, help="(default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=3, help="(default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    given = parser.parse_args()
    torch.set_num_threads(1)
    folder = given.folder / "teacher videos"
    draw_set(folder, videos_a_class=TEACHER_VIDEOS, seed=1)
    teacher = given.folder / "teacher"
    document: dict[str, Any] = {"teacher": trained(folder, teacher, epochs=given.epochs, compare=0, teacher=None).lead}
    for number, (name, videos) in enumerate(CASES.items(), start=2):
        draw_set(given.folder / name, videos_a_class=videos, seed=number)
        output = given.folder / f"{name}, trained"
        found = trained(given.folder / name, output, epochs=given.epochs, compare=given.seeds, teacher=teacher)
        document[name] = {"videos": videos * len(DIRECTIONS), "lead": found.lead}
    if given.json:
        print(json.dumps(document, indent=2))
        return
    print("teacher:", document["teacher"])
    for name in CASES:
        print(f"{name} ({document[name]['videos']}):", document[name]["lead"])


if __name__ == "__main__":
    main()
