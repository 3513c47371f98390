"""Reading and writing video: one interface over PyAV, OpenCV and folders of stills.

Importing this package loads numpy only; a decoder is loaded when a video is opened.
"""

from __future__ import annotations

from footage.video.reader import Backend, VideoReader, open_video
from footage.video.types import Ending, Frame, PixelSource, VideoInfo

__all__ = ["Backend", "Ending", "Frame", "PixelSource", "VideoInfo", "VideoReader", "open_video"]
