"""The solve on COLMAP's bundle adjustment: exact tracks give the exact path, bad ones are dropped, junk is no solve."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pytest

from eztrack_tune import measures
from eztrack_tune.settings import SIX, MotionModel, TrackerSettings
from eztrack_tune.synthetic.camera import CameraPath
from eztrack_tune.trackers.frames import ClipStills
from eztrack_tune.trackers.opencv.solve import Observations, solve_camera
from eztrack_tune.trackers.opencv.tracker import OpenCVTracker
from eztrack_tune.trackers.protocol import TrackOptions
from eztrack_tune.truth import TrueCamera, path_error

FRAMES, TRACKS, SIZE, FOCAL_PX = 20, 40, (640, 360), 640.0
SETTINGS = TrackerSettings(
    pattern_size=15, search_size=51, correlation=0.7, threshold=0.2, motion_model=MotionModel.LOC_ROT
)


class Drawn(Protocol):
    stills: ClipStills
    truth: TrueCamera


def exact(seed: int = 0, *, noise_px: float = 0.0) -> tuple[Observations, TrueCamera]:
    """Points in a box as a camera on an arc sees them, some of them for a part of the time."""
    rng = np.random.default_rng(seed)
    path = CameraPath.random(rng, frames=FRAMES, turn=0.4, shake=0.05)
    truth = TrueCamera(focal_px=FOCAL_PX, principal_px=(320.0, 180.0), poses=path.poses())
    points = rng.uniform((-3, -3, 0), (3, 3, 2.5), (TRACKS, 3))
    there = np.einsum("tij,nj->tni", truth.poses[:, :, :3], points) + truth.poses[:, None, :, 3]
    xy = there[..., :2] / there[..., 2:] * FOCAL_PX + truth.principal_px + rng.normal(0, noise_px, (FRAMES, TRACKS, 2))
    ends = np.where(rng.random(TRACKS) < 0.6, FRAMES, rng.integers(8, FRAMES, TRACKS))
    return Observations(xy=xy, seen=np.arange(FRAMES)[:, None] < ends, size=SIZE), truth


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_exact_tracks_give_the_path(seed: int) -> None:
    observations, truth = exact(seed)
    found = solve_camera(observations, focal_px=FOCAL_PX, refine_focal=False)
    error = path_error(found.solve, truth)
    assert error is not None
    assert error.rmse_share < 1e-4
    assert error.rotation_degrees < 0.01
    assert found.solve.frames_solved == FRAMES
    assert found.solve.cleaned_error_px == pytest.approx(0.0, abs=1e-3)


def test_a_wrong_focal_length_is_refined() -> None:
    observations, truth = exact(noise_px=0.2)
    found = solve_camera(observations, focal_px=1.2 * FOCAL_PX, refine_focal=True)
    assert found.solve.focal_px == pytest.approx(FOCAL_PX, rel=0.08)
    error = path_error(found.solve, truth)
    assert error is not None
    assert error.rmse_share < 0.01
    fixed = solve_camera(observations, focal_px=1.2 * FOCAL_PX, refine_focal=False)
    assert fixed.solve.cleaned_error_px is not None
    assert found.solve.cleaned_error_px is not None
    assert fixed.solve.cleaned_error_px > found.solve.cleaned_error_px


def test_tracks_that_slide_off_are_dropped_and_the_others_kept() -> None:
    observations, truth = exact(noise_px=0.2)
    bad = np.arange(6)
    xy = observations.xy.copy()
    xy[:, bad] += np.linspace(0, 40, FRAMES)[:, None, None] * np.random.default_rng(1).normal(0, 1, (1, 6, 2))
    found = solve_camera(Observations(xy=xy, seen=observations.seen, size=SIZE), focal_px=FOCAL_PX, refine_focal=False)
    assert np.isnan(found.errors_px[bad]).sum() >= 5
    assert np.isfinite(found.errors_px[6:]).mean() > 0.9
    assert found.solve.raw_error_px is not None
    assert found.solve.cleaned_error_px is not None
    assert found.solve.cleaned_error_px < 0.5 < found.solve.raw_error_px
    error = path_error(found.solve, truth)
    assert error is not None
    assert error.rmse_share < 0.01


def test_the_same_tracks_give_the_same_solve() -> None:
    observations, _ = exact(noise_px=0.3)
    first, second = (solve_camera(observations, focal_px=700.0, refine_focal=True).solve for _ in range(2))
    assert first.cameras is not None
    assert second.cameras is not None
    np.testing.assert_array_equal(first.cameras, second.cameras)
    assert (first.cleaned_error_px, first.focal_px) == (second.cleaned_error_px, second.focal_px)


def test_noise_is_no_solve() -> None:
    rng = np.random.default_rng(0)
    junk = Observations(
        xy=rng.uniform((0, 0), SIZE, (FRAMES, TRACKS, 2)), seen=np.ones((FRAMES, TRACKS), dtype=bool), size=SIZE
    )
    solve = solve_camera(junk, focal_px=FOCAL_PX, refine_focal=True).solve
    assert not solve.valid or solve.frames_solved < 0.9 * FRAMES or (solve.cleaned_error_px or 0) > 3


def test_too_few_tracks_are_no_solve() -> None:
    observations, _ = exact()
    solve = solve_camera(observations.only(np.arange(TRACKS) < 6), focal_px=FOCAL_PX, refine_focal=False).solve
    assert not solve.valid
    assert solve.cameras is None


def test_a_clip_is_tracked_and_solved(drawn: Drawn) -> None:
    with OpenCVTracker(TrackOptions(least_features=20)) as tracker:
        outcome = tracker.track(drawn.stills, SETTINGS)
        again = tracker.track(drawn.stills, SETTINGS)
        smaller = tracker.track(drawn.stills, SIX[0])
    assert outcome.failure is None
    assert not outcome.detection_shared
    assert again.detection_shared
    for one, other in zip(outcome.tracks, again.tracks, strict=True):
        np.testing.assert_array_equal(one.xy, other.xy)
    assert outcome.applied is not None
    assert outcome.applied.motion_model is MotionModel.LOC_ROT
    assert measures.solved(outcome)
    error = path_error(outcome.solve, drawn.truth)
    assert error is not None
    assert error.rmse_share < 0.1
    assert outcome.forward_backward_px is not None
    assert outcome.forward_backward_px < 0.5
    assert smaller.settings.pattern_size == 11
