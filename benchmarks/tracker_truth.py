"""Settings judged by the true camera: does what ``aggregate`` counts follow the path error and the drift of tracks?

Clips are drawn with a known camera path; the clip with true poses in ``sfm/KITTI_seq1`` is added where it is there.
Every clip is tracked and solved under the default matrix and under what ships today. The settings with the best mean
score on half of the clips are then compared with today's on the other half, by the error of the camera path after the
similarity that aligns it. Records are kept in a journal: the same command goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

import numpy as np
from scipy.stats import spearmanr

from eztrack_tune import measures
from eztrack_tune.classes import Difficulty, default_settings, footage_class
from eztrack_tune.settings import SIX, TrackerSettings
from eztrack_tune.sweep.rows import score_outcome
from eztrack_tune.synthetic.clips import SyntheticClip
from eztrack_tune.trackers.blender.environment import blender_command
from eztrack_tune.trackers.blender.tracker import BlenderTracker
from eztrack_tune.trackers.frames import ClipStills, decode
from eztrack_tune.trackers.opencv.tracker import OpenCVTracker
from eztrack_tune.trackers.protocol import Tracker, TrackOptions
from eztrack_tune.truth import TrueCamera, drift_share, path_error
from footage.cli.console import print_json, print_table
from footage.metrics.intervals import Interval, group_bootstrap
from footage.runs.journal import Journal

Record = dict[str, object]
RATIO = "log of path error over today's, where both found the camera"
LOST_PATH = 1.0
"""The path error, as a share of the path's length, that a clip without a camera counts as."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueClip:
    """A clip and the camera that took it."""

    name: str
    kind: str
    half: int
    stills: ClipStills
    truth: TrueCamera


def drawn_clips(folder: Path, *, seeds: int, frames: int, size: tuple[int, int]) -> Iterator[TrueClip]:
    """Easy, medium and hard clips, each of another scene and path; every other one is held out."""
    for difficulty in Difficulty:
        for seed in range(seeds):
            name = f"{difficulty.value}-{seed}-{size[0]}x{size[1]}-{frames}"
            rng = np.random.default_rng((seed, list(Difficulty).index(difficulty)))
            clip = SyntheticClip.random(rng, difficulty, size=size, frames=frames)
            video = folder / f"{name}.mp4"
            if not video.is_file():
                clip.write_video(video)
            stills = decode(video, folder / "stills", most_frames=frames)
            yield TrueClip(name=name, kind=difficulty.value, half=seed % 2, stills=stills, truth=clip.truth)


def kitti_clip(data: Path, folder: Path, frames: int) -> TrueClip | None:
    """The left camera of a drive with surveyed poses; None where it is not there."""
    source = data / "sfm" / "KITTI_seq1"
    if not source.is_dir():
        return None
    stills = decode(source / "image_l", folder / "stills", most_frames=frames)
    to_world = np.loadtxt(source / "poses.txt").reshape(-1, 3, 4)[: stills.clip.frame_count]
    calibration = np.loadtxt(source / "calib.txt")[0].reshape(3, 4)
    rotation = to_world[:, :, :3].transpose(0, 2, 1)
    poses = np.concatenate([rotation, -rotation @ to_world[:, :, 3:]], axis=2)
    truth = TrueCamera(
        focal_px=float(calibration[0, 0]),
        principal_px=(float(calibration[0, 2]), float(calibration[1, 2])),
        poses=poses,
    )
    return TrueClip(name="KITTI_seq1", kind="real", half=1, stills=stills, truth=truth)


def measure(clip: TrueClip, settings: TrackerSettings, tracker: Tracker) -> Record:
    """One trial as numbers."""
    outcome = tracker.track(clip.stills, settings)
    path = path_error(outcome.solve, clip.truth)
    solve = outcome.solve
    return {
        "clip": clip.name,
        "kind": clip.kind,
        "half": clip.half,
        "settings": settings.as_dict(),
        "solved": measures.solved(outcome),
        "why_not": measures.why_unsolved(outcome),
        "score": score_outcome(outcome),
        "raw_error_px": None if solve is None else solve.raw_error_px,
        "cleaned_error_px": None if solve is None else solve.cleaned_error_px,
        "kept_share": measures.kept_share(solve),
        "success_rate": measures.success_rate(outcome.tracks),
        "survival": measures.survival_to_end(outcome.tracks, outcome.clip.frame_count),
        "forward_backward_px": outcome.forward_backward_px,
        "path_error": None if path is None or not measures.solved(outcome) else path.rmse_share,
        "drift": drift_share(outcome.tracks, clip.truth),
        "seconds": outcome.seconds,
        "failure": outcome.failure,
    }


