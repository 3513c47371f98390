"""The PyAV backend: exact presentation times, lazy pixels, grey from the luma plane."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from footage.errors import VideoError
from footage.video._av import (
    duration_seconds,
    open_container,
    packet_times,
    sample_count,
    set_threads,
    start_ticks,
    tick,
    video_stream,
)
from footage.video._decode import Cursor, Damage, TimedFrames
from footage.video._planes import PlaneSource, quarter_turns_of
from footage.video._structure import missing_bytes
from footage.video.reader import VideoReader
from footage.video.types import Ending, Frame, VideoInfo


def describe(path: Path, container: InputContainer, stream: VideoStream, first: VideoFrame) -> VideoInfo:
    """Facts about a video from its headers and its first frame."""
    turns = quarter_turns_of(first)
    width, height = (first.height, first.width) if turns % 2 else (first.width, first.height)
    rate = stream.average_rate or stream.guessed_rate
    start = float(start_ticks(stream) * tick(stream))
    duration = duration_seconds(container, stream, start)
    estimate = stream.frames or (round(duration * rate) if duration is not None and rate else None)
    return VideoInfo(
        path=path,
        width=width,
        height=height,
        rotation_degrees=-90 * turns % 360,
        average_rate=Fraction(rate) if rate else None,
        duration_seconds=duration,
        frame_count_estimate=estimate or None,
        codec=stream.codec_context.name,
        pixel_format=first.format.name,
        container=container.format.name.split(",")[0],
        has_audio=bool(container.streams.audio),
        start_seconds=start,
    )


class PyAVReader(VideoReader):
    """Frames of a file through PyAV. Built by :func:`footage.video.open_video`."""

    def __init__(self, path: Path, *, threads: int | None = None) -> None:
        self._path = path
        self._threads = threads
        self._closed = False
        self._cursor: Cursor | None = None
        self._times: list[float] | None = None
        self.ending: Ending | None = None
        with open_container(path) as container:
            stream = video_stream(container, path)
            set_threads(stream, 1)
            timed = TimedFrames(container, stream)
            first = next((frame for _, frame in timed), None)
            if first is None:
                raise VideoError(
                    "not one frame could be decoded", where=path, remedy="check that it plays, or copy it again"
                )
            self.info = describe(path, container, stream, first)
            self._size = (first.width, first.height)
            self._turns = quarter_turns_of(first)

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """See :meth:`VideoReader.frames`."""
        if start < 0:
            raise ValueError(f"start must not be negative, but is {start}")
        self._check_open()
        self.ending = None
        with open_container(self._path) as container:
            stream = video_stream(container, self._path)
            set_threads(stream, self._threads)
            timed = TimedFrames(container, stream)
            seconds_a_tick = float(tick(stream))
            count, last, resized = 0, None, None
            for ticks, decoded in timed:
                if stop is not None and count >= stop:
                    return
                if (decoded.width, decoded.height) != self._size:
                    resized = f"the picture size changes to {decoded.width}x{decoded.height}"
                    break
                last = ticks * seconds_a_tick
                if count >= start:
                    yield Frame(count, last, source=PlaneSource(decoded, self._turns))
                count += 1
            self.ending = self._judge(
                container=container, stream=stream, damage=timed.damage, count=count, last=last, resized=resized
            )

    def frame_at(self, seconds: float) -> Frame:
        """See :meth:`VideoReader.frame_at`."""
        self._check_open()
        if not math.isfinite(seconds) or seconds < 0:
            raise VideoError(f"{seconds} s is no time in a video", where=self._path, remedy="ask for 0 s or later")
        if self._cursor is None:
            self._cursor = Cursor(self._path, self._threads)
        ticks, decoded = self._cursor.displayed_at(seconds)
        pts_seconds = float(ticks * self._cursor.tick)
        return Frame(
            lambda: self._index_of(pts_seconds), pts_seconds, source=PlaneSource(decoded, quarter_turns_of(decoded))
        )

    def close(self) -> None:
        """See :meth:`VideoReader.close`."""
        self._closed = True
        if self._cursor is not None:
            self._cursor.close()
            self._cursor = None

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError("the reader is closed")

    def _index_of(self, pts_seconds: float) -> int:
        if self._times is None:
            self._times = packet_times(self._path)
        # Half a millisecond: times are multiples of the tick, floats differ in the last digit only.
        return bisect_left(self._times, pts_seconds - 0.0005)

    def _judge(
        self,
        *,
        container: InputContainer,
        stream: VideoStream,
        damage: Damage,
        count: int,
        last: float | None,
        resized: str | None,
    ) -> Ending:
        """Tell a healthy end of file from a cut or damaged one."""
        promised = sample_count(container, stream)
        cut = missing_bytes(self._path)
        expected = promised if promised is not None else (self.info.frame_count_estimate if cut else None)
        lost = 0 if promised is None else max(0, promised - count)
        causes: list[str] = []
        if resized is not None:
            causes.append(resized)
        if cut is not None:
            causes.append(str(cut))
        if damage.demux_error is not None:
            causes.append(f"the container is damaged ({damage.demux_error})")
        if damage.bad_packets or (lost and not causes):
            where = "" if damage.first_seconds is None else f", the first near {damage.first_seconds:.2f} s"
            causes.append(f"{max(lost, damage.bad_packets)} frames could not be decoded{where}")
        reason = None
        if causes:
            reached = "no time at all" if last is None else f"{last:.2f} s"
            of_duration = (
                "" if self.info.duration_seconds is None else f" of a declared {self.info.duration_seconds:.2f} s"
            )
            of_frames = "" if expected is None else f" of {expected} expected"
            reason = f"{'; '.join(causes)}: {count} frames{of_frames} up to {reached}{of_duration}"
        elif damage.corrupt_frames:
            reason = f"{damage.corrupt_frames} of {count} frames show damage, the first near {damage.first_seconds} s"
        return Ending(
            frames_decoded=count,
            frames_expected=expected,
            last_pts_seconds=last,
            cut_short=bool(causes),
            reason=reason,
        )
