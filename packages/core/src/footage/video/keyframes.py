"""Keyframes without decoding what lies between them: the fastest way to sample a long video.

The container's index says where keyframes are, so only their packets are read (4 to 9 % of a typical file), each is
decoded alone, and swscale brings it to the wanted size straight from YUV.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path

import av.error
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from footage.errors import VideoError
from footage.video._av import PacketIndex, open_container, set_threads, start_ticks, tick, video_stream
from footage.video._planes import PlaneSource, quarter_turns_of, turn
from footage.video.reader import check_readable
from footage.video.types import Frame

_SHRINK = Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP


def keyframe_times(path: str | PathLike[str]) -> NDArray[np.float64]:
    """When the keyframes of a video are shown.

    The times come from the container's index (MP4, MOV, AVI, Matroska with cues), which counts in decoding order:
    where frames are reordered they may be off by a few frames. The frames that :func:`read_keyframes` returns carry
    exact times. Files without an index are read through once, without decoding.

    Returns:
        Seconds from the first frame, ascending, shape (N,). Keyframes beyond the end of a truncated file are left out.

    Raises:
        VideoError: The path is missing, unreadable or holds no video.
    """
    path = Path(path)
    check_readable(path, folder=False)
    with open_container(path) as container:
        stream = video_stream(container, path)
        ticks = _keyframe_ticks(container, stream, path)
        return np.array([float(at * tick(stream)) for at in ticks], dtype=np.float64)


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
    path = Path(path)
    check_readable(path, folder=False)
    with open_container(path) as container:
        stream = video_stream(container, path)
        set_threads(stream, 1)
        ticks = _keyframe_ticks(container, stream, path)
        if not ticks:
            raise VideoError("the file holds no keyframe", where=path, remedy="read it frame by frame")
        positions = np.array([float(at * tick(stream)) for at in ticks])
        decoder = _KeyframeDecoder(path, container, stream, size)
        done: dict[int, Frame | None] = {}
        # In file order first: seeking forwards only is kinder to spinning disks and network shares.
        for number in sorted({int(np.argmin(np.abs(positions - time))) for time in times_seconds}):
            done[number] = decoder.decode(ticks[number])
        frames: list[Frame] = []
        for time in times_seconds:
            for number in np.argsort(np.abs(positions - time), kind="stable").tolist():
                if number not in done:
                    done[number] = decoder.decode(ticks[number])
                frame = done[number]
                if frame is not None:
                    frames.append(frame)
                    break
            else:
                raise VideoError(
                    "not one keyframe could be decoded", where=path, remedy="check that it plays, or copy it again"
                )
        return frames


def _keyframe_ticks(container: InputContainer, stream: VideoStream, path: Path) -> list[int]:
    """Display times of keyframes in ticks from the stream's start, ascending; near where frames are reordered."""
    start, kind = start_ticks(stream), container.format.name
    if "matroska" in kind:
        container.seek(start, stream=stream)  # makes FFmpeg read the cues, which often stand at the end of the file
    if not _is_indexed(container, stream):
        return sorted(at - start for at in _scanned_ticks(container, stream))
    delay = _reorder_delay(container, stream) if "mp4" in kind else 0
    present = path.stat().st_size
    return sorted(
        entry.timestamp + delay - start
        for entry in stream.index_entries
        if entry.is_keyframe and not entry.is_discard and entry.pos + entry.size <= present
    )


def _is_indexed(container: InputContainer, stream: VideoStream) -> bool:
    """Whether the file itself lists its keyframes. Of Matroska's entries the first is found by opening the file."""
    kind, entries = container.format.name, len(stream.index_entries)
    return (entries > 0 and (kind == "avi" or "mp4" in kind)) or (entries > 1 and "matroska" in kind)


def _reorder_delay(container: InputContainer, stream: VideoStream) -> int:
    """How much later than its place in decoding order the first frame is shown, in ticks."""
    for packet in _packets(container, stream):
        if packet.pts is not None and packet.dts is not None:
            return packet.pts - packet.dts
    return 0


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
        self, path: Path, container: InputContainer, stream: VideoStream, size: tuple[int, int] | None
    ) -> None:
        self._container = container
        self._stream = stream
        self._size = size
        self._indexed = _is_indexed(container, stream)
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
            try:
                pictures = self._stream.decode(packet) or self._stream.decode(None)
            except av.error.FFmpegError:
                return None
            return next(((picture.pts, picture) for picture in pictures if picture.pts is not None), None)
        return None

    def _first_ticks(self) -> int:
        """Zero of the frame times; AVI's made-up times start at the decoder's delay."""
        if self._container.format.name != "avi":
            return start_ticks(self._stream)
        if self._zero is None:
            first = self._picture(start_ticks(self._stream))
            self._zero = 0 if first is None else first[0]
        return self._zero
