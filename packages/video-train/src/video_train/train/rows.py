"""The clips of every part of a video, decoded once where they are needed more than once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from footage.cli.progress import Progress
from footage.dataset.discover import Skipped
from footage.parallel import parallel_map
from footage.training.clips import ClipSampling, LabelledVideo, cheap_times, clip_times
from footage.training.randomness import generator_at
from video_train.catalogue.sides import SIDES, Sides
from video_train.networks.clips import ClipNetwork
from video_train.train.storing import Order, store

CLIPS_FOLDER = "clips"
_VIEW = 11
"""What randomness is drawn for: part of its place."""
_BATCH = 16

Tell = Callable[[str], None]
MakeProgress = Callable[[int, int], Progress]


@dataclass(frozen=True, slots=True)
class Row:
    """A part of a video and its clips on disk.

    Attributes:
        video: the part.
        file: array of its stored clips, uint8 ``(clips, T, size, size, 3)``: at even times, then at random ones.
    """

    video: LabelledVideo
    file: Path

    def document(self) -> dict[str, Any]:
        """As plain values."""
        video = self.video
        return {
            "path": str(video.path),
            "label": video.label,
            "start_seconds": video.start_seconds,
            "end_seconds": video.end_seconds,
            "file": str(self.file),
        }

    @classmethod
    def of(cls, document: dict[str, Any]) -> Row:
        """From plain values."""
        values = {**document, "path": Path(document["path"])}
        file = Path(values.pop("file"))
        return cls(LabelledVideo(**values), file)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which clips of a part are stored.

    Attributes:
        sampling: of a clip.
        windows: clips at even times, one after another.
        views: random clips besides.
        seed: of the random ones.
    """

    sampling: ClipSampling
    windows: int
    views: int
    seed: int

    def moments(self, video: LabelledVideo, number: int) -> NDArray[np.float64]:
        """When the frames of each clip are shown, ``(clips, T)``."""
        start, end = video.start_seconds, video.end_seconds
        edges = np.linspace(start, end, self.windows + 1)
        even = [clip_times(float(a), float(b), self.sampling, None) for a, b in pairwise(edges)]
        cheap = cheap_times(video.path) if self.views and not self.sampling.exact else None
        random = [
            clip_times(start, end, self.sampling, generator_at(self.seed, _VIEW, number, view), cheap)
            for view in range(self.views)
        ]
        return np.stack(even + random)


def store_clips(
    sides: Sides,
    folder: Path,
    *,
    sampling: ClipSampling,
    windows: int,
    views: int,
    seed: int,
    jobs: int | None,
    make_progress: MakeProgress,
) -> tuple[Sides, list[Row], list[Skipped]]:
    """Decode the clips that are looked at again: those of validation and test, and of training as many as asked.

    Clips that an earlier run stored are taken as they are.

    Args:
        sides: the parts.
        folder: of the run; the arrays lie below it.
        sampling: of a clip.
        windows: clips at even times of every held-out part; parts to learn from have one.
        views: random clips of every part to learn from; 0 where they are decoded anew in every epoch.
        seed: of the random ones.
        jobs: worker processes; None for one a core.
        make_progress: makes the progress display.

    Returns:
        The parts whose clips could be decoded, with their rows; and what could not be.
    """
    place = (folder / CLIPS_FOLDER).absolute()
    place.mkdir(parents=True, exist_ok=True)
    work = []
    for number, part in enumerate(sides.parts):
        learns = sides.side_of[number] == SIDES.index("train")
        wanted = Wanted(sampling=sampling, windows=1 if learns else windows, views=views if learns else 0, seed=seed)
        event = sides.events[int(sides.event_of[number])]
        fingerprint = next(view.fingerprint for view in event.views if view.path == part.path)
        name = hashlib.sha256(repr((fingerprint, part.start_seconds, part.end_seconds, wanted, number)).encode())
        work.append((part, wanted, number, place / f"{name.hexdigest()[:32]}.npy"))
    missing = [
        Order(
            number=number,
            path=part.path,
            moments=wanted.moments(part, number),
            even=wanted.windows,
            sampling=sampling,
            file=file,
        )
        for part, wanted, number, file in work
        if not file.is_file()
    ]
    failed: dict[int, Skipped] = {}
    with make_progress(len(work), len(work) - len(missing)) as progress:
        for outcome in parallel_map(store, missing, jobs=jobs, ordered=False):
            if outcome.error is None:
                progress.advance()
            else:
                progress.fail()
                failed[outcome.item.number] = Skipped(outcome.item.path, outcome.error.message)
    kept = np.array([number for number in range(len(work)) if number not in failed], np.intp)
    rows = [Row(work[number][0], work[number][3]) for number in kept.tolist()]
    return _with_parts(sides, kept), rows, list(failed.values())


def _with_parts(sides: Sides, kept: NDArray[np.intp]) -> Sides:
    return replace(
        sides,
        parts=tuple(sides.parts[number] for number in kept.tolist()),
        event_of=sides.event_of[kept],
        side_of=sides.side_of[kept],
    )


@dataclass(frozen=True, slots=True)
class Answers:
    """What a network says of clips.

    Attributes:
        logits: of every part, the mean over its clips, float64 ``(N, classes)``.
        clips: of every part, those of each of its clips.
    """

    logits: NDArray[np.float64]
    clips: tuple[NDArray[np.float64], ...]

    @property
    def predicted(self) -> NDArray[np.intp]:
        """The class of every part."""
        return np.asarray(self.logits.argmax(1), np.intp)


def answers_of(
    network: ClipNetwork | torch.nn.Module, rows: Sequence[Row], device: torch.device, *, windows: int | None
) -> Answers:
    """What a network in evaluation mode says of the clips at even times.

    Args:
        network: gives logits.
        rows: the parts.
        device: where it computes.
        windows: how many clips of each part; None for all that are stored.
    """
    found = []
    for row in rows:
        stored = np.load(row.file, mmap_mode="r")[:windows]
        logits = []
        for start in range(0, len(stored), _BATCH):
            clips = torch.from_numpy(np.array(stored[start : start + _BATCH])).to(device)
            with torch.inference_mode():
                logits.append(network(clips).double().cpu().numpy())
        found.append(np.concatenate(logits))
    return Answers(np.stack([one.mean(0) for one in found]), tuple(found))


def teacher_answers(
    teacher: ClipNetwork, clips: Callable[[int], NDArray[np.uint8]], count: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """A teacher's logits and features of stored clips, each asked once: ``(N, classes)`` and ``(N, D)``."""
    logits, features = [], []
    teacher.to(device).eval()
    with torch.inference_mode():
        for start in range(0, count, _BATCH):
            batch = np.stack([clips(index) for index in range(start, min(start + _BATCH, count))])
            seen = teacher.features(torch.from_numpy(batch).to(device))
            features.append(seen.cpu())
            logits.append(teacher.top.classify(seen).cpu())
    return torch.cat(logits).clone(), torch.cat(features).clone()
