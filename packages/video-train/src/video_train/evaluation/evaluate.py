"""``video-train evaluate``: a model, measured on video files that it never saw."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from footage.dataset.discover import Skipped
from footage.errors import DatasetError
from footage.runs.directory import RunDirectory, atomic_write_json, atomic_write_text
from footage.training.clips import read_clip
from video_train.catalogue.events import events_sha256, known_events
from video_train.catalogue.labels import counts, read_labels
from video_train.catalogue.sides import overlapping
from video_train.evaluation.answers import Answer, Questions, answers_to, recorded
from video_train.evaluation.figures import figures_of
from video_train.evaluation.findings import Evaluation, Times
from video_train.evaluation.latency import Latency, timed
from video_train.evaluation.models import Asked, in_torch, open_measured, open_teacher
from video_train.evaluation.options import EvaluateOptions
from video_train.evaluation.report import lay_out
from video_train.evaluation.unseen import Chosen, Part, choose
from video_train.train.rows import MakeProgress, Tell

JSON_FILE = "video_evaluation.json"
PREDICTIONS_FILE = "predictions.csv"
CLIPS_FILE = "clips.csv"
REPORT_FILE = "report.html"
FILES = (REPORT_FILE, JSON_FILE, PREDICTIONS_FILE, CLIPS_FILE, "run.json")
_TIMED_CLIPS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an evaluation would do.

    Attributes:
        model: the file.
        runtime: what would run it.
        teacher: the other model's file; None without.
        source: where labels come from.
        classes: events of each class that would be measured.
        videos: how many they have.
        clips: how many would be read.
        left_out: events that training saw.
        skipped: videos and labels that cannot be used.
        doubts: what limits the figures.
    """

    model: str
    runtime: str
    teacher: str | None
    source: str
    classes: dict[str, int]
    videos: int
    clips: int
    left_out: int
    skipped: int
    doubts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What there is to do."""

    questions: Questions
    chosen: Chosen
    source: str
    skipped: tuple[Skipped, ...]
    failed: tuple[Skipped, ...]


def plan(options: EvaluateOptions) -> Plan:
    """Read labels and lengths and say what would be measured; no clip is read and nothing is written.

    Raises:
        FootageError: as for :func:`evaluate`.
    """
    work = _work(options)
    student, teacher = work.questions.student, work.questions.teacher
    models = 1 if teacher is None else 2
    return Plan(
        model=str(student.model.path),
        runtime=student.runtime,
        teacher=None if teacher is None else str(teacher.model.path),
        source=work.source,
        classes=counts([one.event for one in work.chosen.events]),
        videos=len(work.chosen.parts),
        clips=len(work.chosen.parts) * work.questions.windows * models,
        left_out=len(work.chosen.left_out),
        skipped=len(work.skipped) + len(work.failed),
        doubts=work.chosen.doubts,
    )


def evaluate(options: EvaluateOptions, *, tell: Tell, make_progress: MakeProgress) -> Evaluation:
    """Measure a model, and write what was found.

    Killed and called again, it goes on with the videos that are left.

    Args:
        options: what to measure, and on what.
        tell: told what is measured and what the user should know.
        make_progress: makes the progress display from the number of videos and how many are already done.

    Raises:
        DatasetError: there are no labels, nothing that the model did not see, or nothing that can be read.
        ModelError: a model cannot be used.
        InputError: the output folder cannot be used, or no model runs on the device.
        MissingDependency: the device is not there.
    """
    work = _work(options)
    questions, chosen = work.questions, work.chosen
    _tell(work, tell)
    settings = {**questions.key(), "data_sha256": events_sha256(chosen.events), "count_seen": options.count_seen}
    with RunDirectory(options.output).open(tool="video-train", seed=options.seed, settings=settings) as folder:
        with folder.journal(questions.key()) as journal:
            if journal.restarted_because is not None:
                tell(f"note: {journal.restarted_because}")
            done = len(recorded(journal, chosen.parts))
            with make_progress(len(chosen.parts), done) as progress:
                answers, unread = answers_to(questions, chosen.parts, journal, progress)
        for one in unread:
            tell(f"warning: left out {one.path}: {one.reason}")
        chosen, answers = _read_only(chosen, answers, unread)
        found = Evaluation(
            student=questions.student,
            teacher=questions.teacher,
            source=work.source,
            windows=questions.windows,
            chosen=chosen,
            answers=answers,
            figures=figures_of(chosen, answers, seed=options.seed),
            times=_times(questions, chosen, answers, options.device),
            skipped=work.skipped,
            failed=(*work.failed, *unread),
        )
        atomic_write_json(folder.file(JSON_FILE), found.document())
        atomic_write_text(folder.file(PREDICTIONS_FILE), found.predictions_csv())
        atomic_write_text(folder.file(CLIPS_FILE), found.clips_csv())
        lay_out(found).write(folder.file(REPORT_FILE))
        folder.finish(lead=found.lead, doubts=found.doubts, failed=found.failed)
    return found


def _work(options: EvaluateOptions) -> _Work:
    student = open_measured(options.model, options.device, split_needed=not options.count_seen)
    teacher = open_teacher(options.teacher, student, options.device)
    labelled = read_labels(options.video_dir, annotations=options.annotations, pattern=options.pattern)
    events, unusable = known_events(labelled.events)
    chosen = choose(
        events, student.model.classes, student.split, count_seen=options.count_seen, max_events=options.max_events
    )
    if teacher is not None:
        chosen = _with_teachers_doubts(chosen, teacher)
    trained_with = student.model.manifest.details.get("windows")
    windows = options.windows or (trained_with if isinstance(trained_with, int) else 1)
    return _Work(
        questions=Questions(student=student, teacher=teacher, windows=windows, seed=options.seed, jobs=options.jobs),
        chosen=chosen,
        source=labelled.source,
        skipped=(*labelled.skipped, *chosen.unknown),
        failed=tuple(unusable),
    )


def _with_teachers_doubts(chosen: Chosen, teacher: Asked) -> Chosen:
    if teacher.split is None:
        doubt = "it is not known what the teacher learned from"
    else:
        learned = [*teacher.split["train"], *teacher.split["val"]]
        seen = overlapping((part.span for part in chosen.parts), learned)
        if not seen:
            return chosen
        doubt = f"the teacher learned from {seen} of {len(chosen.parts)} videos: its figures are not held out"
    return replace(chosen, doubts=(*chosen.doubts, doubt))


def _tell(work: _Work, tell: Tell) -> None:
    chosen, questions = work.chosen, work.questions
    found = ", ".join(f"{name} {count}" for name, count in counts([one.event for one in chosen.events]).items())
    tell(f"measuring {questions.student.model.path} with {questions.student.runtime}")
    if questions.teacher is not None:
        tell(f"beside it {questions.teacher.model.path} with {questions.teacher.runtime}")
    tell(f"{work.source}: {found}")
    if chosen.left_out:
        tell(f"left out: {len(chosen.left_out)} events that training saw, {chosen.left_out[0]} the first")
    if chosen.seen:
        tell(f"warning: {chosen.seen} events were seen in training, and count as asked for")
    for one in (*work.failed, *work.skipped):
        tell(f"warning: left out {one.path}: {one.reason}")
    for doubt in chosen.doubts:
        tell(f"warning: {doubt}")


def _read_only(chosen: Chosen, answers: dict[int, Answer], unread: list[Skipped]) -> tuple[Chosen, dict[int, Answer]]:
    """What could be read, numbered anew.

    Raises:
        DatasetError: nothing could.
    """
    if not answers:
        raise DatasetError(
            "not one of the videos could be read",
            where=unread[0].path,
            remedy=f"the first reason: {unread[0].reason}",
        )
    places = sorted(answers)
    kept = sorted({chosen.parts[place].event for place in places})
    parts = tuple(replace(chosen.parts[place], event=kept.index(chosen.parts[place].event)) for place in places)
    there = replace(chosen, events=tuple(chosen.events[number] for number in kept), parts=parts)
    return there, {number: answers[place] for number, place in enumerate(places)}


def _times(questions: Questions, chosen: Chosen, answers: dict[int, Answer], device: str) -> Times:
    """Time the models on clips of some of the videos."""
    parts = chosen.parts[:: max(1, len(chosen.parts) // _TIMED_CLIPS)][:_TIMED_CLIPS]
    student, teacher = questions.student, questions.teacher
    paired = None
    if teacher is not None and teacher.runtime != student.runtime:
        paired = in_torch(student, device)
    return Times(
        decode_ms=float(np.median([one.decode_ms for one in answers.values()])),
        student=_timed(student, parts),
        teacher=None if teacher is None else _timed(teacher, parts),
        paired=None if paired is None else _timed(paired, parts),
    )


def _timed(asked: Asked, parts: tuple[Part, ...]) -> Latency:
    questions = Questions(student=asked, teacher=None, windows=1, seed=0, jobs=1)
    size = asked.model.sampling.size_px
    clips = [read_clip(part.video.path, questions.moments(part)[0], size) for part in parts]
    return timed(asked.model, clips, asked.runtime)
