"""Clips whose colour, sound and shape are known, and the way to look at a finished reel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from footage.video.reader import open_video

Colour = tuple[int, int, int]
SOURCE_RATE = 44_100


def write_clip(
    path: Path,
    *,
    colour: Colour = (128, 128, 128),
    size: tuple[int, int] = (64, 48),
    rate: Fraction | int = 25,
    frames: int = 200,
    tone_hz: float | None = 440.0,
    tone_from_seconds: float = 0.0,
    channels: int = 1,
    sample_aspect: Fraction | None = None,
    rotation_degrees: int = 0,
    times_seconds: Sequence[float] | None = None,
    pictures: Callable[[int], NDArray[np.uint8]] | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """A clip of one colour with a sine, or of pictures made by number."""
    width, height = size
    with av.open(f"file:{path}", "w") as container:
        picture: Any = container.add_stream("libx264", rate=Fraction(rate), options={"crf": "8", **(options or {})})
        picture.width, picture.height = size
        picture.pix_fmt = "yuv444p" if width % 2 or height % 2 else "yuv420p"
        if times_seconds is not None:
            picture.codec_context.time_base = picture.time_base = Fraction(1, 90_000)
        if sample_aspect is not None:
            picture.codec_context.sample_aspect_ratio = picture.sample_aspect_ratio = sample_aspect
        sound: Any = None
        if tone_hz is not None:
            sound = container.add_stream("aac", rate=SOURCE_RATE)
            sound.layout = "mono" if channels == 1 else "stereo"
        plain = np.full((height, width, 3), colour, np.uint8)
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(plain if pictures is None else pictures(index), format="rgb24")
            if times_seconds is not None:
                frame.pts, frame.time_base = round(times_seconds[index] * 90_000), Fraction(1, 90_000)
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
        seconds = frames / Fraction(rate) if times_seconds is None else times_seconds[-1]
        if sound is not None:
            times = np.arange(round(float(seconds) * SOURCE_RATE)) / SOURCE_RATE
            tone = np.sin(2 * np.pi * (tone_hz or 0.0) * times) * 12_000 * (times >= tone_from_seconds)
            _write_sound(container, sound, tone.astype(np.int16), channels)
    if rotation_degrees:
        _rotate(path, rotation_degrees)
    return path


def _write_sound(container: Any, stream: Any, wave: NDArray[np.int16], channels: int) -> None:
    for start in range(0, len(wave), 1024):
        part = np.repeat(wave[start : start + 1024], channels)[None, :]
        frame = av.AudioFrame.from_ndarray(part, format="s16", layout="mono" if channels == 1 else "stereo")
        frame.sample_rate, frame.pts, frame.time_base = SOURCE_RATE, start, Fraction(1, SOURCE_RATE)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _rotate(path: Path, clockwise_degrees: int) -> None:
    """Write a turn into the matrix of the video track's header (ISO/IEC 14496-12, section 8.3.2)."""
    cosine, sine = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[clockwise_degrees]
    data = bytearray(path.read_bytes())
    header = data.index(b"tkhd") + 4
    assert data[header] == 0, "a version 0 header"
    matrix = header + 40
    for offset, value in ((0, cosine), (4, sine), (12, -sine), (16, cosine)):
        data[matrix + offset : matrix + offset + 4] = (value * 65536).to_bytes(4, "big", signed=True)
    path.write_bytes(bytes(data))


@dataclass(frozen=True)
class Seen:
    """A decoded reel: frames (T, H, W, 3), their times, and samples (n, 2) at 48 kHz in [-1, 1]."""

    frames: NDArray[np.uint8]
    times_seconds: tuple[float, ...]
    samples: NDArray[np.float32]
    rate: Fraction
    streams: dict[str, str]

    def colour(self, frame: int) -> NDArray[np.float64]:
        """Mean colour in the middle of a frame."""
        height, width = self.frames.shape[1:3]
        middle = self.frames[frame, height * 3 // 8 : height * 5 // 8, width * 3 // 8 : width * 5 // 8]
        return np.asarray(middle.mean(axis=(0, 1)), np.float64)

    def loudness(self, start_seconds: float, end_seconds: float) -> float:
        """Root mean square of the left channel."""
        part = self._part(start_seconds, end_seconds)
        return float(np.sqrt(np.mean(part**2)))

    def tones_hz(self, start_seconds: float, end_seconds: float) -> list[float]:
        """Frequencies of the spectrum's peaks that are at least a tenth as high as the highest."""
        part = self._part(start_seconds, end_seconds)
        heights = np.abs(np.fft.rfft(part * np.hanning(len(part))))
        peak = (heights[1:-1] > heights[:-2]) & (heights[1:-1] >= heights[2:]) & (heights[1:-1] > heights.max() / 10)
        return [float(hz) for hz in (np.flatnonzero(peak) + 1) * 48_000 / len(part)]

    def _part(self, start_seconds: float, end_seconds: float) -> NDArray[np.float32]:
        return self.samples[round(start_seconds * 48_000) : round(end_seconds * 48_000), 0]


def watch(path: Path) -> Seen:
    """Decode a film with PyAV: another road than the one it was checked on."""
    with open_video(path) as reader:
        frames = list(reader.frames())
        pictures, times = np.stack([frame.image for frame in frames]), tuple(frame.pts_seconds for frame in frames)
    with av.open(f"file:{path}") as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        rate = Fraction(video.average_rate or 0)
        streams = {
            "video": f"{video.codec_context.name} {video.codec_context.pix_fmt} {video.sample_aspect_ratio}",
            "audio": f"{audio.codec_context.name} {audio.rate} {audio.channels}",
            "count": str(len(container.streams)),
        }
        parts = [frame.to_ndarray() for frame in container.decode(audio)]
    return Seen(pictures, times, np.concatenate(parts, axis=1).T.astype(np.float32), rate, streams)


@pytest.fixture
def clip(tmp_path: Path) -> Callable[..., Path]:
    """Makes a clip in the test's folder; see ``write_clip``."""

    def make(name: str, **settings: Any) -> Path:
        return write_clip(tmp_path / name, **settings)

    return make


@pytest.fixture
def watched() -> Callable[[Path], Seen]:
    """Decodes a film; see ``watch``."""
    return watch
