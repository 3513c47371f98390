"""One video from its frames, in a worker."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from footage.errors import VideoError
from footage.video.images import read_image
from footage.video.writer import VideoWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeOrder:
    """What a worker is asked to do.

    Attributes:
        frames: files in order.
        file: the video.
        rate: frames a second.
        codec: FFmpeg's name of the encoder.
        crf: constant quality, lower is better.
        size: (width, height) in pixels; None for that of the frames.
    """

    frames: tuple[Path, ...]
    file: Path
    rate: Fraction
    codec: str
    crf: int
    size: tuple[int, int] | None


def encode(order: EncodeOrder) -> tuple[int, int]:
    """Write a video, whole or not at all; returns its (width, height).

    Raises:
        VideoError: a frame cannot be read or has another size, or the encoder refuses.
    """
    first = read_image(order.frames[0])
    own = (first.shape[1], first.shape[0])
    size = order.size or own
    with VideoWriter(order.file, size=size, rate=order.rate, codec=order.codec, crf=order.crf) as writer:
        for file in order.frames:
            picture = first if file == order.frames[0] else read_image(file)
            if (picture.shape[1], picture.shape[0]) != own:
                raise VideoError(
                    f"is {picture.shape[1]}x{picture.shape[0]} px, and the first frame {own[0]}x{own[1]} px",
                    where=file,
                    remedy="bring the frames of a video to one size",
                )
            writer.write(_scaled(picture, size))
    return size


def _scaled(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    if (picture.shape[1], picture.shape[0]) == size:
        return picture
    shrinks = size[0] * size[1] < picture.shape[0] * picture.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, size, interpolation=how), np.uint8)
