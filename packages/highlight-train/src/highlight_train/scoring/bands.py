"""What a score means in words."""

from __future__ import annotations

from enum import StrEnum


class Band(StrEnum):
    """How sure a score between 0 and 1 is."""

    SURE_HIGHLIGHT = "sure highlight"
    LIKELY_HIGHLIGHT = "likely highlight"
    UNCERTAIN = "uncertain"
    LIKELY_NORMAL = "likely normal"
    SURE_NORMAL = "sure normal"


LOWER_ENDS: dict[Band, float] = {
    Band.SURE_HIGHLIGHT: 0.9,
    Band.LIKELY_HIGHLIGHT: 0.7,
    Band.UNCERTAIN: 0.5,
    Band.LIKELY_NORMAL: 0.3,
    Band.SURE_NORMAL: 0.0,
}
"""The least score of each band, from the highest band to the lowest."""

THRESHOLD = LOWER_ENDS[Band.LIKELY_HIGHLIGHT]
"""From here on a video counts as a highlight."""


def band_of(score: float) -> Band:
    """The band of a score.

    Raises:
        ValueError: the score is not between 0 and 1.
    """
    if not 0 <= score <= 1:
        raise ValueError(f"{score} is no score: it must be between 0 and 1")
    return next(band for band, low in LOWER_ENDS.items() if score >= low)
