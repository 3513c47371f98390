"""Video that is still coming: a network address, or a file that grows. The only place that opens addresses."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import av.error
import numpy as np
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from footage.errors import VideoError
from footage.runs.files import atomic_path
from footage.video._av import plain_reason, set_threads, tick, video_stream
from footage.video._decode import TimedFrames
from footage.video.moments import squeezed

_ADDRESS = re.compile(r"[a-z][a-z0-9+]{1,9}://", re.IGNORECASE)
_NETWORK = "http,https,httpproxy,tcp,tls,udp,rtp,rtsp,rtsps,srtp,rtmp,rtmps,rtmpt,srt,crypto,hls,mmsh"
"""What an address, and what a playlist behind it names, may use: nothing that reads files of this machine."""
_SECRET = re.compile(r"(?<=://)[^/@]*@")
STALLED = "nothing came for"


def is_address(source: str) -> bool:
    """Whether a source is a network address and not a file."""
    return _ADDRESS.match(source) is not None


def shown(source: str) -> str:
    """A source as it may be printed: without the name and password of an address."""
    return _SECRET.sub("", source) if is_address(source) else source


class LiveFrame:
    """A frame of a live video; it is scaled only when asked for.

    Attributes:
        pts_seconds: presentation time from the first frame that came.
    """

    __slots__ = ("_picture", "_reformatter", "pts_seconds")

    def __init__(self, picture: VideoFrame, pts_seconds: float, reformatter: VideoReformatter) -> None:
        self._picture, self._reformatter, self.pts_seconds = picture, reformatter, pts_seconds

    def squeezed(self, side_px: int) -> NDArray[np.uint8]:
        """RGB uint8 ``(side, side, 3)``, made as ``read_moments`` makes it."""
        return squeezed(self._picture, (side_px, side_px), self._reformatter)


class LiveVideo:
    """A source that is being written or sent. Use it as a context manager, with one way of reading it.

    Attributes:
        source: as it may be printed.
        size: (width, height) in pixels as coded.
        rate: frames a second as declared; None where it is not.
        codec: name of the decoder.
        ended: why reading ended; None while it goes on.
    """

    def __init__(self, source: str, *, patience_seconds: float = 10.0) -> None:
        """Open a source and wait until enough has come to know what it is.

        Args:
            source: an address that FFmpeg knows (``http://``, ``rtsp://``, ``udp://``, ``srt://``), or a file, which is
                followed as it grows.
            patience_seconds: after so long without data the video is taken to have ended.

        Raises:
            VideoError: the source cannot be opened, or holds no video.
        """
        if not patience_seconds > 0:
            raise ValueError("patience must be positive")
        self.source = shown(source)
        self._patience = patience_seconds
        self._container = self._open(source)
        try:
            self._stream: VideoStream = video_stream(self._container, Path(self.source))
        except VideoError:
            self._container.close()
            raise
        set_threads(self._stream, 1)
        self.size = (self._stream.codec_context.width, self._stream.codec_context.height)
        rate = self._stream.average_rate or self._stream.guessed_rate
        self.rate = Fraction(rate) if rate else None
        self.codec = self._stream.codec_context.name
        self.ended: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the source go. Closing twice is harmless."""
        self._container.close()

    def frames(self, stop: threading.Event) -> Iterator[LiveFrame]:
        """Frames as they come, until the source ends, stalls, or ``stop`` is set; damage is passed over."""
        timed, reformatter = TimedFrames(self._container, self._stream), VideoReformatter()
        seconds_a_tick, first = tick(self._stream), None
        for ticks, picture in timed:
            if stop.is_set():
                self.ended = "stopped"
                return
            first = ticks if first is None else first
            if not picture.is_corrupt:
                yield LiveFrame(picture, float((ticks - first) * seconds_a_tick), reformatter)
        self.ended = self._ending(timed.damage.demux_error)

    def record(self, folder: Path, name: str, *, segment_seconds: float, stop: threading.Event) -> Iterator[Path]:
        """Write the video as it comes into files, without coding it anew: not a frame is lost or changed.

        Args:
            folder: where to; it must exist.
            name: of the files, to which a number and ``.mkv`` are added.
            segment_seconds: a file ends at the first keyframe after so long.
            stop: ends it, with the last file complete.

        Yields:
            Each file when it is complete.

        Raises:
            VideoError: a file cannot be written.
        """
        number = 0
        packets = self._packets(stop)
        waiting = next((packet for packet in packets if packet.is_keyframe and packet.dts is not None), None)
        while waiting is not None:
            path = folder / f"{name}-{number:04d}.mkv"
            waiting = self._segment(path, waiting, packets, segment_seconds)
            number += 1
            yield path

    def _segment(
        self, path: Path, first: Packet[VideoStream], packets: Iterator[Packet[VideoStream]], seconds: float
    ) -> Packet[VideoStream] | None:
        """Write one file; returns the keyframe with which the next begins, None at the end."""
        start = first.dts or 0
        length = seconds / tick(self._stream)
        try:
            with atomic_path(path) as partial, av.open(f"file:{partial}", "w") as output:
                stream = output.add_stream_from_template(self._stream)
                following: Packet[VideoStream] | None = first
                while following is not None:
                    _move(following, start, output, stream)
                    following = next(packets, None)
                    if following is not None and following.is_keyframe and (following.dts or 0) - start >= length:
                        break
                return following
        except (av.error.FFmpegError, OSError) as error:
            raise VideoError(
                f"cannot be written ({plain_reason(error)})", where=path, remedy="check the disk"
            ) from None

    def _packets(self, stop: threading.Event) -> Iterator[Packet[VideoStream]]:
        reason = None
        try:
            for packet in self._container.demux(self._stream):
                if stop.is_set():
                    self.ended = "stopped"
                    return
                if packet.size and packet.dts is not None:
                    yield packet
        except av.error.FFmpegError as error:
            reason = plain_reason(error)
        self.ended = self._ending(reason)

    def _open(self, source: str) -> InputContainer:
        # Were the file declared to be seekable, a fragment of MP4 would be kept back until the next one is there.
        followed = {"protocol_whitelist": "file", "follow": "1", "seekable": "0"}
        options = {"protocol_whitelist": _NETWORK} if is_address(source) else followed
        if source.lower().startswith("rtsp"):
            options["rtsp_transport"] = "tcp"
        try:
            return av.open(
                source if is_address(source) else f"file:{source}",
                options=options,
                timeout=(self._patience, self._patience),
            )
        except (av.error.FFmpegError, OSError, ValueError) as error:
            reason = "nothing came in time" if isinstance(error, av.error.ExitError) else plain_reason(error)
            raise VideoError(
                f"cannot be opened ({reason})",
                where=self.source,
                remedy="check the address, or wait until it sends; a file must be one that can be read while it grows, "
                "such as MPEG-TS, Matroska or fragmented MP4",
            ) from None

    def _ending(self, error: str | None) -> str:
        if error is None:
            return "the source ended"
        return f"{STALLED} {self._patience:g} s" if "exit" in error else error


def _move(packet: Packet[VideoStream], start: int, output: OutputContainer, stream: VideoStream) -> None:
    packet.dts = None if packet.dts is None else packet.dts - start
    packet.pts = None if packet.pts is None else packet.pts - start
    packet.stream = stream
    output.mux(packet)
