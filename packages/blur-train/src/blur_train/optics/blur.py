"""Blur a whole picture, or its subject and its background each in its own way, in linear light.

Subject and background are two layers. Blurring the finished picture through a mask would drag the colour of a sharp
subject into its background as a halo, and the background into the subject; light does neither. So each layer is blurred
by itself, the subject together with its coverage, and they are laid over each other afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from blur_train.optics.kernels import Kernel
from blur_train.optics.light import Linear, to_linear


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """A scene in two layers, in linear light.

    Attributes:
        background: ``(H, W, 3)``, also where the subject covers it.
        subject: ``(H, W, 3)``; only meant where ``coverage`` is above 0.
        coverage: ``(H, W)``, share of each pixel that the subject covers, 0 to 1.
    """

    background: Linear
    subject: Linear
    coverage: Linear


def convolve(image: Linear, kernel: Kernel) -> Linear:
    """A picture seen through a point spread function; mirrored beyond its edge.

    Args:
        image: ``(H, W, 3)`` or ``(H, W)``, in linear light.
        kernel: from :mod:`blur_train.optics.kernels`.
    """
    # OpenCV correlates: the kernel is turned by half a circle to convolve.
    turned = np.ascontiguousarray(kernel[::-1, ::-1])
    blurred = cv2.filter2D(image, cv2.CV_32F, turned, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(blurred, dtype=np.float32)


def compose(layers: Layers, *, subject: Kernel | None = None, background: Kernel | None = None) -> Linear:
    """The light of a scene whose two layers are blurred each in its own way.

    Args:
        layers: the scene.
        subject: what becomes of a point of the subject; None keeps it sharp.
        background: likewise for the background.

    Returns:
        ``(H, W, 3)``. Where the subject's blur does not reach, the background is as if the subject were not there.
    """
    result = layers.background.copy() if background is None else convolve(layers.background, background)
    reach = 0 if subject is None else subject.shape[0] // 2
    extent = _extent(layers.coverage, reach)
    if extent is None:
        return result
    rows, columns = extent
    coverage = layers.coverage[rows, columns]
    light = layers.subject[rows, columns] * coverage[..., None]
    if subject is not None:
        coverage, light = convolve(coverage, subject), convolve(light, subject)
    part = result[rows, columns]
    part *= 1 - coverage[..., None]
    part += light
    return result


def _extent(coverage: Linear, reach: int) -> tuple[slice, slice] | None:
    """Rows and columns that the subject can reach; None where there is no subject."""
    sides = []
    for axis in (1, 0):
        where = np.flatnonzero(coverage.max(axis=axis) > 0)
        if not len(where):
            return None
        sides.append(slice(max(0, int(where[0]) - reach), min(coverage.shape[1 - axis], int(where[-1]) + reach + 1)))
    return sides[0], sides[1]


def layers_of_photo(image: NDArray[np.uint8], mask: NDArray[np.bool_]) -> Layers:
    """A photo taken apart at a mask.

    Nobody photographed the background behind the subject: it is filled in from around it, the nearer the more.

    Args:
        image: sharp, RGB uint8 ``(H, W, 3)``.
        mask: ``(H, W)``, where the subject is.

    Raises:
        ValueError: the shapes differ.
    """
    if image.shape[:2] != mask.shape:
        raise ValueError(f"a mask of {mask.shape} does not fit a picture of {image.shape}")
    light = to_linear(image)
    # One pixel of softness: a photo's own edges are not stairs, and a mask has no parts of pixels.
    coverage = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.7)
    hidden = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    subject = _filled(light, known=cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
    return Layers(
        background=_filled(light, known=~hidden),
        # Kept as it is inside; outside, the subject's own colour continues, for the soft pixels of its rim.
        subject=np.asarray(np.where(mask[..., None], light, subject), dtype=np.float32),
        coverage=np.asarray(coverage, dtype=np.float32),
    )


def _filled(light: Linear, *, known: NDArray[np.bool_]) -> Linear:
    """Known pixels as they are, the others from the known ones around them, by ever coarser means of them."""
    if known.all() or not known.any():
        return light.copy()
    levels: list[tuple[Linear, Linear]] = [(light * known[..., None], known.astype(np.float32))]
    while min(levels[-1][1].shape) > 2:
        total, weight = levels[-1]
        size = ((weight.shape[1] + 1) // 2, (weight.shape[0] + 1) // 2)
        levels.append((_shrunk(total, size), _shrunk(weight, size)))
    total, weight = levels[-1]
    filled = total / np.maximum(weight, 1e-6)[..., None]
    for total, weight in reversed(levels[:-1]):
        upper = cv2.resize(filled, weight.shape[::-1], interpolation=cv2.INTER_LINEAR)
        share = np.minimum(weight, 1.0)[..., None]
        filled = total + (1 - share) * upper
    return np.asarray(filled, dtype=np.float32)


def _shrunk(image: Linear, size: tuple[int, int]) -> Linear:
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
