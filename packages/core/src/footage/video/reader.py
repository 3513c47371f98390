"""One way to read frames, whatever holds them: :func:`open_video` and the :class:`VideoReader` it returns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from fractions import Fraction
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from footage.errors import VideoError
from footage.video.types import Ending, Frame, VideoInfo

Backend = Literal["auto", "pyav", "opencv", "stills"]


class VideoReader(ABC):
    """Frames of one video. Use it as a context manager. Frames already handed out stay valid after it is closed.

    Attributes:
        info: what the file says about itself.
        ending: set once :meth:`frames` has run to the end of the file or to where it is damaged; None before.
    """

    info: VideoInfo
    ending: Ending | None

    @abstractmethod
    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Frames ``start`` to ``stop`` (exclusive; None = to the end) in presentation order.

        Every call reads from the beginning of the file, so a frame's index always counts decoded frames. Rotation
        is applied. Damage never raises: what can be decoded is delivered, and ``ending`` tells what happened. It
        stays None where ``stop`` was reached first.

        Raises:
            VideoError: The file holds no frame that can be decoded.
        """

    @abstractmethod
    def frame_at(self, seconds: float) -> Frame:
        """The frame on display at a time: the last one that starts at or before it.

        Times after the last frame's start give the last frame.

        Raises:
            VideoError: ``seconds`` is negative or not finite, or nothing could be decoded there.
        """

    @abstractmethod
    def close(self) -> None:
        """Give back the file and the decoder. The reader cannot be used afterwards; closing twice is harmless."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def open_video(
    path: str | PathLike[str],
    *,
    backend: Backend = "auto",
    threads: int | None = None,
    stills_rate: Fraction = Fraction(25),
    accurate_colours: bool = False,
) -> VideoReader:
    """Open a video file or a folder of stills.

    Args:
        path: the file or folder.
        backend: ``pyav`` (exact, fast grey), ``opencv``, or ``stills`` for a folder of images in natural order of
            names. ``auto`` is ``stills`` for a folder and ``pyav`` for everything else.
        threads: decoding threads; None lets the codec use every core. One thread costs the least CPU time in total,
            which matters where several files are read at once. OpenCV and stills take it as a hint.
        accurate_colours: RGB to the nearest shade, as keyframes have it. Otherwise PyAV's frames are one or two shades
            of 255 too dark, which a detector does not mind, and take a third of the time.
        stills_rate: frames a second that a folder of stills is played at; files carry their own times.

    Raises:
        VideoError: The path is missing, unreadable, or holds no video.
    """
    path = Path(path)
    if threads is not None and threads < 1:
        raise ValueError(f"threads must be at least 1, not {threads}")
    if backend == "auto":
        backend = "stills" if path.is_dir() else "pyav"
    check_readable(path, folder=backend == "stills")
    # Each decoder is imported where it is needed: PyAV and OpenCV take 0.1 to 0.2 s and not every command reads video.
    if backend == "stills":
        from footage.video._stills import StillsReader

        return StillsReader(path, rate=stills_rate)
    if backend == "opencv":
        from footage.video._opencv import OpenCVReader

        return OpenCVReader(path, threads=threads)
    from footage.video._pyav import PyAVReader

    return PyAVReader(path, threads=threads, accurate_colours=accurate_colours)


def check_span(start: int, stop: int | None) -> None:
    """Refuse a range of frames that can only be a mistake."""
    if start < 0 or (stop is not None and stop <= start):
        raise ValueError(f"frames {start} to {stop} are no range")


def check_readable(path: Path, *, folder: bool) -> None:
    """Refuse early, in plain words, what no decoder could open.

    Raises:
        VideoError: The path is missing, empty, of the wrong kind, or may not be read.
    """
    try:
        if folder:
            if not path.exists():
                raise VideoError("there is no such folder", where=path, remedy="check the path")
            if not path.is_dir():
                raise VideoError("this is a file, not a folder of stills", where=path, remedy="open it as a video")
            return
        if path.is_dir():
            raise VideoError("this is a folder, not a video file", where=path, remedy="name a file inside it")
        if path.exists() and not path.is_file():
            # Opening a pipe waits for whoever writes to it, perhaps for ever.
            raise VideoError("this is a pipe or a device, not a file", where=path, remedy="save it to a file first")
        with path.open("rb") as file:
            if not file.read(1):
                raise VideoError("the file is empty (0 bytes)", where=path, remedy="copy it again from its source")
    except FileNotFoundError:
        raise VideoError("there is no such file", where=path, remedy="check the path") from None
    except PermissionError:
        raise VideoError("may not be read", where=path, remedy="check the file's permissions") from None
    except (OSError, ValueError) as error:
        raise VideoError(f"cannot be opened ({error})", where=path, remedy="check the path") from None
