"""``flexpatch-train run``: from videos to a tracking-failure model and the evidence for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from flexpatch_train.clip import Clip, labelled_rows, read_ground_truth
from flexpatch_train.detectors.choose import DetectorKind, choose_detector
from flexpatch_train.detectors.protocol import Detector
from flexpatch_train.findings import Findings, what_limits
from flexpatch_train.learn import learn
from flexpatch_train.observe import observe
from flexpatch_train.outputs import TABLE_FILE, write_outputs
from flexpatch_train.rollouts import HORIZON_FRAMES, STRIDE_FRAMES, Rollouts
from flexpatch_train.sources import Source, sources_of, video_sha256
from flexpatch_train.table import read_table, write_table
from flexpatch_train.train import ModelOptions
from footage.cli.progress import Progress
from footage.dataset.manifest import content_sha256
from footage.errors import InputError
from footage.runs.directory import RunDirectory
from footage.runs.journal import Journal
from footage.video.reader import VideoReader

OUTPUT_FOLDER = "flexpatch_training"

Tell = Callable[[str], None]
MakeProgress = Callable[[int | None, int], Progress]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What to run on, and how.

    Attributes:
        videos: video files or folders of stills.
        mot_root: folder of MOT sequences, each with its ground truth; learned from beside the videos.
        hold_out: clips that are tested on and not learned from.
        output: the folder for everything written.
        detector: which kind of detector; ``auto`` takes what is there.
        weights: the detector's model or text file, where it needs one.
        ground_truth: human annotation of the one video in MOT text, from which labels are then read.
        max_frames: how many frames of each video to learn from; None for the whole.
        confidence: the least score of a detection, in [0, 1].
        nms_iou: overlap above which the weaker of two detections is dropped, in [0, 1].
        classes: the names of the classes wanted; None for all.
        device: where a detector's model runs.
        stride_frames: how often rollouts start.
        horizon_frames: how long each is followed.
        model: what is fitted, and how.
        searching: whether depth and leaf size are searched for on the training rows.
        seed: seed of the split, the search and the bootstrap.
        truth_is: what the ground truth is, in words, for the report.
    """

    videos: tuple[Path, ...] = ()
    mot_root: Path | None = None
    hold_out: tuple[str, ...] = ()
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
    model: ModelOptions = field(default_factory=ModelOptions)
    searching: bool = False
    seed: int = 42
    truth_is: str = "human ground truth"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run would do.

    Attributes:
        videos: how many it would read.
        frames: how many frames; None where a file does not say how many it has.
        detector: the detector it would take, and why; of the first video.
        seconds_per_frame: measured on the first frames: decoding and detection.
        estimated_seconds: for all frames; None where their number is not known.
        disk_bytes: rough size of the outputs; None where the number of frames is not known.
    """

    videos: int
    frames: int | None
    detector: str
    seconds_per_frame: float
    estimated_seconds: float | None
    disk_bytes: int | None


def plan(options: RunOptions, *, tell: Tell) -> Plan:
    """Open everything, time the first frames, and say what a run would take; nothing is written.

    Raises:
        FootageError: as for ``run``.
    """
    sources = sources_of(options.videos, options.mot_root, options.ground_truth, tell, hold_out=options.hold_out)
    counts: list[int | None] = []
    reason, seconds = "", []
    for source in sources:
        with source.open() as reader:
            detector, why = _choose(options, source)
            read_ground_truth(source, reader)
            counts.append(_expected_frames(reader, options.max_frames))
            if source is sources[0]:
                reason = why
                for frame in reader.frames(stop=4):
                    started = time.perf_counter()
                    detector.detect(frame.image, frame_index=frame.index)
                    seconds.append(time.perf_counter() - started)
    each = float(np.median(seconds))
    known = [count for count in counts if count is not None]
    frames = sum(known) if len(known) == len(counts) else None
    return Plan(
        videos=len(sources),
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
        make_progress: makes the progress display of one video from the number of its frames and how many are done.

    Returns:
        What was found; the files are in ``options.output``.

    Raises:
        VideoError: a video cannot be read.
        ModelError: the detector's model cannot be used.
        DatasetError: there is too little to learn from, or a ground truth does not fit its video.
        InputError: the videos do not go together, or the output folder cannot be used.
    """
    sources = sources_of(options.videos, options.mot_root, options.ground_truth, tell, hold_out=options.hold_out)
    for source in sources:
        source.open().close()  # what cannot be opened is said now, not after an hour of detecting in the others
    detectors = [_choose(options, source) for source in sources]
    hashes = [video_sha256(source.video) for source in sources]
    _refuse_copies(sources, hashes)
    settings = _settings(options, sources, hashes, [detector for detector, _ in detectors])
    with RunDirectory(options.output).open(tool="flexpatch-train", seed=options.seed, settings=settings) as folder:
        clips, tables = [], []
        for source, digest, chosen in zip(sources, hashes, detectors, strict=True):
            several = f"{source.name}: " if len(sources) > 1 else ""
            tell(f"{several}detector: {chosen[1]}")
            # Only these two decide the detections: more frames or another model can go on with the same journal.
            key = {"video_sha256": digest, **chosen[0].describe()}
            name = f"detections-{digest[:12]}.jsonl" if several else "detections.jsonl"
            with folder.journal(key, name=name) as journal:
                if journal.restarted_because:
                    tell(f"{several}starting anew: {journal.restarted_because}")
                elif len(journal):
                    tell(f"{several}going on: the detections of {len(journal)} frames are there from an earlier run")
                clip, table = _watch(options, source, chosen, journal, make_progress)
                clips.append(clip)
                tables.append(table)
        write_table(pd.concat(tables, ignore_index=True), folder.file(TABLE_FILE))
        # What is learned from is what lies on disk, rounding included, so that it can be learned again from there.
        table = read_table(folder.file(TABLE_FILE))
        rng = np.random.default_rng(options.seed)
        learned = learn(table, options.model, rng, whole=options.hold_out, searching=options.searching)
        findings = Findings(
            clips=tuple(clips),
            settings=settings,
            table=table,
            learned=learned,
            warnings=tuple(what_limits(clips, table, learned)),
        )
        for warning in findings.warnings:
            tell(f"warning: {warning}")
        write_outputs(findings, folder)
        return findings


