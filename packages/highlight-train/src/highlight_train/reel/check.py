"""Whether a finished reel is what the arithmetic said: decoded to the end, every frame and sample counted."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryFile

from footage.errors import FootageError
from footage.video.probe import probe
from footage.video.reader import open_video
from highlight_train.reel.ffmpeg import FFmpeg, FFmpegFailed, file_argument, run
from highlight_train.reel.plan import SAMPLE_RATE, Layout

AAC_FRAME_SAMPLES = 1024
"""Sound is stored in frames of this many samples; decoders may give the last one whole."""


def check_reel(path: Path, layout: Layout, size: tuple[int, int], ffmpeg: FFmpeg) -> None:
    """Decode a reel and compare it with its layout.

    Raises:
        FootageError: It is not what was planned; the message says in what.
    """
    faults = [*_picture_faults(path, layout, size), *_sound_faults(path, layout, ffmpeg)]
    if faults:
        what = f"the reel that was made is not the one that was planned: {'; '.join(faults)}"
        raise FootageError(what, remedy="this is a fault of the program or of its ffmpeg; try another ffmpeg")


def _picture_faults(path: Path, layout: Layout, size: tuple[int, int]) -> list[str]:
    info = probe(path)
    faults = []
    if (info.width, info.height) != size:
        faults.append(f"it is {info.width}x{info.height} instead of {size[0]}x{size[1]}")
    with open_video(path) as reader:
        last_seconds = max((frame.pts_seconds for frame in reader.frames()), default=0.0)
        ending = reader.ending
    if ending is None or ending.cut_short:
        faults.append("it does not decode to the end" if ending is None else f"{ending.reason}")
    elif ending.frames_decoded != layout.frames:
        faults.append(f"it has {ending.frames_decoded} frames instead of {layout.frames}")
    half_a_frame = float(1 / layout.rate) / 2
    planned_last = float((layout.frames - 1) / layout.rate)
    if abs(last_seconds - planned_last) > half_a_frame:
        faults.append(f"its last frame comes at {last_seconds:.3f} s instead of {planned_last:.3f} s")
    duration, planned = info.duration_seconds, float(layout.duration_seconds)
    if duration is None or abs(duration - planned) > half_a_frame:
        faults.append(f"it says that it lasts {duration} s instead of {planned:.3f} s")
    return faults


def _sound_faults(path: Path, layout: Layout, ffmpeg: FFmpeg) -> list[str]:
    """Count the samples of the sound, decoded to one byte each."""
    arguments = ["-i", file_argument(path), "-map", "0:a:0", "-ac", "1", "-f", "u8", "-ar", str(SAMPLE_RATE), "pipe:1"]
    try:
        with TemporaryFile() as decoded:
            run(ffmpeg, arguments, stdout=decoded)
            samples = decoded.seek(0, os.SEEK_END)
    except FFmpegFailed as error:
        return [f"its sound cannot be decoded ({error})"]
    if 0 <= samples - layout.samples < AAC_FRAME_SAMPLES:
        return []
    return [f"its sound has {samples} samples instead of {layout.samples}"]
