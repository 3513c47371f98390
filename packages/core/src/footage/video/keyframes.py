"""Keyframes without decoding what lies between them: the fastest way to sample a long video.

The container's index says where keyframes are, so only their packets are read (4 to 9 % of a typical file), each is
decoded alone, and swscale brings it to the wanted size straight from YUV.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import av.error
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from footage.errors import VideoError
from footage.video._av import (
    PacketIndex,
    duration_seconds,
    nominal_ticks,
    open_container,
    set_threads,
    start_ticks,
    tick,
    video_stream,
)
from footage.video._planes import ACCURATE, PlaneSource, quarter_turns_of, turn
from footage.video._structure import missing_bytes
from footage.video.reader import check_readable
from footage.video.types import Frame

_SHRINK = Interpolation.AREA | ACCURATE


# Of a duration, how much an index must reach to be taken for the whole file's. MP4 lists every frame, Matroska's cues
# keyframes only, of which the last may stand far from the end.
_MP4_REACH, _MATROSKA_REACH = 0.9, 0.5

_BLOCK_BYTES = 4096
"""Read at a time: after each keyframe FFmpeg reads on to the end of a block, for nothing."""

_ANNOUNCED_BYTES = 1 << 17
"""Linux fetches no more at once than a disk takes in one request."""


class _Listed(NamedTuple):
    """A keyframe: when it is shown, in ticks from the stream's start, and where an index says it lies in the file."""

    ticks: int
    start: int | None = None
    size: int = 0


