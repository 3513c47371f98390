"""One video of a run, watched: detections, followed boxes, and the labels of what became of them."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from flexpatch_train.identities import Identities, annotated_timelines, from_ground_truth, link
from flexpatch_train.mot import MotRows, check_fits, ground_truth, read_mot
from flexpatch_train.observe import Observation
from flexpatch_train.rollouts import label_samples
from flexpatch_train.sources import Source
from flexpatch_train.table import to_table
from footage.errors import DatasetError
from footage.video.reader import VideoReader
from footage.video.types import VideoInfo

MIN_FRAMES = 3
"""One frame to detect in, two to follow into: with fewer there is nothing to learn from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """What was seen in one video.

    Attributes:
        source: the video.
        info: what it says about itself.
        detector_reason: the detector that was taken, and why.
        labels_from: what the labels were read from, in words.
        seen: the pass over the video.
        identities: who was where, from which the labels were read.
        rows: how many boxes were labelled.
    """

    source: Source
    info: VideoInfo
    detector_reason: str
    labels_from: str
    seen: Observation
    identities: Identities
    rows: int

    @property
    def detections(self) -> int:
        """How many boxes were detected."""
        return sum(len(found) for found in self.seen.detections)


def read_ground_truth(source: Source, reader: VideoReader) -> MotRows | None:
    """The human annotation of a source, where it has one.

    Raises:
        DatasetError: it cannot be read, or does not fit the video.
    """
    if source.ground_truth is None:
        return None
    objects = ground_truth(read_mot(source.ground_truth), where=source.ground_truth).objects
    try:
        check_fits(
            objects,
            reader.info.width,
            reader.info.height,
            reader.info.frame_count_estimate or int(objects.frames[-1]),
        )
    except DatasetError as error:
        raise DatasetError(error.what, where=source.ground_truth, remedy=error.remedy) from error
    return objects


def labelled_rows(
    source: Source, seen: Observation, truth: MotRows | None, detector_name: str
) -> tuple[pd.DataFrame, Identities]:
    """The labelled table of one video, and who was where.

    Raises:
        DatasetError: the video is too short, nothing was detected, or no track can be labelled.
    """
    frames = len(seen.detections)
    if frames < MIN_FRAMES:
        raise DatasetError(
            f"{frames} frame{'' if frames == 1 else 's'} could be read, and tracking needs at least {MIN_FRAMES}",
            where=source.video,
            remedy=_why_so_short(seen),
        )
    found = sum(len(d) for d in seen.detections)
    if not found:
        raise DatasetError(
            f"the {detector_name} detector found nothing in {frames} frames",
            where=source.video,
            remedy="lower the confidence, check the classes, or use another detector",
        )
    if truth is None:
        identities = link(seen.detections)
    else:
        identities = from_ground_truth(seen.detections, annotated_timelines(truth, frames))
    labelled = label_samples(seen.samples, identities)
    if not labelled:
        raise DatasetError(
            f"none of the {found} detections in {frames} frames could be followed and labelled",
            where=source.video,
            remedy="use more frames, or a detector that finds the same objects in most frames"
            if truth is None
            else "check that the ground truth belongs to this video and is of what the detector finds",
        )
    return to_table(labelled, source.name), identities


def _why_so_short(seen: Observation) -> str:
    if seen.ending is not None and seen.ending.cut_short:
        return f"the video is damaged: {seen.ending.reason}"
    return "give a longer video"