def measure_all(clips: Sequence[TrueClip], tracker: AbstractContextManager[Tracker], journal: Journal) -> list[Record]:
    """Every clip under every choice of settings, those in the journal from there."""
    known = {(record["clip"], repr(record["settings"])): record for record in journal}
    records = []
    with tracker as started:
        for clip in clips:
            of_clip = clip.stills.clip
            today = default_settings(footage_class(of_clip.width, of_clip.height, of_clip.fps).name)
            for settings in (today, *SIX):
                key = clip.name, repr(settings.as_dict())
                if key not in known:
                    known[key] = measure(clip, settings, started)
                    journal.append(known[key])
                    print(f"{clip.name} {settings}: {known[key]['seconds']:.1f} s", file=sys.stderr)
                records.append(known[key])
    return records


def table(records: Sequence[Record]) -> list[tuple[object, ...]]:
    """Settings by kind of clip: what was found and what it was worth."""
    rows: list[tuple[object, ...]] = []
    for kind in dict.fromkeys(str(record["kind"]) for record in records):
        of_kind = [record for record in records if record["kind"] == kind]
        for settings in dict.fromkeys(repr(record["settings"]) for record in of_kind):
            chosen = [record for record in of_kind if repr(record["settings"]) == settings]
            one = TrackerSettings.from_dict(chosen[0]["settings"])  # type: ignore[arg-type] # our own record
            solved = [record for record in chosen if record["solved"]]
            rows.append(
                (
                    kind,
                    str(one),
                    f"{len(solved)}/{len(chosen)}",
                    _text(fmean, chosen, "score"),
                    _text(median, solved, "raw_error_px"),
                    _text(median, solved, "cleaned_error_px"),
                    _text(median, solved, "path_error", percent=True),
                    _text(fmean, chosen, "drift", percent=True),
                    _text(fmean, chosen, "survival", percent=True),
                    _text(fmean, chosen, "success_rate", percent=True),
                    _text(median, chosen, "seconds"),
                )
            )
    return rows


COLUMNS = (
    "clips",
    "settings",
    "solved",
    "score",
    "error",
    "cleaned",
    "path, %",
    "drift, %",
    "to end, %",
    "8 frames, %",
    "s",
)


def follows(records: Sequence[Record]) -> list[tuple[str, str, str]]:
    """Rank correlation, over settings within a clip, of what can be measured without the truth with the truth."""
    rows = []
    for name in ("score", "kept_share", "raw_error_px", "cleaned_error_px", "survival", "forward_backward_px"):
        cells = [name]
        for true in ("drift", "path_error"):
            values = [
                _within(records, clip, name, true) for clip in dict.fromkeys(record["clip"] for record in records)
            ]
            known = np.array([value for value in values if value is not None])
            cells.append(_mean(known).text(group="clip"))
        rows.append((cells[0], cells[1], cells[2]))
    return rows


def agreement(records: Sequence[Record], others: Sequence[Record]) -> list[tuple[str, str]]:
    """Rank correlation, over settings within a clip, of what two trackers measured."""
    known = {(record["clip"], repr(record["settings"])): record for record in others}
    rows = []
    for name in ("score", "survival", "kept_share", "cleaned_error_px", "drift"):
        paired: list[Record] = []
        for record in records:
            other = known.get((record["clip"], repr(record["settings"])))
            paired += [] if other is None else [{"clip": record["clip"], "one": record[name], "other": other[name]}]
        clips = dict.fromkeys(record["clip"] for record in paired)
        values = [value for clip in clips if (value := _within(paired, clip, "one", "other")) is not None]
        rows.append((name, _mean(np.array(values)).text(group="clip")))
    return rows


