"""What is no file is refused at once: opening a pipe would wait for whoever writes to it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from footage.errors import VideoError
from footage.video.keyframes import KeyframeReader
from footage.video.moments import read_moments
from footage.video.reader import open_video


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_and_nobody_waits(tmp_path: Path) -> None:
    pipe = tmp_path / "v.mp4"
    os.mkfifo(pipe)
    with pytest.raises(VideoError, match="a pipe or a device"):
        KeyframeReader(pipe)
    with pytest.raises(VideoError, match="a pipe or a device"):
        read_moments(pipe, [0.0], size=(16, 16))
    with pytest.raises(VideoError, match="a pipe or a device"):
        open_video(pipe)
