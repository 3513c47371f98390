"""Clips of videos for training: some frames each, at random times or at even ones, decoded when they are needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from footage.errors import InputError, VideoError
from footage.sampling import Random, Uniform
from footage.training.augmentation import Augmentation, augmented
from footage.video.keyframes import KeyframeReader, read_keyframes
from footage.video.moments import read_moments
from footage.video.reader import open_video

_FAR_SECONDS = 1e7
"""Later than any video ends: the frame shown there is the last one."""
_KEYFRAMES_A_FRAME = 2
"""With fewer, a clip would hold the same frames in every epoch."""
_REMEMBERED_VIDEOS = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipSampling:
    """Which frames of a video make a clip.

    Attributes:
        frames: how many.
        size_px: side of the square they are squeezed to.
        span_seconds: how much of the video a clip covers; None for all of it.
        speed: least and greatest factor by which a random clip covers more or less than that.
        reverse: whether random clips run backwards every other time.
        exact: whether random moments fall on any frame in any case. Otherwise they are drawn among the keyframes where
            a clip holds at least two for each of its frames: a tenth of the cost.
    """

    frames: int = 8
    size_px: int = 224
    span_seconds: float | None = None
    speed: tuple[float, float] = (1.0, 1.0)
    reverse: bool = False
    exact: bool = False

    def __post_init__(self) -> None:
        """Refuse what gives no clip.

        Raises:
            InputError: a number is not positive, or the speeds are out of order.
        """
        if min(self.frames, self.size_px) < 1 or (self.span_seconds is not None and not self.span_seconds > 0):
            raise InputError("frames, size and span of a clip must be positive")
        if len(self.speed) != 2 or not 0 < self.speed[0] <= self.speed[1]:
            raise InputError(f"speeds {self.speed} are no range of positive factors")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledVideo:
    """A video, or a part of one, and its class.

    Attributes:
        path: the file.
        label: number of the class.
        start_seconds: where the part begins.
        end_seconds: where it ends.
    """

    path: Path
    label: int
    start_seconds: float
    end_seconds: float


def clip_times(
    start_seconds: float,
    end_seconds: float,
    sampling: ClipSampling,
    rng: np.random.Generator | None,
    keyframe_times_seconds: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """When the frames of a clip are shown, ascending, ``(frames,)``.

    Args:
        start_seconds: where the part of the video begins.
        end_seconds: where it ends, later.
        sampling: which frames.
        rng: draws where the clip lies, how long it is, and a moment in each of its equal parts; None for a clip in the
            middle and even times.
        keyframe_times_seconds: when the keyframes of the video are shown, ascending, as :func:`cheap_times` gives them:
            random moments are drawn among them, unless there are too few or the sampling is exact.
    """
    length = end_seconds - start_seconds
    span = min(sampling.span_seconds or length, length)
    if rng is None:
        return start_seconds + (length - span) / 2 + Uniform(sampling.frames).times(span)
    span = min(span * rng.uniform(*sampling.speed), length)
    begin = start_seconds + rng.uniform(0.0, length - span)
    if keyframe_times_seconds is not None and not sampling.exact:
        first, last = np.searchsorted(keyframe_times_seconds, (begin, begin + span))
        inside = keyframe_times_seconds[first:last]
        if len(inside) >= _KEYFRAMES_A_FRAME * sampling.frames:
            return inside[Random(sampling.frames).indices(inside, rng)]
    return begin + Random(sampling.frames).times(span, rng)


@lru_cache(maxsize=_REMEMBERED_VIDEOS)
def cheap_times(path: Path) -> NDArray[np.float64]:
    """When the frames of a video are shown, nearly, that can be had without decoding others: its keyframes.

    Remembered: a training asks in every epoch, and its videos do not change meanwhile.

    Returns:
        Seconds, ascending, ``(N,)``; none where the file has no index of them.

    Raises:
        VideoError: the file cannot be read.
    """
    with KeyframeReader(path) as reader:
        return reader.times_seconds if reader.indexed else np.empty(0)


def read_clip(path: str | PathLike[str], times_seconds: NDArray[np.float64], size_px: int) -> NDArray[np.uint8]:
    """The frames on display at ascending times, squeezed to a square: RGB uint8 ``(T, size, size, 3)``.

    What a network is trained on, checked on and used on all comes from here.

    Raises:
        VideoError: the file cannot be read, or nothing in it can be decoded.
    """
    return np.stack([frame.image for frame in read_moments(path, times_seconds, size=(size_px, size_px))])


def read_drawn_clip(
    path: str | PathLike[str], times_seconds: NDArray[np.float64], sampling: ClipSampling
) -> NDArray[np.uint8]:
    """The frames of moments that :func:`clip_times` drew at random: keyframes alone where it drew among those.

    An index gives keyframes by their place in decoding order, a few frames off where frames are reordered: reading what
    is exactly on display at that time would decode all that lies before the keyframe.

    Raises:
        VideoError: the file cannot be read, or nothing in it can be decoded.
    """
    size = (sampling.size_px, sampling.size_px)
    if not sampling.exact and np.isin(times_seconds, cheap_times(Path(path))).all():
        return np.stack([frame.image for frame in read_keyframes(path, times_seconds, size=size)])
    return read_clip(path, times_seconds, sampling.size_px)


def length_seconds(path: str | PathLike[str]) -> float:
    """How long a video is: as its container declares, or up to its last frame where that is nearer or all there is.

    Raises:
        VideoError: the file cannot be read, or holds no more than a single moment.
    """
    with KeyframeReader(path) as reader:
        declared = None if reader.cut_short is not None else reader.duration_seconds
    if declared is None:
        with open_video(path, threads=1) as video:
            declared = video.frame_at(_FAR_SECONDS).pts_seconds
    if not declared > 0:
        raise VideoError("the file holds a single moment, not a video", where=path, remedy="leave it out")
    return declared


@dataclass(frozen=True, slots=True)
class LiveClips:
    """Clips decoded anew each time they are drawn: every epoch sees other moments. An ``Examples`` of training.

    Attributes:
        videos: what they are cut from.
        weights: how often each is drawn, ``(N,)``.
        sampling: which frames.
        augmentation: what is done to them.
    """

    videos: Sequence[LabelledVideo]
    weights: NDArray[np.float64]
    sampling: ClipSampling
    augmentation: Augmentation

    @property
    def labels(self) -> NDArray[np.int64]:
        """Class of every video, ``(N,)``."""
        return np.array([video.label for video in self.videos], np.int64)

    def load(self, index: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """One random clip of a video, augmented; called from several threads."""
        video = self.videos[index]
        cheap = None if self.sampling.exact else cheap_times(video.path)
        times = clip_times(video.start_seconds, video.end_seconds, self.sampling, rng, cheap)
        return finished(read_drawn_clip(video.path, times, self.sampling), rng, self.sampling, self.augmentation)


@dataclass(frozen=True, slots=True)
class StoredClips:
    """Clips that were decoded once, several of each video: epochs after the first cost no decoding.

    Attributes:
        labels: class of every clip, ``(N,)``.
        weights: how often each is drawn, ``(N,)``.
        files: of every clip, the array file it lies in, ``(clips, T, size, size, 3)`` uint8.
        places: of every clip, its place in that array, ``(N,)``.
        sampling: which frames they hold.
        augmentation: what is done to them.
    """

    labels: NDArray[np.int64]
    weights: NDArray[np.float64]
    files: Sequence[Path]
    places: NDArray[np.intp]
    sampling: ClipSampling
    augmentation: Augmentation

    def load(self, index: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """One stored clip, augmented; the rest of its file is not read."""
        return finished(self.clip(index), rng, self.sampling, self.augmentation)

    def clip(self, index: int) -> NDArray[np.uint8]:
        """One stored clip as it is."""
        return np.array(np.load(self.files[index], mmap_mode="r")[self.places[index]])


def finished(
    clip: NDArray[np.uint8], rng: np.random.Generator, sampling: ClipSampling, augmentation: Augmentation
) -> NDArray[np.uint8]:
    """A clip as the network sees it: perhaps backwards, and augmented."""
    backwards = rng.random() < 0.5
    changed = augmented(clip, rng, augmentation)
    return np.ascontiguousarray(changed[::-1]) if sampling.reverse and backwards else changed
