"""The program that runs inside Blender: reads trials as JSON lines, tracks and solves, appends answers to a file.

It uses the standard library and ``bpy`` only, since it runs in Blender's Python and not in ours. Answers go to a file
because Blender itself writes to standard output. Run as ``python worker.py ANSWERS MEMORY_BYTES`` with the ``bpy``
wheel, or as ``blender --background --factory-startup --python worker.py -- ANSWERS MEMORY_BYTES``.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import statistics
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any


def limit_memory(limit: int) -> None:
    """Let this process take so many bytes of address space, where the system can; 0 sets no limit."""
    try:
        resource = import_module("resource")
    except ImportError:
        return
    if limit:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


limit_memory(int(sys.argv[-1]))  # before Blender is there: what it maps counts too
bpy: Any = import_module("bpy")

LEAST_TRACKS = 8
"""What a solve needs in common between two frames."""
CLEANING_ROUNDS = 4
LARGEST_FOCAL_RATIO = 2.0
"""A focal length that refining takes farther than this from where it began is a solve that went astray."""
BACK_TRACKS = 16
SENSOR_WIDTH_MM = 36.0


class Session:
    """One open clip, the editor that operators need, and the features found so far, in this clip and in others."""

    def __init__(self) -> None:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        bpy.context.preferences.system.memory_cache_limit = 512
        self.scene = bpy.context.scene
        self.path: str | None = None
        self.clip: Any = None
        self.detected: dict[tuple[str | float | None, ...], tuple[float, list[tuple[float, float]]]] = {}
        self.window = bpy.context.window_manager.windows[0]
        self.screen = self.window.screen
        self.area = max(self.screen.areas, key=lambda area: area.width * area.height)
        self.area.type = "CLIP_EDITOR"
        self.space = self.area.spaces.active

    def open(self, path: str, frame_count: int) -> None:
        """Open a clip by its first still, unless it is open."""
        if self.path != path:
            if self.clip is not None:
                bpy.data.movieclips.remove(self.clip)
            self.path = None
            self.clip = bpy.data.movieclips.load(path)
            if tuple(self.clip.size) == (0, 0):
                raise RuntimeError("Blender cannot read the stills")
            self.path = path
        self.space.clip = self.clip
        self.space.mode = "TRACKING"
        self.space.view = "CLIP"
        self.scene.frame_start, self.scene.frame_end = 1, frame_count

    def call(self, operator: Any, **arguments: Any) -> None:
        """Run an operator in the clip editor."""
        region = next(region for region in self.area.regions if region.type == "WINDOW")
        with bpy.context.temp_override(
            window=self.window, screen=self.screen, area=self.area, region=region, scene=self.scene
        ):
            operator(**arguments)

    def go_to(self, frame: int) -> None:
        """Show a frame, from 1; the scene's frame alone does not move the clip's."""
        self.scene.frame_set(frame)
        self.space.clip_user.frame_current = frame

    @property
    def tracking(self) -> Any:
        """The clip's tracking data."""
        return self.clip.tracking

    @property
    def camera_object(self) -> Any:
        """The object that holds the camera's tracks, keyframes and reconstruction."""
        return self.tracking.objects[0]

    @property
    def tracks(self) -> Any:
        """The camera's tracks."""
        return self.camera_object.tracks

    def delete(self, names: set[str]) -> None:
        """Delete tracks by name."""
        for track in self.tracks:
            track.select = track.name in names
        if names:
            self.call(bpy.ops.clip.delete_track)


