"""The PyAV backend: exact presentation times, lazy pixels, grey from the luma plane."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from footage.errors import VideoError
from footage.video._av import (
    PacketIndex,
    declared_end_seconds,
    duration_seconds,
    nominal_ticks,
    open_container,
    sample_count,
    set_threads,
    start_ticks,
    tick,
    undecodable,
    video_stream,
)
from footage.video._decode import Cursor, TimedFrames
from footage.video._ending import Outcome, judge
from footage.video._planes import PlaneSource, quarter_turns_of
from footage.video.reader import VideoReader, check_span
from footage.video.types import Ending, Frame, VideoInfo


def describe(path: Path, container: InputContainer, stream: VideoStream, first: VideoFrame) -> VideoInfo:
    """Facts about a video from its headers and its first frame."""
    turns = quarter_turns_of(first)
    width, height = (first.height, first.width) if turns % 2 else (first.width, first.height)
    rate = stream.average_rate or stream.guessed_rate
    start = float(start_ticks(stream) * tick(stream))
    duration = duration_seconds(container, stream)
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

    def __init__(self, path: Path, *, threads: int | None = None, accurate_colours: bool = False) -> None:
        self._path = path
        self._accurate_colours = accurate_colours
        self._threads = threads
        self._closed = False
        self._cursor: Cursor | None = None
        self._index = PacketIndex(path)
        self.ending: Ending | None = None
        with open_container(path) as container:
            stream = video_stream(container, path)
            set_threads(stream, 1)
            timed = TimedFrames(container, stream)
            first = next((frame for _, frame in timed), None)
            if first is None:
                raise undecodable(path)
            self.info = describe(path, container, stream, first)
            self._size = (first.width, first.height)
            self._turns = quarter_turns_of(first)

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """See :meth:`VideoReader.frames`."""
        check_span(start, stop)
        self._check_open()
        self.ending = None
        return self._frames(start, stop)

    def _frames(self, start: int, stop: int | None) -> Iterator[Frame]:
        outcome = Outcome()
        with open_container(self._path) as container:
            stream = video_stream(container, self._path)
            set_threads(stream, self._threads)
            timed = TimedFrames(container, stream)
            seconds_a_tick = tick(stream)
            for ticks, decoded in timed:
                if (decoded.width, decoded.height) != self._size:
                    outcome.stopped_by.append(f"the picture size changes to {decoded.width}x{decoded.height}")
                    break
                seconds = float(ticks * seconds_a_tick)
                outcome.last_pts_seconds = seconds
                outcome.last_duration_seconds = float((decoded.duration or nominal_ticks(stream)) * seconds_a_tick)
                if outcome.frames >= start:
                    yield Frame(outcome.frames, seconds, source=self._pixels(decoded, self._turns))
                outcome.frames += 1
                if outcome.frames == stop:
                    return
            outcome.promised_frames = sample_count(container, stream)
            outcome.declared_end_seconds = declared_end_seconds(container, stream)
            timed.damage.enter(outcome)
            self.ending = judge(self.info, outcome)

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
            lambda: self._index.index_of(pts_seconds),
            pts_seconds,
            source=self._pixels(decoded, quarter_turns_of(decoded)),
        )

    def _pixels(self, decoded: VideoFrame, turns: int) -> PlaneSource:
        return PlaneSource(decoded, turns, accurate_colours=self._accurate_colours)

    def close(self) -> None:
        """See :meth:`VideoReader.close`."""
        self._closed = True
        if self._cursor is not None:
            self._cursor.close()
            self._cursor = None

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError("the reader is closed")
