"""What a video reader hands out: facts about the file, frames, and how reading ended. Needs numpy only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoInfo:
    """What a video file says about itself, plus what its first frame shows.

    Attributes:
        path: the file, or the folder of stills.
        width: columns of a frame as displayed, after rotation, in pixels.
        height: rows of a frame as displayed, after rotation, in pixels.
        rotation_degrees: clockwise turn that the file asks for and the reader applies: 0, 90, 180 or 270.
        average_rate: frames a second on average; None where the file does not say.
        duration_seconds: length of the video stream; None where the file does not say.
        frame_count_estimate: how many frames the file claims or its duration suggests. Never rely on it.
        codec: name of the decoder, for example ``h264``; for stills the image format.
        pixel_format: FFmpeg's name of the stored pixel layout; None where unknown.
        container: the file format, for example ``mov`` or ``matroska``; ``stills`` for a folder.
        has_audio: whether there is an audio stream.
        start_seconds: presentation time of the first frame on the file's own clock. ``pts_seconds`` of frames are
            counted from there; add this to meet the clock of audio or subtitle streams.
    """

    path: Path
    width: int
    height: int
    rotation_degrees: int
    average_rate: Fraction | None
    duration_seconds: float | None
    frame_count_estimate: int | None
    codec: str
    pixel_format: str | None
    container: str
    has_audio: bool
    start_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How reading a video to its end turned out.

    Attributes:
        frames_decoded: frames that could be decoded.
        frames_expected: frames the file promises; None where it makes no reliable promise.
        last_pts_seconds: presentation time of the last frame; None where there was none.
        cut_short: True where the file is truncated or frames in it could not be decoded.
        reason: one plain sentence; None for a healthy file.
    """

    frames_decoded: int
    frames_expected: int | None
    last_pts_seconds: float | None
    cut_short: bool
    reason: str | None


class PixelSource(Protocol):
    """Decoded pixels that have not been converted yet. Each method is called at most once by a frame."""

    def rgb(self) -> NDArray[np.uint8]:
        """The frame as RGB, shape (H, W, 3), as displayed."""
        ...

    def gray(self) -> NDArray[np.uint8]:
        """The frame as full-range BT.601 luma, shape (H, W), as displayed."""
        ...


class Frame:
    """One frame of a video. Pixels are converted when first asked for, then kept.

    Treat the arrays as read-only: whoever asks again gets the same array.

    Attributes:
        pts_seconds: presentation time counted from the first frame of the video.
    """

    __slots__ = ("_gray", "_image", "_index", "_source", "pts_seconds")

    def __init__(
        self,
        index: int | Callable[[], int],
        pts_seconds: float,
        *,
        image: NDArray[np.uint8] | None = None,
        gray: NDArray[np.uint8] | None = None,
        source: PixelSource | None = None,
    ) -> None:
        if source is None and image is None:
            raise ValueError("a frame needs an image or a source of pixels")
        self._index = index
        self.pts_seconds = pts_seconds
        self._image = image
        self._gray = gray
        self._source = source

    def __repr__(self) -> str:
        number = self._index if isinstance(self._index, int) else "?"
        return f"Frame(index={number}, pts_seconds={self.pts_seconds:.6f})"

    @property
    def index(self) -> int:
        """Number of the frame in presentation order, from 0.

        Known at once for frames read in order. After random access it is found by reading the file's packet table
        (no decoding), once a file, when it is first asked for.
        """
        if not isinstance(self._index, int):
            self._index = self._index()
        return self._index

    @property
    def image(self) -> NDArray[np.uint8]:
        """RGB, uint8, shape (H, W, 3)."""
        if self._image is None:
            assert self._source is not None  # noqa: S101 - the constructor saw to it
            self._image = self._source.rgb()
            self._release()
        return self._image

    @property
    def gray(self) -> NDArray[np.uint8]:
        """Full-range BT.601 luma, uint8, shape (H, W).

        Made from the stored luma plane where the backend can, without a detour through RGB.
        """
        if self._gray is None:
            if self._source is not None:
                self._gray = self._source.gray()
            else:
                # Only here because cv2 takes 0.2 s to import and many users never ask for grey.
                from footage.video._luma import gray_of_rgb

                self._gray = gray_of_rgb(self.image)
            self._release()
        return self._gray

    def _release(self) -> None:
        """Let the decoder have its buffer back once both forms have been made."""
        if self._image is not None and self._gray is not None:
            self._source = None
