"""A session as it is used here: one clip tracked and solved under one choice of settings, wherever it was recorded."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from eztrack_tune.classes import FootageClass
from eztrack_tune.settings import TrackerSettings

OURS_KEY = "eztrack_tune"
"""Where a session of ours holds what the add-on's own lack."""
FAILED_ERROR_PX = 999.0
"""What the add-on writes as the error of a clip that was not solved."""


class Generation(StrEnum):
    """Which recorder wrote a session."""

    FIRST = "first"
    """Without ``schema_version``; the clip under its own name."""
    SCHEMA_1 = "schema 1"
    """``schema_version`` 1 with the motion class at the top."""
    CONTRIBUTED = "schema 1 with contributor"
    """The same with ``contributor_id``; the clip's name is a random word, another one in each session."""
    OURS = "eztrack-tune"
    """Written by a sweep: with what the others lack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTrack:
    """One track of a session.

    Attributes:
        lifespan: last frame minus first frame.
        region: the cell of the 3 x 3 grid.
        contributed: whether it has a point in the solve.
        reprojection_error_px: None where it has no point.
    """

    lifespan: int
    region: str
    contributed: bool
    reprojection_error_px: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a trial is judged by; None where the session does not tell.

    Attributes:
        cleaned_error_px: mean reprojection error without the tracks that fit badly. For the add-on's own sessions it
            is estimated from the errors of the tracks, without solving again.
        frames_solved: share of the frames that have a camera, 0 to 1.
        useful: of the markers there could be (every detected track in every frame), the share that belongs to tracks
            that the solve kept, 0 to 1. A short track adds little to it, a dropped or deleted one nothing.
        survival: mean life of all tracks as a share of the clip, 0 to 1; drifting tracks count in full.
        coverage: share of a 4 x 4 grid's cells with a track, averaged over frames, 0 to 1.
        bundles: tracks with a point in the solve.
        forward_backward_px: median distance between a track's start and where tracking it back ends.
        forward_backward_lost: share of tracks lost on the way back, 0 to 1.
    """

    cleaned_error_px: float | None = None
    frames_solved: float | None = None
    useful: float | None = None
    survival: float | None = None
    coverage: float | None = None
    bundles: int | None = None
    forward_backward_px: float | None = None
    forward_backward_lost: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One trial.

    Attributes:
        source: the file it was read from, and the place in it where that holds several.
        generation: which recorder wrote it.
        clip: what tells clips apart: a content hash, the add-on's fingerprint, or name, size and length.
        clip_name: as it stands in the file.
        footage: the class, derived from size and rate.
        width: pixels, 0 where the recorder failed to tell.
        height: pixels, likewise.
        fps: frames a second.
        frame_count: frames of the clip.
        settings: as asked for; entries that the file lacks are the add-on's fallback, see ``assumed``.
        assumed: names of the settings that the file lacks.
        applied: what was used where that is known and differs.
        first_try: not a retry of an earlier attempt.
        claims_success: the recorder's ``success``.
        solved: it counts as solved: claimed, and nothing in the session speaks against it.
        not_solved_because: why it does not; None where it does.
        raw_error_px: Blender's average error; None where there is none.
        total_tracks: tracks that were recorded.
        success_rate: share of the tracks that live at least eight frames; None without tracks.
        tracks: each track; empty where the file lists none.
        region_stats: tracks and successful tracks by region.
        measured: what it is judged by.
        backend: ``blender`` for the add-on's own sessions.
        backend_version: None where the file does not tell.
        platform: operating system, None where the file does not tell.
        contributor: the add-on's anonymous word for an installation; None where there is none.
        side: ``tuning`` or ``held_out``; None where it was not split.
        difficulty: None where it is not known.
        seconds: the trial's wall time; None where the file does not tell.
        contradictions: what in the file contradicts something else in it, one sentence each.
        unusable: why it cannot be compared with others; None where it can.
    """

    source: str
    generation: Generation
    clip: str
    clip_name: str
    footage: FootageClass
    width: int
    height: int
    fps: float
    frame_count: int
    settings: TrackerSettings
    assumed: tuple[str, ...]
    applied: TrackerSettings | None
    first_try: bool
    claims_success: bool
    solved: bool
    not_solved_because: str | None
    raw_error_px: float | None
    total_tracks: int
    success_rate: float | None
    tracks: tuple[SessionTrack, ...]
    region_stats: dict[str, tuple[int, int]]
    measured: Measured
    backend: str
    backend_version: str | None
    platform: str | None
    contributor: str | None
    side: str | None
    difficulty: str | None
    seconds: float | None
    contradictions: tuple[str, ...]
    unusable: str | None
