"""Exact frames at some times of a video, for the price of decoding what they depend on and nothing else.

A frame between two keyframes needs the pictures it was predicted from. Packets are read without decoding until it is
known which of them is on display at a time; then only those from the keyframe before it are decoded, pictures that no
other refers to are passed over, and swscale brings what was asked for to its size straight from YUV.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import closing
from os import PathLike
from pathlib import Path

import av.error
import cv2
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from footage.video._av import PacketIndex, open_container, set_threads, start_ticks, tick, video_stream
from footage.video._planes import ACCURATE, quarter_turns_of, turn
from footage.video.reader import VideoReader, check_readable, open_video
from footage.video.types import Frame

_SHRINK = Interpolation.AREA | ACCURATE
_TIMED = ("mp4", "matroska")
"""Containers that give every packet its display time."""
_UNREFERENCED = {"h264", "mpeg4"}
"""Codecs whose decoder knows which pictures no other picture refers to. H.265's marks hold within a layer only."""
_MOST_BYTES = 64 * 2**20
"""Of packets held at once; a stretch without keyframes that is longer is read frame by frame."""


def read_moments(
    path: str | PathLike[str], times_seconds: Sequence[float] | NDArray[np.float64], *, size: tuple[int, int]
) -> list[Frame]:
    """The frame on display at each time, as :meth:`footage.video.reader.VideoReader.frame_at` defines it.

    Decodes with one thread: many files are read at once where this is used.

    Args:
        path: the video file.
        times_seconds: times from the first frame, ascending; beyond the end is the last frame.
        size: (width, height) that frames are squeezed to, by area averaging.

    Returns:
        One frame for each time, with its exact presentation time.

    Raises:
        VideoError: the path is missing, unreadable, holds no video, or nothing could be decoded.
        ValueError: the times are not ascending.
    """
    times = np.asarray(times_seconds, np.float64)
    if (np.diff(times) < 0).any():
        raise ValueError("times must be ascending")
    check_readable(Path(path), folder=False)
    with closing(_Moments(Path(path), size)) as moments:
        return moments.read(times)