def _refuse_copies(sources: tuple[Source, ...], hashes: list[str]) -> None:
    """One recording under two names would be learned from and tested on."""
    first: dict[str, Source] = {}
    for source, digest in zip(sources, hashes, strict=True):
        other = first.setdefault(digest, source)
        if other is not source:
            raise InputError(f"is a copy of {other.name}", where=source.video, remedy="give each recording once")


def _choose(options: RunOptions, source: Source) -> tuple[Detector, str]:
    return choose_detector(
        options.detector,
        video=source.video,
        weights=options.weights,
        confidence=options.confidence,
        nms_iou=options.nms_iou,
        classes=options.classes,
        device=options.device,
    )


def _expected_frames(reader: VideoReader, max_frames: int | None) -> int | None:
    estimate = reader.info.frame_count_estimate
    if estimate is None:
        return max_frames
    return estimate if max_frames is None else min(estimate, max_frames)


def _settings(
    options: RunOptions, sources: tuple[Source, ...], hashes: list[str], detectors: list[Detector]
) -> dict[str, object]:
    """Everything that decides the result."""
    return {
        "videos": [
            {
                "name": source.name,
                "sha256": digest,
                "ground_truth_sha256": None if source.ground_truth is None else content_sha256(source.ground_truth),
                "detector": detector.describe(),
            }
            for source, digest, detector in zip(sources, hashes, detectors, strict=True)
        ],
        "hold_out": list(options.hold_out),
        "max_frames": options.max_frames,
        "stride_frames": options.stride_frames,
        "horizon_frames": options.horizon_frames,
        "model": asdict(options.model),
        "searching": options.searching,
        "seed": options.seed,
    }


def _watch(
    options: RunOptions, source: Source, chosen: tuple[Detector, str], journal: Journal, make_progress: MakeProgress
) -> tuple[Clip, pd.DataFrame]:
    """Detect and follow in one video, and label what was followed."""
    detector, reason = chosen
    rollouts = Rollouts(stride_frames=options.stride_frames, horizon_frames=options.horizon_frames)
    with source.open() as reader:
        truth = read_ground_truth(source, reader)
        total = _expected_frames(reader, options.max_frames)
        with make_progress(total, min(len(journal), total or 0)) as progress:
            seen = observe(
                reader, detector, journal, rollouts, max_frames=options.max_frames, on_frame=progress.advance
            )
    table, identities = labelled_rows(source, seen, truth, detector.name)
    clip = Clip(
        source=source,
        info=reader.info,
        detector_reason=reason,
        labels_from=options.truth_is if truth is not None else "detections linked into identities",
        seen=seen,
        identities=identities,
        rows=len(table),
    )
    return clip, table
