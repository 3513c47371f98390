"""Pixels of a decoded PyAV frame: RGB by swscale, grey from the luma plane, both turned upright."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

ACCURATE = Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
"""Without these swscale rounds down: colours come out one or two shades too dark, in a third of the time."""

_Sample = TypeVar("_Sample", np.uint8, np.uint16)


class PlaneSource:
    """Pixels of a decoded frame, still as the codec left them."""

    __slots__ = ("_accurate_colours", "_frame", "_quarter_turns")

    def __init__(self, frame: VideoFrame, quarter_turns: int, *, accurate_colours: bool = False) -> None:
        self._frame = frame
        self._quarter_turns = quarter_turns
        self._accurate_colours = accurate_colours

    def rgb(self) -> NDArray[np.uint8]:
        """RGB, (H, W, 3), rotated as displayed."""
        frame = self._frame
        if self._accurate_colours:
            frame = frame.reformat(format="rgb24", interpolation=Interpolation.BILINEAR | ACCURATE)
        return turn(np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8), self._quarter_turns)

    def gray(self) -> NDArray[np.uint8]:
        """Full-range BT.601 luma, (H, W), rotated as displayed."""
        # cv2 takes 0.2 s to import and many users never ask for grey.
        from footage.video import _luma

        frame = self._frame
        planes = _yuv_planes(frame)
        matrix = {1: _luma.BT709, 9: _luma.BT2020, 10: _luma.BT2020}.get(frame.colorspace)
        if planes is None or (matrix is not None and planes.chroma is None):
            return _luma.gray_of_rgb(self.rgb())
        gray = _luma.gray_of_planes(
            planes.luma,
            bits=planes.bits,
            full_range=frame.color_range == 2 or frame.format.name.startswith("yuvj"),
            chroma=planes.chroma if matrix is not None else None,
            matrix=matrix,
        )
        return turn(gray, self._quarter_turns)


@dataclass(frozen=True, slots=True)
class _Planes:
    luma: NDArray[np.uint8] | NDArray[np.uint16]
    chroma: tuple[NDArray[np.uint8], NDArray[np.uint8]] | None
    bits: int


_PLANAR = ("yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuvj422p", "yuvj444p")


def _yuv_planes(frame: VideoFrame) -> _Planes | None:
    """Views of the planes of the common planar layouts; None for packed, semi-planar and RGB ones."""
    name = frame.format.name
    if name in _PLANAR:
        luma, cb, cr = (_plane(frame, i, np.uint8) for i in range(3))
        return _Planes(luma, (cb, cr), 8)
    if name.endswith("le") and name[:-4] in _PLANAR:  # yuv420p10le and its like
        return _Planes(_plane(frame, 0, np.uint16), None, int(name[-4:-2]))
    return None


def _plane(frame: VideoFrame, number: int, kind: type[_Sample]) -> NDArray[_Sample]:
    """A view of a plane without the padding at the end of its rows."""
    plane = frame.planes[number]
    rows = np.frombuffer(memoryview(plane), dtype=kind)
    return rows.reshape(-1, plane.line_size // rows.itemsize)[: plane.height, : plane.width]


def turn(picture: NDArray[np.uint8], quarter_turns: int) -> NDArray[np.uint8]:
    """Turn a picture anticlockwise by quarter turns; the result is contiguous."""
    return picture if quarter_turns == 0 else np.ascontiguousarray(np.rot90(picture, quarter_turns))


def quarter_turns_of(frame: VideoFrame) -> int:
    """Anticlockwise quarter turns that show the frame upright, from its display matrix."""
    return round(frame.rotation / 90) % 4
