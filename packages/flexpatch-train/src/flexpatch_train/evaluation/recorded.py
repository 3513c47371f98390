"""The journal of an evaluation: every finished sequence, so that an interrupted evaluation goes on with the next.

A record holds what was found and what it cost, frame by frame. Scores are computed from it anew: they are the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flexpatch_train.evaluation.metered import Look
from flexpatch_train.evaluation.scoring import score_sequence
from flexpatch_train.evaluation.sequences import MotSequence
from flexpatch_train.evaluation.ways import Comparison, FrameCost, Outcome, Way
from flexpatch_train.runtime.pipeline import FlexPatchOptions
from flexpatch_train.sources import video_sha256
from footage.dataset.manifest import content_sha256
from footage.errors import InputError
from footage.metrics.tracking import TrackedFrame
from footage.runs.environment import installed_version
from footage.runs.journal import Journal

JOURNAL_FILE = "sequences.jsonl"

SequenceKey = dict[str, object]
Record = Mapping[str, Any]


def journal_key(
    *, model_sha256: str, detector: Mapping[str, object], ways: Sequence[Way], max_frames: int | None
) -> dict[str, object]:
    """What all records depend on. The seed is not among it: only the intervals do, and they are computed at the end."""
    return {
        "version": installed_version("flexpatch-train"),
        "model_sha256": model_sha256,
        "detector": dict(detector),
        "budgets": [way.budget for way in ways if way.budget is not None],
        "every_n": [way.every_n for way in ways if way.every_n is not None],
        "max_frames": max_frames,
        "runtime": asdict(FlexPatchOptions()),
    }


def sequence_key(sequence: MotSequence) -> SequenceKey:
    """What tells a sequence from others, and from itself with another content.

    Raises:
        InputError: its video or its ground truth cannot be read.
    """
    return {
        "name": sequence.name,
        "video_sha256": video_sha256(sequence.video),
        "ground_truth_sha256": content_sha256(sequence.ground_truth),
        "size": list(sequence.size),
        "rate": None if sequence.rate is None else str(sequence.rate),
    }


def record(journal: Journal, key: SequenceKey, comparison: Comparison) -> None:
    """Add a finished sequence.

    Raises:
        OSError: the disk is full.
    """
    frames = comparison.outcomes[0].scores.frames
    journal.append(
        {
            "sequence": key,
            "damage": comparison.damage,
            "truth": [
                {
                    "boxes": frame.truth_boxes,
                    "ids": frame.truth_ids,
                    "ignored": frame.ignored_boxes,
                    "uncounted": frame.uncounted_boxes,
                }
                for frame in frames
            ],
            "ways": [_of_outcome(outcome) for outcome in comparison.outcomes],
        }
    )
    # A sequence may be the work of an hour.
    journal.sync()


def recorded(journal: Journal, keys: Sequence[SequenceKey], ways: Sequence[Way]) -> list[Comparison | None]:
    """The finished sequences among those with these keys.

    Args:
        journal: of this evaluation.
        keys: of the sequences.
        ways: what was compared.

    Returns:
        One entry a key; None where the sequence is still to do.

    Raises:
        InputError: a record is not one of ours.
    """
    found: list[Comparison | None] = [None] * len(keys)
    for number, entry in enumerate(journal):
        try:
            if entry["sequence"] in keys:
                found[keys.index(entry["sequence"])] = _comparison(entry, ways)
        except (KeyError, TypeError, ValueError) as error:
            what = f"record {number} is not a sequence's results ({error})"
            raise InputError(what, where=journal.path, remedy="remove the file and start again") from error
    return found


def _of_outcome(outcome: Outcome) -> dict[str, object]:
    return {
        "canvas_size": outcome.canvas_size,
        "frame_pixels": outcome.frame_pixels,
        "detector_failures": outcome.detector_failures,
        "found": [
            {"boxes": frame.predicted_boxes, "ids": frame.predicted_ids, "scores": frame.predicted_scores}
            for frame in outcome.scores.frames
        ],
        "costs": [asdict(cost) for cost in outcome.costs],
    }


def _comparison(entry: Record, ways: Sequence[Way]) -> Comparison:
    outcomes = tuple(_outcome(one, way, entry["truth"]) for one, way in zip(entry["ways"], ways, strict=True))
    return Comparison(outcomes, entry["damage"])


def _outcome(entry: Record, way: Way, truth: Sequence[Record]) -> Outcome:
    frames = [
        TrackedFrame(
            truth_boxes=_boxes(true["boxes"]),
            truth_ids=np.array(true["ids"], np.int64),
            predicted_boxes=_boxes(found["boxes"]),
            predicted_ids=np.array(found["ids"], np.int64),
            predicted_scores=np.array(found["scores"], np.float64),
            ignored_boxes=_boxes(true["ignored"]),
            uncounted_boxes=_boxes(true["uncounted"]),
        )
        for true, found in zip(truth, entry["found"], strict=True)
    ]
    canvas = entry["canvas_size"]
    return Outcome(
        way=way,
        canvas_size=None if canvas is None else (canvas[0], canvas[1]),
        scores=score_sequence(frames),
        costs=tuple(
            FrameCost(cost["stages"], cost["cpu_seconds"], tuple(Look(**look) for look in cost["looks"]))
            for cost in entry["costs"]
        ),
        frame_pixels=entry["frame_pixels"],
        detector_failures=entry["detector_failures"],
    )


def _boxes(rows: Sequence[Sequence[float]] | None) -> NDArray[np.float64]:
    return np.array(rows or [], np.float64).reshape(-1, 4)
