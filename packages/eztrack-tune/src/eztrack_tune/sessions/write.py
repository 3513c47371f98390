"""Write a trial as a session in the add-on's format, with the keys that its own sessions lack."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from eztrack_tune import measures
from eztrack_tune.classes import footage_class
from eztrack_tune.outcome import Clip, Track, TrackOutcome
from eztrack_tune.sessions.record import OURS_KEY
from footage.dataset.manifest import rows_sha256
from footage.runs.files import atomic_write_json

FORMAT_VERSION = 1
_DIGITS = 6
"""The recorder rounds to as many."""


def write_session(
    folder: Path,
    outcome: TrackOutcome,
    *,
    side: str | None = None,
    difficulty: str | None = None,
    recorded_at: datetime | None = None,
) -> Path:
    """Write a trial's session; the same clip, settings and tracker give the same file name.

    Args:
        folder: where to, such as the ``sessions`` folder of a sweep.
        outcome: the trial.
        side: ``tuning`` or ``held_out``, from the scan.
        difficulty: ``easy``, ``medium`` or ``hard``, from the scan.
        recorded_at: time of the trial; now where it is not given.

    Returns:
        The file.

    Raises:
        OSError: the folder is missing or not writable, or the disk is full.
    """
    clip = outcome.clip
    key = rows_sha256(json.dumps(outcome.settings.as_dict()), outcome.backend, outcome.backend_version)[:8]
    name = footage_class(clip.width, clip.height, clip.fps).name
    path = folder / f"{name}_{clip.content_sha256[:12]}_{key}.json"
    document = session_document(outcome, side=side, difficulty=difficulty, recorded_at=recorded_at or datetime.now(UTC))
    atomic_write_json(path, document)
    return path


def session_document(
    outcome: TrackOutcome, *, side: str | None, difficulty: str | None, recorded_at: datetime
) -> dict[str, object]:
    """The session's JSON object; arguments as for :func:`write_session`."""
    clip, tracks, solve = outcome.clip, outcome.tracks, outcome.solve
    why = measures.why_unsolved(outcome)
    regions = measures.region_stats(tracks, clip.width, clip.height)
    bundles = 0 if solve is None else solve.bundles
    return {
        "schema_version": 1,
        "timestamp": recorded_at.isoformat(timespec="seconds"),
        "clip_name": clip.path.name,
        "iteration": 1,
        "duration_seconds": round(outcome.seconds, 3),
        "resolution": [clip.width, clip.height],
        "fps": clip.fps,
        "frame_count": clip.frame_count,
        "footage_class": footage_class(clip.width, clip.height, clip.fps).name,
        "settings": outcome.settings.as_dict(),
        "applied_settings": None if outcome.applied is None else outcome.applied.as_dict(),
        "success": why is None,
        "solve_error": None if solve is None else _rounded(solve.raw_error_px),
        "success_rate": _rounded(measures.success_rate(tracks)),
        "total_tracks": len(tracks),
        "successful_tracks": sum(measures.is_success(track) for track in tracks),
        "bundle_count": bundles,
        "tracks": [_track(track, clip) for track in tracks],
        "region_stats": {
            name: {
                "total_tracks": cell.total_tracks,
                "successful_tracks": cell.successful_tracks,
                "avg_lifespan": round(cell.mean_lifespan, 3),
            }
            for name, cell in regions.items()
        },
        "dead_zones": list(measures.dead_zones(regions)),
        "sweet_spots": list(measures.sweet_spots(regions)),
        "failure_type": "NONE" if why is None else "INSUFFICIENT",
        OURS_KEY: {
            "format_version": FORMAT_VERSION,
            "backend": outcome.backend,
            "backend_version": outcome.backend_version,
            "platform": platform.system(),
            "clip_sha256": clip.content_sha256,
            "side": side,
            "difficulty": difficulty,
            "not_solved_because": why,
            **_measured(outcome),
        },
    }


def _measured(outcome: TrackOutcome) -> dict[str, float | int | None]:
    """What the trial is judged by; the keys that ``parse`` reads."""
    clip, tracks, solve = outcome.clip, outcome.tracks, outcome.solve
    possible = max(1, len(tracks) * clip.frame_count)
    contributed = [track for track in tracks if track.contributed]
    survival = measures.mean_lifespan(tracks)
    return {
        "cleaned_error_px": None if solve is None else _rounded(solve.cleaned_error_px),
        "frames_solved_share": None if solve is None else _rounded(min(1.0, solve.frames_solved / clip.frame_count)),
        "useful_share": _rounded(min(1.0, sum(map(measures.lifespan, contributed)) / possible)),
        "survival_share": None if survival is None else _rounded(min(1.0, survival / clip.frame_count)),
        "coverage_share": _rounded(measures.coverage(contributed, clip)),
        "fewest_alive": measures.fewest_alive(tracks, clip.frame_count) if tracks else None,
        "bundles": None if solve is None else solve.bundles,
        "tracks_kept": None if solve is None else solve.tracks_kept,
        "forward_backward_px": _rounded(outcome.forward_backward_px),
        "forward_backward_lost_share": _rounded(outcome.forward_backward_lost),
    }


def _track(track: Track, clip: Clip) -> dict[str, object]:
    start, end = int(track.frames[0]), int(track.frames[-1])
    speeds = _speeds(track, clip)
    moved = float(np.linalg.norm((track.xy[-1] - track.xy[0]) / (clip.width, clip.height)))
    mean = float(np.mean(speeds)) if len(speeds) else 0.0
    return {
        "name": track.name,
        "lifespan": end - start,
        # Blender counts frames from 1.
        "start_frame": start + 1,
        "end_frame": end + 1,
        "region": measures.region(track, clip.width, clip.height),
        "avg_velocity": round(moved / max(end - start, 1), _DIGITS),
        "jitter_score": round(float(np.std(speeds)) / mean, _DIGITS) if mean else 0.0,
        "success": measures.is_success(track),
        "contributed_to_solve": track.contributed,
        "reprojection_error": _rounded(track.reprojection_error_px),
    }


def _speeds(track: Track, clip: Clip) -> Sequence[float]:
    """How far the track moves from marker to marker, as shares of the picture's sides."""
    steps = np.diff(track.xy, axis=0) / (clip.width, clip.height)
    return [float(speed) for speed in np.linalg.norm(steps, axis=1)]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)
