"""Opening files with PyAV, and what their headers and packet tables tell. Nothing is decoded here."""

from __future__ import annotations

import contextlib
from bisect import bisect_left
from fractions import Fraction
from pathlib import Path

import av
import av.error
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from footage.errors import VideoError
from footage.video._structure import missing_bytes

_DEFAULT_RATE = Fraction(25)  # what FFmpeg too assumes for streams that carry neither times nor a rate

# Playlists make FFmpeg open whatever other files and addresses they name.
_PLAYLISTS = {"hls", "dash", "concat", "sdp", "rtsp", "imf", "webvtt"}
_STILLS = {"image2", "png_pipe", "jpeg_pipe", "webp_pipe", "bmp_pipe", "tiff_pipe", "tty"}


def open_container(path: Path, *, block_bytes: int | None = None) -> InputContainer:
    """Open a file for reading; no network address or playlist is ever followed.

    Args:
        path: the file.
        block_bytes: read no more than this at a time, for readers that jump; None leaves it to FFmpeg.

    Raises:
        VideoError: FFmpeg does not recognise the file.
    """
    try:
        # The prefix keeps FFmpeg from reading "a:b.mp4" as protocol "a".
        block = {} if block_bytes is None else {"blocksize": str(block_bytes)}
        container = av.open(f"file:{path}", "r", options={"protocol_whitelist": "file", **block})
    except (av.error.FFmpegError, OSError, ValueError) as error:
        reason = _why_unreadable(path) or f"cannot be opened ({plain_reason(error)})"
        raise VideoError(reason, where=path, remedy="check that it plays, or copy it again") from None
    name = container.format.name
    if name in _PLAYLISTS or name in _STILLS:
        container.close()
        kind = "a playlist" if name in _PLAYLISTS else "a still image or text"
        raise VideoError(f"this is {kind}, not a video", where=path, remedy="name a video file")
    return container


def video_stream(container: InputContainer, path: Path) -> VideoStream:
    """The first stream of moving pictures (a cover picture in a music file is none).

    Raises:
        VideoError: There is none, or no decoder knows it.
    """
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            # PyAV's type does not say so, but a codec that damage made unknown leaves no context.
            if getattr(stream, "codec_context", None) is None:
                raise VideoError("no decoder knows this video", where=path, remedy="convert it to H.264")
            return stream
    kind = "only sound" if container.streams.audio else "no video"
    raise VideoError(f"the file holds {kind}", where=path, remedy="name a file with moving pictures")


def set_threads(stream: VideoStream, threads: int | None) -> None:
    """Let the decoder use ``threads`` threads; None means every core."""
    if threads == 1:
        stream.codec_context.thread_count = 1
    else:
        stream.codec_context.thread_count = threads or 0
        stream.codec_context.thread_type = "AUTO"


def undecodable(path: Path) -> VideoError:
    """The error for a file that opens but gives no picture."""
    cut = missing_bytes(path)
    what = "not one frame could be decoded" if cut is None else f"not one frame could be decoded: {cut}"
    return VideoError(what, where=path, remedy="check that it plays, or copy it again")


def _why_unreadable(path: Path) -> str | None:
    """A plainer reason than FFmpeg's where the first bytes give one away."""
    with path.open("rb") as file:
        head = file.read(4096)
    if head[4:8] == b"ftyp":
        return "the index (moov) of this MP4/MOV file is missing or cut: the recording or copy was not finished"
    cut = missing_bytes(path)
    if cut is not None:
        return str(cut)
    if sum(byte in b"\t\n\r" or 32 <= byte < 127 for byte in head) > 0.97 * len(head):
        return "this is text, not a video"
    return "this is not a video that FFmpeg knows, or its beginning is damaged"


def plain_reason(error: BaseException) -> str:
    """The operating system's or FFmpeg's words for an error, without codes and paths."""
    return str(getattr(error, "strerror", None) or error).lower()


def start_ticks(stream: VideoStream) -> int:
    """The stream's first presentation time in its own ticks (0 where it has none)."""
    return stream.start_time or 0


def nominal_ticks(stream: VideoStream) -> int:
    """Length of a regular frame in stream ticks, at least 1."""
    rate = stream.average_rate or stream.guessed_rate or _DEFAULT_RATE
    return max(1, round(1 / (rate * tick(stream))))


def tick(stream: VideoStream) -> Fraction:
    """Seconds a stream tick."""
    return stream.time_base or 1 / _DEFAULT_RATE


def duration_seconds(container: InputContainer, stream: VideoStream) -> float | None:
    """Length of the video from its first frame, as the file declares it; sound may make it longer."""
    end = declared_end_seconds(container, stream)
    if end is not None:
        return end
    if stream.duration:
        return float(stream.duration * tick(stream))
    start = float(start_ticks(stream) * tick(stream))
    return container.duration / av.time_base - start if container.duration else None


def declared_end_seconds(container: InputContainer, stream: VideoStream) -> float | None:
    """When the video stream ends, from its first frame, where the container declares that for the stream itself.

    None for MP4/MOV, whose sample table is a better promise, and for transport streams, where it is an estimate.
    """
    if container.format.name == "avi" and stream.duration:
        return float(stream.duration * tick(stream))
    if "matroska" not in container.format.name:
        return None
    # Written by common muxers as the end of the last frame on the file's own clock, "00:00:02.600000000".
    clock = stream.metadata.get("DURATION", "")
    with contextlib.suppress(ValueError):
        hours, minutes, seconds = clock.split(":")
        end = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
        return end - float(start_ticks(stream) * tick(stream))
    return None


def sample_count(container: InputContainer, stream: VideoStream) -> int | None:
    """Frames promised by the sample table of an MP4/MOV file, less those its edit list hides; else None."""
    if "mp4" not in container.format.name or not stream.frames or len(stream.index_entries) != stream.frames:
        return None
    return sum(not entry.is_discard for entry in stream.index_entries)


class PacketIndex:
    """Numbers of frames by their time, from a file's packets; read once, when first asked, without decoding."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._times: list[float] | None = None

    def index_of(self, pts_seconds: float) -> int:
        """How many frames are shown before the one at ``pts_seconds``."""
        if self._times is None:
            self._times = packet_times(self._path)
        # Half a millisecond: times are multiples of a tick and differ in the last digits of a float only.
        return bisect_left(self._times, pts_seconds - 0.0005)


def packet_times(path: Path) -> list[float]:
    """Presentation times of every packet of the video stream, sorted, in seconds from the start; nothing is decoded."""
    with open_container(path) as container:
        stream = video_stream(container, path)
        start, by_slot = start_ticks(stream), container.format.name == "avi"
        times: list[float] = []
        # In a damaged file the packets up to the damage are what there is.
        with contextlib.suppress(av.error.FFmpegError):
            for packet in container.demux(stream):
                ticks = packet.dts if by_slot or packet.pts is None else packet.pts
                if ticks is not None and not packet.is_discard:
                    times.append(float((ticks - start) * tick(stream)))
        return sorted(times)
