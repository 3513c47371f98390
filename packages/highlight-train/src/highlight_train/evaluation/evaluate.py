"""``highlight-train evaluate``: what ships, measured on clips that it never saw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from footage.cli.progress import Progress
from footage.errors import ModelError, printable
from footage.persistence.bundle import read_manifest
from footage.runs.directory import RunDirectory, atomic_write_json
from highlight_train.batch.journal import file_state
from highlight_train.batch.local import score_locally
from highlight_train.batch.options import OUTPUT_FOLDER as SCORES_FOLDER
from highlight_train.batch.options import find_models
from highlight_train.batch.work import Failure, Scoring, scoring_of
from highlight_train.evaluation.clips import MeasuredClips, Side, check_classes, measured_clips, narrowed
from highlight_train.evaluation.findings import Evaluation, MeasuredClip
from highlight_train.evaluation.measure import THE_MODEL, Way, measure
from highlight_train.evaluation.report import lay_out
from highlight_train.evaluation.rivals import Look, baselines, looked_at
from highlight_train.prepare.clips import KnownClip
from highlight_train.prepare.manifest import SkippedClip
from highlight_train.scoring.decision import Decision, decide
from highlight_train.scoring.pooling import pool
from highlight_train.scoring.video import FrameScores
from highlight_train.train.split_file import SPLIT_FILE, Split, read_split

OUTPUT_FOLDER = "highlight_evaluation"
JSON_FILE = "evaluation.json"
REPORT_FILE = "evaluation.html"
SMOKE_CLIPS = 6

Tell = Callable[[str], None]
MakeProgress = Callable[[int | None, int], Progress]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateOptions:
    """What to measure, and on what.

    Attributes:
        model: the model file or the folder of its training; None takes that of the last run.
        labels: a ``labels.json`` whose clips to measure on; None for those that training held out.
        side: which of the clips.
        output: the folder for everything written.
        jobs: worker processes; None takes one a processor, or one a GPU.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        seed: of the bootstrap and of the random baseline.
        max_clips: only so many clips of each class; None takes all.
    """

    model: Path | None = None
    labels: Path | None = None
    side: Side = Side.TEST
    output: Path = Path(OUTPUT_FOLDER)
    jobs: int | None = None
    device: str = "auto"
    seed: int = 42
    max_clips: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an evaluation would measure.

    Attributes:
        model: the model file.
        highlights: highlight clips it would be measured on.
        normal: normal clips.
        groups: how many groups they are of.
        held_out: whether the model saw none of them.
        left_out: clips that training learned from or chose by, and would be left out.
        skipped: clips that cannot be used.
        doubts: what limits the figures.
    """

    model: Path
    highlights: int
    normal: int
    groups: int
    held_out: bool
    left_out: int
    skipped: tuple[SkippedClip, ...]
    doubts: tuple[str, ...]


def plan(options: EvaluateOptions) -> Plan:
    """Find the clips; nothing is decoded or written.

    Raises:
        FootageError: as for ``run``.
    """
    scoring, split = _model(options)
    clips = _clips(split, options)
    highlights = sum(clip.is_highlight for clip in clips.clips)
    return Plan(
        model=scoring.models[0],
        highlights=highlights,
        normal=len(clips.clips) - highlights,
        groups=len({clip.group for clip in clips.clips}),
        held_out=clips.held_out,
        left_out=clips.left_out,
        skipped=clips.skipped,
        doubts=clips.doubts,
    )


def run(options: EvaluateOptions, *, tell: Tell, make_progress: MakeProgress) -> Evaluation:
    """Score the clips by the way that scores a library, and measure.

    Args:
        options: what to measure, and on what.
        tell: told what is measured and what the user should know.
        make_progress: makes the progress display from the number of videos to read and how many are already done.

    Returns:
        The figures; the files are in ``options.output``.

    Raises:
        DatasetError: it is not known what the model learned from, or there are too few clips of a class.
        ModelError: the model cannot be used.
        InputError: the output folder cannot be used, or no model runs on the device.
        MissingDependency: ONNX Runtime here cannot compute on the device.
    """
    scoring, split = _model(options)
    clips = _clips(split, options)
    decision = decide([read_manifest(scoring.models[0])])
    tell(f"measuring {printable(str(scoring.models[0]))}; {decision.text}")
    if clips.left_out:
        tell(f"left out: {clips.left_out} clips that training learned from or chose by")
    settings = {
        "model": {"path": str(scoring.models[0]), "sha256": scoring.model_sha256s[0]},
        "labels": None if options.labels is None else str(options.labels.absolute()),
        "side": options.side,
        "max_clips": options.max_clips,
    }
    with RunDirectory(options.output).open(tool="highlight-train", seed=options.seed, settings=settings) as folder:
        with make_progress(2 * len(clips.clips) + len(clips.validation), 0) as progress:
            looks, unread = looked_at(
                (*clips.clips, *clips.validation),
                samples=scoring.samples,
                side_px=scoring.side_px,
                jobs=options.jobs,
                progress=progress,
            )
            frames, unscored = _scored([c for c in clips.clips if c.fingerprint in looks], scoring, options, progress)
        clips = _without(clips, {**unread, **unscored}, split, options)
        for one in clips.skipped:
            tell(f"warning: left out {one.path}: {one.reason}")
        for doubt in clips.doubts:
            tell(f"warning: {doubt}")
        evaluation = _evaluation(clips, looks, frames, decision=decision, scoring=scoring, seed=options.seed)
        atomic_write_json(folder.file(JSON_FILE), evaluation.document())
        lay_out(evaluation).write(folder.file(REPORT_FILE))
        folder.finish(lead=evaluation.lead, held_out=clips.held_out, skipped=clips.skipped, doubts=clips.doubts)
    return evaluation


