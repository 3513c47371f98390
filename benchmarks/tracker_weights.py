"""How the weights of the objective were chosen: which of them follow the drift of tracks where the truth is known.

Clips are drawn with a known camera path and tracked under the default matrix and today's default. Within each clip the
settings are ranked by the objective under several weightings, and by the share of tracks that truly drift, which needs
no solver. The weighting is chosen on every other clip and measured on the rest. Records are kept in a journal: the same
command goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from benchmarks.tracker_truth import TrueClip, drawn_clips
from scipy.stats import spearmanr

from eztrack_tune import measures
from eztrack_tune.aggregate.means import mean_interval
from eztrack_tune.aggregate.objective import WEIGHTS, components, score_of
from eztrack_tune.classes import default_settings, footage_class
from eztrack_tune.sessions.parse import parse_session
from eztrack_tune.sessions.write import session_document
from eztrack_tune.settings import SIX, TrackerSettings
from eztrack_tune.trackers.opencv.tracker import OpenCVTracker
from eztrack_tune.trackers.protocol import TrackOptions
from eztrack_tune.truth import drift_share, path_error
from footage.cli.console import print_json, print_table
from footage.metrics.intervals import Interval
from footage.runs.journal import Journal

Record = dict[str, object]
LEAST_SETTINGS = 4
SIZE = (640, 360)


def weightings() -> dict[str, dict[str, float]]:
    """Ours, equal weights, each component alone, ours without each, and ours with each doubled."""
    ours = dict(WEIGHTS)
    found = {"ours": ours, "equal": dict.fromkeys(ours, 1.0)}
    for name, weight in ours.items():
        found[f"{name} alone"] = {other: float(other == name) for other in ours}
        found[f"without {name}"] = {**ours, name: 0.0}
        found[f"{name} doubled"] = {**ours, name: 2 * weight}
    return found


def measure(clip: TrueClip, settings: TrackerSettings, tracker: OpenCVTracker) -> Record:
    """One trial: its components, and the truth about it."""
    outcome = tracker.track(clip.stills, settings)
    document = session_document(outcome, side=None, difficulty=None, recorded_at=datetime.now(UTC))
    path = path_error(outcome.solve, clip.truth)
    return {
        "clip": clip.name,
        "half": clip.half,
        "settings": str(settings),
        "solved": measures.solved(outcome),
        "components": components(parse_session(document, clip.name).measured),
        "drift": drift_share(outcome.tracks, clip.truth),
        "path": None if path is None else path.rmse_share,
    }


def measure_all(clips: Sequence[TrueClip], journal: Journal) -> list[Record]:
    """Every clip under every choice, those in the journal from there."""
    known = {(record["clip"], record["settings"]): record for record in journal}
    with OpenCVTracker(TrackOptions()) as tracker:
        for clip in clips:
            of_clip = clip.stills.clip
            today = default_settings(footage_class(of_clip.width, of_clip.height, of_clip.fps).name)
            for settings in (today, *SIX):
                if (clip.name, str(settings)) not in known:
                    record = measure(clip, settings, tracker)
                    journal.append(record)
                    known[clip.name, str(settings)] = record
                    print(f"{clip.name} {settings}", file=sys.stderr)
    return list(known.values())


def agreement(records: Sequence[Record], weights: Mapping[str, float], true: str, half: int | None) -> Interval:
    """Rank correlation, within a clip, of the objective with the absence of an error; mean over clips."""
    values, clips = [], []
    for clip in sorted({str(record["clip"]) for record in records if half in {None, record["half"]}}):
        pairs = [
            (_score(record, weights), -float(str(record[true])))
            for record in records
            if record["clip"] == clip and record["solved"] and record[true] is not None
        ]
        if len(pairs) >= LEAST_SETTINGS and all(len(set(side)) > 1 for side in zip(*pairs, strict=True)):
            values.append(float(spearmanr(*zip(*pairs, strict=True)).statistic))
            clips.append(clip)
    if not values:
        return Interval(estimate=None, low=None, high=None, n=0, groups=0, reason="no clip has enough solves")
    return mean_interval(np.array(values), np.ones(len(values)), clips, np.random.default_rng(0))


def _score(record: Record, weights: Mapping[str, float]) -> float:
    values = record["components"]
    if not isinstance(values, dict):
        raise TypeError("components")
    return score_of(values, tuple(name for name in weights if name in values), weights)


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="keeps clips and records for the next run")
    parser.add_argument("--seeds", type=int, default=4, help="clips of each difficulty")
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    clips = list(drawn_clips(arguments.folder, seeds=arguments.seeds, frames=arguments.frames, size=SIZE))
    key = {"frames": arguments.frames, "matrix": [str(one) for one in SIX]}
    with Journal(arguments.folder / "weights.jsonl", key) as journal:
        records = measure_all(clips, journal)
    rows = [
        (
            name,
            agreement(records, weights, "drift", None).text(group="clip"),
            agreement(records, weights, "drift", 0).text(group="clip"),
            agreement(records, weights, "drift", 1).text(group="clip"),
            agreement(records, weights, "path", None).text(group="clip"),
        )
        for name, weights in weightings().items()
    ]
    columns = ("weights", "follows drift, all", "half 1", "half 2", "follows the path error, all")
    if arguments.json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        print_table(columns, rows)


if __name__ == "__main__":
    main()
