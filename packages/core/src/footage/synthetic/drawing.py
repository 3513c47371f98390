"""How scenes are drawn: textures, sub-pixel shifts, boxes with fractional edges, and what of them stays visible."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def texture(rng: np.random.Generator, size: tuple[int, int], *, contrast: float = 1.0) -> NDArray[np.uint8]:
    """A random coloured texture without detail finer than about three pixels, so that sub-pixel motion is exact.

    Args:
        rng: decides the pattern.
        size: (width, height) in pixels.
        contrast: 1 spreads grey levels with a standard deviation of about 50.

    Returns:
        RGB uint8 (H, W, 3).
    """
    width, height = size
    total = np.zeros((height, width), dtype=np.float32)
    # Octaves of noise: coarse ones carry large patches, fine ones corners to track.
    for cell, weight in ((3, 0.8), (9, 1.0), (40, 1.0)):
        coarse = rng.standard_normal((height // cell + 3, width // cell + 3)).astype(np.float32)
        total += weight * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    total = np.asarray(cv2.GaussianBlur(total, (0, 0), 0.8), dtype=np.float32)
    spread = float(total.std()) or 1.0
    tint = rng.uniform(0.6, 1.0, 3).astype(np.float32)
    base = rng.uniform(90.0, 160.0)
    gray = base + contrast * 50.0 / spread * (total - float(total.mean()))
    return np.asarray(np.clip(gray[..., None] * tint, 0, 255), dtype=np.uint8)


def visible_fractions(boxes: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float64]:
    """Exact share of each box that is inside the picture and not covered by later boxes.

    Args:
        boxes: (N, 4) xyxy pixels in drawing order; later boxes are nearer.
        size: (width, height) of the picture in pixels.

    Returns:
        (N,) shares from 0 to 1.
    """
    shares = np.zeros(len(boxes))
    for i, box in enumerate(boxes):
        area = (box[2] - box[0]) * (box[3] - box[1])
        x0, y0 = max(box[0], 0.0), max(box[1], 0.0)
        x1, y1 = min(box[2], size[0]), min(box[3], size[1])
        if area <= 0 or x1 <= x0 or y1 <= y0:
            continue
        nearer = boxes[i + 1 :]
        covering = nearer[(nearer[:, 0] < x1) & (nearer[:, 2] > x0) & (nearer[:, 1] < y1) & (nearer[:, 3] > y0)]
        # All edges cut the box into a grid of cells that are each covered wholly or not at all.
        xs = np.unique(np.clip(np.concatenate([[x0, x1], covering[:, 0], covering[:, 2]]), x0, x1))
        ys = np.unique(np.clip(np.concatenate([[y0, y1], covering[:, 1], covering[:, 3]]), y0, y1))
        middle_x, middle_y = (xs[:-1] + xs[1:]) / 2, (ys[:-1] + ys[1:]) / 2
        free = np.ones((len(middle_y), len(middle_x)), dtype=bool)
        for cover in covering:
            in_x = (middle_x > cover[0]) & (middle_x < cover[2])
            in_y = (middle_y > cover[1]) & (middle_y < cover[3])
            free &= ~(in_y[:, None] & in_x[None, :])
        shares[i] = float((np.diff(ys)[:, None] * np.diff(xs)[None, :])[free].sum() / area)
    return shares


def shifted(source: NDArray[np.uint8], left: float, top: float, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The part of a picture whose corner is at a fractional pixel, bilinear."""
    width, height = size
    x, y = int(np.floor(left)), int(np.floor(top))
    rows, columns = source.shape[:2]
    # Work on the needed part only; beyond the edge the picture is mirrored.
    if x >= 0 and y >= 0 and x + width + 1 < columns and y + height + 1 < rows:
        source, left, top = source[y : y + height + 2, x : x + width + 2], left - x, top - y
    matrix = np.array([[1.0, 0.0, left], [0.0, 1.0, top]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(source, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT_101), dtype=np.uint8
    )


def draw_box(image: NDArray[np.uint8], skin: NDArray[np.uint8], box: NDArray[np.float64]) -> None:
    """Stretch a texture over a box with fractional edges; edge pixels are mixed by the share that is covered."""
    height, width = image.shape[:2]
    x0, y0 = max(0, int(np.floor(box[0]))), max(0, int(np.floor(box[1])))
    x1, y1 = min(width, int(np.ceil(box[2]))), min(height, int(np.ceil(box[3])))
    if x1 <= x0 or y1 <= y0:
        return
    rows, columns = skin.shape[:2]
    scale_x, scale_y = columns / (box[2] - box[0]), rows / (box[3] - box[1])
    # Centres: picture pixel i has its centre at i + 1/2, texture pixel j at j + 1/2.
    matrix = np.array(
        [
            [scale_x, 0.0, (x0 + 0.5 - box[0]) * scale_x - 0.5],
            [0.0, scale_y, (y0 + 0.5 - box[1]) * scale_y - 0.5],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    patch = cv2.warpAffine(skin, matrix, (x1 - x0, y1 - y0), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    cover_x, cover_y = _coverage(x0, x1, box[0], box[2]), _coverage(y0, y1, box[1], box[3])
    target = image[y0:y1, x0:x1]
    # Only the rim is mixed: the inside is copied.
    inner_x = slice(int(cover_x[0] < 1), len(cover_x) - int(cover_x[-1] < 1))
    inner_y = slice(int(cover_y[0] < 1), len(cover_y) - int(cover_y[-1] < 1))
    mixed = target.copy()
    mixed[inner_y, inner_x] = patch[inner_y, inner_x]
    for rim in ((0, slice(None)), (-1, slice(None)), (slice(None), 0), (slice(None), -1)):
        share = np.outer(cover_y, cover_x)[rim][..., None]
        mixed[rim] = np.rint(share * patch[rim] + (1 - share) * target[rim]).astype(np.uint8)
    target[:] = mixed


def _coverage(start: int, stop: int, low: float, high: float) -> NDArray[np.float64]:
    """Share of each pixel from ``start`` to ``stop`` that lies between ``low`` and ``high``."""
    edges = np.arange(start, stop + 1, dtype=np.float64)
    return np.asarray(np.clip(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0.0, 1.0))


def add_noise(image: NDArray[np.uint8], deviation: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Sensor noise: one normal draw a pixel, the same in all colours, ``deviation`` grey levels."""
    grain = rng.standard_normal(image.shape[:2], dtype=np.float32) * np.float32(deviation)
    return np.asarray(np.clip(np.rint(image + grain[..., None]), 0, 255), dtype=np.uint8)
