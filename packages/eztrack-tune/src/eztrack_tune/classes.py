"""Footage classes: the add-on's own, which key its table of defaults, and finer ones, which say what was folded.

The add-on's rule looks at width alone, so a portrait 1080 x 1920 clip becomes ``SD``. Here the longer side counts; for
landscape footage the two agree.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from eztrack_tune.settings import SHIPPED_DEFAULTS, MotionModel, TrackerSettings
from footage.errors import InputError

# Lower ends, highest first: pixels of the longer side, and frames a second.
_ADDON_SIDES = ((3840, "4K"), (1920, "HD"), (0, "SD"))
_ADDON_RATES = ((50.0, "60fps"), (28.0, "30fps"), (0.0, "24fps"))
_FINER_SIDES = ((3840, "4K"), (2048, "2K"), (1920, "HD"), (1280, "720p"), (0, "SD"))
_FINER_RATES = ((100.0, "120fps"), (50.0, "60fps"), (28.0, "30fps"), (24.5, "25fps"), (0.0, "24fps"))
HIGHEST_RATE = 1000.0

ADDON_FALLBACK = TrackerSettings(
    pattern_size=15, search_size=71, correlation=0.70, threshold=0.30, motion_model=MotionModel.LOC_ROT
)
"""What the add-on uses for a class that its table lacks, and for a setting that nobody gave."""

CLASS_NAMES = tuple(f"{side}_{rate}" for _, side in reversed(_ADDON_SIDES) for _, rate in reversed(_ADDON_RATES))
"""The nine classes that the add-on tells apart, smallest first."""


class Difficulty(StrEnum):
    """How hard a clip is to track."""

    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"


class MotionType(StrEnum):
    """How the camera moves, as far as the picture tells."""

    STATIC = "static"
    PAN = "pan"
    ZOOM = "zoom"
    TRAVEL = "travel"
    HANDHELD = "handheld"
    FAST = "fast"


@dataclass(frozen=True, slots=True, kw_only=True)
class FootageClass:
    """What class a clip is of.

    Attributes:
        name: the add-on's class, the key of its table: one of ``CLASS_NAMES``, such as ``HD_24fps``.
        finer: the class with 720p, 2K, 25 and 120 fps told apart, such as ``720p_25fps``.
        portrait: higher than wide; the add-on takes such clips for a smaller class, see ``addon_says``.
        addon_says: the class that the add-on itself finds, by width; differs from ``name`` for some portrait clips.
    """

    name: str
    finer: str
    portrait: bool
    addon_says: str

    @property
    def is_folded(self) -> bool:
        """Whether the add-on puts this clip with clips of another size or rate."""
        return self.finer != self.name


def default_settings(class_name: str) -> TrackerSettings:
    """What the add-on uses for a class today: its table's entry, or the fallback where the table has none."""
    return SHIPPED_DEFAULTS.get(class_name, ADDON_FALLBACK)


def footage_class(width: int, height: int, fps: float) -> FootageClass:
    """The class of a clip.

    Args:
        width: pixels, as displayed (rotation applied).
        height: pixels.
        fps: frames a second.

    Raises:
        InputError: the size or the rate is not that of a video.
    """
    if width < 1 or height < 1:
        raise InputError(f"{width} x {height} pixels is no size of a video")
    if not math.isfinite(fps) or not 0 < fps <= HIGHEST_RATE:
        raise InputError(
            f"{fps:g} frames a second is no rate of a video", remedy="image sequences have none: state the rate"
        )
    longer = max(width, height)
    return FootageClass(
        name=_key(longer, fps, _ADDON_SIDES, _ADDON_RATES),
        finer=_key(longer, fps, _FINER_SIDES, _FINER_RATES),
        portrait=height > width,
        addon_says=_key(width, fps, _ADDON_SIDES, _ADDON_RATES),
    )


def _key(side: int, fps: float, sides: tuple[tuple[int, str], ...], rates: tuple[tuple[float, str], ...]) -> str:
    """``SIDE_RATE`` by the first entries that are reached; the last entries of both reach everything."""
    of_side = next(name for lowest, name in sides if side >= lowest)
    of_rate = next(name for lowest, name in rates if fps >= lowest)
    return f"{of_side}_{of_rate}"