class KeyframeReader:
    """Keyframes of one file through one opening. Use it as a context manager.

    Attributes:
        indexed: whether the file itself lists all of its keyframes. Where it does not (an unfinished Matroska file,
            some fragmented MP4 files, transport streams) asking for ``times_seconds`` or for frames reads all of it.
        duration_seconds: length of the video as the file declares it; None where it does not.
        cut_short: what the file lacks of what its container declares, in words; None where nothing does.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        """Open a file; nothing is decoded yet.

        Raises:
            VideoError: The path is missing, unreadable or holds no video.
        """
        self._path = Path(path)
        check_readable(self._path, folder=False)
        self._container = open_container(self._path, block_bytes=_BLOCK_BYTES)
        try:
            self._stream = video_stream(self._container, self._path)
        except VideoError:
            self._container.close()
            raise
        set_threads(self._stream, 1)
        self._listed: list[_Listed] | None = None
        self._opening: Packet[VideoStream] | None = None
        if "matroska" in self._container.format.name:
            # Makes FFmpeg read the cues, which often stand at the end of the file.
            self._container.seek(start_ticks(self._stream), stream=self._stream)
        self.indexed = _is_indexed(self._container, self._stream)
        self.duration_seconds = duration_seconds(self._container, self._stream)
        missing = missing_bytes(self._path)
        self.cut_short = None if missing is None else str(missing)

    @property
    def times_seconds(self) -> NDArray[np.float64]:
        """When the keyframes are shown; see :func:`keyframe_times`."""
        return np.array([float(listed.ticks * tick(self._stream)) for listed in self._keyframes()], dtype=np.float64)

    def _keyframes(self) -> list[_Listed]:
        if self._listed is None:
            if self.indexed and "mp4" in self._container.format.name:
                # FFmpeg has read it to learn about the stream: it costs nothing more.
                self._opening = next(_packets(self._container, self._stream), None)
            self._listed = _keyframes(
                self._container, self._stream, self._path, indexed=self.indexed, opening=self._opening
            )
        return self._listed

    def nearest(
        self, times_seconds: Sequence[float] | NDArray[np.float64], *, size: tuple[int, int] | None
    ) -> list[Frame]:
        """The keyframe nearest to each time, as :func:`read_keyframes` gives it.

        Raises:
            VideoError: The file holds no keyframe, or not one could be decoded.
        """
        positions = self.times_seconds
        if not len(positions):
            raise VideoError("the file holds no keyframe", where=self._path, remedy="read it frame by frame")
        decoder = _KeyframeDecoder(
            self._path, self._container, self._stream, size, indexed=self.indexed, opening=self._opening
        )
        done: dict[int, Frame | None] = {}
        # In file order first: seeking forwards only is kinder to spinning disks and network shares.
        chosen = sorted({int(np.argmin(np.abs(positions - time))) for time in times_seconds})
        listed = self._keyframes()
        _announce(self._path, [listed[number] for number in chosen])
        for number in chosen:
            done[number] = decoder.decode(listed[number].ticks)
        frames: list[Frame] = []
        for time in times_seconds:
            for number in np.argsort(np.abs(positions - time), kind="stable").tolist():
                if number not in done:
                    done[number] = decoder.decode(listed[number].ticks)
                frame = done[number]
                if frame is not None:
                    frames.append(frame)
                    break
            else:
                raise VideoError(
                    "not one keyframe could be decoded",
                    where=self._path,
                    remedy="check that it plays, or copy it again",
                )
        return frames

    def close(self) -> None:
        """Give back the file. Frames already handed out stay valid."""
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def keyframe_times(path: str | PathLike[str]) -> NDArray[np.float64]:
    """When the keyframes of a video are shown.

    The times of a container's index (MP4, MOV, AVI, Matroska with cues) count in decoding order: where frames are
    reordered they may be off by a few frames. The frames that :func:`read_keyframes` returns carry exact times. Files
    without an index are read through once, without decoding.

    Returns:
        Seconds from the first frame, ascending, shape (N,). Keyframes beyond the end of a truncated file are left out.

    Raises:
        VideoError: The path is missing, unreadable or holds no video.
    """
    with KeyframeReader(path) as reader:
        return reader.times_seconds


def read_keyframes(
    path: str | PathLike[str], times_seconds: Sequence[float] | NDArray[np.float64], *, size: tuple[int, int] | None
) -> list[Frame]:
    """The keyframe nearest to each time.

    A keyframe that cannot be decoded is replaced by the next nearest one.

    Args:
        path: the video file.
        times_seconds: times from the first frame, in any order.
        size: (width, height) that frames are squeezed to, by area averaging; None keeps the video's own size.

    Returns:
        One frame for each time, in the order of the times, with its exact presentation time. Two times with the same
        nearest keyframe get the same object.

    Raises:
        VideoError: The path is missing, unreadable, or no keyframe could be decoded.
    """
    with KeyframeReader(path) as reader:
        return reader.nearest(times_seconds, size=size)


def _announce(path: Path, keyframes: Sequence[_Listed]) -> None:
    """Tell the system which parts of a file are read next, where it listens: it fetches them together, and only them.

    Without that Linux reads ahead after each jump: from a disk, several times what is used.
    """
    if not hasattr(os, "posix_fadvise"):
        return
    # A hint only: a damaged index may name impossible places, and not every file system listens.
    with contextlib.suppress(OSError), path.open("rb") as file:
        for keyframe in keyframes:
            if keyframe.start is not None:
                end = keyframe.start + keyframe.size + _BLOCK_BYTES
                for start in range(keyframe.start, end, _ANNOUNCED_BYTES):
                    size = min(_ANNOUNCED_BYTES, end - start)
                    os.posix_fadvise(file.fileno(), start, size, os.POSIX_FADV_WILLNEED)


def _keyframes(
    container: InputContainer,
    stream: VideoStream,
    path: Path,
    *,
    indexed: bool,
    opening: Packet[VideoStream] | None,
) -> list[_Listed]:
    """Keyframes in the order of their display times, which are near where frames are reordered."""
    start = start_ticks(stream)
    if not indexed:
        return [_Listed(at - start) for at in sorted(_scanned_ticks(container, stream))]
    # How much later than its place in decoding order the first frame is shown.
    delay = 0 if opening is None or opening.pts is None or opening.dts is None else opening.pts - opening.dts
    present = path.stat().st_size
    return sorted(
        _Listed(entry.timestamp + delay - start, entry.pos, entry.size)
        for entry in stream.index_entries
        if entry.is_keyframe and not entry.is_discard and entry.pos + entry.size <= present
    )


def _is_indexed(container: InputContainer, stream: VideoStream) -> bool:
    """Whether the file itself lists its keyframes, all of them.

    FFmpeg adds what it passes while opening a file to the entries, so that some are there even without an index: the
    first of Matroska's, the first fragment of an MP4 file whose fragments have an index of their own.
    """
    kind, entries = container.format.name, stream.index_entries
    if kind == "avi":
        return len(entries) > 0
    if "mp4" in kind:
        return len(entries) > 0 and _reaches(container, stream, _MP4_REACH)
    return "matroska" in kind and len(entries) > 1 and _reaches(container, stream, _MATROSKA_REACH)


def _reaches(container: InputContainer, stream: VideoStream, share: float) -> bool:
    length = duration_seconds(container, stream)
    if length is None:
        return "mp4" in container.format.name
    last = stream.index_entries[-1].timestamp - start_ticks(stream) + nominal_ticks(stream)
    return float(last * tick(stream)) >= share * length


def _scanned_ticks(container: InputContainer, stream: VideoStream) -> Iterator[int]:
    for packet in _packets(container, stream):
        at = packet.dts if packet.pts is None else packet.pts
        if packet.is_keyframe and at is not None:
            yield at


def _packets(container: InputContainer, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
    """Packets with data up to the end, or to where the container is damaged."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError:
            return
        if packet is None:
            return
        if packet.size:
            yield packet


