"""Finding an ffmpeg that can do what a reel needs, and running it."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

from footage.errors import FootageError, MissingDependency

FULL_DISK = os.strerror(errno.ENOSPC).encode()


@dataclass(frozen=True, slots=True)
class FFmpeg:
    """An ffmpeg program.

    Attributes:
        program: its file.
        reason: which it is and why it was taken, in words.
    """

    program: str
    reason: str

    def command(self, arguments: Sequence[str]) -> list[str]:
        """The whole command: quiet but for errors, never asking, never reading the terminal."""
        return [self.program, "-hide_banner", "-nostdin", "-nostats", "-loglevel", "error", "-y", *arguments]


class FFmpegFailed(Exception):  # noqa: N818 - whoever ran it knows what it was for, and says so
    """ffmpeg ended with an error; the message is the last line it printed."""


def find_ffmpeg() -> FFmpeg:
    """Take the system's ffmpeg where it can do everything a reel needs, else the one that imageio-ffmpeg brings.

    Raises:
        MissingDependency: Neither can be used.
    """
    system = shutil.which("ffmpeg")
    why = "there is none on the PATH"
    if system is not None:
        lack = _lack(system)
        if lack is None:
            return FFmpeg(system, f"the system's, {system}")
        why = f"{system} is not up to it: {lack}"
    from imageio_ffmpeg import get_ffmpeg_exe

    try:
        bundled = get_ffmpeg_exe()
    except RuntimeError:
        raise MissingDependency("no ffmpeg found", remedy="install ffmpeg, version 5.1 or later") from None
    lack = _lack(bundled)
    if lack is not None:
        raise MissingDependency(f"ffmpeg cannot be used: {lack}", where=bundled, remedy="install ffmpeg 5.1 or later")
    return FFmpeg(bundled, f"imageio-ffmpeg's, because {why}")


def _lack(program: str) -> str | None:
    """What a program cannot do of what a reel needs; tried on two frames. None where all is well."""
    graph = "color=s=64x64:r=25,split[a][b];[a][b]xfade=duration=0.04,fps=25:start_time=0[v]"
    sound = "anullsrc=r=48000,asplit[c][d];[c][d]acrossfade=ns=100[s]"
    outputs = ["-map", "[v]", "-c:v", "libx264", "-map", "[s]", "-c:a", "aac", "-frames:v", "2", "-t", "0.08"]
    trial = FFmpeg(program, "").command(
        ["-filter_complex", f"{graph};{sound}", *outputs, "-fps_mode", "passthrough", "-f", "null", "-"]
    )
    try:
        done = subprocess.run(trial, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return None if done.returncode == 0 else last_line(done.stderr)


def run(ffmpeg: FFmpeg, arguments: Sequence[str], *, stdout: IO[bytes] | int = subprocess.PIPE) -> bytes:
    """Run ffmpeg to its end; it is killed where this process is interrupted.

    Args:
        ffmpeg: the program.
        arguments: without the program and without the options of ``FFmpeg.command``.
        stdout: where its output goes; by default it is returned.

    Raises:
        FFmpegFailed: It ended with an error.
        FootageError: The disk is full: no fault of any one clip.
    """
    with started(ffmpeg, arguments, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE) as process:
        output, words = process.communicate()
    if process.returncode != 0:
        raise failure(words)
    return output or b""


@contextmanager
def started(
    ffmpeg: FFmpeg,
    arguments: Sequence[str],
    *,
    stdin: int,
    stdout: IO[bytes] | int,
    stderr: IO[bytes] | int,
) -> Iterator[subprocess.Popen[bytes]]:
    """An ffmpeg at work; it is killed where the block ends with an exception, Ctrl-C among them."""
    process: subprocess.Popen[bytes] | None = None
    try:
        # Interrupted while it starts, it would go on, and nobody would know of it.
        with interrupts_held_back():
            process = subprocess.Popen(ffmpeg.command(arguments), stdin=stdin, stdout=stdout, stderr=stderr)
        yield process
    except BaseException:
        if process is not None:
            process.kill()
        raise
    finally:
        if process is not None:
            with process:  # waits for its end and closes its pipes
                pass


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """Ctrl-C counts when the block is done. In other threads than the main one it never comes anyway."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[tuple[int, FrameType | None]] = []
    usual = signal.signal(signal.SIGINT, lambda number, frame: came.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
    if came and callable(usual):
        usual(*came[0])


def failure(stderr: bytes) -> FFmpegFailed | FootageError:
    """The error for what ffmpeg printed before it failed."""
    if FULL_DISK in stderr:
        return FootageError("the disk is full", remedy="free some space, then run the same command again")
    return FFmpegFailed(last_line(stderr))


def last_line(stderr: bytes) -> str:
    """The last thing ffmpeg said."""
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip() if lines else "it ended without a word"


def file_argument(path: Path) -> str:
    """A path as ffmpeg takes it for a file whatever it is named: with a dash in front, a colon or a percent sign."""
    return f"file:{path}"
