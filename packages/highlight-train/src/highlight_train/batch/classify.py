"""``highlight-train batch-classify``: every video of a library scored, best first."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from footage.cli.progress import Progress
from footage.dataset.discover import Discovery, find_media
from footage.errors import printable
from footage.persistence.bundle import read_manifest
from footage.runs.directory import RunDirectory
from footage.runs.environment import usable_cpu_count
from highlight_train.batch.findings import FailedFile, Scan, scan_of
from highlight_train.batch.journal import FileState, ScoreJournal, file_state
from highlight_train.batch.local import Answered, score_locally
from highlight_train.batch.options import EXTENSIONS, BatchOptions, find_models
from highlight_train.batch.outputs import write_tables
from highlight_train.batch.report import REPORT_FILE, lay_out
from highlight_train.batch.work import Failure, Scoring, score_files, scoring_of
from highlight_train.scoring.decision import Decision, decide
from highlight_train.scoring.devices import devices_of
from highlight_train.scoring.video import ScoredVideo, scored_video

JOURNAL_FILE = "journal.sqlite"
TIMED_FILES = 3
JOURNAL_BYTES_A_FILE = 1200

Tell = Callable[[str], None]
MakeProgress = Callable[[int | None, int], Progress]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a scan would do.

    Attributes:
        files: videos in the library.
        bytes: their size together.
        known: how many of them an earlier scan has scored, and have not changed since.
        skipped: files and folders that cannot be used.
        models: what it would score with.
        estimated_seconds: for the others, from a few of them; None where there is none to time, or on a cluster.
        disk_bytes: rough size of the outputs.
    """

    files: int
    bytes: int
    known: int
    skipped: int
    models: tuple[Path, ...]
    estimated_seconds: float | None
    disk_bytes: int


def plan(options: BatchOptions) -> Plan:
    """Look through the library and time a few files; nothing is written.

    Raises:
        FootageError: as for ``run``.
    """
    scoring = _scoring(options)
    found = _found(options)
    files, _ = _states(found, options)
    journal_file = options.output / JOURNAL_FILE
    known = 0
    if journal_file.is_file():
        with ScoreJournal(journal_file, scoring.key()) as journal:
            pending = [file for file in files if _is_pending(journal, file)]
        known = len(files) - len(pending)
    else:
        pending = files
    return Plan(
        files=len(files),
        bytes=sum(file.size for file in files),
        known=known,
        skipped=len(found.skipped),
        models=scoring.models,
        estimated_seconds=None if options.scheduler is not None else _estimate(pending, scoring, options),
        disk_bytes=1_000_000 + JOURNAL_BYTES_A_FILE * len(files),
    )


def run(options: BatchOptions, *, tell: Tell, make_progress: MakeProgress) -> Scan:
    """Score every video of a library that has no score yet, and write what all of them have.

    Killed at any moment, the same call goes on where it was.

    Args:
        options: what to score, and how.
        tell: told what is found and what the user should know.
        make_progress: makes the progress display from the number of files and how many are already done.

    Returns:
        The scores; the files are in ``options.output``.

    Raises:
        DatasetError: the library holds no video.
        ModelError: a model cannot be used.
        InputError: the output folder cannot be used, or the cluster cannot be reached.
        MissingDependency: what the device or the cluster needs is not there.
        KeyboardInterrupt: stopped by the user; what was scored until then is written, as a partial scan.
    """
    started = time.monotonic()
    scoring = _scoring(options)
    decision = _decision(options, scoring)
    found = _found(options)
    tell(f"scoring with {', '.join(printable(str(model)) for model in scoring.models)} on {_where(options)}")
    tell(decision.text)
    settings = _settings(options, scoring, decision)
    with (
        RunDirectory(options.output).open(tool="highlight-train", settings=settings) as folder,
        ScoreJournal(folder.file(JOURNAL_FILE), scoring.key()) as journal,
    ):
        files, gone = _states(found, options)
        pending = [file for file in files if _is_pending(journal, file)]
        if len(pending) < len(files):
            tell(f"{len(files) - len(pending):,} of {len(files):,} videos have their scores from an earlier scan")
        try:
            with make_progress(len(files), len(files) - len(pending)) as progress:
                _score(_answers(pending, scoring, options), journal, progress)
        except KeyboardInterrupt:
            write_tables(_collect(files, gone, journal, decision), folder.path)
            raise
        scan = _collect(files, gone, journal, decision)
        write_tables(scan, folder.path)
        seconds = time.monotonic() - started
        origin = _origin(options, scoring, decision, scan, scored_now=len(pending), seconds=seconds)
        lay_out(scan, origin).write(folder.file(REPORT_FILE))
        folder.finish(
            scanned=scan.scanned,
            scored_now=len(pending),
            highlights=len(scan.highlights),
            failures=len(scan.failures),
        )
        return scan


def _scoring(options: BatchOptions) -> Scoring:
    models = find_models(options.models, options.output)
    return scoring_of(models, ensemble=options.ensemble, samples=options.samples)


