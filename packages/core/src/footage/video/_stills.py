"""A folder of images read as a video, in natural order of their names."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from footage.errors import VideoError
from footage.video.images import natural_key, read_image
from footage.video.reader import VideoReader, check_span
from footage.video.types import Ending, Frame, VideoInfo

STILL_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})


class StillsReader(VideoReader):
    """Frames from a folder of stills. Built by :func:`footage.video.open_video`.

    A still that cannot be read is left out; the times of the others stay where they are, and ``ending`` tells.
    """

    def __init__(self, path: Path, *, rate: Fraction) -> None:
        if rate <= 0:
            raise ValueError(f"the rate of stills must be positive, not {rate}")
        self._path = path
        self._rate = rate
        self._closed = False
        self._size: tuple[int, int] | None = None
        self.ending: Ending | None = None
        try:
            found = [file for file in path.iterdir() if file.suffix.lower() in STILL_SUFFIXES and file.is_file()]
        except OSError as error:
            raise VideoError(f"the folder cannot be read ({error.strerror})", where=path) from None
        self._files = sorted(found, key=lambda file: (natural_key(file.name), file.name))
        if not self._files:
            raise VideoError(
                "the folder holds no stills", where=path, remedy="name a video file, or a folder of JPEG or PNG images"
            )
        shown = next(self._readable(), None)
        if shown is None:
            raise VideoError("not one still could be read", where=path, remedy="check that the images open elsewhere")
        position, picture = shown
        with Image.open(self._files[position]) as image:
            codec, mode = (image.format or "unknown").lower(), image.mode
        self.info = VideoInfo(
            path=path,
            width=picture.shape[1],
            height=picture.shape[0],
            rotation_degrees=0,
            average_rate=rate,
            duration_seconds=float(len(self._files) / rate),
            frame_count_estimate=len(self._files),
            codec=codec,
            pixel_format=mode,
            container="stills",
            has_audio=False,
        )

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """See :meth:`VideoReader.frames`."""
        check_span(start, stop)
        self._check_open()
        self.ending = None
        return self._frames(start, stop)

    def _frames(self, start: int, stop: int | None) -> Iterator[Frame]:
        failures: list[str] = []
        count, last = 0, None
        for position, picture in self._readable(failures):
            last = float(position / self._rate)
            if count >= start:
                yield Frame(count, last, image=picture)
            count += 1
            if count == stop:
                return
        reason = None
        if failures:
            others = f", and {len(failures) - 1} more" if len(failures) > 1 else ""
            reason = f"{len(failures)} of {len(self._files)} stills could not be used: {failures[0]}{others}"
        self.ending = Ending(
            frames_decoded=count,
            frames_expected=len(self._files),
            last_pts_seconds=last,
            cut_short=bool(failures),
            reason=reason,
        )

    def frame_at(self, seconds: float) -> Frame:
        """See :meth:`VideoReader.frame_at`. A still that cannot be read raises."""
        self._check_open()
        if not math.isfinite(seconds) or seconds < 0:
            raise VideoError(f"{seconds} s is no time in a video", where=self._path, remedy="ask for 0 s or later")
        # A hair is added so that a time that was itself made from the rate finds its own frame.
        position = min(math.floor(seconds * self._rate + 1e-6), len(self._files) - 1)
        return Frame(position, float(position / self._rate), image=self._read(position))

    def close(self) -> None:
        """See :meth:`VideoReader.close`."""
        self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError("the reader is closed")

    def _readable(self, failures: list[str] | None = None) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Position and picture of every still that can be used; reasons for the others go to ``failures``."""
        self._check_open()
        for position in range(len(self._files)):
            try:
                yield position, self._read(position)
            except VideoError as error:
                if failures is not None:
                    failures.append(str(error))

    def _read(self, position: int) -> NDArray[np.uint8]:
        picture = read_image(self._files[position])
        height, width = picture.shape[:2]
        if self._size is None:
            self._size = (width, height)
        if self._size != (width, height):
            raise VideoError(
                f"the still is {width}x{height}, the first one {self._size[0]}x{self._size[1]}",
                where=self._files[position],
                remedy="put stills of different sizes into folders of their own",
            )
        return picture
