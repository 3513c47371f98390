"""Does the search find settings as good as the best of a full matrix, in at most half of its runs, whatever the seed?

A matrix over all five settings is tried in full on short drawn clips with OpenCV's tracker. The search may then try
half as many settings, for several seeds. Both are judged by the same score on the same clips.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from statistics import fmean

import numpy as np

from eztrack_tune.classes import Difficulty
from eztrack_tune.settings import MotionModel, TrackerSettings
from eztrack_tune.sweep.options import SweepOptions, choose_trackers
from eztrack_tune.sweep.rows import Row
from eztrack_tune.sweep.search import Search
from eztrack_tune.sweep.sources import SweepClip, find_clips
from eztrack_tune.sweep.trials import Trials
from eztrack_tune.sweep.work import Trial, Work
from eztrack_tune.synthetic.clips import SyntheticClip
from eztrack_tune.trackers.protocol import TrackOptions
from footage.cli.console import print_json, print_table
from footage.runs.journal import Journal

MATRIX = tuple(
    TrackerSettings(
        pattern_size=pattern, search_size=search, correlation=correlation, threshold=threshold, motion_model=model
    )
    for pattern, search, correlation, threshold, model in product(
        (11, 21, 31), (51, 111), (0.5, 0.75), (0.15, 0.35), (MotionModel.LOC, MotionModel.LOC_ROT)
    )
)


def write_clips(folder: Path, count: int, frames: int) -> None:
    """Drawn clips, medium and hard in turns: on easy ones nearly every choice does."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        difficulty = (Difficulty.MEDIUM, Difficulty.HARD)[number % 2]
        path = folder / f"{number}-{difficulty.value}-{frames}.mp4"
        if not path.is_file():
            SyntheticClip.random(np.random.default_rng(number), difficulty, size=(400, 226), frames=frames).write_video(
                path
            )


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="keeps clips and trials for the next run")
    parser.add_argument("--clips", type=int, default=3)
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    write_clips(arguments.folder / "clips", arguments.clips, arguments.frames)
    options = SweepOptions(sources=(arguments.folder / "clips",))
    clips, _ = find_clips(options)
    tracker = choose_trackers(options)[0]
    track = TrackOptions(min_distance_px=25)
    work = Work(cache=(arguments.folder / "stills").absolute(), most_frames=arguments.frames, track=track)
    sessions = arguments.folder / "sessions"
    sessions.mkdir(exist_ok=True)
    with Journal(
        arguments.folder / "journal.jsonl", {"version": tracker.version, "frames": arguments.frames}
    ) as journal:
        trials = Trials(work, journal, sessions, jobs=arguments.jobs, on_row=tell)

        def do(pairs: Sequence[tuple[SweepClip, TrackerSettings]]) -> list[Row]:
            return trials.do([Trial(clip=clip, settings=settings, tracker=tracker) for clip, settings in pairs])

        full = do([(clip, settings) for clip in clips for settings in MATRIX])
        scores: dict[TrackerSettings, list[float]] = {}
        for row in full:
            scores.setdefault(row.settings, []).append(row.score)
        best = max(scores, key=lambda settings: fmean(scores[settings]))
        searched = {seed: Search(clips, do, seed=seed).run(len(MATRIX) // 2) for seed in range(arguments.seeds)}
    rows: list[tuple[object, ...]] = [
        ("full matrix", len(MATRIX), 0, len(full), "100%", str(best), f"{fmean(scores[best]):.3f}")
    ]
    for seed, found in searched.items():
        share = f"{found.runs / len(full):.0%}"
        score = f"{found.best_score:.3f}" if found.best_score is not None else None
        rows.append(
            (
                f"search, seed {seed}",
                len(found.settings),
                len(found.given_up),
                found.runs,
                share,
                str(found.best),
                score,
            )
        )
    columns = ("way", "settings", "given up", "runs", "of the matrix", "best", "mean score")
    if arguments.json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        print_table(columns, rows)


def tell(row: Row) -> None:
    """Say that a trial ended."""
    print(f"{row.clip} {row.settings}: {row.score:.2f} in {row.seconds:.1f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
