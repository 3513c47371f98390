"""One session's JSON object, of any version, as a :class:`Session`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eztrack_tune.classes import ADDON_FALLBACK, Difficulty, footage_class
from eztrack_tune.measures import LARGEST_ERROR_PX, LEAST_BUNDLES, SUCCESSFUL_FRAMES
from eztrack_tune.sessions import fields
from eztrack_tune.sessions.contradictions import contradictions_of
from eztrack_tune.sessions.record import FAILED_ERROR_PX, OURS_KEY, Generation, Measured, Session, SessionTrack
from eztrack_tune.settings import SETTING_NAMES, TrackerSettings
from footage.errors import DatasetError, InputError

SIDES = ("tuning", "held_out")
_CLEANING_FACTOR = 2.5
_CLEANING_FLOOR_PX = 1.0
_CLEANING_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class _Numbers:
    """What every version of the format has."""

    width: int
    height: int
    fps: float
    frame_count: int
    claims_success: bool
    error_px: float | None
    total_tracks: int
    bundles: int


def parse_session(values: Mapping[str, object], source: str) -> Session:
    """Read one session.

    Args:
        values: the JSON object.
        source: where it came from, for messages.

    Raises:
        DatasetError: a value that every version has is missing or is of the wrong kind.
    """
    try:
        return _parse(values, source)
    except InputError as error:
        raise DatasetError(error.what, where=source, remedy=error.remedy) from error


def is_session(values: object) -> bool:
    """Whether a JSON value looks like a session: the add-on keeps other files beside them."""
    return isinstance(values, dict) and {"settings", "solve_error", "resolution"} <= values.keys()


def generation_of(values: Mapping[str, object]) -> Generation:
    """Which recorder wrote a session.

    Raises:
        DatasetError: its version is a later one.
    """
    if OURS_KEY in values:
        return Generation.OURS
    version = fields.optional_number(values, "schema_version")
    if version is None:
        return Generation.FIRST
    if version != 1:
        raise DatasetError(
            f"schema_version is {version:g}, and 1 is the latest known here", remedy="use a later eztrack-tune"
        )
    return Generation.CONTRIBUTED if "contributor_id" in values else Generation.SCHEMA_1


def clean_errors(errors: Sequence[float]) -> list[float]:
    """The errors that stay when tracks that fit badly are dropped: over 2.5 times the median, and over a pixel.

    At most four rounds, as a solve is cleaned; here the others are not solved again, so the result is an estimate.
    """
    kept = np.array(errors, dtype=np.float64)
    for _ in range(_CLEANING_ROUNDS):
        limit = max(_CLEANING_FLOOR_PX, _CLEANING_FACTOR * float(np.median(kept))) if len(kept) else 0.0
        fewer = kept[kept <= limit]
        if len(fewer) == len(kept):
            break
        kept = fewer
    return [float(error) for error in kept]


def _parse(values: Mapping[str, object], source: str) -> Session:
    generation = generation_of(values)
    numbers = _numbers(values)
    footage = footage_class(numbers.width, numbers.height, numbers.fps)
    tracks = tuple(_track(item) for item in fields.objects(values, "tracks"))
    settings, assumed = _settings(fields.mapping(values, "settings"))
    ours = fields.mapping(values, OURS_KEY)
    measured = _our_measures(ours) if ours else _measures(numbers, tracks)
    why = _why_not_solved(numbers, measured, ours)
    applied = fields.mapping(values, "applied_settings")
    return Session(
        source=source,
        generation=generation,
        clip=_clip(values, generation, numbers),
        clip_name=fields.optional_text(values, "clip_name") or "",
        footage=footage,
        width=numbers.width,
        height=numbers.height,
        fps=numbers.fps,
        frame_count=numbers.frame_count,
        settings=settings,
        assumed=assumed,
        applied=TrackerSettings.from_dict(applied) if applied else None,
        first_try=_is_first_try(values),
        claims_success=numbers.claims_success,
        solved=why is None,
        not_solved_because=why,
        raw_error_px=_real_error(numbers.error_px),
        total_tracks=numbers.total_tracks,
        success_rate=_success_rate(values, tracks),
        tracks=tracks,
        region_stats=_region_stats(values),
        measured=measured,
        backend=fields.optional_text(ours, "backend") or "blender",
        backend_version=fields.optional_text(ours, "backend_version"),
        platform=fields.optional_text(ours, "platform"),
        contributor=fields.optional_text(values, "contributor_id"),
        side=_one_of(ours, "side", SIDES),
        difficulty=_one_of(ours, "difficulty", tuple(Difficulty)),
        seconds=fields.optional_number(values, "duration_seconds"),
        contradictions=contradictions_of(values, tracks),
        unusable="its settings were changed while it was tracked" if values.get("adaptation_history") else None,
    )


def _numbers(values: Mapping[str, object]) -> _Numbers:
    size = values.get("resolution")
    if not isinstance(size, list) or len(size) != 2:
        raise DatasetError("resolution is no list of width and height")
    sides = dict(zip(("width", "height"), size, strict=True))
    return _Numbers(
        width=fields.whole(sides, "width"),
        height=fields.whole(sides, "height"),
        fps=fields.number(values, "fps"),
        frame_count=fields.whole(values, "frame_count"),
        claims_success=fields.truth(values, "success"),
        error_px=fields.optional_number(values, "solve_error"),
        total_tracks=fields.whole(values, "total_tracks"),
        bundles=fields.whole(values, "bundle_count"),
    )


def _settings(values: Mapping[str, object]) -> tuple[TrackerSettings, tuple[str, ...]]:
    """The settings, and the names of those taken from the add-on's fallback since the file lacks them."""
    fallback = ADDON_FALLBACK.as_dict()
    missing = tuple(name for name in SETTING_NAMES if values.get(name) is None)
    if {"pattern_size", "search_size", "correlation"} & set(missing):
        raise DatasetError(f"settings lack {', '.join(missing)}")
    return TrackerSettings.from_dict({**values, **{name: fallback[name] for name in missing}}), missing


