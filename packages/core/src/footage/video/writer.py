"""Writing video files."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import av.error
import numpy as np
from av.container import OutputContainer
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream
from numpy.typing import NDArray

from footage.errors import VideoError
from footage.runs.files import atomic_path

_OPENCV_AVX512F = 13  # cv::CPU_AVX_512F, which the Python module does not name


class _Discarded(Exception):  # noqa: N818 - tells the temporary file that it is not wanted, and is never seen
    """The file will not be finished."""


class VideoWriter:
    """Writes RGB frames at a constant rate. The file appears under its name only when it is complete.

    The size is kept exactly. Even sizes are stored as ``yuv420p``, which plays everywhere; where width or height is
    odd, half-size colour planes do not fit and ``yuv444p`` is used, which some hardware players refuse.

    Example:
        >>> with VideoWriter("out.mp4", size=(640, 360), rate=Fraction(25)) as writer:  # doctest: +SKIP
        ...     writer.write(frame)
    """

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        size: tuple[int, int],
        rate: Fraction | int,
        codec: str = "libx264",
        crf: int = 20,
    ) -> None:
        """Start a file.

        Args:
            path: the file; the suffix chooses the container (.mp4, .mkv, .mov, .avi). It is replaced if it exists.
            size: (width, height) in pixels.
            rate: frames a second.
            codec: FFmpeg's name of the encoder.
            crf: constant quality where the encoder has it (x264, x265): 0 is lossless, 18 to 23 is usual.

        Raises:
            VideoError: The folder cannot be written, or the container or codec is unknown.
        """
        self._path = Path(path)
        self._size = size
        self.frames_written = 0
        if min(size) < 1 or rate <= 0:
            raise ValueError(f"size {size} and rate {rate} must be positive")
        self._container: OutputContainer | None = None
        self._atomic = atomic_path(self._path)
        try:
            partial = self._atomic.__enter__()
            partial.touch()  # PyAV opens the file with the first frame: too late to hear that the folder is missing
            self._container = av.open(f"file:{partial}", "w", options=_container_options(self._path))
            stream = self._container.add_stream(codec, rate=Fraction(rate), options=_codec_options(codec, crf))
            self._stream = _prepared(stream, codec, size)
        except (av.error.FFmpegError, OSError, TypeError, ValueError) as error:
            self._discard()
            reason = getattr(error, "strerror", None) or error
            raise VideoError(
                f"cannot write video ({reason})", where=self._path, remedy="check the folder, the suffix and the codec"
            ) from None

    def write(self, rgb: NDArray[np.uint8]) -> None:
        """Append a frame: uint8, shape (H, W, 3).

        Raises:
            ValueError: The array does not fit the size, or is not uint8.
            VideoError: The encoder or the disk refused it.
        """
        if self._container is None:
            raise ValueError("the writer is closed")
        width, height = self._size
        if rgb.shape != (height, width, 3) or rgb.dtype != np.uint8:
            raise ValueError(f"a frame must be uint8 ({height}, {width}, 3), not {rgb.dtype} {rgb.shape}")
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24").reformat(
            format=self._stream.pix_fmt, dst_colorspace=Colorspace.SMPTE170M, dst_color_range=ColorRange.MPEG
        )
        frame.pts = self.frames_written
        frame.time_base = 1 / self._stream.codec_context.framerate
        self._mux(frame)
        self.frames_written += 1

    def close(self) -> None:
        """Finish the file and give it its name.

        Raises:
            VideoError: No frame was written, or the disk refused the rest.
        """
        if self._container is None:
            return
        if self.frames_written == 0:
            self._discard()
            raise VideoError("no frame was written", where=self._path)
        self._mux(None)
        try:
            self._container.close()
            self._container = None
            self._atomic.__exit__(None, None, None)
        except (av.error.FFmpegError, OSError) as error:
            self._discard()
            raise VideoError(f"cannot finish the video ({error})", where=self._path) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._discard()

    def _mux(self, frame: VideoFrame | None) -> None:
        assert self._container is not None  # noqa: S101 - callers checked
        try:
            self._container.mux(self._stream.encode(frame))
        except (av.error.FFmpegError, OSError) as error:
            self._discard()
            raise VideoError(f"cannot write video ({error})", where=self._path, remedy="check the disk") from None

    def _discard(self) -> None:
        if self._container is not None:
            container, self._container = self._container, None
            # The file is thrown away: why it could not be finished does not matter.
            with contextlib.suppress(av.error.FFmpegError, OSError):
                container.close()
        self._atomic.__exit__(_Discarded, _Discarded(), None)


def _prepared(stream: Stream, codec: str, size: tuple[int, int]) -> VideoStream:
    """Tell the encoder size, pixel layout and colour matrix."""
    if not isinstance(stream, VideoStream):
        raise TypeError(f"{codec} encodes no video")
    stream.width, stream.height = size
    stream.pix_fmt = "yuv444p" if size[0] % 2 or size[1] % 2 else "yuv420p"
    # BT.601 and saying so: readers that ignore the tag assume it too.
    stream.codec_context.colorspace = int(Colorspace.SMPTE170M)
    stream.codec_context.color_range = int(ColorRange.MPEG)
    return stream


def _container_options(path: Path) -> dict[str, str]:
    """The index goes first in MP4 and MOV: such files start to play while they load."""
    return {"movflags": "+faststart"} if path.suffix.lower() in {".mp4", ".mov", ".m4v"} else {}


def _codec_options(codec: str, crf: int) -> dict[str, str]:
    if codec not in {"libx264", "libx265"}:
        return {}
    # With its AVX-512 routines x264 (core 165) makes other bytes of the same frames from run to run, with one thread
    # too; without them the files are equal.
    careful = {"x264-params": "asm=avx2"} if codec == "libx264" and _has_avx512() else {}
    return {"crf": str(crf), **careful}


def _has_avx512() -> bool:
    """Whether this processor has AVX-512, and so AVX2 as well."""
    import cv2

    return bool(cv2.checkHardwareSupport(_OPENCV_AVX512F))
