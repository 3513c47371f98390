"""One pass over a video: detect in every frame, follow boxes by flow, and remember what a killed run would lose.

Detection is the slow part, so each frame's detections go to the run's journal. A run that is started again takes them
from there and only redoes the flow, which gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from flexpatch_train.detections import Detections
from flexpatch_train.detectors.protocol import Detector
from flexpatch_train.rollouts import Rollouts, Sample
from footage.errors import InputError
from footage.runs.journal import Journal
from footage.video.reader import VideoReader
from footage.video.types import Ending, Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one pass over a video saw.

    Attributes:
        detections: one entry a frame.
        samples: the boxes of all rollouts, unlabelled.
        started_tracks: how many rollouts began.
        lost_tracks: how many the tracker itself gave up, out of points or out of the frame.
        resumed_frames: frames whose detections came from an earlier, interrupted run.
        ending: how reading ended; None where the wanted frames were read before the video's end.
    """

    detections: list[Detections]
    samples: list[Sample]
    started_tracks: int
    lost_tracks: int
    resumed_frames: int
    ending: Ending | None


def observe(
    reader: VideoReader,
    detector: Detector,
    journal: Journal,
    rollouts: Rollouts,
    *,
    max_frames: int | None,
    on_frame: Callable[[], None],
) -> Observation:
    """Read the first frames of a video and collect detections and samples.

    Args:
        reader: the video.
        detector: asked for every frame that the journal does not hold.
        journal: the run's journal of detections.
        rollouts: follows the boxes.
        max_frames: how many frames to read; None for all.
        on_frame: called after every frame that was not in the journal.

    Raises:
        VideoError: no frame can be decoded.
        InputError: the journal does not fit the video.
    """
    recorded = list(_read_journal(journal))
    detections: list[Detections] = []
    for frame in reader.frames(stop=max_frames):
        found = _detect(frame, detector, journal, recorded)
        detections.append(found)
        rollouts.feed(frame, found)
        if frame.index >= len(recorded):
            on_frame()
    return Observation(
        detections=detections,
        samples=rollouts.samples,
        started_tracks=rollouts.started_tracks,
        lost_tracks=rollouts.lost_tracks,
        resumed_frames=len(recorded),
        ending=reader.ending,
    )


def _detect(frame: Frame, detector: Detector, journal: Journal, recorded: list[Detections]) -> Detections:
    """The frame's detections, from the journal where it has them."""
    if frame.index < len(recorded):
        if frame.index >= len(recorded) - detector.memory_frames:
            # A detector that compares frames must have seen these to answer for the first new one.
            detector.detect(frame.image, frame_index=frame.index)
        return recorded[frame.index]
    found = detector.detect(frame.image, frame_index=frame.index)
    journal.append(
        {
            "frame": frame.index,
            "boxes": found.boxes.tolist(),
            "scores": found.scores.tolist(),
            "class_ids": found.class_ids.tolist(),
        }
    )
    return found


def _read_journal(journal: Journal) -> Iterator[Detections]:
    for number, record in enumerate(journal):
        try:
            if record["frame"] != number:
                raise ValueError(f"frame {record['frame']} stands where {number} should")
            yield Detections(
                np.array(record["boxes"], np.float32).reshape(-1, 4),
                np.array(record["scores"], np.float32),
                np.array(record["class_ids"], np.int64),
            )
        except (KeyError, TypeError, ValueError) as error:
            what = f"record {number} is not a frame's detections ({error})"
            raise InputError(what, where=journal.path, remedy="remove the file and start again") from error
