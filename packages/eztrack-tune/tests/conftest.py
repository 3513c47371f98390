"""Sessions as the add-on's recorders wrote them, version by version."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eztrack_tune import cli

SETTINGS = {"pattern_size": 17, "search_size": 91, "correlation": 0.68, "threshold": 0.28, "motion_model": "LocRot"}
REGIONS = ("top-left", "center", "bottom-right")


def addon_track(number: int, *, lifespan: int = 90, error_px: float | None = 0.4) -> dict[str, Any]:
    return {
        "name": f"Track.{number:03d}",
        "lifespan": lifespan,
        "start_frame": 1,
        "end_frame": 1 + lifespan,
        "region": REGIONS[number % 3],
        "avg_velocity": 0.0023,
        "jitter_score": 0.12,
        "success": lifespan >= 5,
        "contributed_to_solve": error_px is not None,
        "reprojection_error": 0.0 if error_px is None else error_px,
    }


def addon_session(generation: str = "schema 1", **changes: Any) -> dict[str, Any]:
    """A session of 20 tracks, 16 of which the solve used, as one of the recorders wrote it."""
    tracks = changes.pop("tracks", [addon_track(n, error_px=0.4 if n < 16 else None) for n in range(20)])
    points = sum(track["contributed_to_solve"] for track in tracks)
    stats: dict[str, dict[str, float]] = {}
    for track in tracks:
        cell = stats.setdefault(track["region"], {"total_tracks": 0, "successful_tracks": 0, "avg_lifespan": 90.0})
        cell["total_tracks"] += 1
        cell["successful_tracks"] += track["contributed_to_solve"]
    session: dict[str, Any] = {
        "timestamp": "2025-12-07T19:30:00",
        "clip_name": "drone_01.mp4",
        "iteration": 1,
        "duration_seconds": 45.2,
        "resolution": [1920, 1080],
        "fps": 24,
        "frame_count": 100,
        "settings": copy.deepcopy(SETTINGS),
        "success": True,
        "solve_error": 0.52,
        "total_tracks": len(tracks),
        "successful_tracks": points,
        "bundle_count": points,
        "tracks": tracks,
        "region_stats": stats,
        "dead_zones": [],
        "sweet_spots": [],
    }
    if generation != "first":
        session |= {
            "schema_version": 1,
            "camera_intrinsics": {"focal_length_mm": 35.0, "sensor_width_mm": 36.0},
            "optical_flow": {"parallax_score": 0.3},
            "failure_type": "NONE",
            "frame_samples": [{"frame": 10, "active_tracks": 18, "tracks_lost": 2, "avg_velocity": 0.01}],
            "pre_solve_confidence": {"confidence": 0.8, "warnings": []},
        }
    if generation == "schema 1":
        session |= {"motion_class": "MEDIUM", "clip_fingerprint": "a4f3c89b2e71d6f0"}
    if generation == "schema 1 with contributor":
        session |= {
            "clip_name": "0f3a9c11",
            "contributor_id": "b7e1",
            "previous_session_id": "",
            "visual_features": {"motion_class": "MEDIUM", "thumbnails": ["/9j/4AAQSkZJRgABAQEASABIAAD"]},
        }
    return session | changes


@pytest.fixture(scope="session")
def make_session() -> Callable[..., dict[str, Any]]:
    """``make_session(generation, **changes)``: a session's JSON object."""
    return addon_session


@pytest.fixture(scope="session")
def make_track() -> Callable[..., dict[str, Any]]:
    """``make_track(number, lifespan=, error_px=)``: a track of a session."""
    return addon_track


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., Any]:
    """``run("scan", ...)`` in a folder of its own: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)

    def do(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["eztrack-tune", *arguments])
        with pytest.raises(SystemExit) as ending:
            cli.main()
        said = capsys.readouterr()
        return int(ending.value.code or 0), said.out, said.err

    return do


@pytest.fixture(scope="session")
def write_json() -> Callable[[Path, object], Path]:
    """``write_json(path, value)``: the file, its folder made."""

    def write(path: Path, value: object) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def make_class() -> Callable[..., list[dict[str, Any]]]:
    """``make_class(settings=..., clips=6, ...)``: the sessions of one choice of settings on clips of HD_24fps."""
    return addon_class


def addon_class(
    settings: dict[str, Any] | None = None,
    *,
    clips: int = 6,
    lifespan: int = 60,
    error_px: float = 0.5,
    kept: int = 16,
    fails: tuple[int, ...] = (),
    first: int = 0,
) -> list[dict[str, Any]]:
    """A session a clip: every clip lives a little longer than the one before, so that clips differ."""
    sessions = []
    for number in range(first, first + clips):
        tracks = [
            addon_track(n, lifespan=lifespan + number, error_px=error_px + n / 100 if n < kept else None)
            for n in range(20)
        ]
        changes: dict[str, Any] = {"solve_error": error_px + 0.2}
        if number in fails:
            changes = {"success": False, "solve_error": 999.0}
        sessions.append(
            addon_session(
                tracks=tracks,
                settings=copy.deepcopy(settings or SETTINGS),
                clip_name=f"clip_{number}.mp4",
                clip_fingerprint=f"{number:016x}",
                **changes,
            )
        )
    return sessions
