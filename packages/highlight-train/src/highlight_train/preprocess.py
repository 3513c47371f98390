"""From a decoded frame to what the model takes: the one implementation that training, export and inference share.

A model takes uint8 RGB ``(N, side, side, 3)``: the whole frame, squeezed to a square by area averaging. Scaling to
[0, 1] and the normalisation by mean and standard deviation are inside the model's graph, where no caller can get them
wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE_PX = 224


def to_model_input(frames: Sequence[NDArray[np.uint8]], *, side_px: int = SIDE_PX) -> NDArray[np.uint8]:
    """Squeeze frames to the square a model takes.

    Args:
        frames: RGB uint8 ``(H, W, 3)`` each, of any sizes.
        side_px: the square's side.

    Returns:
        RGB uint8 ``(N, side_px, side_px, 3)``.

    Raises:
        ValueError: a frame is of another kind.
    """
    squeezed = np.empty((len(frames), side_px, side_px, 3), np.uint8)
    for place, frame in zip(squeezed, frames, strict=True):
        place[:] = squeeze(frame, side_px=side_px)
    return squeezed


def squeeze(frame: NDArray[np.uint8], *, side_px: int = SIDE_PX) -> NDArray[np.uint8]:
    """One frame ``(H, W, 3)`` as RGB uint8 ``(side_px, side_px, 3)``; one that has that size already stays as it is.

    Raises:
        ValueError: the frame is of another kind.
    """
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3 or 0 in frame.shape:
        raise ValueError(f"a frame must be RGB uint8 (H, W, 3), not {frame.dtype} {frame.shape}")
    if frame.shape[:2] == (side_px, side_px):
        return frame
    return np.asarray(cv2.resize(frame, (side_px, side_px), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def described(side_px: int = SIDE_PX) -> dict[str, Any]:
    """What a model's manifest says of its preprocessing, as plain JSON values."""
    return {
        "colour_order": "RGB",
        "dtype": "uint8",
        "layout": "NHWC",
        "resize": f"the whole frame squeezed to {side_px}x{side_px}",
        "filter": "area averaging (OpenCV INTER_AREA; swscale AREA where frames are decoded small)",
        "normalisation": "inside the model's graph",
    }
