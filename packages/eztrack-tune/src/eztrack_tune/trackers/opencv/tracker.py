"""The tracker on OpenCV behind the protocol."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

import cv2
import numpy as np
import pycolmap
from numpy.typing import NDArray

from eztrack_tune.outcome import Track, TrackOutcome
from eztrack_tune.settings import TrackerSettings
from eztrack_tune.trackers.frames import ClipStills
from eztrack_tune.trackers.opencv.detect import detect_enough
from eztrack_tune.trackers.opencv.ncc import follow
from eztrack_tune.trackers.opencv.solve import LEAST_TRACKS, Observations, SolvedTracks, solve_camera
from eztrack_tune.trackers.protocol import GUESSED_FOCAL_WIDTHS, TrackOptions
from eztrack_tune.trackers.turning import CameraMotion
from footage.errors import VideoError

Array = NDArray[np.float64]
Bits = NDArray[np.bool_]
BACK_TRACKS = 16
VERSION = f"{cv2.__version__}+pycolmap {pycolmap.__version__}"


class OpenCVTracker:
    """Tracks by normalised cross-correlation and solves with COLMAP's bundle adjustment: a proxy for Blender.

    Attributes:
        backend: ``opencv``.
        version: of OpenCV and COLMAP.
    """

    backend = "opencv"

    def __init__(self, options: TrackOptions) -> None:
        self._options = options
        self.version = VERSION
        self._stills: ClipStills | None = None
        self._grays: list[NDArray[np.uint8]] = []
        self._detected: dict[float, tuple[float, Array]] = {}

    def track(self, stills: ClipStills, settings: TrackerSettings) -> TrackOutcome:
        """See :class:`eztrack_tune.trackers.protocol.Tracker`."""
        started = time.monotonic()
        try:
            self._open(stills)
        except VideoError as error:
            return self._failed(stills, settings, str(error), time.monotonic() - started)
        threshold, xy, shared = self._features(settings)
        if not len(xy):
            reason = "no feature was found in the first frame"
            return self._failed(stills, settings, reason, time.monotonic() - started)
        if stills.motion is CameraMotion.TURNS:
            reason = "the camera only turns, and this tracker has no solver for that"
            return self._failed(stills, settings, reason, time.monotonic() - started)
        tracking_from = time.monotonic()
        previous = self._options.pattern_match == "PREV_FRAME"
        places, found = follow(self._grays, xy, settings, follow_previous=previous)
        places, found = places[:, found[0]], found[:, found[0]]
        back = self._follow_back(places, found, settings) if self._options.follow_back else []
        solving_from = time.monotonic()
        solved = self._solve(places, found, stills)
        ended = time.monotonic()
        returned = [distance for distance in back if distance is not None]
        return TrackOutcome(
            settings=settings,
            applied=_with_threshold(settings, threshold),
            clip=stills.clip,
            tracks=_tracks(places, found, solved),
            solve=None if solved is None else solved.solve,
            forward_backward_px=float(np.median(returned)) if returned else None,
            forward_backward_lost=1 - len(returned) / len(back) if back else None,
            seconds=ended - started,
            track_seconds=solving_from - tracking_from,
            solve_seconds=ended - solving_from,
            detection_shared=shared,
            backend=self.backend,
            backend_version=self.version,
            failure=None if found.size else "every feature lies too near to the edge for this pattern",
        )

    def close(self) -> None:
        """Let the frames go. Closing twice is harmless."""
        self._stills, self._grays, self._detected = None, [], {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self, stills: ClipStills) -> None:
        """Read a clip's frames, unless they are here."""
        if self._stills is not stills:
            self.close()
            self._grays = [stills.gray(frame) for frame in range(stills.clip.frame_count)]
            self._stills = stills

    def _features(self, settings: TrackerSettings) -> tuple[float, Array, bool]:
        shared = settings.threshold in self._detected
        if not shared:
            self._detected[settings.threshold] = detect_enough(
                self._grays[0],
                settings.threshold,
                min_distance_px=self._options.min_distance_px,
                margin_px=self._options.margin_px,
                least_features=self._options.least_features,
                least_threshold=self._options.least_threshold,
                most_features=self._options.most_features,
            )
        return *self._detected[settings.threshold], shared

    def _follow_back(self, places: Array, found: Bits, settings: TrackerSettings) -> list[float | None]:
        """Follow some tracks back from the last frame that many of them reach, and see whether they return."""
        ends = np.sort(found.sum(axis=0) - 1)[::-1]
        start = int(ends[min(BACK_TRACKS, (len(ends) + 1) // 2) - 1]) if len(ends) else 0
        if start < 1:
            return []
        chosen = np.flatnonzero(found[start])
        chosen = chosen[:: max(1, len(chosen) // BACK_TRACKS)][:BACK_TRACKS]
        previous = self._options.pattern_match == "PREV_FRAME"
        back, there = follow(self._grays[start::-1], places[start, chosen], settings, follow_previous=previous)
        distances = np.linalg.norm(back[-1] - places[0, chosen], axis=1)
        return [float(distance) if alive else None for distance, alive in zip(distances, there[-1], strict=True)]

    def _solve(self, places: Array, found: Bits, stills: ClipStills) -> SolvedTracks | None:
        if found.shape[1] < LEAST_TRACKS:
            return None
        size = stills.clip.width, stills.clip.height
        return solve_camera(
            Observations(xy=places, seen=found, size=size),
            focal_px=self._options.focal_px or GUESSED_FOCAL_WIDTHS * max(size),
            refine_focal=self._options.focal_px is None,
        )

    def _failed(self, stills: ClipStills, settings: TrackerSettings, reason: str, seconds: float) -> TrackOutcome:
        return TrackOutcome(
            settings=settings,
            applied=None,
            clip=stills.clip,
            tracks=(),
            solve=None,
            seconds=seconds,
            backend=self.backend,
            backend_version=self.version,
            failure=reason,
        )


def _with_threshold(settings: TrackerSettings, threshold: float) -> TrackerSettings:
    return TrackerSettings.from_dict({**settings.as_dict(), "threshold": threshold})


def _tracks(places: Array, found: Bits, solved: SolvedTracks | None) -> tuple[Track, ...]:
    tracks = []
    for index in range(found.shape[1]):
        frames = np.flatnonzero(found[:, index]).astype(np.int64)
        has_point = solved is not None and bool(np.isfinite(solved.errors_px[index]))
        tracks.append(
            Track(
                name=f"Track.{index:04}",
                frames=frames,
                xy=places[frames, index],
                reprojection_error_px=float(solved.errors_px[index]) if solved is not None and has_point else None,
                contributed=has_point,
                point=solved.points[index] if solved is not None and has_point else None,
            )
        )
    return tuple(tracks)
