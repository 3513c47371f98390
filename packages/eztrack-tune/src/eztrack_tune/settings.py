"""The five settings of the add-on: what they are called, their ranges, and the values that ship today."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from footage.errors import InputError


class MotionModel(StrEnum):
    """How a pattern may change from frame to frame, by Blender's names."""

    LOC = "Loc"
    LOC_ROT = "LocRot"
    LOC_SCALE = "LocScale"
    LOC_ROT_SCALE = "LocRotScale"
    AFFINE = "Affine"
    PERSPECTIVE = "Perspective"


SETTING_NAMES = ("pattern_size", "search_size", "correlation", "threshold", "motion_model")
"""The names in sessions and in the add-on's table, in its order."""
PATTERN_SIZES = tuple(range(11, 32, 2))
"""What the add-on chooses a pattern's side from, pixels."""
SEARCH_SIZES = tuple(range(51, 152, 10))
"""What the add-on chooses a search area's side from, pixels."""
CORRELATION_RANGE = (0.4, 0.8)
THRESHOLD_RANGE = (0.1, 0.5)
_SMALLEST_PATTERN = 5
_LARGEST_SEARCH = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerSettings:
    """One choice of the add-on's five settings.

    Attributes:
        pattern_size: side of the square that is looked for, odd, pixels.
        search_size: side of the square it is looked for in, pixels; larger than the pattern.
        correlation: the least normalised cross-correlation that a match may have, in (0, 1).
        threshold: how strong a corner must be to be tracked, in (0, 1); less gives more and weaker ones.
        motion_model: how the pattern may change from frame to frame.
    """

    pattern_size: int
    search_size: int
    correlation: float
    threshold: float
    motion_model: MotionModel

    def __post_init__(self) -> None:
        """Refuse what no tracker could use; values outside the add-on's ranges are let through.

        Raises:
            InputError: a value is impossible.
        """
        if self.pattern_size < _SMALLEST_PATTERN or self.pattern_size % 2 == 0:
            raise InputError(f"pattern_size must be odd and at least {_SMALLEST_PATTERN}, not {self.pattern_size}")
        if not self.pattern_size < self.search_size <= _LARGEST_SEARCH:
            raise InputError(
                f"search_size must be larger than pattern_size ({self.pattern_size}) and at most {_LARGEST_SEARCH}, "
                f"not {self.search_size}"
            )
        for name in ("correlation", "threshold"):
            value = getattr(self, name)
            if not 0 < value < 1:
                raise InputError(f"{name} must be between 0 and 1, not {value}")

    def outside_ranges(self) -> tuple[str, ...]:
        """The names of the settings that the add-on would not choose itself, in its order."""
        within = {
            "pattern_size": self.pattern_size in PATTERN_SIZES,
            "search_size": SEARCH_SIZES[0] <= self.search_size <= SEARCH_SIZES[-1],
            "correlation": CORRELATION_RANGE[0] <= self.correlation <= CORRELATION_RANGE[1],
            "threshold": THRESHOLD_RANGE[0] <= self.threshold <= THRESHOLD_RANGE[1],
        }
        return tuple(name for name, inside in within.items() if not inside)

    def as_dict(self) -> dict[str, int | float | str]:
        """The settings as a session holds them."""
        return {
            "pattern_size": self.pattern_size,
            "search_size": self.search_size,
            "correlation": self.correlation,
            "threshold": self.threshold,
            "motion_model": self.motion_model.value,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """Read settings as a session, a table or a matrix file holds them; further entries are ignored.

        Raises:
            InputError: an entry is missing, is no number, or is impossible.
        """
        model = values.get("motion_model")
        try:
            motion_model = MotionModel(str(model))
        except ValueError:
            names = ", ".join(MotionModel)
            raise InputError(f"motion_model must be one of {names}, not {model!r}") from None
        return cls(
            pattern_size=_whole(values, "pattern_size"),
            search_size=_whole(values, "search_size"),
            correlation=_number(values, "correlation"),
            threshold=_number(values, "threshold"),
            motion_model=motion_model,
        )

    def __str__(self) -> str:
        """As in ``21/71 .75 .30 LocRot``."""
        shares = " ".join(f"{share:.2f}".lstrip("0") for share in (self.correlation, self.threshold))
        return f"{self.pattern_size}/{self.search_size} {shares} {self.motion_model.value}"


def _number(values: Mapping[str, object], name: str) -> float:
    value = values.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{name} must be a number, not {value!r}" if name in values else f"{name} is missing")
    return float(value)


def _whole(values: Mapping[str, object], name: str) -> int:
    value = _number(values, name)
    if value != int(value):
        raise InputError(f"{name} must be a whole number of pixels, not {value}")
    return int(value)


def _settings(
    pattern_size: int, search_size: int, correlation: float, threshold: float, model: MotionModel
) -> TrackerSettings:
    return TrackerSettings(
        pattern_size=pattern_size,
        search_size=search_size,
        correlation=correlation,
        threshold=threshold,
        motion_model=model,
    )


SIX = (
    _settings(11, 51, 0.75, 0.25, MotionModel.LOC_ROT),
    _settings(15, 71, 0.70, 0.25, MotionModel.LOC_ROT),
    _settings(17, 91, 0.68, 0.25, MotionModel.LOC_ROT),
    _settings(21, 100, 0.65, 0.25, MotionModel.LOC_ROT),
    _settings(25, 120, 0.60, 0.25, MotionModel.LOC_ROT),
    _settings(31, 150, 0.50, 0.25, MotionModel.LOC_ROT),
)
"""The default matrix, that of the add-on's own guide: from a small, strict pattern to a large, loose one.

The guide leaves the motion model as it is, which in the add-on is LocRot. It varies neither that nor the detection
threshold; a search does.
"""

FACTORY = _settings(21, 71, 0.75, 0.25, MotionModel.LOC)
"""What Blender itself starts with."""

SHIPPED_DEFAULTS = {
    "HD_24fps": _settings(17, 91, 0.68, 0.28, MotionModel.LOC_ROT),
    "HD_30fps": _settings(15, 71, 0.70, 0.30, MotionModel.LOC_ROT),
    "HD_60fps": _settings(13, 51, 0.72, 0.35, MotionModel.LOC_ROT),
    "4K_24fps": _settings(31, 151, 0.65, 0.25, MotionModel.AFFINE),
    "4K_30fps": _settings(29, 141, 0.65, 0.25, MotionModel.LOC_ROT),
    "4K_60fps": _settings(25, 121, 0.68, 0.28, MotionModel.LOC_ROT),
    "SD_24fps": _settings(13, 81, 0.70, 0.30, MotionModel.LOC_ROT),
    "SD_30fps": _settings(11, 61, 0.72, 0.35, MotionModel.LOC),
}
"""What the add-on ships for each class of footage today; it has nothing for SD at 60 frames a second."""