def _evaluation(
    clips: MeasuredClips,
    looks: Mapping[str, Look],
    frames: Mapping[str, FrameScores],
    *,
    decision: Decision,
    scoring: Scoring,
    seed: int,
) -> Evaluation:
    pooled = np.array([pool(frames[clip.fingerprint].scores, decision.pooling) for clip in clips.clips])
    own = Way(name=THE_MODEL, scores=pooled, threshold=decision.threshold, are_probabilities=True)
    return Evaluation(
        model=scoring.models[0],
        model_sha256=scoring.model_sha256s[0],
        decision=decision,
        on=clips,
        clips=tuple(
            MeasuredClip(
                path=clip.labelled.path,
                group=clip.group,
                is_highlight=clip.is_highlight,
                score=score,
                frames=frames[clip.fingerprint],
            )
            for clip, score in zip(clips.clips, pooled.tolist(), strict=True)
        ),
        measured=measure(
            [own, *baselines(clips, looks, seed)],
            np.array([clip.is_highlight for clip in clips.clips]),
            np.array([clip.group for clip in clips.clips]),
            seed=seed,
        ),
    )


def _model(options: EvaluateOptions) -> tuple[Scoring, Split]:
    models = find_models(() if options.model is None else (options.model,), SCORES_FOLDER)
    if len(models) > 1:
        raise ModelError(f"the last scan used {len(models)} models", remedy="name the one to measure")
    scoring = scoring_of(models)
    model = scoring.models[0]
    return scoring, read_split(model.with_name(SPLIT_FILE), expected_sha256=read_manifest(model).split_sha256)


def _clips(split: Split, options: EvaluateOptions) -> MeasuredClips:
    clips = measured_clips(split, options.labels, options.side)
    if options.max_clips is None:
        return clips
    kinds = [[clip for clip in clips.clips if clip.is_highlight is kind] for kind in (True, False)]
    return narrowed(clips, [clip for some in kinds for clip in some[: options.max_clips]], split)


def _scored(
    clips: Sequence[KnownClip], scoring: Scoring, options: EvaluateOptions, progress: Progress
) -> tuple[dict[str, FrameScores], dict[str, str]]:
    """The model's scores of each clip by its content, as a scan of a library gives them."""
    frames: dict[str, FrameScores] = {}
    failed: dict[str, str] = {}
    content = {clip.labelled.path: clip.fingerprint for clip in clips}
    files = []
    for path, clip in content.items():
        try:
            files.append(file_state(path, Path()))
        except OSError as error:
            failed[clip] = f"cannot be read ({error.strerror})"
    for states, answers in score_locally(files, scoring, jobs=options.jobs, device=options.device):
        for state, answer in zip(states, answers, strict=True):
            if isinstance(answer, Failure):
                failed[content[state.path]] = answer.reason
                progress.fail()
            else:
                frames[content[state.path]] = answer
                progress.advance()
    return frames, failed


def _without(clips: MeasuredClips, failed: Mapping[str, str], split: Split, options: EvaluateOptions) -> MeasuredClips:
    """The clips that could be read.

    Raises:
        DatasetError: either class has none.
    """
    skipped = [
        SkippedClip(path=str(clip.labelled.path), reason=failed[clip.fingerprint])
        for clip in clips.clips
        if clip.fingerprint in failed
    ]
    there = [clip for clip in clips.clips if clip.fingerprint not in failed]
    clips = replace(
        clips,
        validation=tuple(clip for clip in clips.validation if clip.fingerprint not in failed),
        skipped=(*clips.skipped, *skipped),
    )
    check_classes(there, options.labels, clips.skipped, clips.left_out)
    return narrowed(clips, there, split)
