"""The verb ``validate``: the checklist as gates, on held-out clips tracked by Blender."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from eztrack_tune.aggregate.recommendation import Defaults, read_defaults
from eztrack_tune.scan.record import TUNING
from eztrack_tune.sessions.read import read_sessions
from eztrack_tune.sessions.record import Session
from eztrack_tune.validate.gates import Limits, validate_class
from eztrack_tune.validate.report import GATE_COLUMNS, gate_rows, lay_out
from eztrack_tune.validate.validation import VALIDATION_FILE, Validation
from footage.cli.console import print_json, print_table, result
from footage.cli.exits import ExitCode
from footage.errors import GateNotMet, printable
from footage.runs.directory import RunDirectory
from footage.runs.files import atomic_write_json

REPORT_FILE = "report.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateOptions:
    """What to validate, and by what.

    Attributes:
        defaults: ``defaults.json`` or its folder.
        sessions: files, folders and globs.
        output: the folder for everything written.
        limits: what the gates ask for.
        seed: of the resamples.
    """

    defaults: Path
    sessions: tuple[Path, ...]
    output: Path
    limits: Limits = field(default_factory=Limits)
    seed: int = 0


def find(options: ValidateOptions) -> Validation:
    """Read the sessions and check every gate; nothing is written.

    Raises:
        DatasetError: the defaults cannot be read, or there is no session.
    """
    defaults = read_defaults(options.defaults)
    read = read_sessions(options.sessions)
    kept, left_out = held_out(read.sessions, defaults)
    rng = np.random.default_rng(options.seed)
    classes = {}
    for recommended in defaults.changed:
        sessions = [session for session in kept if session.footage.name == recommended.class_name]
        classes[recommended.class_name] = validate_class(recommended, sessions, options.limits, rng)
    return Validation(
        defaults=defaults, limits=options.limits, classes=classes, left_out=left_out, skipped=read.skipped
    )


def held_out(sessions: Sequence[Session], defaults: Defaults) -> tuple[list[Session], dict[str, int]]:
    """The sessions that may validate: Blender's, on clips that were not tuned on; the others counted by reason."""
    tuned_on = {clip for one in defaults.classes.values() for clip in one.tuned_on}
    kept, left_out = [], Counter[str]()
    for session in sessions:
        if session.backend != "blender":
            left_out[f"tracked by {session.backend}, and not by Blender"] += 1
        elif session.clip in tuned_on or session.side == TUNING:
            left_out["of clips that were tuned on"] += 1
        elif session.unusable is not None:
            left_out[session.unusable] += 1
        else:
            kept.append(session)
    return kept, dict(left_out)


def run(options: ValidateOptions) -> Validation:
    """Check every gate, and write ``validation.json`` and the report.

    Raises:
        DatasetError: as :func:`find`.
        InputError: another process is working in the output folder.
    """
    found = find(options)
    with RunDirectory(options.output).open(tool="eztrack-tune", seed=options.seed) as folder:
        atomic_write_json(folder.file(VALIDATION_FILE), found.document())
        lay_out(found).write(folder.file(REPORT_FILE))
        folder.finish(passed=found.passed, defaults_sha256=found.defaults.sha256)
    return found


def show(options: ValidateOptions, *, dry_run: bool, as_json: bool) -> ExitCode:
    """Run the verb and print what it found.

    Returns:
        ``SOME_INPUTS_FAILED`` where a file could not be read.

    Raises:
        GateNotMet: a gate was not met; everything was printed and written before.
        FootageError: as :func:`run`.
    """
    found = find(options) if dry_run else run(options)
    files = [] if dry_run else [str(options.output / name) for name in (VALIDATION_FILE, REPORT_FILE)]
    if as_json:
        print_json({**found.document(), "files": files})
    else:
        _print(found, files)
    if not found.passed:
        raise GateNotMet(
            found.lead[:-1], remedy="sweep more held-out clips with these settings, or leave the class as it is"
        )
    return ExitCode.SOME_INPUTS_FAILED if found.skipped else ExitCode.DONE


def _print(found: Validation, files: Sequence[str]) -> None:
    result(found.lead)
    if found.classes:
        print_table(GATE_COLUMNS, gate_rows(found))
    for name, one in found.classes.items():
        versions = ", ".join(f"{version} ({count})" for version, count in one.versions.items()) or "none"
        platforms = ", ".join(f"{system} ({count})" for system, count in one.platforms.items()) or "none"
        result(printable(f"{name}: trials by Blender version: {versions}; by operating system: {platforms}"))
        if one.gain is not None:
            result(f"{name}: gain of the score over today's default: {one.gain.text(digits=3, group='clip')}")
    for reason, count in found.left_out.items():
        result(f"did not count: {count} {reason}")
    for skipped in found.skipped:
        result(printable(f"could not be read: {skipped.path}: {skipped.reason}"))
    for file in files:
        result(file)
