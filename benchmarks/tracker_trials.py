"""Trials a minute in one Blender that is kept, beside a Blender started for every choice of settings, as by hand.

Both ways do the same work on the stills of short drawn clips: detect, track, follow some tracks back, solve. The kept
one is started once for all clips and settings, as in a sweep, and detects once a clip; by hand, one clip is done a
round, the next one in the next round. Both run in every round, in turns. What bounds the gain is shown beside it: what
a start costs, and what tracking and solving cost in either way.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
from benchmarks.measuring import Spread

from eztrack_tune.classes import Difficulty
from eztrack_tune.outcome import TrackOutcome
from eztrack_tune.settings import SIX
from eztrack_tune.synthetic.clips import SyntheticClip
from eztrack_tune.trackers.blender.environment import BlenderCommand, blender_command
from eztrack_tune.trackers.blender.tracker import BlenderTracker
from eztrack_tune.trackers.frames import ClipStills, decode
from eztrack_tune.trackers.opencv.tracker import OpenCVTracker
from eztrack_tune.trackers.protocol import TrackOptions
from footage.cli.console import print_json, print_table


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One pass over the settings; seconds are of a trial."""

    seconds: float
    tracking: float
    solving: float


Stills = Sequence[ClipStills]


def kept(command: BlenderCommand, clips: Stills, options: TrackOptions) -> Pass:
    """One Blender for all clips and settings."""
    started = time.perf_counter()
    with BlenderTracker(command, options) as tracker:
        outcomes = [tracker.track(stills, settings) for stills in clips for settings in SIX]
    return _pass(time.perf_counter() - started, outcomes)


def by_hand(command: BlenderCommand, clips: Stills, options: TrackOptions) -> Pass:
    """A Blender for each of them."""
    started = time.perf_counter()
    outcomes = []
    for stills in clips:
        for settings in SIX:
            with BlenderTracker(command, options) as tracker:
                outcomes.append(tracker.track(stills, settings))
    return _pass(time.perf_counter() - started, outcomes)


def on_opencv(clips: Stills, options: TrackOptions) -> Pass:
    """OpenCV's tracker, for comparison."""
    started = time.perf_counter()
    with OpenCVTracker(options) as tracker:
        outcomes = [tracker.track(stills, settings) for stills in clips for settings in SIX]
    return _pass(time.perf_counter() - started, outcomes)


def _pass(seconds: float, outcomes: list[TrackOutcome]) -> Pass:
    failed = [outcome.failure for outcome in outcomes if outcome.failure is not None]
    if failed:
        raise SystemExit(f"a trial failed: {failed[0]}")
    return Pass(
        seconds=seconds / len(outcomes),
        tracking=fmean(outcome.track_seconds or 0.0 for outcome in outcomes),
        solving=fmean(outcome.solve_seconds or 0.0 for outcome in outcomes),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way over all rounds; seconds are of a trial."""

    name: str
    trials_a_minute: Spread
    tracking_seconds: float
    solving_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """All ways on clips of so many frames; the bound is the ratio to one whose start and detection cost nothing."""

    frames: int
    ratio: Spread
    bound: Spread
    start_seconds: Spread
    ways: tuple[Way, ...]


def measure(frames: int, clips: int, rounds: int, command: BlenderCommand, folder: Path) -> Length:
    """All three ways on clips of so many frames."""
    all_stills = []
    for number in range(clips):
        clip = SyntheticClip.random(np.random.default_rng(number), Difficulty.EASY, size=(640, 360), frames=frames)
        all_stills.append(decode(clip.write_stills(folder / f"clip-{number}-{frames}"), folder / "stills"))
    options = TrackOptions()
    ways: dict[str, Callable[[Stills], Pass]] = {
        "one Blender kept": lambda _: kept(command, all_stills, options),
        "a Blender for each": lambda one: by_hand(command, one, options),
        "OpenCV": lambda one: on_opencv(one, options),
    }
    passes: dict[str, list[Pass]] = {name: [] for name in ways}
    for number in range(rounds):
        names = list(ways) if number % 2 == 0 else list(reversed(ways))  # whatever else the machine does falls on all
        for name in names:
            passes[name].append(ways[name]([all_stills[number % clips]]))
    pairs = list(zip(passes["a Blender for each"], passes["one Blender kept"], strict=True))
    rest = [one.seconds - one.tracking - one.solving for one in passes["a Blender for each"]]
    return Length(
        frames=frames,
        ratio=Spread.of([hand.seconds / one.seconds for hand, one in pairs]),
        bound=Spread.of([hand.seconds / (one.tracking + one.solving) for hand, one in pairs]),
        start_seconds=Spread.of(rest),
        ways=tuple(
            Way(
                name=name,
                trials_a_minute=Spread.of([60 / one.seconds for one in of_way]),
                tracking_seconds=fmean(one.tracking for one in of_way),
                solving_seconds=fmean(one.solving for one in of_way),
            )
            for name, of_way in passes.items()
        ),
    )


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bpy", default="5.0.1", help="version of Blender's wheel")
    parser.add_argument("--frames", type=int, nargs="+", default=[6, 12, 24], help="lengths of the clips")
    parser.add_argument("--clips", type=int, default=3, help="that one kept Blender does")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    command = blender_command(bpy=arguments.bpy)
    with tempfile.TemporaryDirectory() as folder:
        found = [
            measure(frames, arguments.clips, arguments.rounds, command, Path(folder)) for frames in arguments.frames
        ]
    if arguments.json:
        print_json(found)
        return
    for one in found:
        print(f"\n{one.frames} frames: {one.ratio.text(1)} times as many trials")
        print(f"{one.bound.text(1)} times, if a kept Blender started and detected in no time")
        print(f"a start of Blender with a detection: {one.start_seconds.text(1)} s")
        rows = [
            (way.name, way.trials_a_minute.text(1), f"{way.tracking_seconds:.2f}", f"{way.solving_seconds:.2f}")
            for way in one.ways
        ]
        print_table(("way", "trials a minute", "tracking, s each", "solving, s each"), rows)


if __name__ == "__main__":
    main()
