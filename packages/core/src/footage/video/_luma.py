"""Grey pictures from RGB or from the planes of a decoded frame."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class LumaMatrix:
    """How much Cb and Cr must be added to a matrix's own luma to get BT.601 luma, all in full range.

    With ``R = Y + a Cr``, ``B = Y + b Cb`` and ``G = Y - c Cb - d Cr`` of the stored matrix, BT.601 luma
    ``0.299 R + 0.587 G + 0.114 B`` is ``Y + (0.114 b - 0.587 c) Cb + (0.299 a - 0.587 d) Cr``.
    """

    cb: float
    cr: float


def _from_weights(red: float, blue: float) -> LumaMatrix:
    """The correction for a YCbCr matrix given by its luma weights (ITU-T H.273, table 4)."""
    green = 1.0 - red - blue
    a, b = 2.0 * (1.0 - red), 2.0 * (1.0 - blue)
    c, d = b * blue / green, a * red / green
    return LumaMatrix(cb=0.114 * b - 0.587 * c, cr=0.299 * a - 0.587 * d)


BT709 = _from_weights(0.2126, 0.0722)
BT2020 = _from_weights(0.2627, 0.0593)


def gray_of_rgb(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """BT.601 luma of an RGB image: uint8 (H, W, 3) to uint8 (H, W)."""
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def gray_of_planes(
    luma: NDArray[np.uint8] | NDArray[np.uint16],
    *,
    bits: int,
    full_range: bool,
    chroma: tuple[NDArray[np.uint8], NDArray[np.uint8]] | None = None,
    matrix: LumaMatrix | None = None,
) -> NDArray[np.uint8]:
    """Full-range BT.601 luma from stored planes.

    Args:
        luma: the Y plane, (H, W), ``bits`` bits a sample in the low bits.
        bits: 8 to 16.
        full_range: True where Y runs over all codes, False for limited range (16 to 235 at 8 bits).
        chroma: Cb and Cr planes of any subsampling (8 bits), needed where ``matrix`` is given.
        matrix: the stored matrix where it is not BT.601; None means Y is BT.601 luma already.

    Returns:
        uint8, (H, W).
    """
    step = float(1 << (bits - 8))
    gain, black = (255.0 / (256.0 * step - 1.0), 0.0) if full_range else (255.0 / (219.0 * step), 16.0 * step)
    # convertScaleAbs would mirror codes below black into grey.
    floored = np.maximum(luma, luma.dtype.type(black)) if black else luma
    gray = cv2.convertScaleAbs(floored, alpha=gain, beta=-black * gain)
    if chroma is None or matrix is None:
        return np.asarray(gray, dtype=np.uint8)
    spread = 1.0 if full_range else 255.0 / 224.0
    # The correction is made at chroma size, in 16 bits, and doubled in size only once.
    shift = cv2.addWeighted(
        chroma[0],
        matrix.cb * spread,
        chroma[1],
        matrix.cr * spread,
        -128.0 * spread * (matrix.cb + matrix.cr),
        dtype=cv2.CV_16S,
    )
    shift = cv2.resize(shift, (luma.shape[1], luma.shape[0]), interpolation=cv2.INTER_NEAREST)
    return np.asarray(cv2.add(gray, shift, dtype=cv2.CV_8U), dtype=np.uint8)
