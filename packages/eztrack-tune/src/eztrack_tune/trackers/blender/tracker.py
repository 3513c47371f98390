"""Blender's tracker behind the protocol: one process for many trials, another one after a crash."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Self

import numpy as np

from eztrack_tune.outcome import Clip, Solve, Track, TrackOutcome
from eztrack_tune.settings import TrackerSettings
from eztrack_tune.trackers.blender.environment import BlenderCommand
from eztrack_tune.trackers.blender.process import MEMORY_BYTES, BlenderDied, BlenderHung, BlenderProcess
from eztrack_tune.trackers.frames import ClipStills
from eztrack_tune.trackers.protocol import GUESSED_FOCAL_WIDTHS, TrackOptions
from eztrack_tune.trackers.turning import CameraMotion
from footage.errors import InputError

_FLIP = np.diag([1.0, -1.0, -1.0])
"""Blender's cameras look along their negative third axis with the second one up."""


class BlenderTracker:
    """Tracks and solves in Blender.

    Trials on one clip, one after the other, share the process, the decoded frames and the detected features; their
    markers are the same as if each had a Blender to itself.

    Attributes:
        backend: ``blender``.
        version: of Blender.
    """

    backend = "blender"

    def __init__(self, command: BlenderCommand, options: TrackOptions, *, memory_bytes: int = MEMORY_BYTES) -> None:
        """Start Blender.

        Raises:
            MissingDependency: it does not start.
        """
        self._command = command
        self._options = options
        self._memory_bytes = memory_bytes
        self._process: BlenderProcess | None = BlenderProcess(command, memory_bytes=memory_bytes)
        self.version = self._process.version

    @property
    def pid(self) -> int | None:
        """The process that is running; None after a crash, until the next trial."""
        return None if self._process is None else self._process.pid

    def track(self, stills: ClipStills, settings: TrackerSettings) -> TrackOutcome:
        """See :class:`eztrack_tune.trackers.protocol.Tracker`."""
        started = time.monotonic()
        trial = trial_of(stills, settings, self._options)
        try:
            answer = self._ask(trial)
        except BlenderHung as error:
            answer = {"failure": str(error)}
        except (
            BlenderDied
        ):  # perhaps for a reason outside this trial: the system was short of memory, somebody ended it
            started = time.monotonic()
            try:
                answer = self._ask(trial)
            except BlenderDied as error:
                answer = {"failure": f"{error}, twice"}
        seconds = time.monotonic() - started
        return outcome_of(answer, stills.clip, settings, version=self.version, seconds=seconds)

    def _ask(self, trial: dict[str, Any]) -> dict[str, Any]:
        if self._process is None:
            self._process = BlenderProcess(self._command, memory_bytes=self._memory_bytes)
        try:
            return self._process.ask(trial, self._options.timeout_seconds)
        except BlenderDied:
            self._process = None
            raise

    def close(self) -> None:
        """End Blender. Closing twice is harmless."""
        process, self._process = self._process, None
        if process is not None:
            process.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def trial_of(stills: ClipStills, settings: TrackerSettings, options: TrackOptions) -> dict[str, Any]:
    """A trial as the worker reads it."""
    clip = stills.clip
    return {
        "first_still": str(stills.path(0).absolute()),
        "frame_count": clip.frame_count,
        "settings": settings.as_dict(),
        "min_distance_px": options.min_distance_px,
        "margin_px": options.margin_px,
        "pattern_match": options.pattern_match,
        "least_features": options.least_features,
        "least_threshold": options.least_threshold,
        "most_features": options.most_features,
        "focal_px": options.focal_px or GUESSED_FOCAL_WIDTHS * max(clip.width, clip.height),
        "refine_focal": options.focal_px is None,
        "principal_px": [clip.width / 2, clip.height / 2],
        "tripod": stills.motion is CameraMotion.TURNS,
        "follow_back": options.follow_back,
    }


def outcome_of(
    answer: dict[str, Any],
    clip: Clip,
    settings: TrackerSettings,
    *,
    version: str,
    seconds: float,
) -> TrackOutcome:
    """The worker's answer as a record."""
    if "failure" in answer:
        return TrackOutcome(
            settings=settings,
            applied=None,
            clip=clip,
            tracks=(),
            solve=None,
            seconds=seconds,
            backend="blender",
            backend_version=version,
            failure=answer["failure"],
        )
    back = answer["back"] or {"distances": []}
    returned = [distance for distance in back["distances"] if distance is not None]
    return TrackOutcome(
        settings=settings,
        applied=_applied(answer["applied"]),
        clip=clip,
        tracks=_tracks(answer),
        solve=None if answer["solve"] is None else _solve(answer["solve"]),
        forward_backward_px=float(np.median(returned)) if returned else None,
        forward_backward_lost=1 - len(returned) / len(back["distances"]) if back["distances"] else None,
        seconds=seconds,
        track_seconds=answer["track_seconds"],
        solve_seconds=answer["solve_seconds"],
        detection_shared=answer["detection_shared"],
        backend="blender",
        backend_version=version,
        failure=None if answer["tracks"] else "no feature was found in the first frame",
    )


def _applied(values: dict[str, Any] | None) -> TrackerSettings | None:
    if values is None:
        return None
    try:
        # Blender keeps numbers in single precision
        return TrackerSettings.from_dict(
            {**values, "correlation": round(values["correlation"], 6), "threshold": round(values["threshold"], 6)}
        )
    except InputError:
        return None  # sizes that our record would refuse: Blender rounds patterns at the picture's rim


def _tracks(answer: dict[str, Any]) -> tuple[Track, ...]:
    points = (answer["solve"] or {}).get("points", {})
    tracks = []
    for track in answer["tracks"]:
        if not track["frames"]:
            continue
        point = points.get(track["name"])
        tracks.append(
            Track(
                name=track["name"],
                frames=np.array(track["frames"], dtype=np.int64),
                xy=np.array(track["xy"], dtype=np.float64),
                reprojection_error_px=None if point is None else point["error_px"],
                contributed=point is not None,
                point=None if point is None else np.array(point["point"], dtype=np.float64),
            )
        )
    return tuple(tracks)


def _solve(answer: dict[str, Any]) -> Solve:
    cameras = answer.get("cameras") or []
    matrices = np.array([camera["matrix"] for camera in cameras], dtype=np.float64).reshape(-1, 4, 4)
    rotations = _FLIP @ np.swapaxes(matrices[:, :3, :3], 1, 2)
    shifts = -np.einsum("nij,nj->ni", rotations, matrices[:, :3, 3])
    return Solve(
        valid=bool(answer["valid"]) and bool(cameras),
        raw_error_px=answer.get("raw_error_px"),
        cleaned_error_px=answer.get("cleaned_error_px"),
        frames_solved=len(cameras),
        bundles=len(answer.get("points", {})),
        tracks_given=answer["tracks_given"],
        tracks_kept=answer["tracks_kept"],
        cameras=np.concatenate([rotations, shifts[:, :, None]], axis=2) if cameras else None,
        camera_frames=np.array([camera["frame"] for camera in cameras], dtype=np.int64) if cameras else None,
        focal_px=answer.get("focal_px"),
        keyframes=None if "keyframes" not in answer else (answer["keyframes"][0] - 1, answer["keyframes"][1] - 1),
    )