def held_out(records: Sequence[Record]) -> dict[str, Interval | str]:
    """The best settings of one half of the drawn clips beside today's on the other half, by the true path."""
    drawn = [record for record in records if record["kind"] != "real"]
    today = repr(default_settings("SD_24fps").as_dict())
    tuning = [record for record in drawn if record["half"] == 0]
    choices = dict.fromkeys(repr(record["settings"]) for record in tuning)
    best = max(choices, key=lambda one: fmean(float(str(r["score"])) for r in tuning if repr(r["settings"]) == one))
    gains: dict[str, list[float]] = {"path_error": [], RATIO: [], "drift": [], "score": [], "solved": []}
    for clip in dict.fromkeys(record["clip"] for record in drawn if record["half"] == 1):
        of_clip = {repr(record["settings"]): record for record in drawn if record["clip"] == clip}
        for name, values in gains.items():
            field = "path_error" if name == RATIO else name
            missing = LOST_PATH if name == "path_error" else None
            pair = [of_clip[one][field] if of_clip[one][field] is not None else missing for one in (best, today)]
            if None in pair:
                continue
            tuned, now = (float(pair[0]), float(pair[1]))  # type: ignore[arg-type] # numbers and truths
            values.append(float(np.log(tuned / now)) if name == RATIO else tuned - now)
    return {"settings": best, **{name: _mean(np.array(values)) for name, values in gains.items()}}


def _within(records: Sequence[Record], clip: object, name: str, true: str) -> float | None:
    pairs = [
        (float(str(record[name])), float(str(record[true])))
        for record in records
        if record["clip"] == clip and record[name] is not None and record[true] is not None
    ]
    if len(pairs) < 4 or any(len(set(side)) == 1 for side in zip(*pairs, strict=True)):
        return None
    return float(spearmanr(*zip(*pairs, strict=True)).statistic)


def _mean(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Interval:
    return group_bootstrap(
        lambda rows: float(values[rows].mean()) if len(rows) else None,
        np.arange(len(values)),
        np.random.default_rng(0),
        resamples=2000,
    )


def _text(statistic: object, records: Sequence[Record], name: str, *, percent: bool = False) -> str | None:
    values = [float(str(record[name])) for record in records if record[name] is not None]
    if not values or not callable(statistic):
        return None
    return (
        f"{100 * statistic(values):.2f}"
        if percent and name == "path_error"
        else (f"{100 * statistic(values):.0f}" if percent else f"{statistic(values):.2f}")
    )


def recorded(clips: Sequence[TrueClip], tracker: Tracker, arguments: argparse.Namespace) -> list[Record]:
    """What a tracker makes of the clips, from its journal where it is known."""
    name = f"{tracker.backend}-{tracker.version.replace(' ', '-')}.jsonl"
    key = {"frames": arguments.frames, "version": tracker.version}
    with Journal(arguments.folder / name, key) as journal:
        return measure_all(clips, tracker, journal)


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="keeps clips and records for the next run")
    parser.add_argument("--bpy", help="version of Blender's wheel; without it OpenCV tracks")
    parser.add_argument("--beside-opencv", action="store_true", help="also compare with OpenCV's tracker")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seeds", type=int, default=4, help="clips of each difficulty")
    parser.add_argument("--frames", type=int, default=50)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    clips = list(drawn_clips(arguments.folder, seeds=arguments.seeds, frames=arguments.frames, size=(640, 360)))
    real = kitti_clip(arguments.data, arguments.folder, arguments.frames)
    options = TrackOptions()
    tracker: Tracker = (
        OpenCVTracker(options) if arguments.bpy is None else BlenderTracker(blender_command(bpy=arguments.bpy), options)
    )
    every = [*clips, *([] if real is None else [real])]
    records = recorded(every, tracker, arguments)
    agreed = agreement(records, recorded(every, OpenCVTracker(options), arguments)) if arguments.beside_opencv else []
    gains = held_out(records)
    if arguments.json:
        found = {"records": records, "table": table(records), "follows": follows(records)}
        print_json({**found, "agreement": agreed, "held_out": gains})
        return
    trials = f"{len(records)} trials on {len(clips)} drawn clips of {arguments.frames} frames"
    print(f"{tracker.backend} {tracker.version}, {trials}")
    print_table(COLUMNS, table(records))
    print("\nrank correlation with the truth over settings, mean of clips [95 %]:")
    print_table(("measured", "with drift of tracks", "with error of the path"), follows(records))
    if agreed:
        print("\nrank correlation with OpenCV's tracker over settings, mean of clips [95 %]:")
        print_table(("measured", "correlation"), agreed)
    print(f"\nbest on the tuning half: {gains['settings']}; its gain over today's settings on the held-out half:")
    print_table(
        ("of", "difference, mean of clips [95 %]"),
        [(name, gain.text(digits=3, group="clip")) for name, gain in gains.items() if isinstance(gain, Interval)],
    )


if __name__ == "__main__":
    main()