class _Moments:
    def __init__(self, path: Path, size: tuple[int, int]) -> None:
        self._path = path
        self._size = size
        self._index = PacketIndex(path)
        self._reformatter = VideoReformatter()
        self._slow: VideoReader | None = None
        self._container = open_container(path)
        self._stream = video_stream(self._container, path)
        set_threads(self._stream, 1)
        name = self._container.format.name
        self._fast = any(kind in name for kind in _TIMED)
        self._skips = self._stream.codec_context.name in _UNREFERENCED

    def close(self) -> None:
        self._container.close()
        if self._slow is not None:
            self._slow.close()

    def read(self, times: NDArray[np.float64]) -> list[Frame]:
        """One frame for each time."""
        frames: list[Frame] = []
        if self._fast:
            for group in self._groups(times):
                frames += self._read_group(group)
            return frames
        return [self._by_reader(seconds) for seconds in times.tolist()]

    def _groups(self, times: NDArray[np.float64]) -> list[list[float]]:
        """Times between which no keyframe lies: they are read in one go."""
        keys = [e.timestamp - start_ticks(self._stream) for e in self._stream.index_entries if e.is_keyframe]
        before = np.searchsorted(np.array(keys) * float(tick(self._stream)), times, side="right")
        groups: list[list[float]] = []
        for place, seconds in enumerate(times.tolist()):
            if place and before[place] == before[place - 1]:
                groups[-1].append(seconds)
            else:
                groups.append([seconds])
        return groups

    def _read_group(self, times: Sequence[float]) -> list[Frame]:
        # A hair is added so that a time that was itself made from ticks finds its own frame.
        ticks = [math.floor(seconds / tick(self._stream) + 1e-6) + start_ticks(self._stream) for seconds in times]
        packets = self._packets_for(ticks)
        wanted = None if packets is None else [_on_display(packets, at) for at in ticks]
        if packets is None or wanted is None or any(at is None for at in wanted):
            return [self._by_reader(seconds) for seconds in times]
        pictures = self._decoded(packets, {at for at in wanted if at is not None})
        return [
            pictures[at] if at in pictures else self._by_reader(seconds)
            for seconds, at in zip(times, wanted, strict=True)
        ]

    def _packets_for(self, ticks: Sequence[int]) -> list[Packet[VideoStream]] | None:
        """Packets from the keyframe that the first time needs to the last that can be shown by the last time.

        None where packets carry no times, nothing can be sought, or the stretch is too long to be held.
        """
        for back_seconds in (0, 1, 4, 16):
            target = ticks[0] - round(back_seconds / tick(self._stream))
            try:
                self._container.seek(max(target, start_ticks(self._stream)), stream=self._stream, backward=True)
            except av.error.FFmpegError:
                return None
            held = _collect(_demuxed(self._container, self._stream), ticks[0], ticks[-1])
            if held is None or (held and held[0].pts is not None and held[0].pts <= ticks[0]):
                return held
            if target <= start_ticks(self._stream):
                return None
        return None

    def _decoded(self, packets: Sequence[Packet[VideoStream]], wanted: set[int]) -> dict[int, Frame]:
        """Pictures of the wanted times; those that could not be decoded are missing."""
        context = self._stream.codec_context
        found: dict[int, Frame] = {}
        last = max(place for place, packet in enumerate(packets) if packet.pts in wanted)
        for packet in (*packets[: last + 1], None):
            if self._skips:
                context.skip_frame = "DEFAULT" if packet is None or packet.pts in wanted else "NONREF"
            try:
                pictures = self._stream.decode(packet)
            except av.error.FFmpegError:
                continue
            for picture in pictures:
                if picture.pts in wanted and not picture.is_corrupt:
                    found[picture.pts] = self._small(picture)
        context.flush_buffers()
        return found

    def _small(self, picture: VideoFrame) -> Frame:
        image = squeezed(picture, self._size, self._reformatter)
        seconds = float(((picture.pts or 0) - start_ticks(self._stream)) * tick(self._stream))
        return Frame(lambda: self._index.index_of(seconds), seconds, image=image)

    def _by_reader(self, seconds: float) -> Frame:
        """The same by decoding whatever lies before it: damage, and containers without display times."""
        if self._slow is None:
            self._slow = open_video(self._path, threads=1, accurate_colours=True)
        frame = self._slow.frame_at(seconds)
        image = np.asarray(cv2.resize(frame.image, self._size, interpolation=cv2.INTER_AREA), np.uint8)
        return Frame(lambda: self._index.index_of(frame.pts_seconds), frame.pts_seconds, image=image)


def squeezed(picture: VideoFrame, size: tuple[int, int], reformatter: VideoReformatter) -> NDArray[np.uint8]:
    """A decoded picture upright and squeezed to (width, height) by area averaging, straight from YUV; RGB uint8."""
    turns = quarter_turns_of(picture)
    width, height = size if turns % 2 == 0 else size[::-1]
    small = reformatter.reformat(picture, width, height, "rgb24", interpolation=_SHRINK)
    return turn(np.asarray(small.to_ndarray(), dtype=np.uint8), turns)


def _on_display(packets: Sequence[Packet[VideoStream]], ticks: int) -> int | None:
    """The time of the last picture that is shown at ``ticks`` or before."""
    shown = (packet.pts for packet in packets if packet.pts is not None and not packet.is_discard)
    return max((pts for pts in shown if pts <= ticks), default=None)


def _collect(packets: Iterator[Packet[VideoStream]], first: int, last: int) -> list[Packet[VideoStream]] | None:
    """Packets up to where none can be shown by ``last`` any more; a keyframe shown by ``first`` begins anew."""
    held: list[Packet[VideoStream]] = []
    size = 0
    for packet in packets:
        if packet.pts is None or packet.dts is None:
            return None
        if packet.dts > last:
            break
        if packet.is_keyframe and packet.pts <= first:
            held, size = [], 0
        if held or packet.is_keyframe:
            held.append(packet)
            size += packet.size
        if size > _MOST_BYTES:
            return None
    return held


def _demuxed(container: InputContainer, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
    """Packets with data up to the end, or to where the container is damaged."""
    try:
        yield from (packet for packet in container.demux(stream) if packet.size)
    except av.error.FFmpegError:
        return
