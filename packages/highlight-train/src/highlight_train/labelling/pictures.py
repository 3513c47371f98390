"""Pictures out of clips: one to find a clip by, and a sheet of moments where the browser cannot play it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from footage.report.sheets import film_strip
from footage.video.keyframes import KeyframeReader
from footage.video.probe import probe
from footage.video.reader import open_video
from highlight_train.labelling.library import Clip
from highlight_train.scoring.sampler import sample_video

THUMBNAIL_HEIGHT_PX = 90
MOMENTS = 16
_MOMENT_SIDE_PX = 360
_DECODING = threading.BoundedSemaphore(2)
"""However many pictures are asked for at once: the disk and the processors serve the film that plays first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Pictures of a clip.

    Attributes:
        times_seconds: when each is shown, from the first frame, ascending.
        jpegs: the pictures, as many.
        duration_seconds: the clip's length.
        remark: what is not as it should be with the file; None where all is well.
    """

    times_seconds: tuple[float, ...]
    jpegs: tuple[bytes, ...]
    duration_seconds: float
    remark: str | None


def thumbnail(clip: Clip) -> bytes:
    """A small picture from the middle of a clip, or its first where there is no index to find the middle by, as JPEG.

    Raises:
        VideoError: the file is unreadable, holds no video, or nothing in it can be decoded.
        OSError: it is gone.
    """
    state = clip.path.stat()
    return _thumbnail(clip.path, state.st_mtime_ns, state.st_size)


def moments(clip: Clip) -> Moments:
    """Pictures from all over a clip with their own times.

    Raises:
        VideoError, OSError: as for ``thumbnail``.
    """
    state = clip.path.stat()
    return _moments(clip.path, state.st_mtime_ns, state.st_size)


def duration_seconds(clip: Clip) -> float:
    """A clip's length, as it says or as far as it can be read.

    Raises:
        VideoError, OSError: as for ``thumbnail``.
    """
    with KeyframeReader(clip.path) as reader:
        if reader.duration_seconds is not None and reader.cut_short is None:
            return reader.duration_seconds
    return moments(clip).duration_seconds


@lru_cache(maxsize=4096)
def _thumbnail(path: Path, _changed_ns: int, _bytes: int) -> bytes:
    with _DECODING:
        with KeyframeReader(path) as reader:
            if reader.indexed:
                middle = (reader.duration_seconds or 0.0) / 2
                return film_strip([reader.nearest([middle], size=None)[0].image], height=THUMBNAIL_HEIGHT_PX)
        with open_video(path, threads=1) as video:
            return film_strip([video.frame_at(0.0).image], height=THUMBNAIL_HEIGHT_PX)


@lru_cache(maxsize=16)
def _moments(path: Path, _changed_ns: int, _bytes: int) -> Moments:
    with _DECODING:
        samples = sample_video(path, MOMENTS, side_px=_MOMENT_SIDE_PX)
        info = probe(path)
    scale = _MOMENT_SIDE_PX / max(info.width, info.height)
    size = (max(1, round(info.width * scale)), max(1, round(info.height * scale)))
    upright = [np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8) for image in samples.images]
    return Moments(
        times_seconds=tuple(samples.times_seconds.tolist()),
        jpegs=tuple(film_strip([image], height=size[1]) for image in upright),
        duration_seconds=samples.duration_seconds,
        remark=samples.remark,
    )