def run_trial(session: Session, trial: dict[str, Any]) -> dict[str, Any]:
    """Track and solve a clip under one choice of settings."""
    started = time.perf_counter()
    session.open(trial["first_still"], trial["frame_count"])
    _apply(session, trial)
    threshold, places, shared = _detect(session, trial)
    tracking_from = time.perf_counter()
    session.delete({track.name for track in session.tracks})
    _new_tracks(session, places, frame=1)
    applied = _applied(session, threshold)
    session.go_to(1)
    session.call(bpy.ops.clip.track_markers, backwards=False, sequence=True)
    tracks = [_read_track(session, track) for track in session.tracks]
    back = _follow_back(session, tracks) if trial["follow_back"] else None
    solving_from = time.perf_counter()
    solve = _solve(session, trial) if len(tracks) >= LEAST_TRACKS else None
    ended = time.perf_counter()
    return {
        "applied": applied,
        "tracks": tracks,
        "solve": solve,
        "back": back,
        "detection_shared": shared,
        "seconds": ended - started,
        "track_seconds": solving_from - tracking_from,
        "solve_seconds": ended - solving_from,
    }


def _apply(session: Session, trial: dict[str, Any]) -> None:
    """Only the defaults count: what new tracks are made with."""
    wanted, settings = trial["settings"], session.tracking.settings
    settings.default_pattern_size = wanted["pattern_size"]
    settings.default_search_size = wanted["search_size"]
    settings.default_correlation_min = wanted["correlation"]
    settings.default_motion_model = wanted["motion_model"]
    settings.default_pattern_match = trial["pattern_match"]
    settings.use_default_normalization = True
    settings.use_default_brute = True
    settings.use_default_mask = False
    settings.default_frames_limit = 0
    settings.default_margin = 0
    settings.default_weight = 1.0
    settings.speed = "FASTEST"


