"""What an outcome is worth, as pure functions of tracks and solves.

Two of them are the add-on's own and are easily satisfied: ``success_rate`` reaches 1 on easy clips, and a solver calls
nearly everything valid. The others tell settings apart: survival, the fewest tracks alive, coverage, jitter, the share
of tracks that a robust solve keeps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from eztrack_tune.outcome import Clip, Solve, Track, TrackOutcome

SUCCESSFUL_FRAMES = 8
"""A track that lives so long counts as a success in the add-on."""
REGION_CUTS = (0.33, 0.66)
REGION_NAMES = (
    ("top-left", "top-center", "top-right"),
    ("mid-left", "center", "mid-right"),
    ("bottom-left", "bottom-center", "bottom-right"),
)
DEAD_BELOW = 0.3
SWEET_ABOVE = 0.7
LEAST_TRACKS_OF_A_ZONE = 3
COVERAGE_CELLS = (4, 4)
LEAST_FRAMES_SOLVED = 0.9
LEAST_BUNDLES = 8
LARGEST_ERROR_PX = 3.0
"""A solve above this error is junk whatever the solver says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionStats:
    """The tracks whose mean position lies in one cell of a 3 x 3 grid.

    Attributes:
        total_tracks: how many.
        successful_tracks: how many of them live long enough.
        success_rate: the share of those, 0 to 1.
        mean_lifespan: in frames.
    """

    total_tracks: int
    successful_tracks: int
    success_rate: float
    mean_lifespan: float


def lifespan(track: Track) -> int:
    """The number of frames a track was found in."""
    return len(track.frames)


def is_success(track: Track, least_frames: int = SUCCESSFUL_FRAMES) -> bool:
    """Whether a track lives at least so many frames."""
    return lifespan(track) >= least_frames


def success_rate(tracks: Sequence[Track], least_frames: int = SUCCESSFUL_FRAMES) -> float | None:
    """The share of tracks that live at least so many frames; None without tracks."""
    return fmean(is_success(track, least_frames) for track in tracks) if tracks else None


def mean_lifespan(tracks: Sequence[Track]) -> float | None:
    """Mean number of frames a track lives; None without tracks."""
    return fmean(lifespan(track) for track in tracks) if tracks else None


def survival_to_end(tracks: Sequence[Track], frame_count: int) -> float | None:
    """The share of tracks that are still there in the last frame; None without tracks."""
    return fmean(int(track.frames[-1]) >= frame_count - 1 for track in tracks) if tracks else None


def alive(tracks: Sequence[Track], frame_count: int) -> NDArray[np.int64]:
    """How many tracks are there in each frame, int64 (frame_count,)."""
    counts = np.zeros(frame_count, dtype=np.int64)
    for track in tracks:
        counts[track.frames[track.frames < frame_count]] += 1
    return counts


def fewest_alive(tracks: Sequence[Track], frame_count: int) -> int:
    """The number of tracks in the frame that has fewest: a solve breaks where that falls below eight or so."""
    return int(alive(tracks, frame_count).min(initial=len(tracks)))


def region(track: Track, width: int, height: int) -> str:
    """The cell of the add-on's 3 x 3 grid that holds a track's mean position."""
    x, y = track.xy.mean(axis=0) / (width, height)
    return REGION_NAMES[_third(float(y))][_third(float(x))]


def region_stats(tracks: Sequence[Track], width: int, height: int) -> dict[str, RegionStats]:
    """The tracks of each cell of the grid; a cell without tracks is left out."""
    cells: dict[str, list[Track]] = {}
    for track in tracks:
        cells.setdefault(region(track, width, height), []).append(track)
    names = [name for row in REGION_NAMES for name in row]
    return {
        name: RegionStats(
            total_tracks=len(cells[name]),
            successful_tracks=sum(is_success(track) for track in cells[name]),
            success_rate=fmean(is_success(track) for track in cells[name]),
            mean_lifespan=fmean(lifespan(track) for track in cells[name]),
        )
        for name in names
        if name in cells
    }


