"""What every tracker does: a clip and settings in, tracks and a solve out."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from eztrack_tune.outcome import TrackOutcome
from eztrack_tune.settings import TrackerSettings
from eztrack_tune.trackers.frames import ClipStills


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackOptions:
    """What is the same in all trials of a sweep; the first two as the add-on fixes them.

    Attributes:
        min_distance_px: between two features.
        margin_px: of the picture in which no feature is looked for.
        pattern_match: ``KEYFRAME`` looks for the pattern as it was first seen, ``PREV_FRAME`` as it was last.
        least_features: a threshold that finds fewer is halved.
        least_threshold: below this it is halved no more.
        most_features: more are thinned out.
        focal_px: of the camera; None takes 1.2 widths of the picture and lets the solver refine it.
        follow_back: also follow some tracks back to where they began.
        timeout_seconds: a trial in Blender that takes longer has failed.
    """

    min_distance_px: int = 50
    margin_px: int = 10
    pattern_match: str = "KEYFRAME"
    least_features: int = 16
    least_threshold: float = 0.002
    most_features: int = 150
    focal_px: float | None = None
    follow_back: bool = True
    timeout_seconds: float = 300.0


GUESSED_FOCAL_WIDTHS = 1.2


class Tracker(Protocol):
    """A tracker with its solver. Use it as a context manager: it may hold a process."""

    backend: str
    version: str

    def track(self, stills: ClipStills, settings: TrackerSettings) -> TrackOutcome:
        """Track a clip and solve its camera.

        Whatever happens to this one trial, a crash or a hang of the program behind it among that, is told by the
        outcome's ``failure``.

        Raises:
            MissingDependency: the program behind it cannot be started at all.
        """
        ...

    def close(self) -> None:
        """End what was started. Closing twice is harmless."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
