"""What in a session speaks against something else in it: sessions are believed only as far as they agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from eztrack_tune.measures import LEAST_BUNDLES
from eztrack_tune.sessions import fields
from eztrack_tune.sessions.record import FAILED_ERROR_PX, OURS_KEY, SessionTrack

_LEAST_LIVES = (5, 8)
"""Frames that a track must live to be a success, by version and mode of the add-on."""


def contradictions_of(values: Mapping[str, object], tracks: Sequence[SessionTrack]) -> tuple[str, ...]:
    """Find them.

    Args:
        values: the session's JSON object; its plain values are known to be of the right kinds.
        tracks: its tracks.

    Returns:
        One sentence each; empty where the session agrees with itself.
    """
    return (*_of_the_solve(values), *_of_the_counts(values, tracks), *_of_the_frames(values), *_of_the_settings(values))


def _of_the_solve(values: Mapping[str, object]) -> list[str]:
    success, error = fields.truth(values, "success"), fields.optional_number(values, "solve_error")
    bundles = fields.whole(values, "bundle_count")
    found = []
    if success and error is None:
        found.append("success is true and solve_error is missing")
    elif success and error is not None and error >= FAILED_ERROR_PX:
        found.append(f"success is true and solve_error is {error:g}, which stands for a failure")
    elif success and error is not None and error <= 0:
        found.append(f"success is true and solve_error is {error:g}, which stands for a number that was none")
    # A sweep says itself why it does not take such a solve for one.
    told = OURS_KEY in values
    if not success and not told and error is not None and 0 < error < FAILED_ERROR_PX and bundles >= LEAST_BUNDLES:
        found.append(f"success is false, and there are {bundles} bundles and an error of {error:.2f} px")
    if success and bundles < LEAST_BUNDLES:
        found.append(f"success is true with {bundles} bundles: a camera needs {LEAST_BUNDLES}")
    failure = fields.optional_text(values, "failure_type")
    if success and failure not in {None, "NONE"}:
        found.append(f"success is true and failure_type is {failure}")
    return found


def _of_the_counts(values: Mapping[str, object], tracks: Sequence[SessionTrack]) -> list[str]:
    total, successful = fields.whole(values, "total_tracks"), fields.optional_whole(values, "successful_tracks")
    found = []
    if successful is not None and successful > total:
        found.append(f"{successful} of {total} tracks are successful")
    if not tracks:
        return found
    if len(tracks) != total:
        found.append(f"total_tracks is {total}, and {len(tracks)} tracks are listed")
    points = sum(track.contributed for track in tracks)
    bundles = fields.whole(values, "bundle_count")
    if bundles != points:
        found.append(f"bundle_count is {bundles}, and {points} listed tracks have a point")
    # Recorders before the last counted tracks that lived long enough, later ones those with a point.
    counts = {points, *(sum(track.lifespan >= least for track in tracks) for least in _LEAST_LIVES)}
    counts |= {sum(track.lifespan + 1 >= least for track in tracks) for least in _LEAST_LIVES}
    if successful is not None and len(tracks) == total and successful not in counts:
        found.append(f"successful_tracks is {successful}, which no count of the listed tracks gives")
    return [*found, *_of_the_regions(values, tracks)]


def _of_the_regions(values: Mapping[str, object], tracks: Sequence[SessionTrack]) -> list[str]:
    stats = fields.mapping(values, "region_stats")
    if not stats:
        return []
    listed = Counter(track.region for track in tracks)
    told = {name: fields.whole(fields.mapping(stats, name), "total_tracks") for name in stats if stats[name]}
    wrong = sorted(name for name in {*listed, *told} if listed[name] != told.get(name, 0))
    return [f"region_stats does not count the listed tracks in {', '.join(wrong)}"] if wrong else []


def _of_the_frames(values: Mapping[str, object]) -> list[str]:
    frame_count = fields.whole(values, "frame_count")
    found = []
    longest = 0.0
    for number, item in enumerate(fields.objects(values, "tracks"), start=1):
        start, end = fields.optional_number(item, "start_frame"), fields.optional_number(item, "end_frame")
        lifespan = fields.number(item, "lifespan")
        longest = max(longest, lifespan)
        if start is not None and end is not None and end - start != lifespan:
            found.append(f"track {number} lives {lifespan:g} frames, and goes from {start:g} to {end:g}")
    if longest >= max(frame_count, 1):
        found.append(f"a track lives {longest:g} frames in a clip of {frame_count}")
    return found[:3] + ([f"and {len(found) - 3} more of this kind"] if len(found) > 3 else [])


def _of_the_settings(values: Mapping[str, object]) -> list[str]:
    asked, applied = fields.mapping(values, "settings"), fields.mapping(values, "applied_settings")
    # A sweep halves a threshold that finds too few features, and says so: that is no contradiction.
    expected = {"threshold"} if OURS_KEY in values else set()
    changed = sorted(name for name in (asked.keys() & applied.keys()) - expected if asked[name] != applied[name])
    found = [f"{name} was set to {asked[name]} and {applied[name]} was used" for name in changed]
    if values.get("adaptation_history"):
        found.append("the settings are those of the end: adaptation_history says that they changed while tracking")
    return found
