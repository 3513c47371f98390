"""Where the pictures come from, and what is done to them before the network learns from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from footage.errors import DatasetError
from footage.runs.directory import RunDirectory
from footage.runs.files import atomic_write_array
from footage.training.augmentation import augmented
from footage.video.images import read_image
from highlight_train.labels import CLASSES
from highlight_train.prepare.clips import KnownClip, MakeProgress, Record, Tell, take_all
from highlight_train.prepare.manifest import ClipEntry, FrameEntry, SkippedClip
from highlight_train.preprocess import squeeze
from highlight_train.scoring.sampler import sample_video
from highlight_train.train.rows import Frames

KEYFRAMES_FOLDER = "keyframes"
JOURNAL_FILE = "keyframes.jsonl"


class Pictures(Protocol):
    """The pictures of frames, at the size the network takes."""

    def __call__(self, index: int) -> NDArray[np.uint8]:
        """One picture, RGB uint8 ``(side, side, 3)``; called from several threads."""
        ...


@dataclass(frozen=True, slots=True)
class JpegPictures:
    """Pictures of a prepared data set."""

    files: tuple[Path, ...]
    side_px: int

    def __call__(self, index: int) -> NDArray[np.uint8]:
        """Read and squeeze one."""
        return squeeze(read_image(self.files[index]), side_px=self.side_px)


@dataclass(frozen=True, slots=True)
class KeyframePictures:
    """Keyframes of videos, decoded once and kept at the size of the network.

    Attributes:
        files: of every frame, the array of its clip's keyframes.
        positions: of every frame, its place in that array.
    """

    files: tuple[Path, ...]
    positions: NDArray[np.intp]

    def __call__(self, index: int) -> NDArray[np.uint8]:
        """One picture out of the clip's array; the rest of the file is not read."""
        return np.array(np.load(self.files[index], mmap_mode="r")[self.positions[index]])


def keyframes_of(
    known: Sequence[KnownClip],
    folder: RunDirectory,
    *,
    per_clip: int,
    side_px: int,
    jobs: int | None,
    tell: Tell,
    make_progress: MakeProgress,
) -> tuple[list[ClipEntry], list[SkippedClip]]:
    """Take keyframes straight from labelled videos, as scoring a library does.

    They are decoded once; the arrays lie in the run's folder, where a killed run finds them again.

    Args:
        known: the labelled clips that can be read.
        folder: the run's folder.
        per_clip: how many keyframes of a clip, at most.
        side_px: the size of the network's input.
        jobs: worker processes; None for one a core.
        tell: told what is there already.
        make_progress: makes the progress display from the number of clips and how many are already done.

    Returns:
        The clips whose frames were taken, and the clips that could not be used.
    """
    store = folder.file(KEYFRAMES_FOLDER).absolute()  # a worker may have been started in another folder
    store.mkdir(exist_ok=True)
    with folder.journal({"per_clip": per_clip, "side_px": side_px}, name=JOURNAL_FILE) as journal:
        if journal.restarted_because:
            tell(f"reading the videos anew: {journal.restarted_because}")
        return take_all(
            known,
            partial(_take, store=store, per_clip=per_clip, side_px=side_px),
            journal,
            is_there=lambda record: (store / f"{record['fingerprint']}.npy").is_file(),
            jobs=jobs,
            tell=tell,
            make_progress=make_progress,
        )


def _take(clip: KnownClip, *, store: Path, per_clip: int, side_px: int) -> Record:
    """Keep the keyframes of one clip, in a worker process.

    Raises:
        VideoError: the clip gives no frame.
    """
    samples = sample_video(clip.labelled.path, per_clip, side_px=side_px)
    atomic_write_array(store / f"{clip.fingerprint}.npy", samples.images)
    frames = [
        FrameEntry(file="", seconds=float(seconds), sha256=sha256(image.tobytes()).hexdigest())
        for seconds, image in zip(samples.times_seconds, samples.images, strict=True)
    ]
    return clip.record(
        frames, duration_seconds=samples.duration_seconds, sampled=samples.way.value, note=samples.remark
    )


def keyframe_pictures(clips: Sequence[ClipEntry], run_folder: Path) -> KeyframePictures:
    """The pictures that :func:`keyframes_of` took, in the order of the clips' frames."""
    store = run_folder / KEYFRAMES_FOLDER
    files = tuple(store / f"{clip.fingerprint}.npy" for clip in clips for _ in clip.frames)
    positions = np.array([place for clip in clips for place in range(len(clip.frames))], dtype=np.intp)
    return KeyframePictures(files, positions)


@dataclass(frozen=True, slots=True)
class TrainingFrames:
    """Frames to learn from: augmented, and drawn so that neither class nor long clip outweighs the others.

    Attributes:
        labels: of every frame, ``(N,)``.
        weights: how often each is drawn, ``(N,)``.
        rows: of every frame, its row among the pictures, ``(N,)``.
        pictures: where they come from.
    """

    labels: NDArray[np.int64]
    weights: NDArray[np.float64]
    rows: NDArray[np.intp]
    pictures: Pictures

    def load(self, index: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """One picture, augmented."""
        picture: NDArray[np.uint8] = augmented(self.pictures(int(self.rows[index]))[None], rng)[0]
        return picture


def training_frames(frames: Frames, rows: NDArray[np.intp], pictures: Pictures) -> TrainingFrames:
    """The training side's frames: half of what is drawn is of each class, and within a class each clip has its share.

    Raises:
        DatasetError: the side lacks a class.
    """
    labels, clips = frames.labels[rows], frames.clip[rows]
    weights = np.zeros(len(rows))
    for label, name in enumerate(CLASSES):
        of_class = labels == label
        if not of_class.any():
            raise DatasetError(f"no {name} frame is on the training side", remedy=f"label more {name} clips")
        _, clip, count = np.unique(clips[of_class], return_inverse=True, return_counts=True)
        weights[of_class] = 1 / (count[clip] * len(count))
    return TrainingFrames(labels, weights, rows, pictures)
