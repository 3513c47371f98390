"""A part of a frame that is worth a look by the detector."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite
from typing import Literal

PatchKind = Literal["failure", "new"]


@dataclass(frozen=True, slots=True)
class Patch:
    """A wanted part of a frame.

    Attributes:
        box: ``xyxy`` in pixels of the frame, clipped to it; it has an area.
        priority: higher is more urgent. Compared among patches of one kind only.
        kind: ``failure`` where a track is likely to have lost its object, ``new`` where an unseen object may be.
        track_id: the track of a failure patch; None for a new one.

    Raises:
        ValueError: the box has no area, begins before the frame does, or a number is not finite.
    """

    box: tuple[float, float, float, float]
    priority: float
    kind: PatchKind
    track_id: int | None

    def __post_init__(self) -> None:
        x0, y0, x1, y1 = self.box
        if not (0 <= x0 < x1 < inf and 0 <= y0 < y1 < inf):
            raise ValueError(f"a patch of {self.box} is no box inside a frame: clip it first")
        if not isfinite(self.priority):
            raise ValueError(f"a patch's priority is {self.priority}")