def _track(values: Mapping[str, object]) -> SessionTrack:
    contributed = values.get("contributed_to_solve", False) is True
    error = fields.optional_number(values, "reprojection_error")
    return SessionTrack(
        lifespan=fields.whole(values, "lifespan"),
        region=fields.optional_text(values, "region") or "center",
        contributed=contributed,
        # A track without a point is written with an error of 0.
        reprojection_error_px=error if contributed and error else None,
    )


def _clip(values: Mapping[str, object], generation: Generation, numbers: _Numbers) -> str:
    """What tells clips apart, the surest thing that the file has."""
    sha256 = fields.optional_text(fields.mapping(values, OURS_KEY), "clip_sha256")
    if sha256:
        return f"content {sha256}"
    features = fields.mapping(values, "visual_features")
    fingerprint = fields.optional_text(values, "clip_fingerprint") or fields.optional_text(features, "clip_fingerprint")
    if fingerprint:
        return f"fingerprint {fingerprint}"
    shape = f"{numbers.width}x{numbers.height} {numbers.fps:g} fps {numbers.frame_count} frames"
    if generation is Generation.CONTRIBUTED:
        # The clip's name is another random word in each session.
        return f"contributor {fields.optional_text(values, 'contributor_id')} {shape}"
    return f"name {fields.optional_text(values, 'clip_name')} {shape}"


def _real_error(error_px: float | None) -> float | None:
    """Blender's error; the sentinel of a failure, and the zero that stands for NaN, are none."""
    return error_px if error_px is not None and 0 < error_px < FAILED_ERROR_PX else None


def _is_first_try(values: Mapping[str, object]) -> bool:
    iteration = fields.optional_number(values, "iteration") or 0
    return iteration <= 1 and not fields.optional_text(values, "previous_session_id")


def _success_rate(values: Mapping[str, object], tracks: Sequence[SessionTrack]) -> float | None:
    """The share of tracks that live eight frames: counted, since ``successful_tracks`` changed its meaning."""
    if tracks:
        return sum(track.lifespan + 1 >= SUCCESSFUL_FRAMES for track in tracks) / len(tracks)
    return fields.optional_share(values, "success_rate")


def _region_stats(values: Mapping[str, object]) -> dict[str, tuple[int, int]]:
    stats = fields.mapping(values, "region_stats")
    return {
        name: (fields.whole(cell, "total_tracks"), fields.whole(cell, "successful_tracks"))
        for name, cell in ((name, fields.mapping(stats, name)) for name in stats)
        if cell
    }


def _measures(numbers: _Numbers, tracks: Sequence[SessionTrack]) -> Measured:
    """What the add-on's own session lets one conclude."""
    if not tracks or not numbers.frame_count:
        return Measured(cleaned_error_px=_real_error(numbers.error_px), bundles=numbers.bundles)
    errors = [track.reprojection_error_px for track in tracks if track.reprojection_error_px is not None]
    kept = clean_errors(errors)
    limit = max(kept, default=0.0)
    possible = len(tracks) * numbers.frame_count
    markers = sum(
        track.lifespan + 1
        for track in tracks
        if track.reprojection_error_px is not None and track.reprojection_error_px <= limit
    )
    return Measured(
        cleaned_error_px=float(np.mean(kept)) if kept else None,
        useful=min(1.0, markers / possible),
        survival=min(1.0, sum(track.lifespan + 1 for track in tracks) / possible),
        bundles=numbers.bundles,
    )


def _our_measures(values: Mapping[str, object]) -> Measured:
    return Measured(
        cleaned_error_px=fields.optional_number(values, "cleaned_error_px"),
        frames_solved=fields.optional_share(values, "frames_solved_share"),
        useful=fields.optional_share(values, "useful_share"),
        survival=fields.optional_share(values, "survival_share"),
        coverage=fields.optional_share(values, "coverage_share"),
        bundles=fields.optional_whole(values, "bundles"),
        forward_backward_px=fields.optional_number(values, "forward_backward_px"),
        forward_backward_lost=fields.optional_share(values, "forward_backward_lost_share"),
    )


def _why_not_solved(numbers: _Numbers, measured: Measured, ours: Mapping[str, object]) -> str | None:
    if not numbers.claims_success:
        return fields.optional_text(ours, "not_solved_because") or "the recorder says it was not solved"
    if ours:
        return None
    if _real_error(numbers.error_px) is None:
        shown = "no error" if numbers.error_px is None else f"an error of {numbers.error_px:g} px"
        return f"it claims success with {shown}"
    least = max(LEAST_BUNDLES, numbers.total_tracks / 2)
    if numbers.bundles < least:
        return f"{numbers.bundles} of {numbers.total_tracks} tracks have a point"
    if measured.cleaned_error_px is not None and measured.cleaned_error_px >= LARGEST_ERROR_PX:
        return f"the error is {measured.cleaned_error_px:.2f} px without the tracks that fit worst"
    return None


def _one_of(values: Mapping[str, object], key: str, allowed: Sequence[str]) -> str | None:
    found = fields.optional_text(values, key)
    if found is not None and found not in allowed:
        raise DatasetError(f"{key} is {found!r}, and none of {', '.join(allowed)}")
    return found
