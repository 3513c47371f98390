"""A trial written as a session reads back as the trial it was."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from eztrack_tune.outcome import Clip, Solve, Track, TrackOutcome
from eztrack_tune.sessions.read import read_sessions
from eztrack_tune.sessions.record import Generation
from eztrack_tune.sessions.write import session_document, write_session
from eztrack_tune.settings import SIX

CLIP = Clip(path=Path("clips/a b.mp4"), width=1280, height=720, fps=25.0, frame_count=50, content_sha256="ab" * 32)
WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def track(number: int, frames: int, *, contributed: bool) -> Track:
    x = 100.0 + 100 * (number % 10) + np.arange(frames) * (1 + number / 10)
    y = np.full(frames, 60.0 + 60 * (number % 11))
    return Track(
        name=f"T{number}",
        frames=np.arange(frames),
        xy=np.stack([x, y], axis=1),
        reprojection_error_px=0.5 if contributed else None,
        contributed=contributed,
    )


def outcome(*, solved: bool = True) -> TrackOutcome:
    tracks = tuple(track(number, 50 if number < 18 else 5, contributed=solved and number < 18) for number in range(20))
    solve = Solve(
        valid=True,
        raw_error_px=3.1,
        cleaned_error_px=0.55,
        frames_solved=50,
        bundles=18,
        tracks_given=20,
        tracks_kept=18,
        cameras=None,
        camera_frames=None,
        focal_px=1000.0,
    )
    return TrackOutcome(
        settings=SIX[0],
        applied=replace(SIX[0], threshold=0.1),
        clip=CLIP,
        tracks=tracks,
        solve=solve if solved else None,
        forward_backward_px=0.4,
        forward_backward_lost=0.05,
        seconds=2.5,
        backend="blender",
        backend_version="5.0.1",
        failure=None,
    )


def test_a_trial_reads_back(tmp_path: Path) -> None:
    path = write_session(tmp_path, outcome(), side="tuning", difficulty="easy", recorded_at=WHEN)
    (session,) = read_sessions([path]).sessions
    assert session.generation is Generation.OURS
    assert session.clip == f"content {'ab' * 32}"
    assert (session.footage.name, session.footage.finer) == ("SD_24fps", "720p_25fps")
    assert session.settings == SIX[0]
    assert session.applied == replace(SIX[0], threshold=0.1)
    assert session.contradictions == ()
    assert (session.side, session.difficulty, session.seconds) == ("tuning", "easy", 2.5)
    assert (session.backend, session.backend_version) == ("blender", "5.0.1")
    assert session.solved
    assert session.raw_error_px == pytest.approx(3.1)
    assert session.success_rate == pytest.approx(0.9)
    measured = session.measured
    assert measured.cleaned_error_px == pytest.approx(0.55)
    assert measured.frames_solved == 1.0
    assert measured.useful == pytest.approx(18 * 50 / (20 * 50))
    assert measured.survival == pytest.approx((18 * 50 + 2 * 5) / (20 * 50))
    assert (measured.bundles, measured.forward_backward_px, measured.forward_backward_lost) == (18, 0.4, 0.05)
    assert measured.coverage is not None
    assert 0 < measured.coverage <= 1


def test_a_failure_has_no_number_that_stands_for_it(tmp_path: Path) -> None:
    failed = replace(outcome(solved=False), applied=None, tracks=(), failure="Blender crashed")
    path = write_session(tmp_path, failed, recorded_at=WHEN)
    assert "999" not in path.read_text()
    (session,) = read_sessions([path]).sessions
    assert (session.solved, session.not_solved_because) == (False, "Blender crashed")
    assert session.raw_error_px is None
    assert session.success_rate is None
    assert session.measured.cleaned_error_px is None
    assert session.contradictions == ()


def test_every_key_of_the_addon_is_there() -> None:
    document = session_document(outcome(), side=None, difficulty=None, recorded_at=WHEN)
    wanted = """timestamp clip_name iteration duration_seconds resolution fps frame_count settings success solve_error
    total_tracks successful_tracks bundle_count tracks region_stats dead_zones sweet_spots schema_version"""
    assert set(wanted.split()) <= document.keys()
    assert document["footage_class"] == "SD_24fps"
    assert document["success_rate"] == pytest.approx(0.9)
    tracks = document["tracks"]
    assert isinstance(tracks, list)
    wanted = """name lifespan start_frame end_frame region avg_velocity jitter_score success contributed_to_solve
    reprojection_error"""
    assert set(wanted.split()) == tracks[0].keys()


def test_the_same_trial_has_the_same_file(tmp_path: Path) -> None:
    first = write_session(tmp_path, outcome(), recorded_at=WHEN)
    content = first.read_bytes()
    assert write_session(tmp_path, outcome(), recorded_at=WHEN) == first
    assert first.read_bytes() == content
    other = write_session(tmp_path, replace(outcome(), settings=SIX[1]), recorded_at=WHEN)
    assert other != first
    assert json.loads(other.read_text())["settings"] == SIX[1].as_dict()
