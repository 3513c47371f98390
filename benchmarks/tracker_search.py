"""Does the search find settings as good as the best of a full matrix, in at most half of its runs, whatever the seed?

A matrix over all five settings is tried in full on short drawn clips with OpenCV's tracker. Then the search may take
half as many runs, for several seeds, each on other ones of these clips: it begins with the matrix's settings, or with
the six. Both are judged by the same score on the same clips; what they chose is then compared on held-out clips, clip
by clip. Trials are kept in a journal: the same command goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import fmean

import numpy as np

from eztrack_tune.aggregate.means import mean_interval
from eztrack_tune.classes import Difficulty
from eztrack_tune.settings import SIX, MotionModel, TrackerSettings
from eztrack_tune.sweep.options import SweepOptions, choose_trackers
from eztrack_tune.sweep.rows import Row
from eztrack_tune.sweep.search import Search, Searched, Try
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


FIRST_CLIP = 112
"""The search was adjusted on clips 0 to 2 and 100 to 111."""
FEATURES = 60
"""Of a clip, at most: a trial takes a second."""

Scores = dict[TrackerSettings, dict[str, float]]


def write_clips(folder: Path, numbers: range, frames: int) -> None:
    """Drawn clips, medium and hard in turns: on easy ones nearly every choice does."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        difficulty = (Difficulty.MEDIUM, Difficulty.HARD)[number % 2]
        path = folder / f"{number}-{difficulty.value}-{frames}.mp4"
        if not path.is_file():
            rng = np.random.default_rng(number)
            SyntheticClip.random(rng, difficulty, size=(400, 226), frames=frames).write_video(path)


def scores_of(rows: Sequence[Row]) -> Scores:
    """By settings and clip."""
    scores: Scores = {}
    for row in rows:
        scores.setdefault(row.settings, {})[row.content_sha256] = row.score
    return scores


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search with one seed found, beside the best of the matrix on the same clips."""

    seed: int
    searched: Searched
    matrix_runs: int
    matrix_best: TrackerSettings
    matrix_score: float

    @property
    def gain(self) -> float:
        """Of the mean score, on the clips that both chose by."""
        return (self.searched.best_score or 0.0) - self.matrix_score


def read_arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="keeps clips and trials for the next run")
    parser.add_argument("--clips", type=int, default=8, help="on which the matrix is tried in full")
    parser.add_argument("--clips-a-seed", type=int, default=6, help="of them, those on which one seed chooses")
    parser.add_argument("--held-out", type=int, default=6, help="further clips to compare what was chosen on")
    parser.add_argument("--from-six", action="store_true", help="begin with the six, not with the matrix")
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def search_all(clips: Sequence[SweepClip], do: Try, arguments: argparse.Namespace) -> list[Found]:
    """The search for every seed, on clips of its own."""
    full = scores_of(do([(clip, settings) for clip in clips for settings in MATRIX]))
    found = []
    for seed in range(arguments.seeds):
        drawn = np.random.default_rng(seed).choice(len(clips), size=arguments.clips_a_seed, replace=False)
        chosen = [clips[index] for index in sorted(drawn)]
        means = {one: fmean(scores[clip.content_sha256] for clip in chosen) for one, scores in full.items()}
        best = max(means, key=lambda one: means[one])
        searched = Search(chosen, do, seed=seed, matrix=SIX if arguments.from_six else MATRIX).run(len(MATRIX) // 2)
        runs = len(chosen) * len(MATRIX)
        found.append(Found(seed=seed, searched=searched, matrix_runs=runs, matrix_best=best, matrix_score=means[best]))
    return found


def main() -> None:
    """Measure, and print the table."""
    arguments = read_arguments()
    folder: Path = arguments.folder
    middle = FIRST_CLIP + arguments.clips
    write_clips(folder / "tuning", range(FIRST_CLIP, middle), arguments.frames)
    write_clips(folder / "held_out", range(middle, middle + arguments.held_out), arguments.frames)
    options = SweepOptions(sources=(folder / "tuning",))
    clips, _ = find_clips(options)
    others, _ = find_clips(SweepOptions(sources=(folder / "held_out",)))
    tracker = choose_trackers(options)[0]
    track = TrackOptions(min_distance_px=25, most_features=FEATURES)
    work = Work(cache=(folder / "stills").absolute(), most_frames=arguments.frames, track=track)
    sessions = folder / "sessions"
    sessions.mkdir(exist_ok=True)
    key = {"version": tracker.version, "frames": arguments.frames, "features": FEATURES}
    with Journal(folder / "journal.jsonl", key) as journal:
        trials = Trials(work, journal, sessions, jobs=arguments.jobs, on_row=tell)

        def do(pairs: Sequence[tuple[SweepClip, TrackerSettings]]) -> list[Row]:
            return trials.do([Trial(clip=clip, settings=settings, tracker=tracker) for clip, settings in pairs])

        found = search_all(clips, do, arguments)
        pairs = [(one.searched.best, one.matrix_best) for one in found if one.searched.best is not None]
        chosen = dict.fromkeys(settings for pair in pairs for settings in pair)
        held_out = scores_of(do([(clip, settings) for clip in others for settings in chosen]))
    names = [clip.content_sha256 for clip in others]
    gains = np.array(
        [fmean(held_out[best][clip] - held_out[of_matrix][clip] for best, of_matrix in pairs) for clip in names]
    )
    gain = mean_interval(gains, np.ones(len(gains)), names, np.random.default_rng(0))
    as_good = sum(one.gain >= -ROUNDING for one in found)
    if arguments.json:
        print_json({"found": found, "at_least_as_good": as_good, "gain_held_out": gain})
        return
    print_table(COLUMNS, map(cells, found))
    print(f"\nat least as good as the best of the matrix on the same clips: {as_good} of {len(found)} seeds")
    print(f"gain over it on held-out clips, mean of seeds: {gain.text(digits=3, group='clip')}")


COLUMNS = ("seed", "settings", "given up", "runs", "of the matrix", "best", "score", "matrix's best", "score", "gain")
ROUNDING = 1e-9


def cells(found: Found) -> tuple[object, ...]:
    """A row of the table."""
    searched = found.searched
    return (
        found.seed,
        len(searched.settings),
        len(searched.given_up),
        searched.runs,
        f"{searched.runs / found.matrix_runs:.0%}",
        str(searched.best),
        f"{searched.best_score:.3f}",
        str(found.matrix_best),
        f"{found.matrix_score:.3f}",
        f"{found.gain:+.3f}",
    )


def tell(row: Row) -> None:
    """Say that a trial ended."""
    print(f"{row.clip} {row.settings}: {row.score:.2f} in {row.seconds:.1f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
