"""From a model's own probability of failure to one that means what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Calibration:
    """A rising broken line from the model's probability of failure to the calibrated one.

    Attributes:
        raw: the corners' places, ascending, in [0, 1].
        calibrated: their heights, never falling, in [0, 1].
    """

    raw: tuple[float, ...]
    calibrated: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse what is no rising line of probabilities."""
        x, y = np.array(self.raw, np.float64), np.array(self.calibrated, np.float64)
        if len(x) != len(y) or not len(x) or (np.diff(x) <= 0).any() or (np.diff(y) < 0).any():
            raise ValueError("a calibration needs as many rising places as never falling heights")
        if not ((x >= 0) & (x <= 1) & (y >= 0) & (y <= 1)).all():
            raise ValueError("a calibration's places and heights are probabilities")

    def __call__(self, probability: Floats) -> Floats:
        """Calibrated probabilities of the same shape; outside the corners the nearest one's."""
        return np.interp(probability, self.raw, self.calibrated)

    def to_json(self) -> dict[str, list[float]]:
        """As it stands in a manifest."""
        return {"raw": list(self.raw), "calibrated": list(self.calibrated)}

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """Read what ``to_json`` gave.

        Raises:
            ValueError: it is something else.
        """
        try:
            raw, calibrated = ([float(value) for value in document[name]] for name in ("raw", "calibrated"))
        except (TypeError, KeyError) as error:
            raise ValueError("it is no calibration") from error
        return cls(tuple(raw), tuple(calibrated))
