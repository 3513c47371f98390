"""``flexpatch-train run``: from a video to a tracking-failure model and the evidence for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from flexpatch_train.detectors.choose import DetectorKind, choose_detector
from flexpatch_train.detectors.protocol import Detector
from flexpatch_train.findings import Findings, what_limits
from flexpatch_train.identities import Identities, annotated_timelines, from_ground_truth, link
from flexpatch_train.learn import learn
from flexpatch_train.mot import MotRows, check_fits, ground_truth, read_mot
from flexpatch_train.observe import Observation, observe
from flexpatch_train.outputs import TABLE_FILE, write_outputs
from flexpatch_train.rollouts import HORIZON_FRAMES, STRIDE_FRAMES, Rollouts, label_samples
from flexpatch_train.table import read_table, to_table, write_table
from flexpatch_train.train import TreeOptions
from footage.cli.progress import Progress
from footage.dataset.manifest import content_sha256, rows_sha256
from footage.errors import DatasetError, printable
from footage.runs.directory import RunDirectory
from footage.runs.journal import Journal
from footage.video.reader import VideoReader, open_video

OUTPUT_FOLDER = "flexpatch_training"
MIN_FRAMES = 3
"""One frame to detect in, two to follow into: with fewer there is nothing to learn from."""

Tell = Callable[[str], None]
MakeProgress = Callable[[int | None, int], Progress]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What to run on, and how.

    Attributes:
        video: the video file or folder of stills.
        output: the folder for everything written.
        detector: which kind of detector; ``auto`` takes what is there.
        weights: the detector's model or text file, where it needs one.
        ground_truth: human annotation in MOT text, from which labels are then read.
        max_frames: how many frames to learn from; None for the whole video.
        confidence: the least score of a detection, in [0, 1].
        nms_iou: overlap above which the weaker of two detections is dropped, in [0, 1].
        classes: the names of the classes wanted; None for all.
        device: where a detector's model runs.
        stride_frames: how often rollouts start.
        horizon_frames: how long each is followed.
        tree: how the tree is grown.
        seed: seed of the bootstrap.
        truth_is: what the ground truth is, in words, for the report.
    """

    video: Path
    output: Path = Path(OUTPUT_FOLDER)
    detector: DetectorKind = "auto"
    weights: Path | None = None
    ground_truth: Path | None = None
    max_frames: int | None = 200
    confidence: float = 0.25
    nms_iou: float = 0.45
    classes: tuple[str, ...] | None = None
    device: str = "auto"
    stride_frames: int = STRIDE_FRAMES
    horizon_frames: int = HORIZON_FRAMES
    tree: TreeOptions = field(default_factory=TreeOptions)
    seed: int = 42
    truth_is: str = "human ground truth"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run would do.

    Attributes:
        frames: how many frames it would read; None where the file does not say how many it has.
        detector: the detector it would take, and why.
        seconds_per_frame: measured on the first frames: decoding and detection.
        estimated_seconds: for all frames; None where their number is not known.
        disk_bytes: rough size of the outputs; None where the number of frames is not known.
    """

    frames: int | None
    detector: str
    seconds_per_frame: float
    estimated_seconds: float | None
    disk_bytes: int | None


def plan(options: RunOptions) -> Plan:
    """Open everything, time the first frames, and say what a run would take; nothing is written.

    Raises:
        FootageError: as for ``run``.
    """
    with open_video(options.video) as reader:
        detector, reason = _choose(options)
        _ground_truth(options, reader)
        frames = _expected_frames(reader, options.max_frames)
        seconds: list[float] = []
        for frame in reader.frames(stop=4):
            started = time.perf_counter()
            detector.detect(frame.image, frame_index=frame.index)
            seconds.append(time.perf_counter() - started)
    each = float(np.median(seconds))
    return Plan(
        frames=frames,
        detector=reason,
        seconds_per_frame=each,
        estimated_seconds=None if frames is None else each * frames,
        disk_bytes=None if frames is None else 1_000_000 + 20_000 * frames,
    )


def run(options: RunOptions, *, tell: Tell, make_progress: MakeProgress) -> Findings:
    """Detect, follow, label, train, evaluate, and write everything to the output folder.

    Args:
        options: what to run on, and how.
        tell: told what is chosen and what the user should know.
        make_progress: makes the progress display from the number of frames and how many are already done.

    Returns:
        What was found; the files are in ``options.output``.

    Raises:
        VideoError: the video cannot be read.
        ModelError: the detector's model cannot be used.
        DatasetError: there is too little in the video to learn from, or the ground truth does not fit it.
        InputError: the output folder cannot be used.
    """
    with open_video(options.video) as reader:
        detector, reason = _choose(options)
        tell(f"detector: {reason}")
        truth = _ground_truth(options, reader)
        settings = _settings(options, detector)
        with RunDirectory(options.output).open(tool="flexpatch-train", seed=options.seed, settings=settings) as folder:
            # Only these two decide the detections: more frames or another tree can go on with the same journal.
            key = {"video": settings["video"], **detector.describe()}
            with folder.journal(key, name="detections.jsonl") as journal:
                if journal.restarted_because:
                    tell(f"starting anew: {journal.restarted_because}")
                elif len(journal):
                    tell(f"going on: the detections of {len(journal)} frames are there from an earlier run")
                seen = _observe(options, reader, detector, journal, make_progress)
            table, identities = _learnable(options, seen, truth, detector)
            write_table(table, folder.file(TABLE_FILE))
            # What is learned from is what lies on disk, rounding included, so that it can be learned again from there.
            table = read_table(folder.file(TABLE_FILE))
            learned = learn(table, options.tree, np.random.default_rng(options.seed))
            findings = Findings(
                video=reader.info,
                detector_reason=reason,
                labels_from=options.truth_is if truth is not None else "detections linked into identities",
                settings=settings,
                seen=seen,
                identities=identities,
                table=table,
                learned=learned,
                warnings=tuple(what_limits(seen, table, learned)),
            )
            for warning in findings.warnings:
                tell(f"warning: {warning}")
            write_outputs(findings, reader, folder)
            return findings


def _choose(options: RunOptions) -> tuple[Detector, str]:
    return choose_detector(
        options.detector,
        video=options.video,
        weights=options.weights,
        confidence=options.confidence,
        nms_iou=options.nms_iou,
        classes=options.classes,
        device=options.device,
    )


def _ground_truth(options: RunOptions, reader: VideoReader) -> MotRows | None:
    if options.ground_truth is None:
        return None
    objects = ground_truth(read_mot(options.ground_truth), where=options.ground_truth).objects
    try:
        check_fits(
            objects,
            reader.info.width,
            reader.info.height,
            reader.info.frame_count_estimate or int(objects.frames[-1]),
        )
    except DatasetError as error:
        raise DatasetError(error.what, where=options.ground_truth, remedy=error.remedy) from error
    return objects


def _expected_frames(reader: VideoReader, max_frames: int | None) -> int | None:
    estimate = reader.info.frame_count_estimate
    if estimate is None:
        return max_frames
    return estimate if max_frames is None else min(estimate, max_frames)


def _settings(options: RunOptions, detector: Detector) -> dict[str, object]:
    """Everything that decides the result; the part that decides the detections comes first."""
    return {
        "video": {"name": printable(options.video.name), "sha256": video_sha256(options.video)},
        "detector": detector.describe(),
        "ground_truth_sha256": None if options.ground_truth is None else content_sha256(options.ground_truth),
        "max_frames": options.max_frames,
        "stride_frames": options.stride_frames,
        "horizon_frames": options.horizon_frames,
        "tree": {
            "max_depth": options.tree.max_depth,
            "min_samples_split": options.tree.min_samples_split,
            "class_weight": options.tree.class_weight,
            "random_state": options.tree.random_state,
        },
        "seed": options.seed,
    }


def video_sha256(path: Path) -> str:
    """SHA-256 of a video's content; of a folder of stills, that of its files' names and hashes in order of name."""
    if not path.is_dir():
        return content_sha256(path)
    return rows_sha256(*((still.name, content_sha256(still)) for still in sorted(path.iterdir()) if still.is_file()))


def _observe(
    options: RunOptions,
    reader: VideoReader,
    detector: Detector,
    journal: Journal,
    make_progress: MakeProgress,
) -> Observation:
    rollouts = Rollouts(stride_frames=options.stride_frames, horizon_frames=options.horizon_frames)
    total = _expected_frames(reader, options.max_frames)
    with make_progress(total, min(len(journal), total or 0)) as progress:
        return observe(reader, detector, journal, rollouts, max_frames=options.max_frames, on_frame=progress.advance)


def _learnable(
    options: RunOptions, seen: Observation, truth: MotRows | None, detector: Detector
) -> tuple[pd.DataFrame, Identities]:
    """The labelled table, and who was where.

    Raises:
        DatasetError: the video is too short, nothing was detected, or no track can be labelled.
    """
    frames = len(seen.detections)
    if frames < MIN_FRAMES:
        raise DatasetError(
            f"{frames} frame{'' if frames == 1 else 's'} could be read, and tracking needs at least {MIN_FRAMES}",
            where=options.video,
            remedy=_why_so_short(seen),
        )
    found = sum(len(d) for d in seen.detections)
    if not found:
        raise DatasetError(
            f"the {detector.name} detector found nothing in {frames} frames",
            where=options.video,
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
            where=options.video,
            remedy="use more frames, or a detector that finds the same objects in most frames"
            if truth is None
            else "check that the ground truth belongs to this video and is of what the detector finds",
        )
    return to_table(labelled, printable(options.video.name)), identities


def _why_so_short(seen: Observation) -> str:
    if seen.ending is not None and seen.ending.cut_short:
        return f"the video is damaged: {seen.ending.reason}"
    return "give a longer video"
