"""The verb ``classify``: what it prints, and the code it ends with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from blur_train.classify.classify import Answers, Plan, plan, run, words
from blur_train.classify.options import ClassifyOptions
from footage.cli.console import print_json, print_table, result, talk, warn
from footage.cli.exits import ExitCode
from footage.cli.progress import format_rate, progress
from footage.errors import DatasetError, ModelError, printable

SMOKE_PHOTOS: Final = 4
SHOWN: Final = 20


def show(options: ClassifyOptions, *, dry_run: bool, as_json: bool) -> ExitCode:
    """Run the verb and print what it found.

    Args:
        options: what to classify, and how.
        dry_run: print the plan only.
        as_json: print one JSON document.

    Returns:
        ``SOME_INPUTS_FAILED`` where a photo has no answer, or no sidecar that it should have.

    Raises:
        FootageError: as :func:`blur_train.classify.classify.run`.
    """
    with _hints():
        if dry_run:
            return _show_plan(plan(options), as_json=as_json)
        answers = run(
            options,
            tell=talk,
            make_progress=lambda total, done: progress(total, "photos", "judging", already_done=done),
        )
    if as_json:
        print_json(_document(answers))
    else:
        _print(answers)
    failed = answers.failed or answers.skipped or answers.sidecars_refused
    return ExitCode.SOME_INPUTS_FAILED if failed else ExitCode.DONE


@contextmanager
def _hints() -> Iterator[None]:
    """Name the arguments that what was given came from."""
    try:
        yield
    except ModelError as error:
        error.add_note("--model is the folder of an exported model: blur-train export makes one")
        raise
    except DatasetError as error:
        error.add_note("PATH names photos, folders of them or globs")
        raise


def _print(answers: Answers) -> None:
    result(answers.lead)
    print_table(("answer", "photos"), answers.counts.items())
    answered = [row for row in answers.rows if row.predicted_class is not None]
    if 0 < len(answered) <= SHOWN:
        print_table(
            ("answer", "confidence", "photo"),
            [(row.predicted_class, f"{row.confidence:.3f}", str(row.path)) for row in answered],
        )
    for row in answers.failed:
        result(printable(f"could not be judged: {row.path}: {row.error}"))
    for line in words(answers.skipped):
        result(f"could not be used: {line}")
    for line in words(answers.sidecars_refused):
        result(f"has no sidecar: {line}")
    if answers.judged_now and answers.seconds:
        talk(f"{answers.judged_now:,} photos judged at {format_rate(answers.judged_now / answers.seconds, 'photos')}")
    for file in answers.files:
        result(str(file))


def _document(answers: Answers) -> dict[str, object]:
    return {
        "lead": answers.lead,
        "counts": answers.counts,
        "failed": len(answers.failed),
        "judged_now": answers.judged_now,
        "photos": answers.rows,
        "skipped": answers.skipped,
        "sidecars_refused": answers.sidecars_refused,
        "files": answers.files,
    }


def _show_plan(found: Plan, *, as_json: bool) -> ExitCode:
    if as_json:
        print_json(found)
        return ExitCode.DONE
    result(
        f"would judge {found.photos - found.known:,} of {found.photos:,} photos ({found.bytes / 1e6:,.0f} MB together) "
        f"with {printable(str(found.model))}"
    )
    if found.skipped:
        warn(f"would leave out {found.skipped:,} files or folders that cannot be used")
    if found.estimated_seconds is not None:
        result(f"about {found.estimated_seconds:.0f} s by a few of them; {found.disk_bytes / 1e6:.1f} MB of results")
    return ExitCode.DONE
