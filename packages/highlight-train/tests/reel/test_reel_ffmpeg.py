"""Which ffmpeg a reel is made with, and what becomes of one that fails."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pytest

from footage.errors import FootageError, MissingDependency
from highlight_train.reel.ffmpeg import FFmpeg, FFmpegFailed, find_ffmpeg, run, started


def a_program(folder: Path, script: str) -> Path:
    folder.mkdir(exist_ok=True)
    program = folder / "ffmpeg"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


def test_an_ffmpeg_of_the_system_that_cannot_do_it_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = a_program(tmp_path / "bin", "echo \"Unrecognized option 'fps_mode'.\" >&2; exit 1")
    monkeypatch.setenv("PATH", str(old.parent))
    found = find_ffmpeg()
    assert found.program != str(old)
    assert found.reason == f"imageio-ffmpeg's, because {old} is not up to it: Unrecognized option 'fps_mode'."


def test_an_ffmpeg_of_the_system_that_can_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    bundled = find_ffmpeg()
    assert bundled.reason == "imageio-ffmpeg's, because there is none on the PATH"
    good = a_program(tmp_path / "bin", f'exec "{bundled.program}" "$@"')
    monkeypatch.setenv("PATH", str(good.parent))
    assert find_ffmpeg() == FFmpeg(str(good), f"the system's, {good}")


def test_without_any_that_can_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = a_program(tmp_path / "bin", "echo no such filter >&2; exit 1")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(broken))
    with pytest.raises(MissingDependency, match="ffmpeg cannot be used: no such filter") as caught:
        find_ffmpeg()
    assert caught.value.remedy == "install ffmpeg 5.1 or later"
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "nowhere"))
    with pytest.raises(MissingDependency):
        find_ffmpeg()


def test_a_full_disk_is_nobody_elses_fault(tmp_path: Path) -> None:
    full = a_program(tmp_path, f"echo 'Error writing trailer: {os.strerror(errno.ENOSPC)}' >&2; exit 1")
    with pytest.raises(FootageError, match="the disk is full"):
        run(FFmpeg(str(full), ""), [])
    other = a_program(tmp_path, "echo first >&2; echo last >&2; exit 1")
    with pytest.raises(FFmpegFailed, match=r"^last$"):
        run(FFmpeg(str(other), ""), [])


def test_what_breaks_off_leaves_no_ffmpeg_behind(tmp_path: Path) -> None:
    # `exec`: the shell would be killed, and what it started would live on.
    endless = FFmpeg(str(a_program(tmp_path, "exec tail -f /dev/null")), "")
    seen: list[subprocess.Popen[bytes]] = []
    pipe = subprocess.DEVNULL

    def broken_off() -> None:
        with started(endless, [], stdin=pipe, stdout=pipe, stderr=pipe) as process:
            seen.append(process)
            assert process.poll() is None
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()
    assert seen[0].poll() is not None
