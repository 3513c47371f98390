"""What a tracker is given and what it gives back: clips, tracks, solves. Needs numpy only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eztrack_tune.settings import TrackerSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A clip as every tracker sees it.

    Attributes:
        path: the video file, or a folder of stills.
        width: columns of a frame as displayed, pixels.
        height: rows of a frame as displayed, pixels.
        fps: frames a second.
        frame_count: frames that can be tracked: those decoded, at most as many as were asked for.
        content_sha256: of the file, or of the stills in their order; names the clip wherever it lies.
    """

    path: Path
    width: int
    height: int
    fps: float
    frame_count: int
    content_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Track:
    """One feature followed through a clip.

    Attributes:
        name: as the tracker names it.
        frames: int64 (N,), rising, the frames it was found in, from 0.
        xy: float64 (N, 2), pixels from the top left corner of the picture.
        reprojection_error_px: mean distance of its markers from where the solved camera sees its point; None without
            a solve or where the solve dropped it.
        contributed: whether the last solve used it.
        point: float64 (3,), its place in the solve's world; None where it has none.
    """

    name: str
    frames: NDArray[np.int64]
    xy: NDArray[np.float64]
    reprojection_error_px: float | None = None
    contributed: bool = False
    point: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together.

        Raises:
            ValueError: the shapes differ, there is no marker, or the frames do not rise.
        """
        if self.frames.ndim != 1 or self.xy.shape != (len(self.frames), 2) or not len(self.frames):
            raise ValueError(f"track {self.name}: frames {self.frames.shape} and xy {self.xy.shape} do not fit")
        if (np.diff(self.frames) <= 0).any():
            raise ValueError(f"track {self.name}: frames must rise")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solve:
    """A camera path found from tracks.

    Attributes:
        valid: what the solver itself says; true for junk too, see ``measures.solved``.
        raw_error_px: mean reprojection error with every track, as Blender shows it; None where nothing was solved.
        cleaned_error_px: the same after the tracks that fit badly were dropped; None where nothing was solved.
        frames_solved: frames with a camera after cleaning.
        bundles: tracks with a point after cleaning.
        tracks_given: tracks that the first solve was given.
        tracks_kept: tracks that the last solve was given.
        cameras: float64 (frames_solved, 3, 4), world to camera, x right, y down, z forward; None where nothing was
            solved.
        camera_frames: int64 (frames_solved,), the frames of the cameras, from 0.
        focal_px: focal length after the solve.
        keyframes: the pair of frames that the solve started from.
    """

    valid: bool
    raw_error_px: float | None
    cleaned_error_px: float | None
    frames_solved: int
    bundles: int
    tracks_given: int
    tracks_kept: int
    cameras: NDArray[np.float64] | None
    camera_frames: NDArray[np.int64] | None
    focal_px: float | None
    keyframes: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrackOutcome:
    """What became of one clip under one choice of settings.

    Attributes:
        settings: what was asked for.
        applied: what the tracker says it used: a threshold that found too few features was halved, a size was
            changed; None where the trial failed before it could tell.
        clip: what was tracked.
        tracks: the tracks; empty where the trial failed.
        solve: the camera solve; None where there were too few tracks for one, or the trial failed.
        forward_backward_px: median distance between where tracks began and where following them back from a later
            frame ends; None where it was not measured.
        forward_backward_lost: share of those that were lost on the way back; None where it was not measured.
        seconds: wall time of the trial: detection where it was not shared, tracking and solves.
        track_seconds: the part of it that tracking took.
        solve_seconds: the part of it that solving took.
        detection_shared: the features had been detected for an earlier trial.
        backend: ``blender`` or ``opencv``.
        backend_version: of the program behind it.
        failure: why there is no result; None where there is one.
    """

    settings: TrackerSettings
    applied: TrackerSettings | None
    clip: Clip
    tracks: tuple[Track, ...]
    solve: Solve | None
    forward_backward_px: float | None = None
    forward_backward_lost: float | None = None
    seconds: float
    track_seconds: float | None = None
    solve_seconds: float | None = None
    detection_shared: bool = False
    backend: str
    backend_version: str
    failure: str | None
