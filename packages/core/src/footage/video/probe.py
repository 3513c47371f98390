"""What a video file says about itself."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from footage.video._pyav import PyAVReader
from footage.video.reader import check_readable
from footage.video.types import VideoInfo


def probe(path: str | PathLike[str]) -> VideoInfo:
    """Read a file's headers and decode its first frame (rotation and pixel layout are only certain then).

    Raises:
        VideoError: The path is missing, unreadable, or holds no video that can be decoded.
    """
    path = Path(path)
    check_readable(path, folder=False)
    with PyAVReader(path, threads=1) as reader:
        return reader.info
