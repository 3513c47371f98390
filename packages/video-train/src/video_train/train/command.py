"""``video-train train``: from labelled videos to a small classifier, and the evidence for it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from footage.runs.directory import RunDirectory
from footage.training.devices import resolve_device
from video_train.catalogue.events import KnownEvent, known_events
from video_train.catalogue.labels import Labelled, counts, read_labels
from video_train.catalogue.sides import SIDES, deal
from video_train.train.findings import Findings
from video_train.train.options import TrainOptions
from video_train.train.outputs import write_outputs
from video_train.train.rows import MakeProgress, Tell
from video_train.train.session import Session, processes_of, settings_of, teacher_words

SMOKE_EVENTS = 3
SMOKE_EPOCHS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainPlan:
    """What training would do.

    Attributes:
        classes: events of each.
        source: where the labels come from.
        events: of each side.
        steps: of the optimiser at most, over all networks.
        stored_megabytes: on disk, for clips that are looked at again.
        networks: what would be trained.
        device: where, and why.
        skipped: videos that cannot be used.
        doubts: what limits the result, as far as it can be known before.
    """

    classes: dict[str, int]
    source: str
    events: dict[str, int]
    steps: int
    stored_megabytes: float
    networks: tuple[str, ...]
    device: str
    skipped: int
    doubts: tuple[str, ...]


def plan(options: TrainOptions) -> TrainPlan:
    """Read labels and lengths, deal the events, and say what training would take; nothing is written.

    Raises:
        FootageError: as for :func:`train`.
    """
    device = resolve_device(options.device)
    labelled, events, skipped = _events(options, lambda _: None)
    sides = deal(events, seed=options.seed)
    steps = round(len(sides.rows("train")) / options.batch_size) * options.epochs
    trained = (2 * options.compare if options.compare else 1) + (options.distill and options.teacher_run is None)
    clips = len(sides.rows("train")) * (1 + options.views)
    clips += (len(sides.parts) - len(sides.rows("train"))) * options.windows
    sampling = options.sampling
    return TrainPlan(
        classes=counts([one.event for one in events]),
        source=labelled.source,
        events={name: sides.count(name)[0] for name in SIDES},
        steps=max(1, steps) * trained,
        stored_megabytes=clips * sampling.frames * sampling.size_px**2 * 3 / 1e6,
        networks=(options.student, *([teacher_words(options)] if options.distill else [])),
        device=device.reason,
        skipped=skipped,
        doubts=sides.doubts,
    )


def train(options: TrainOptions, *, tell: Tell, make_progress: MakeProgress) -> Findings:
    """Train a teacher or check one, teach a student, measure both once on held-out videos, write everything.

    Killed and called again, it goes on from its last checkpoint and ends with the same model, on a CPU to the last bit.

    Args:
        options: what to train on, and how.
        tell: told what is chosen and what the user should know.
        make_progress: makes the progress display from the number of items and how many are already done.

    Raises:
        DatasetError: there is too little to learn from.
        GateNotMet: the teacher is no better than chance.
        InputError: the output folder cannot be used, or there is nothing to resume.
        ModelError: the weights cannot be used, or the exported model decides otherwise.
        MissingDependency: the device or the weights cannot be had.
    """
    device = resolve_device(options.device)
    tell(f"computing on {device.reason}")
    processes = processes_of(options, device)
    labelled, events, _ = _events(options, tell)
    sides = deal(events, seed=options.seed)
    settings = settings_of(options, processes)
    with RunDirectory(options.output).open(tool="video-train", seed=options.seed, settings=settings) as folder:
        session = Session(options, device, processes=processes, tell=tell, make_progress=make_progress)
        failed = session.read(sides)
        for doubt in session.sides.doubts:
            tell(f"warning: {doubt}")
        teacher = session.teacher() if options.distill else None
        comparison, student, network = session.students(teacher)
        findings = Findings(
            classes=sides.classes,
            device=device.reason,
            settings=settings,
            source=labelled.source,
            sides=session.sides,
            test_events=session.test_events,
            skipped=(*labelled.skipped, *failed),
            student=student,
            teacher=None if teacher is None else teacher[1],
            comparison=comparison,
            doubts=session.sides.doubts,
        )
        write_outputs(findings, network, session.side_rows("val") + session.side_rows("test"), options, folder)
        session.tidy()
    return findings


def _events(options: TrainOptions, tell: Tell) -> tuple[Labelled, list[KnownEvent], int]:
    labelled = read_labels(options.video_dir, annotations=options.annotations, pattern=options.pattern)
    found = ", ".join(f"{name} {count}" for name, count in counts(labelled.events).items())
    tell(f"{labelled.source}: {found}")
    chosen, taken = [], Counter[str]()
    for event in labelled.events:
        taken[event.label] += 1
        if options.max_events is None or taken[event.label] <= options.max_events:
            chosen.append(event)
    events, unusable = known_events(chosen)
    skipped = (*labelled.skipped, *unusable)
    for one in skipped:
        tell(f"warning: left out {one.path}: {one.reason}")
    return replace(labelled, skipped=skipped), events, len(skipped)