def dead_zones(stats: dict[str, RegionStats]) -> tuple[str, ...]:
    """Cells in which tracks seldom live, of those with enough tracks to tell."""
    return tuple(
        name
        for name, cell in stats.items()
        if cell.total_tracks >= LEAST_TRACKS_OF_A_ZONE and cell.success_rate < DEAD_BELOW
    )


def sweet_spots(stats: dict[str, RegionStats]) -> tuple[str, ...]:
    """Cells in which tracks mostly live, of those with enough tracks to tell."""
    return tuple(
        name
        for name, cell in stats.items()
        if cell.total_tracks >= LEAST_TRACKS_OF_A_ZONE and cell.success_rate > SWEET_ABOVE
    )


def velocity_px(track: Track) -> float:
    """Mean distance a track moves in a frame, pixels; 0 for a track of one frame."""
    if len(track.frames) < 2:
        return 0.0
    steps = np.linalg.norm(np.diff(track.xy, axis=0), axis=1) / np.diff(track.frames)
    return float(steps.mean())


def jitter_px(track: Track) -> float | None:
    """Root mean square of the second difference of position, pixels a frame squared; None below three frames.

    A smooth camera gives little of it; a marker that hops between look-alikes gives much.
    """
    if len(track.frames) < 3 or (np.diff(track.frames) != 1).any():
        return None
    return float(np.sqrt((np.diff(track.xy, n=2, axis=0) ** 2).sum(axis=1).mean()))


def median_jitter_px(tracks: Sequence[Track]) -> float | None:
    """The jitter of the middle track; None where no track lives three frames."""
    values = [value for value in map(jitter_px, tracks) if value is not None]
    return float(np.median(values)) if values else None


def coverage(tracks: Sequence[Track], clip: Clip) -> float:
    """The share of a 4 x 4 grid's cells that hold a track, averaged over the frames, 0 to 1."""
    rows, columns = COVERAGE_CELLS
    held = np.zeros((clip.frame_count, rows, columns), dtype=bool)
    for track in tracks:
        inside = track.frames < clip.frame_count
        x, y = (track.xy[inside] / (clip.width, clip.height)).T
        row = np.clip((y * rows).astype(int), 0, rows - 1)
        column = np.clip((x * columns).astype(int), 0, columns - 1)
        held[track.frames[inside], row, column] = True
    return float(held.mean())


def kept_share(solve: Solve | None) -> float | None:
    """The share of tracks that cleaning left in: follows the true drift of tracks; None without a solve."""
    return None if solve is None or not solve.tracks_given else solve.tracks_kept / solve.tracks_given


def why_unsolved(outcome: TrackOutcome, largest_error_px: float = LARGEST_ERROR_PX) -> str | None:
    """Why an outcome does not count as a solved clip; None where it does.

    Solved means: the solver says so, at least 90 % of the frames have a camera, the number of points is at least eight
    and at least half the tracks, and the cleaned error is above zero and below the limit. The solver's own word is not
    enough: it calls errors of a hundred pixels valid, and two frames with one point too.
    """
    if outcome.failure is not None:
        return outcome.failure
    if outcome.solve is None:
        return f"too few tracks to solve ({len(outcome.tracks)})"
    return _why_junk(outcome.solve, outcome.clip.frame_count, largest_error_px)


def solved(outcome: TrackOutcome, largest_error_px: float = LARGEST_ERROR_PX) -> bool:
    """Whether the clip counts as solved; see ``why_unsolved``."""
    return why_unsolved(outcome, largest_error_px) is None


def _why_junk(solve: Solve, frame_count: int, largest_error_px: float) -> str | None:
    if not solve.valid or solve.cleaned_error_px is None:
        return "the solver found no camera"
    if solve.frames_solved < LEAST_FRAMES_SOLVED * frame_count:
        return f"{solve.frames_solved} of {frame_count} frames have a camera"
    if solve.bundles < max(LEAST_BUNDLES, solve.tracks_given / 2):
        return f"{solve.bundles} of {solve.tracks_given} tracks have a point"
    if not 0 < solve.cleaned_error_px < largest_error_px:
        return f"the cleaned error is {solve.cleaned_error_px:.2f} px"
    return None


def _third(share: float) -> int:
    return sum(share > cut for cut in REGION_CUTS)
