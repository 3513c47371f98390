"""A library of files like those of cameras: 1080p and 4K, H.264 and H.265, a keyframe a second, tens of Mbit/s."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
from benchmarks.clips import write_shots

SHOT_SECONDS = 5
RATE = 30
BUFFER_SECONDS = 1 / 3
"""How much a rate-controlled encoder may save up for one picture: with this a keyframe takes about six times what the
other pictures take, as in a camera's file; encoders left free give it ten times and more."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file.

    Attributes:
        name: of the folder.
        size: width and height in pixels.
        encoder: FFmpeg's name.
        megabits: a second, about what cameras write.
        seconds: how long.
        b_frames: between two others, at most; None as the encoder's fastest preset has it (x264 none, x265 three).
    """

    name: str
    size: tuple[int, int]
    encoder: str
    megabits: int
    seconds: int
    b_frames: int | None = None


KINDS = (
    Kind("1080p-h264", (1920, 1080), "libx264", 25, 60),
    Kind("1080p-h265", (1920, 1080), "libx265", 15, 60),
    Kind("4k-h264", (3840, 2160), "libx264", 62, 60),
    Kind("4k-h265", (3840, 2160), "libx265", 46, 30),
)


def make_library(folder: Path, *, files_a_kind: int, kinds: tuple[Kind, ...] = KINDS) -> dict[str, list[Path]]:
    """Write the files that are not there yet; files of a kind are copies, each with its own place on the disk.

    Args:
        folder: where to.
        files_a_kind: how many of each.
        kinds: which kinds.

    Returns:
        The files by kind.
    """
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "source.mp4"
    if not source.exists():
        write_shots(source, shots=2, frames_a_shot=SHOT_SECONDS * RATE)
    made: dict[str, list[Path]] = {}
    for kind in kinds:
        original = folder / "library" / kind.name / "0.mp4"
        if not original.exists():
            _encode(source, original, kind)
        made[kind.name] = [original]
        for number in range(1, files_a_kind):
            copy = original.with_name(f"{number}.mp4")
            if not copy.exists():
                shutil.copy(original, copy)
            made[kind.name].append(copy)
    return made


def _encode(source: Path, target: Path, kind: Kind) -> None:
    """Scale, add a camera's noise, encode two shots once, and repeat the coded pictures to the wanted length."""
    target.parent.mkdir(parents=True, exist_ok=True)
    once = target.with_name("once.mp4")
    ffmpeg, rate = imageio_ffmpeg.get_ffmpeg_exe(), f"{kind.megabits}M"
    width, height = kind.size
    scaled = f"scale={width}:{height}:flags=bicubic,noise=alls=7:allf=t"
    encoding = ["-c:v", kind.encoder, "-preset", "ultrafast", "-b:v", rate, "-maxrate", rate]
    buffer = ["-bufsize", f"{round(1000 * kind.megabits * BUFFER_SECONDS)}k", "-g", str(RATE), "-pix_fmt", "yuv420p"]
    command = [ffmpeg, "-v", "error", "-y", "-i", str(source), "-vf", scaled, *encoding, *buffer]
    buffer += [] if kind.b_frames is None else ["-bf", str(kind.b_frames)]
    quiet = ["-x265-params", "log-level=none"] if kind.encoder == "libx265" else []
    subprocess.run([*command, *quiet, str(once)], check=True)
    loops = round(kind.seconds / (2 * SHOT_SECONDS)) - 1
    repeat = [ffmpeg, "-v", "error", "-y", "-stream_loop", str(loops), "-i", str(once), "-c", "copy"]
    partial = target.with_name("partial.mp4")
    subprocess.run([*repeat, "-movflags", "+faststart", str(partial)], check=True)
    partial.rename(target)
    once.unlink()
