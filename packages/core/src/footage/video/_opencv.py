"""The OpenCV backend: the only place that uses ``cv2.VideoCapture``.

OpenCV hides damage and estimates counts, so this backend reads in order only, takes times from the container and asks
:mod:`footage.video._structure` whether the file is whole. Prefer PyAV; this one is for machines where only OpenCV
can decode a file, and as a second opinion in tests.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

# FFmpeg inside OpenCV writes its own lines to stderr; this must be set before its first use.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

import cv2
import numpy as np
from numpy.typing import NDArray

from footage.errors import VideoError
from footage.video._ending import Outcome, judge
from footage.video.reader import VideoReader, check_span
from footage.video.types import Ending, Frame, VideoInfo


class OpenCVReader(VideoReader):
    """Frames of a file through OpenCV. Built by :func:`footage.video.open_video`."""

    def __init__(self, path: Path, *, threads: int | None = None) -> None:
        self._path = path
        self._threads = threads
        self._closed = False
        self.ending: Ending | None = None
        capture = self._open()
        try:
            ok, picture = capture.read()
            if not ok:
                raise VideoError(
                    "not one frame could be decoded", where=path, remedy="check that it plays, or copy it again"
                )
            self.info = _describe(path, capture, np.asarray(picture, dtype=np.uint8))
        finally:
            capture.release()

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """See :meth:`VideoReader.frames`."""
        check_span(start, stop)
        self._check_open()
        self.ending = None
        return self._frames(start, stop)

    def _frames(self, start: int, stop: int | None) -> Iterator[Frame]:
        outcome = Outcome()
        for seconds, picture in self._timed():
            outcome.last_pts_seconds = seconds
            if outcome.frames >= start:
                yield Frame(outcome.frames, seconds, image=np.ascontiguousarray(picture[:, :, ::-1]))
            outcome.frames += 1
            if outcome.frames == stop:
                return
        # OpenCV's own count and duration are estimates: only missing bytes are proof.
        self.ending = judge(self.info, outcome)

    def frame_at(self, seconds: float) -> Frame:
        """See :meth:`VideoReader.frame_at`. Decodes from the beginning: OpenCV's own seek is not exact."""
        if not math.isfinite(seconds) or seconds < 0:
            raise VideoError(f"{seconds} s is no time in a video", where=self._path, remedy="ask for 0 s or later")
        shown: tuple[int, float, NDArray[np.uint8]] | None = None
        for number, (start, picture) in enumerate(self._timed()):
            if shown is not None and start > seconds + 1e-6:
                break
            shown = number, start, picture
        if shown is None:
            raise VideoError("nothing could be decoded", where=f"{self._path} at {seconds:.3f} s")
        return Frame(shown[0], shown[1], image=np.ascontiguousarray(shown[2][:, :, ::-1]))

    def close(self) -> None:
        """See :meth:`VideoReader.close`."""
        self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError("the reader is closed")

    def _open(self) -> cv2.VideoCapture:
        self._check_open()
        name = os.fspath(self._path)
        try:
            name.encode("utf-8")
        except UnicodeEncodeError:  # OpenCV ends the process on such a name
            raise VideoError(
                "OpenCV cannot open a name that is not UTF-8", where=self._path, remedy="rename it or read it with PyAV"
            ) from None
        parameters = [] if self._threads is None else [cv2.CAP_PROP_N_THREADS, self._threads]
        level = cv2.utils.logging.getLogLevel()
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # the error below says it better
        try:
            capture = cv2.VideoCapture(name, cv2.CAP_FFMPEG, parameters)
        finally:
            cv2.utils.logging.setLogLevel(level)
        if not capture.isOpened():
            raise VideoError(
                "this is not a video that OpenCV can open", where=self._path, remedy="read it with PyAV, which says why"
            )
        return capture

    def _timed(self) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        """Seconds from the first frame and BGR pictures, to the end."""
        capture = self._open()
        first: float | None = None
        last = -math.inf
        rate = capture.get(cv2.CAP_PROP_FPS)
        step = 1 / rate if rate > 0 else 0.04
        try:
            while True:
                ok, picture = capture.read()
                if not ok or picture.shape[:2] != (self.info.height, self.info.width):
                    return
                stamp = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
                first = stamp if first is None else first
                # Containers without times give zeros or backward steps: the next regular time then.
                last = stamp - first if stamp - first > last else last + step
                yield last, np.asarray(picture, dtype=np.uint8)
        finally:
            capture.release()


def _describe(path: Path, capture: cv2.VideoCapture, picture: NDArray[np.uint8]) -> VideoInfo:
    rate = capture.get(cv2.CAP_PROP_FPS)
    count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    return VideoInfo(
        path=path,
        width=picture.shape[1],
        height=picture.shape[0],
        rotation_degrees=int(capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 360,
        average_rate=Fraction(rate).limit_denominator(1001) if rate > 0 else None,
        duration_seconds=count / rate if rate > 0 and count > 0 else None,
        frame_count_estimate=int(count) if count > 0 else None,
        codec=_four_characters(capture.get(cv2.CAP_PROP_FOURCC)),
        pixel_format=None,
        container=path.suffix.lstrip(".").lower(),
        has_audio=False,
    )


def _four_characters(code: float) -> str:
    return int(code).to_bytes(4, "little").decode("ascii", "replace").strip("\0 ")
