"""Boxes around the regions where a picture differs from its background."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

# Smallest object, as a share of the picture, and smallest fragment of one, in pixels.
_LEAST_AREA_SHARE = 3e-4
_LEAST_FRAGMENT_PX = 6
# Soft shadows and compression halos stay below this share of what the object itself differs by.
_SHARE_OF_PEAK = 0.33
_TOUCHING_PX = 1
_FRAGMENT_SHARE = 0.2
_INSIDE_SHARE = 0.5


@dataclass(slots=True)
class Blob:
    """One region: its box, its changed pixels, and the sum of their differences in grey levels."""

    x0: int
    y0: int
    x1: int
    y1: int
    area: int
    total: float

    def score(self, threshold: float) -> float:
        """How sure it is, in [0, 1): rises with the mean difference over the threshold and with how full the box is."""
        fill = self.area / ((self.x1 - self.x0) * (self.y1 - self.y0))
        return float((1.0 - np.exp(-self.total / self.area / threshold)) * np.sqrt(min(fill, 1.0)))


def find_blobs(difference: NDArray[np.uint8], threshold: float) -> list[Blob]:
    """Connected regions above the threshold, each cut to what differs by a third of its own peak or more.

    Args:
        difference: uint8 ``(H, W)``, grey levels from the background.
        threshold: grey levels that noise does not reach.

    Returns:
        The blobs of at least 0.03 % of the picture, fragments merged, in order of falling area.
    """
    changed = _tidy((difference > threshold).astype(np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(changed, connectivity=8)
    needed = np.full(count, 255, np.uint8)
    for i in range(1, count):
        x, y, width, height, area = (int(value) for value in stats[i])
        if area >= _LEAST_FRAGMENT_PX:
            inside = labels[y : y + height, x : x + width] == i
            peak = np.percentile(difference[y : y + height, x : x + width][inside], 90)
            needed[i] = min(254, max(threshold, _SHARE_OF_PEAK * float(peak)))
    strong = cv2.morphologyEx((difference > needed[labels]).astype(np.uint8), cv2.MORPH_CLOSE, _ellipse(3, 9))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(strong, connectivity=8)
    totals = np.bincount(labels.ravel(), weights=difference.ravel(), minlength=count)
    fragments = [
        Blob(int(x), int(y), int(x + width), int(y + height), int(area), float(totals[i]))
        for i, (x, y, width, height, area) in enumerate(stats)
        if i > 0 and area >= _LEAST_FRAGMENT_PX
    ]
    return [blob for blob in _merge(fragments) if blob.area >= _LEAST_AREA_SHARE * difference.size]


def _tidy(changed: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Drop specks and close small gaps, wider in height: what walks is taller than wide."""
    opened = cv2.morphologyEx(changed, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3)))
    return np.asarray(cv2.morphologyEx(opened, cv2.MORPH_CLOSE, _ellipse(3, 9)), np.uint8)


def _ellipse(width: int, height: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, height)), np.uint8)


def _merge(fragments: list[Blob]) -> list[Blob]:
    """Merge blobs that belong together until none do."""
    blobs = fragments
    while True:
        merged: list[Blob] = []
        for blob in sorted(blobs, key=lambda b: (-b.area, b.y0, b.x0)):
            for other in merged:
                if _belong(blob, other):
                    other.x0, other.y0 = min(blob.x0, other.x0), min(blob.y0, other.y0)
                    other.x1, other.y1 = max(blob.x1, other.x1), max(blob.y1, other.y1)
                    other.area += blob.area
                    other.total += blob.total
                    break
            else:
                merged.append(blob)
        if len(merged) == len(blobs):
            return merged
        blobs = merged


def _belong(a: Blob, b: Blob) -> bool:
    """Whether two blobs whose boxes touch are one object: one is a fragment beside the other, or lies mostly in it."""
    across = min(a.x1, b.x1) - max(a.x0, b.x0)
    down = min(a.y1, b.y1) - max(a.y0, b.y0)
    if across < -_TOUCHING_PX or down < -_TOUCHING_PX:
        return False
    smaller, larger = (a, b) if a.area <= b.area else (b, a)
    if smaller.area < _FRAGMENT_SHARE * larger.area:
        return True
    inside = max(across, 0) * max(down, 0)
    return inside > _INSIDE_SHARE * (smaller.x1 - smaller.x0) * (smaller.y1 - smaller.y0)
