"""``blur-train classify``: every photo gets its answer, once."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from blur_train.classes import CLASSES
from blur_train.classifier import model_file
from blur_train.classify.options import ClassifyOptions, Sidecars
from blur_train.classify.outputs import SIDECAR_FOLDER, write_sidecars, write_tables
from blur_train.classify.work import Row, Task, judge_photo, row_of
from blur_train.photos import PHOTO_EXTENSIONS
from footage.cli.progress import Progress
from footage.dataset.discover import find_media
from footage.errors import ModelError, printable
from footage.parallel import Outcome, parallel_map
from footage.persistence.bundle import verify
from footage.runs.directory import JOURNAL_FILE, RunDirectory
from footage.runs.environment import usable_cpu_count
from footage.runs.journal import KEY

ROW_VERSION: Final = 1
"""Changes when the same photo would give another row: earlier rows are then not used."""
TIMED_PHOTOS: Final = 3
BYTES_A_PHOTO: Final = 1_500

Tell = Callable[[str], None]
MakeProgress = Callable[[int | None, int], Progress]
_State = tuple[str, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run would do.

    Attributes:
        photos: found.
        bytes: their size together.
        known: how many of them an earlier run has judged, and have not changed since.
        skipped: files and folders that cannot be used.
        model: what it would judge with.
        estimated_seconds: for the others, from a few of them; None where there are none.
        disk_bytes: rough size of the outputs.
    """

    photos: int
    bytes: int
    known: int
    skipped: int
    model: Path
    estimated_seconds: float | None
    disk_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What became of the photos.

    Attributes:
        rows: one a photo, in the order of their names, those without an answer among them.
        skipped: files and folders that could not be used at all, with the reason.
        sidecars_refused: photos whose sidecar was not written, with the reason.
        judged_now: how many were judged in this run.
        seconds: that this took.
        files: what was written.
    """

    rows: tuple[Row, ...]
    skipped: tuple[tuple[Path, str], ...]
    sidecars_refused: tuple[tuple[Path, str], ...]
    judged_now: int
    seconds: float
    files: tuple[Path, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Photos by answer, in the order of the classes."""
        counted = Counter(row.predicted_class for row in self.rows)
        return {name: counted[name] for name in CLASSES}

    @property
    def failed(self) -> tuple[Row, ...]:
        """The photos without an answer."""
        return tuple(row for row in self.rows if row.predicted_class is None)

    @property
    def lead(self) -> str:
        """All of it in a sentence."""
        blurred = sum(count for name, count in self.counts.items() if name != CLASSES[-1])
        answered = len(self.rows) - len(self.failed)
        without = f"; {len(self.failed):,} could not be judged" if self.failed else ""
        return f"{blurred:,} of {answered:,} photos are blurred{without}"


def plan(options: ClassifyOptions) -> Plan:
    """Look at what there is and time a few photos; nothing is written.

    Raises:
        FootageError: as for :func:`run`.
    """
    skipped, tasks, sha256 = _tasks(options)
    known = _peek(options, sha256)
    pending = [task for task in tasks if task.state not in known]
    return Plan(
        photos=len(tasks),
        bytes=sum(task.size for task in tasks),
        known=len(tasks) - len(pending),
        skipped=len(skipped),
        model=options.model,
        estimated_seconds=_estimate(pending, options.jobs or usable_cpu_count()),
        disk_bytes=BYTES_A_PHOTO * len(tasks) * (1 if options.sidecars is Sidecars.NONE else 3),
    )


