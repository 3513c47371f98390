"""Decoding with PyAV: frames with presentation times, in order and at random, and a record of what was damaged."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import av.error
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from footage.errors import VideoError
from footage.video._av import nominal_ticks, open_container, plain_reason, set_threads, start_ticks, tick, video_stream
from footage.video._ending import Outcome


@dataclass(slots=True)
class Damage:
    """What went wrong while decoding, for :func:`footage.video._ending.judge`."""

    bad_packets: int = 0
    corrupt_frames: int = 0
    first_seconds: float | None = None
    demux_error: str | None = None

    def enter(self, outcome: Outcome) -> None:
        """Add this record to what the reader saw."""
        outcome.undecodable, outcome.damaged = self.bad_packets, self.corrupt_frames
        outcome.first_damage_seconds = self.first_seconds
        if self.demux_error is not None:
            outcome.stopped_by.append(f"the container is damaged ({self.demux_error})")


@dataclass(slots=True)
class TimedFrames:
    """Decoded frames with presentation times in stream ticks counted from the stream's start.

    AVI stores no presentation times, and those that FFmpeg makes up are wrong where frames are reordered. Its packets
    are numbered display slots, though: each decoded frame takes the earliest slot not yet taken.
    """

    container: InputContainer
    stream: VideoStream
    damage: Damage = field(default_factory=Damage)

    @property
    def slots_only(self) -> bool:
        """Whether times come from packet slots."""
        return self.container.format.name == "avi"

    def __iter__(self) -> Iterator[tuple[int, VideoFrame]]:
        start, step = start_ticks(self.stream), nominal_ticks(self.stream)
        slots: deque[int] = deque()
        last: int | None = None
        for packet in self._packets():
            if packet is not None and packet.dts is not None and packet.size:
                slots.append(packet.dts)
            for frame in self._decoded(packet, slots, start):
                ticks = slots.popleft() if self.slots_only and slots else frame.pts
                if ticks is None or (last is not None and ticks - start <= last):
                    # No time, or one that goes backwards (damage, joined broadcasts): the next regular one.
                    ticks = start if last is None else start + last + step
                if frame.is_corrupt:
                    self._note(ticks, start)
                    self.damage.corrupt_frames += 1
                last = ticks - start
                yield last, frame

    def _packets(self) -> Iterator[Packet[VideoStream] | None]:
        """Packets up to the end or to where the container itself is damaged, then None to flush the decoder."""
        try:
            yield from self.container.demux(self.stream)
        except av.error.FFmpegError as error:
            self.damage.demux_error = plain_reason(error)
            yield None

    def _decoded(self, packet: Packet[VideoStream] | None, slots: deque[int], start: int) -> list[VideoFrame]:
        try:
            return self.stream.decode(packet)
        except av.error.EOFError:  # flushed before
            return []
        except av.error.FFmpegError:
            if packet is not None:
                self._note(packet.dts if packet.pts is None else packet.pts, start)
            self.damage.bad_packets += 1
            if slots:
                slots.pop()
            return []

    def _note(self, ticks: int | None, start: int) -> None:
        if self.damage.first_seconds is None and ticks is not None and self.stream.time_base is not None:
            self.damage.first_seconds = float((ticks - start) * self.stream.time_base)


class Cursor:
    """Random access by time: seeks to a keyframe before the wanted time, then decodes up to it."""

    _FORWARD_SECONDS = 2.0  # decoding on is cheaper than a seek for about one group of pictures

    def __init__(self, path: Path, threads: int | None) -> None:
        self._path = path
        self._threads = threads
        self._container: InputContainer | None = None
        self._open()

    def _open(self) -> None:
        self.close()
        self._container = open_container(self._path)
        self._stream = video_stream(self._container, self._path)
        set_threads(self._stream, self._threads)
        self.tick = tick(self._stream)
        self._frames: Iterator[tuple[int, VideoFrame]] = iter(TimedFrames(self._container, self._stream))
        self._now: tuple[int, VideoFrame] | None = next(self._frames, None)
        self._next: tuple[int, VideoFrame] | None = next(self._frames, None)
        self._seekable = self._can_seek()

    def close(self) -> None:
        if self._container is not None:
            self._container.close()
            self._container = None

    def displayed_at(self, seconds: float) -> tuple[int, VideoFrame]:
        # A hair is added so that a time that was itself made from ticks finds its own frame.
        wanted = math.floor(seconds / self.tick + 1e-6)
        near = self._now is not None and self._now[0] <= wanted <= self._now[0] + self._FORWARD_SECONDS / self.tick
        if not near:
            self._position_before(wanted)
        while self._next is not None and self._next[0] <= wanted:
            self._advance()
        if self._now is None:
            raise VideoError("nothing could be decoded", where=f"{self._path} at {seconds:.3f} s")
        return self._now

    def _can_seek(self) -> bool:
        """Whether times after a seek are exact.

        Bare codec streams carry no times to seek by. Where frames are reordered, AVI and MPEG program streams do not
        time every frame: how many are dropped after a seek, and with them all times that follow, is up to the decoder.
        """
        assert self._container is not None  # noqa: S101 - called while open
        if self._container.format.name in {"avi", "mpeg"}:
            return not self._stream.codec_context.has_b_frames
        return self._now is not None and self._now[1].pts is not None

    def _advance(self) -> None:
        self._now, self._next = self._next, next(self._frames, None)

    def _position_before(self, wanted: int) -> None:
        """Stand on a decodable frame at or before ``wanted``, or on the first frame."""
        assert self._container is not None  # noqa: S101 - closed cursors are not used
        start = start_ticks(self._stream)
        for back_seconds in (0, 1, 4, 16, 64):
            target = wanted - round(back_seconds / self.tick)
            if target <= 0 or not self._seekable:
                break
            try:
                self._container.seek(start + target, stream=self._stream, backward=True)
            except av.error.FFmpegError:
                break
            self._frames = _from_keyframe(TimedFrames(self._container, self._stream))
            self._now, self._next = next(self._frames, None), next(self._frames, None)
            if self._now is not None and self._now[0] <= wanted:
                return
        self._open()


def _from_keyframe(frames: TimedFrames) -> Iterator[tuple[int, VideoFrame]]:
    """Drop what comes before the first keyframe: after a seek it lacks its references."""
    seen = False
    for ticks, frame in frames:
        seen = seen or frame.key_frame
        if seen:
            yield ticks, frame