def _decision(options: BatchOptions, scoring: Scoring) -> Decision:
    manifests = [read_manifest(model) for model in scoring.models]
    return decide(manifests, options.pooling, options.threshold)


def _found(options: BatchOptions) -> Discovery:
    return find_media(options.library, EXTENSIONS)


def _states(found: Discovery, options: BatchOptions) -> tuple[list[FileState], list[FailedFile]]:
    """The files as they are now, and what cannot be used."""
    root = options.library if options.library.is_dir() else Path()
    failed = [FailedFile(skipped.path, skipped.reason) for skipped in found.skipped]
    states = []
    for path in found.files[: options.most_files]:
        try:
            states.append(file_state(path, root))
        except OSError as error:
            failed.append(FailedFile(path, f"cannot be read ({error.strerror})"))
    return states, failed


def _is_pending(journal: ScoreJournal, file: FileState) -> bool:
    """Whether a file is still to do; those that failed are tried again."""
    answer = journal.find(file)
    return answer is None or isinstance(answer, Failure)


def _score(answered: Iterator[Answered], journal: ScoreJournal, progress: Progress) -> None:
    for files, answers in answered:
        journal.record(zip(files, answers, strict=True))
        failed = sum(isinstance(answer, Failure) for answer in answers)
        progress.advance(len(files) - failed)
        if failed:
            progress.fail(failed)


def _answers(pending: Sequence[FileState], scoring: Scoring, options: BatchOptions) -> Iterator[Answered]:
    if not pending:
        return iter(())
    if options.scheduler is None:
        return score_locally(pending, scoring, jobs=options.jobs, device=options.device)
    # The cluster's library is an extra and takes a second to import.
    from highlight_train.batch.cluster import score_on_cluster

    return score_on_cluster(pending, scoring, scheduler=options.scheduler, device=options.device)


def _collect(files: Sequence[FileState], gone: Sequence[FailedFile], journal: ScoreJournal, decision: Decision) -> Scan:
    """Everything the journal knows of the files that are there now; rows of files that are gone stay in it unused."""
    videos: list[ScoredVideo] = []
    failures = list(gone)
    missing = 0
    for file in files:
        answer = journal.find(file)
        if answer is None:
            missing += 1
        elif isinstance(answer, Failure):
            failures.append(FailedFile(file.path, answer.reason))
        else:
            videos.append(scored_video(file.path, answer, decision.pooling, decision.threshold))
    return scan_of(len(files), videos, failures, threshold=decision.threshold, complete=not missing)


def _estimate(pending: Sequence[FileState], scoring: Scoring, options: BatchOptions) -> float | None:
    if not pending:
        return None
    timed = [pending[index] for index in sorted({0, len(pending) // 2, len(pending) - 1})][:TIMED_FILES]
    score_files([timed[0].path], scoring)  # opens the models
    started = time.perf_counter()
    score_files([file.path for file in timed], scoring)
    each = (time.perf_counter() - started) / len(timed)
    return each * len(pending) / (options.jobs or usable_cpu_count())


def _where(options: BatchOptions) -> str:
    if options.scheduler is not None:
        return f"the cluster at {options.scheduler}"
    devices = devices_of(options.device)
    return f"{options.jobs or usable_cpu_count()} processors" if devices == ("cpu",) else ", ".join(devices)


def _settings(options: BatchOptions, scoring: Scoring, decision: Decision) -> dict[str, object]:
    models = [
        {"path": os.fspath(path), "sha256": sha256}
        for path, sha256 in zip(scoring.models, scoring.model_sha256s, strict=True)
    ]
    return {
        "library": os.fspath(options.library.absolute()),
        "models": models,
        "ensemble": options.ensemble,
        "pooling": decision.pooling,
        "pooling_from": decision.pooling_from,
        "samples": options.samples,
        "threshold": decision.threshold,
        "threshold_from": decision.threshold_from,
        "most_files": options.most_files,
    }


def _origin(
    options: BatchOptions, scoring: Scoring, decision: Decision, scan: Scan, *, scored_now: int, seconds: float
) -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = [("library", printable(str(options.library.absolute())))]
    for path, sha256 in zip(scoring.models, scoring.model_sha256s, strict=True):
        rows.append(("model", f"{printable(str(path))} (SHA-256 {sha256[:12]})"))
    if len(scoring.models) > 1:
        rows.append(("several models", f"{scoring.ensemble.value} of their answers"))
    return [
        *rows,
        ("pictures a video", f"up to {scoring.samples}, keyframes where the file has an index of them"),
        ("score of a video", f"{decision.pooling.value} of its pictures' scores ({decision.pooling_from})"),
        ("a highlight from", f"{decision.threshold:.3g} ({decision.threshold_from})"),
        ("videos found", scan.scanned),
        ("read in this run", f"{scored_now} in {seconds:.1f} s on {_where(options)}"),
    ]