def _detect(session: Session, trial: dict[str, Any]) -> tuple[float, list[tuple[float, float]], bool]:
    """Features of the first frame: the threshold that found enough, their places, whether they were known already."""
    options = tuple(trial[name] for name in ("min_distance_px", "margin_px", "least_features", "most_features"))
    key = (session.path, trial["settings"]["threshold"], *options)
    if key in session.detected:
        return *session.detected[key], True
    threshold = trial["settings"]["threshold"]
    while True:
        session.delete({track.name for track in session.tracks})
        session.go_to(1)
        session.call(
            bpy.ops.clip.detect_features,
            placement="FRAME",
            margin=trial["margin_px"],
            threshold=threshold,
            min_distance=trial["min_distance_px"],
        )
        places = [tuple(track.markers.find_frame(1).co) for track in session.tracks]
        if len(places) >= trial["least_features"] or threshold < trial["least_threshold"]:
            break
        threshold /= 2  # soft or noisy footage: nothing at the add-on's usual threshold
    step = max(1, -(-len(places) // trial["most_features"]))
    session.detected[key] = threshold, places[::step]
    return threshold, places[::step], False


def _new_tracks(session: Session, places: list[tuple[float, float]], *, frame: int, prefix: str = "Track") -> None:
    for number, place in enumerate(places):
        track = session.tracks.new(name=f"{prefix}.{number:04}", frame=frame)
        track.markers.find_frame(frame).co = place
        track.select = True


def _applied(session: Session, threshold: float) -> dict[str, Any] | None:
    """What Blender made of the settings, read back from a track."""
    if not len(session.tracks):
        return None
    track = session.tracks[0]
    marker = track.markers.find_frame(1)
    width = session.clip.size[0]
    pattern = max(corner[0] for corner in marker.pattern_corners) - min(corner[0] for corner in marker.pattern_corners)
    return {
        "pattern_size": round(pattern * width),
        "search_size": round((marker.search_max[0] - marker.search_min[0]) * width),
        "correlation": track.correlation_min,
        "threshold": threshold,
        "motion_model": track.motion_model,
    }


def _read_track(session: Session, track: Any) -> dict[str, Any]:
    """Its name, and its markers as frame from 0 and pixels from the top left; muted markers are lost ones."""
    width, height = session.clip.size
    markers = [marker for marker in track.markers if not marker.mute and 1 <= marker.frame <= session.scene.frame_end]
    return {
        "name": track.name,
        "frames": [marker.frame - 1 for marker in markers],
        "xy": [(marker.co[0] * width, (1 - marker.co[1]) * height) for marker in markers],
    }


def _follow_back(session: Session, tracks: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Follow some tracks back from the last frame that many of them reach, and see whether they return."""
    width, height = session.clip.size
    ends = sorted((track["frames"][-1] for track in tracks if track["frames"]), reverse=True)
    if not ends or (start := ends[min(BACK_TRACKS, (len(ends) + 1) // 2) - 1]) < 1:
        return None
    chosen = [track for track in tracks if start in track["frames"]]
    chosen = chosen[:: max(1, len(chosen) // BACK_TRACKS)][:BACK_TRACKS]
    for track in session.tracks:
        track.select = False
    places = []
    for track in chosen:
        x, y = track["xy"][track["frames"].index(start)]
        places.append((x / width, 1 - y / height))
    _new_tracks(session, places, frame=start + 1, prefix="Back")
    session.go_to(start + 1)
    session.call(bpy.ops.clip.track_markers, backwards=True, sequence=True)
    found = {track.name: _read_track(session, track) for track in session.tracks if track.name.startswith("Back.")}
    session.delete(set(found))
    distances: list[float | None] = []
    for track, back in zip(chosen, found.values(), strict=True):
        if back["frames"] and min(back["frames"]) == 0:
            (x, y), (back_x, back_y) = track["xy"][0], back["xy"][back["frames"].index(0)]
            distances.append(((x - back_x) ** 2 + (y - back_y) ** 2) ** 0.5)
        else:
            distances.append(None)
    return {"from_frame": start, "distances": distances}


def _solve(session: Session, trial: dict[str, Any]) -> dict[str, Any]:
    """Solve from the pair of frames that fits best, then drop the tracks that fit badly and solve again."""
    given = len(session.tracks)
    pair = _best_pair(session, trial)
    if pair is None:
        return {"valid": False, "tracks_given": given, "tracks_kept": given}
    quality = _settle(session, trial, pair)
    raw = session.camera_object.reconstruction.average_error
    for _ in range(CLEANING_ROUNDS):
        errors = {track.name: track.average_error if track.has_bundle else math.inf for track in session.tracks}
        limit = max(1.0, 2.5 * statistics.median(errors.values()))
        bad = {name for name, error in errors.items() if not error <= limit}
        if not bad or len(errors) - len(bad) < LEAST_TRACKS:
            break
        session.delete(bad)
        cleaned = _settle(session, trial, pair)
        if not cleaned <= quality:  # without these tracks another pair may be the better start
            pair = _best_pair(session, trial) or pair
            cleaned = _settle(session, trial, pair)
        quality = cleaned
    return {**_read_solve(session), "raw_error_px": raw, "keyframes": pair, "tracks_given": given}


def _best_pair(session: Session, trial: dict[str, Any]) -> tuple[int, int] | None:
    """The pair of frames that solves best with the focal length as given: refined from a bad pair it runs away."""
    tried = [(_solve_from(session, trial, pair, refine=False), pair) for pair in _pairs(session)]
    quality, pair = min(tried, default=(math.inf, None))
    return pair if quality < math.inf else None


def _settle(session: Session, trial: dict[str, Any], pair: tuple[int, int]) -> float:
    """Solve, with the focal length refined where that is wanted and ends well; returns as ``_solve_from``."""
    if trial["refine_focal"]:
        plain = _solve_from(session, trial, pair, refine=False)
        refined = _solve_from(session, trial, pair, refine=True)
        ratio = session.tracking.camera.focal_length_pixels / trial["focal_px"]
        if refined <= plain and 1 / LARGEST_FOCAL_RATIO < ratio < LARGEST_FOCAL_RATIO:
            return refined
    return _solve_from(session, trial, pair, refine=False)


def _pairs(session: Session) -> list[tuple[int, int]]:
    """Pairs of frames, from 1, to start a solve from: those of four that have tracks enough in common."""
    last = session.scene.frame_end
    shares = ((0, 1 / 3), (0, 2 / 3), (1 / 3, 2 / 3), (1 / 6, 1 / 2))
    pairs = {(1 + round(first * (last - 1)), 1 + round(second * (last - 1))) for first, second in shares}
    there = {track.name: {marker.frame for marker in track.markers if not marker.mute} for track in session.tracks}
    return [
        (first, second)
        for first, second in sorted(pairs)
        if first < second and sum(first in frames and second in frames for frames in there.values()) >= LEAST_TRACKS
    ]


def _solve_from(session: Session, trial: dict[str, Any], pair: tuple[int, int], *, refine: bool) -> float:
    """Solve from a pair of frames; returns the median error of the tracks, infinite where less than half have one."""
    settings, camera = session.tracking.settings, session.tracking.camera
    settings.use_keyframe_selection = False
    settings.use_tripod_solver = trial["tripod"]
    settings.refine_intrinsics_focal_length = refine
    settings.refine_intrinsics_principal_point = False
    settings.refine_intrinsics_radial_distortion = False
    # refining writes the camera back: every solve starts from the same one
    camera.sensor_width = SENSOR_WIDTH_MM
    camera.focal_length_pixels = trial["focal_px"]
    camera.principal_point_pixels = trial["principal_px"][0], session.clip.size[1] - trial["principal_px"][1]
    camera.k1 = camera.k2 = camera.k3 = 0.0
    session.camera_object.keyframe_a, session.camera_object.keyframe_b = pair
    try:
        session.call(bpy.ops.clip.solve_camera)
    except RuntimeError:  # reported by the operator as an error: too few tracks, or no solution
        return math.inf
    reconstruction = session.camera_object.reconstruction
    if not reconstruction.is_valid:
        return math.inf
    # a pair that finds few cameras or points fits these well: what it leaves out counts against it
    errors: list[float] = [track.average_error if track.has_bundle else math.inf for track in session.tracks]
    return statistics.median(errors) * float(session.scene.frame_end) / max(1, len(reconstruction.cameras))


def _read_solve(session: Session) -> dict[str, Any]:
    reconstruction = session.camera_object.reconstruction
    points = {
        track.name: {"error_px": track.average_error, "point": list(track.bundle)}
        for track in session.tracks
        if track.has_bundle
    }
    cameras = [
        {"frame": camera.frame - 1, "matrix": [list(row) for row in camera.matrix]} for camera in reconstruction.cameras
    ]
    return {
        "valid": bool(reconstruction.is_valid),
        "cleaned_error_px": reconstruction.average_error,
        "tracks_kept": len(session.tracks),
        "points": points,
        "cameras": cameras,
        "focal_px": session.tracking.camera.focal_length_pixels,
    }


def main() -> None:
    """Answer trials until standard input ends. Leaves at once then: Blender's own way out may crash.

    Whoever started this ends it by a signal and removes the folder of the answers. Where the input ends first, that
    process is gone, and there is nobody else to remove it.
    """
    session = Session()
    with Path(sys.argv[-2]).open("a", encoding="ascii") as answers:
        _say(answers, {"ready": bpy.app.version_string, "python": sys.version.split()[0]})
        for line in sys.stdin:
            trial = json.loads(line)
            if hasattr(signal, "alarm"):  # whoever started this may be gone: no trial outlives its time
                signal.alarm(int(trial["timeout_seconds"]) + 30)
            try:
                answer = run_trial(session, trial)
            except (RuntimeError, MemoryError, AttributeError, TypeError, ValueError, LookupError) as error:
                answer = {"failure": f"{type(error).__name__}: {error}".strip()[:500]}
            _say(answers, {"id": trial["id"], **answer})
    folder = Path(sys.argv[-2]).parent
    if folder.name.startswith("eztrack-blender-"):  # not where somebody runs this by hand
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def _say(answers: Any, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()
    os.fsync(answers.fileno())


if __name__ == "__main__":
    main()