def run(options: ClassifyOptions, *, tell: Tell, make_progress: MakeProgress) -> Answers:
    """Judge every photo that has no answer yet, and write the answers of all.

    Killed at any moment, the same call goes on where it was. Originals are only read.

    Args:
        options: what to classify, and how.
        tell: told what the user should know.
        make_progress: makes the progress display from the number of photos and how many are already done.

    Raises:
        DatasetError: there is no photo.
        ModelError: the model cannot be used.
        InputError: the output folder cannot be used.
    """
    skipped, tasks, sha256 = _tasks(options)
    started = time.monotonic()
    settings = {"model": options.model, "model_sha256": sha256, "preset": options.preset}
    with (
        RunDirectory(options.output).open(tool="blur-train", settings=settings) as folder,
        folder.journal(_key(options, sha256)) as journal,
    ):
        if journal.restarted_because is not None:
            tell(journal.restarted_because)
        known = _answered(journal)
        pending = [task for task in tasks if task.state not in known]
        if len(pending) < len(tasks):
            tell(f"{len(tasks) - len(pending):,} of {len(tasks):,} photos have their answer from an earlier run")
        with make_progress(len(tasks), len(tasks) - len(pending)) as progress:
            for outcome in parallel_map(judge_photo, pending, jobs=options.jobs, ordered=False):
                row = _row(outcome)
                journal.append({"state": outcome.item.state, "row": row})
                known[outcome.item.state] = row
                (progress.advance if row.error is None else progress.fail)()
        rows = tuple(known[task.state] for task in tasks)
        files = write_tables(rows, folder.path)
        refused = _sidecars(rows, options)
        answers = Answers(
            rows=rows,
            skipped=tuple(skipped),
            sidecars_refused=tuple(refused),
            judged_now=len(pending),
            seconds=time.monotonic() - started,
            files=files,
        )
        folder.finish(photos=len(rows), counts=answers.counts, failed=len(answers.failed), judged_now=len(pending))
    return answers


def _tasks(options: ClassifyOptions) -> tuple[list[tuple[Path, str]], list[Task], str]:
    """What cannot be used, with the reason; the photos as they are now; the model's hash.

    Raises:
        DatasetError: there is no photo.
        ModelError: the model cannot be used.
    """
    model = model_file(options.model)
    sha256 = verify(model).model_sha256
    found = find_media(options.photos, PHOTO_EXTENSIONS)
    skipped = [(one.path, one.reason) for one in found.skipped]
    tasks = []
    for path in found.files[: options.most_photos]:
        try:
            state = path.stat()
        except OSError as error:
            skipped.append((path, f"cannot be read ({error.strerror})"))
            continue
        tasks.append(
            Task(
                path=path,
                size=state.st_size,
                modified_ns=state.st_mtime_ns,
                model=model.absolute(),
                model_sha256=sha256,
                preset=options.preset,
                device=options.device,
            )
        )
    return skipped, tasks, sha256


def _key(options: ClassifyOptions, sha256: str) -> dict[str, object]:
    return {"row_version": ROW_VERSION, "model_sha256": sha256, "preset": options.preset}


def _peek(options: ClassifyOptions, sha256: str) -> dict[_State, Row]:
    """What an earlier run with the same model knows; its journal is not opened, so that a plan changes nothing."""
    file = RunDirectory(options.output).file(JOURNAL_FILE)
    if not file.is_file():
        return {}
    with file.open("rb") as lines:
        try:
            if json.loads(next(lines, b"null")) != {KEY: _key(options, sha256)}:
                return {}
            return _answered(json.loads(line) for line in lines if line.endswith(b"\n"))
        except (ValueError, RecursionError):
            return {}


def _answered(journal: Iterable[dict[str, Any]]) -> dict[_State, Row]:
    """The photos that have their answer; those that failed are tried again."""
    rows = {(r["state"][0], r["state"][1], r["state"][2]): row_of(r["row"]) for r in journal}
    return {state: row for state, row in rows.items() if row.error is None}


def _row(outcome: Outcome[Task, Row]) -> Row:
    """The row of a photo, whatever became of it.

    Raises:
        ModelError: the model failed, as it would on every other photo.
    """
    if outcome.value is not None:
        return outcome.value
    assert outcome.error is not None  # noqa: S101 - one of the two is there
    if outcome.error.kind == ModelError.__name__:
        raise ModelError(outcome.error.message)
    return Row(path=outcome.item.path, problem=outcome.error.kind, error=outcome.error.message)


def _sidecars(rows: Sequence[Row], options: ClassifyOptions) -> list[tuple[Path, str]]:
    if options.sidecars is Sidecars.NONE:
        return []
    return write_sidecars(rows, options.sidecars, None if options.beside else options.output / SIDECAR_FOLDER)


def _estimate(pending: Sequence[Task], jobs: int) -> float | None:
    if not pending:
        return None
    judge_photo(pending[0])  # opens the model
    timed = [pending[index] for index in sorted({0, len(pending) // 2, len(pending) - 1})][:TIMED_PHOTOS]
    started = time.perf_counter()
    for task in timed:
        judge_photo(task)
    return (time.perf_counter() - started) / len(timed) * len(pending) / jobs


def words(refused: Iterable[tuple[Path, str]]) -> list[str]:
    """What could not be used, a line each."""
    return [printable(f"{path}: {reason}") for path, reason in refused]
