"""What is learned from, as a table: a row a frame, with its clip, group, time and label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from footage.dataset.manifest import rows_sha256
from footage.errors import DatasetError
from highlight_train.labels import CLASSES
from highlight_train.prepare.manifest import ClipEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """The frames of labelled clips; the pictures themselves are elsewhere.

    Attributes:
        clips: the clips.
        clip: of every frame, the position of its clip in ``clips``, ``(N,)``; ascending.
        seconds: when each is shown, ``(N,)``.
        labels: 1 for highlight, 0 for normal, int64 ``(N,)``.
        files: each frame's JPEG; empty where the pictures come from the videos' keyframes.
    """

    clips: tuple[ClipEntry, ...]
    clip: NDArray[np.intp]
    seconds: NDArray[np.float64]
    labels: NDArray[np.int64]
    files: tuple[Path, ...] = ()

    def __len__(self) -> int:
        """The number of frames."""
        return len(self.labels)

    @property
    def clip_groups(self) -> NDArray[np.str_]:
        """The group of every clip."""
        return np.array([clip.group for clip in self.clips])

    @property
    def clip_labels(self) -> NDArray[np.bool_]:
        """Whether each clip is a highlight, as its user said: also where only a moment of it is."""
        return np.array([clip.is_highlight for clip in self.clips], dtype=np.bool_)

    def of_clips(self, chosen: NDArray[np.intp]) -> NDArray[np.intp]:
        """The frames of some clips."""
        return np.flatnonzero(np.isin(self.clip, chosen))

    def sha256(self) -> str:
        """Hash of what is learned from: contents, times and labels; where the files lie does not count."""
        return rows_sha256(
            *((clip.fingerprint, clip.is_highlight, tuple(f.sha256 for f in clip.frames)) for clip in self.clips),
            self.clip.tolist(),
            self.seconds.tolist(),
            self.labels.tolist(),
        )


def frames_of_clips(clips: Sequence[ClipEntry], folder: Path | None) -> Frames:
    """The table of some clips.

    Args:
        clips: the clips and their frames.
        folder: of the prepared data set; None where the pictures come from the videos' keyframes.

    Raises:
        DatasetError: one of the two classes has no frame, or files are missing.
    """
    numbers = [number for number, clip in enumerate(clips) for _ in clip.frames]
    frames = Frames(
        clips=tuple(clips),
        clip=np.array(numbers, dtype=np.intp),
        seconds=np.array([frame.seconds for clip in clips for frame in clip.frames]),
        labels=np.array([label for clip in clips for label in clip.labels()], dtype=np.int64),
        files=() if folder is None else tuple(folder / frame.file for clip in clips for frame in clip.frames),
    )
    for label, name in enumerate(CLASSES):
        if not (frames.labels == label).any():
            raise DatasetError(
                f"no frame is {name}: both classes are needed to learn one from the other",
                where=folder,
                remedy=f"label some {name} clips",
            )
    missing = [file for file in frames.files if not file.is_file()]
    if missing:
        raise DatasetError(
            f"{len(missing)} of its {len(frames)} frames are missing, such as {missing[0].name}",
            where=folder,
            remedy="prepare the data set again: it fills in what is missing",
        )
    return frames


def by_clip(frames: Frames) -> Frames:
    """The same frames with every clip a group of its own."""
    return replace(frames, clips=tuple(replace(clip, group=clip.path) for clip in frames.clips))
