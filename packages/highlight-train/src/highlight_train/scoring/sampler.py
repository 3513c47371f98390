"""A few small pictures from all over a video, read as cheaply as its container allows.

Keyframes by the container's index: one packet each, decoded alone, brought to the small size straight from YUV. Where
there is no index, or too few keyframes to stand for the video, exact frames at even times: slower, and said.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from os import PathLike

import cv2
import numpy as np
from numpy.typing import NDArray

from footage.sampling import Keyframes, Uniform
from footage.video.keyframes import KeyframeReader
from footage.video.reader import VideoReader, open_video
from footage.video.types import Frame
from highlight_train.preprocess import SIDE_PX, squeeze

SAMPLES = 16
FEWEST_KEYFRAMES = 4
"""With fewer keyframes than this, and than samples, frames between them are read."""
_LAST_FRAME_SECONDS = 0.01
"""How long the last picture is shown at least."""
_FAR_SECONDS = 1e7
"""Later than any video ends: the frame shown there is the last one."""


class Way(StrEnum):
    """How the pictures were read."""

    KEYFRAMES = "keyframes"
    EXACT = "exact frames"


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Pictures of a video.

    Attributes:
        images: RGB uint8 ``(N, side, side, 3)``, N at least 1.
        times_seconds: when each is shown, from the first frame, ascending and distinct, ``(N,)``.
        duration_seconds: the video's length; of a file that is cut short or does not say, up to the last picture.
        way: how they were read.
        remark: why not by an index, or that the file is cut short; None where all is well.
    """

    images: NDArray[np.uint8]
    times_seconds: NDArray[np.float64]
    duration_seconds: float
    way: Way
    remark: str | None


def sample_video(
    path: str | PathLike[str], count: int = SAMPLES, *, side_px: int = SIDE_PX, exact: bool = False
) -> Samples:
    """Read up to ``count`` small pictures spread over a video, with one thread.

    Args:
        path: the video file.
        count: how many; fewer where the video has fewer frames, or fewer keyframes but at least four.
        side_px: the side of the square that pictures are squeezed to.
        exact: read exact frames at even times in any case: slow, to compare with.

    Raises:
        VideoError: the file is missing, unreadable, holds no video, or nothing in it can be decoded.
    """
    with KeyframeReader(path) as reader:
        duration = None if reader.cut_short is not None else reader.duration_seconds
        remarks = [] if reader.cut_short is None else [f"cut short: {reader.cut_short}"]
        if not exact and (reader.indexed or duration is None):
            if not reader.indexed:
                remarks.append("neither an index nor a length: read through for its keyframes")
            times = reader.times_seconds
            if len(times) >= min(FEWEST_KEYFRAMES, count):
                chosen = Keyframes(count).indices(times)
                if len(chosen) > 1:
                    chosen[0] = 0  # opening the file has read the first keyframe in any case
                frames = reader.nearest(times[chosen], size=(side_px, side_px))
                small = {frame.pts_seconds: frame.image for frame in frames}
                return _samples(small, duration, Way.KEYFRAMES, remarks)
            remarks.append(f"only {len(times)} keyframe{'' if len(times) == 1 else 's'}")
        elif not exact:
            remarks.append("no index of keyframes")
        # Where keyframes are few, each seek would begin at the same one again: decoding all once is cheaper.
        read = _frames_in_order if reader.indexed and not exact else _frames_by_seeking
    with open_video(path, threads=1, accurate_colours=True) as video:
        end = duration or video.frame_at(_FAR_SECONDS).pts_seconds
        wanted = Uniform(count).times(end).tolist() if end > 0 else [0.0]
        # Squeezed one by one: sixteen pictures of 4K would be 400 MB.
        small = {frame.pts_seconds: squeeze(frame.image, side_px=side_px) for frame in read(video, wanted)}
    return _samples(small, duration, Way.EXACT, remarks)


def _frames_in_order(video: VideoReader, times_seconds: Sequence[float]) -> Iterator[Frame]:
    """The frames on display at ascending times, each once, from one pass over the file."""
    waiting = deque(times_seconds)
    shown: Frame | None = None
    for frame in chain(video.frames(), [None]):
        if shown is not None and (frame is None or waiting[0] < frame.pts_seconds):
            yield shown
            while waiting and (frame is None or waiting[0] < frame.pts_seconds):
                waiting.popleft()
        if not waiting:
            return
        shown = frame


def _frames_by_seeking(video: VideoReader, times_seconds: Sequence[float]) -> Iterator[Frame]:
    """The frames on display at the times, each once."""
    last: float | None = None
    for seconds in times_seconds:
        frame = video.frame_at(seconds)
        if frame.pts_seconds != last:
            yield frame
        last = frame.pts_seconds


def _samples(
    small: Mapping[float, NDArray[np.uint8]], duration_seconds: float | None, way: Way, remarks: Sequence[str]
) -> Samples:
    times = np.array(sorted(small), np.float64)
    return Samples(
        images=np.stack([small[seconds] for seconds in times.tolist()]),
        times_seconds=times,
        duration_seconds=max(duration_seconds or 0.0, float(times[-1]) + _LAST_FRAME_SECONDS),
        way=way,
        remark="; ".join(remarks) or None,
    )


def pictures_at(
    path: str | PathLike[str], times_seconds: Sequence[float], *, height: int = 180
) -> list[NDArray[np.uint8]]:
    """Pictures for people, in the video's own proportions: of each time the nearest keyframe.

    Returns:
        RGB uint8 ``(height, W, 3)`` each.

    Raises:
        VideoError: as :func:`sample_video`.
    """
    with KeyframeReader(path) as reader:
        if reader.indexed and len(reader.times_seconds) >= FEWEST_KEYFRAMES:
            # One at a time: a picture of 4K takes 36 MB until it is small.
            return [_thumbnail(reader.nearest([at], size=None)[0].image, height) for at in times_seconds]
    with open_video(path, threads=1, accurate_colours=True) as video:
        return [_thumbnail(video.frame_at(at).image, height) for at in times_seconds]


def _thumbnail(image: NDArray[np.uint8], height: int) -> NDArray[np.uint8]:
    rows, columns = image.shape[:2]
    size = (max(1, round(columns * height / rows)), height)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