class _KeyframeDecoder:
    """Decodes single keyframes: one packet in, then drained."""

    def __init__(
        self,
        path: Path,
        container: InputContainer,
        stream: VideoStream,
        size: tuple[int, int] | None,
        *,
        indexed: bool,
        opening: Packet[VideoStream] | None,
    ) -> None:
        self._opening = opening
        self._container = container
        self._stream = stream
        self._size = size
        self._indexed = indexed
        self._index = PacketIndex(path)
        self._reformatter = VideoReformatter()
        self._zero: int | None = None

    def decode(self, ticks: int) -> Frame | None:
        """The keyframe shown at about ``ticks`` from the start; None where it cannot be decoded."""
        found = self._picture(ticks + start_ticks(self._stream))
        if found is None:
            return None
        at, picture = found
        seconds = float((at - self._first_ticks()) * tick(self._stream))
        turns = quarter_turns_of(picture)
        if self._size is None:
            return Frame(lambda: self._index.index_of(seconds), seconds, source=PlaneSource(picture, turns))
        width, height = self._size if turns % 2 == 0 else self._size[::-1]
        small = self._reformatter.reformat(picture, width, height, "rgb24", interpolation=_SHRINK)
        image = turn(np.asarray(small.to_ndarray(), dtype=np.uint8), turns)
        return Frame(lambda: self._index.index_of(seconds), seconds, image=image)

    def _picture(self, ticks: int) -> tuple[int, VideoFrame] | None:
        """The first picture at or after ``ticks`` and its presentation time in ticks."""
        if self._opening is not None and self._opening.is_keyframe and self._opening.pts == ticks:
            self._stream.codec_context.flush_buffers()
            return self._alone(self._opening)
        # Without an index a seek is a guess: start well before and pass over earlier keyframes.
        target = ticks if self._indexed else ticks - round(1 / tick(self._stream))
        try:
            self._container.seek(target, stream=self._stream, backward=True)
        except av.error.FFmpegError:
            return None
        for packet in _packets(self._container, self._stream):
            at = packet.dts if packet.pts is None else packet.pts
            wanted = packet.is_keyframe and (self._indexed or at is None or at >= ticks)
            if self._indexed and not wanted:
                return None  # the index promised a keyframe here
            if not wanted:
                continue
            return self._alone(packet)
        return None

    def _alone(self, packet: Packet[VideoStream]) -> tuple[int, VideoFrame] | None:
        """The picture of a keyframe's packet and its presentation time in ticks."""
        try:
            pictures = self._stream.decode(packet) or self._stream.decode(None)
        except av.error.FFmpegError:
            return None
        return next(((picture.pts, picture) for picture in pictures if picture.pts is not None), None)

    def _first_ticks(self) -> int:
        """Zero of the frame times; AVI's made-up times start at the decoder's delay."""
        if self._container.format.name != "avi":
            return start_ticks(self._stream)
        if self._zero is None:
            first = self._picture(start_ticks(self._stream))
            self._zero = 0 if first is None else first[0]
        return self._zero
