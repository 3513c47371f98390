"""What tracks and solves are worth, on examples that can be counted by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eztrack_tune import measures
from eztrack_tune.outcome import Clip, Solve, Track, TrackOutcome
from eztrack_tune.settings import FACTORY

CLIP = Clip(path=Path("a.mp4"), width=300, height=200, fps=24.0, frame_count=20, content_sha256="00")


def track(frames: range, at: tuple[float, float] = (10.0, 10.0), step: tuple[float, float] = (0.0, 0.0)) -> Track:
    numbers = np.array(frames)
    return Track(name="t", frames=numbers, xy=np.array(at) + (numbers - frames.start)[:, None] * np.array(step))


def solve(**changes: object) -> Solve:
    good = Solve(
        valid=True,
        raw_error_px=4.0,
        cleaned_error_px=0.4,
        frames_solved=20,
        bundles=12,
        tracks_given=16,
        tracks_kept=12,
        cameras=None,
        camera_frames=None,
        focal_px=None,
    )
    return replace(good, **changes)  # type: ignore[arg-type] # one of its fields each time


def outcome(of_solve: Solve | None, failure: str | None = None) -> TrackOutcome:
    return TrackOutcome(
        settings=FACTORY,
        applied=FACTORY,
        clip=CLIP,
        tracks=(),
        solve=of_solve,
        seconds=1.0,
        backend="opencv",
        backend_version="0",
        failure=failure,
    )


def test_life_and_survival() -> None:
    tracks = [track(range(20)), track(range(8)), track(range(7)), track(range(5, 20))]
    assert measures.success_rate(tracks) == 0.75
    assert measures.success_rate(tracks, 5) == 1.0
    assert measures.mean_lifespan(tracks) == (20 + 8 + 7 + 15) / 4
    assert measures.survival_to_end(tracks, 20) == 0.5
    assert measures.alive(tracks, 20).tolist() == [3] * 5 + [4] * 2 + [3] + [2] * 12
    assert measures.fewest_alive(tracks, 20) == 2


def test_nothing_is_worth_nothing_and_no_number_is_made_up() -> None:
    assert measures.success_rate([]) is None
    assert measures.mean_lifespan([]) is None
    assert measures.survival_to_end([], 20) is None
    assert measures.median_jitter_px([]) is None
    assert measures.fewest_alive([], 20) == 0
    assert measures.kept_share(None) is None
    assert measures.coverage([], CLIP) == 0.0


def test_regions_follow_the_mean_position() -> None:
    assert measures.region(track(range(3), (10, 10)), 300, 200) == "top-left"
    assert measures.region(track(range(3), (150, 100)), 300, 200) == "center"
    assert measures.region(track(range(3), (290, 190)), 300, 200) == "bottom-right"
    assert measures.region(track(range(3), (290, 100), (-280, 0)), 300, 200) == "mid-left"


def test_dead_zones_and_sweet_spots_need_three_tracks() -> None:
    long, short = range(20), range(3)
    tracks = [
        *(track(long, (10, 10)) for _ in range(3)),
        *(track(short, (290, 190)) for _ in range(3)),
        *(track(short, (150, 100)) for _ in range(2)),
    ]
    stats = measures.region_stats(tracks, 300, 200)
    assert list(stats) == ["top-left", "center", "bottom-right"]
    assert measures.sweet_spots(stats) == ("top-left",)
    assert measures.dead_zones(stats) == ("bottom-right",)
    assert stats["center"].mean_lifespan == 3


def test_smooth_motion_has_speed_and_no_jitter() -> None:
    smooth = track(range(10), step=(3.0, 4.0))
    assert measures.velocity_px(smooth) == pytest.approx(5.0)
    assert measures.jitter_px(smooth) == pytest.approx(0.0)
    assert measures.jitter_px(track(range(2))) is None
    hopping = Track(name="h", frames=np.arange(4), xy=np.array([[0.0, 0], [1, 0], [0, 0], [1, 0]]))
    assert measures.jitter_px(hopping) == pytest.approx(2.0)


def test_coverage_counts_cells_and_frames() -> None:
    assert measures.coverage([track(range(20))], CLIP) == 1 / 16
    assert measures.coverage([track(range(10)), track(range(10), (290, 190))], CLIP) == 1 / 16


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"valid": False}, "no camera"),
        ({"cleaned_error_px": None}, "no camera"),
        ({"frames_solved": 17}, "17 of 20 frames"),
        ({"bundles": 7, "tracks_given": 8}, "7 of 8 tracks have a point"),
        ({"bundles": 10, "tracks_given": 30}, "10 of 30 tracks"),
        ({"cleaned_error_px": 0.0}, "error is 0.00 px"),
        ({"cleaned_error_px": 83.0}, "error is 83.00 px"),
    ],
)
def test_what_a_solver_calls_valid_may_be_junk(change: dict[str, object], why: str) -> None:
    said = measures.why_unsolved(outcome(solve(**change)))
    assert said is not None
    assert why in said


def test_a_good_solve_counts() -> None:
    assert measures.solved(outcome(solve()))
    assert measures.solved(outcome(solve(frames_solved=18)))
    assert measures.kept_share(solve()) == 0.75
    assert not measures.solved(outcome(None))
    assert measures.why_unsolved(outcome(solve(), failure="it crashed")) == "it crashed"


def test_a_track_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        Track(name="t", frames=np.arange(3), xy=np.zeros((2, 2)))
    with pytest.raises(ValueError, match="must rise"):
        Track(name="t", frames=np.array([1, 1]), xy=np.zeros((2, 2)))
