"""The verb ``verify``: what it does in turn, what it prints, and the code it ends with."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blur_train.classes import CLASSES
from blur_train.classifier import MODEL_FOLDER, BlurClassifier
from blur_train.classify.classify import run as classify
from blur_train.classify.options import ClassifyOptions
from blur_train.decision import Preset
from blur_train.prepare.sources import find_photos
from blur_train.verify import checks
from blur_train.verify.checks import Expected, Finding
from blur_train.verify.client import Client
from blur_train.verify.server import own_server
from footage.cli.console import print_json, result, talk
from footage.cli.exits import ExitCode
from footage.cli.progress import Progress, progress
from footage.errors import DatasetError, InputError, printable
from footage.metrics.intervals import Interval

SMOKE_PHOTOS: Final = 8
REPORTED: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyOptions:
    """What to verify, and against what.

    Attributes:
        photos: a folder with a folder for each class, as ``prepare`` reads and writes it.
        model: the folder of an exported classifier, or its ``.onnx`` file.
        server: the address of a server; None starts one.
        key: for that server.
        preset: how readily a photo is called blurred.
        at_least: the share of photos that must be what their folder says.
        most_photos: take so many of each class only; None for all.
    """

    photos: Path
    model: Path = MODEL_FOLDER
    server: str | None = None
    key: str | None = None
    preset: Preset = Preset.MODERATE
    at_least: float = 0.9
    most_photos: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was found.

    Attributes:
        findings: in the order of the questions.
        share: of photos that are as their folder says.
        unread: photos that could not be judged, with the reason.
    """

    findings: tuple[Finding, ...]
    share: Interval
    unread: tuple[tuple[Path, str], ...]

    @property
    def ok(self) -> bool:
        """Whether everything is as it should be."""
        return all(one.ok for one in self.findings)


def show(options: VerifyOptions, *, dry_run: bool, as_json: bool) -> ExitCode:
    """Verify and print what was found.

    Args:
        options: what to verify.
        dry_run: print the plan only.
        as_json: print one JSON document.

    Returns:
        ``GATE_NOT_MET`` where something is not as it should be, ``SOME_INPUTS_FAILED`` where all is well with the
        photos that could be read.

    Raises:
        FootageError: as :func:`run`.
    """
    if dry_run:
        photos = expected(options)
        counts = {name: sum(photo.label == name for photo in photos) for name in CLASSES}
        if as_json:
            print_json({"photos": counts, "model": options.model, "server": options.server})
        else:
            where = options.server or "a server of its own"
            result(printable(f"would verify {options.model} and {where} with {len(photos)} photos"))
        return ExitCode.DONE
    found = run(options)
    if as_json:
        print_json({"ok": found.ok, "findings": found.findings, "share": found.share, "unread": found.unread})
    else:
        for one in found.findings:
            result(printable(f"{'ok    ' if one.ok else 'FAILED'}  {one.name}: {one.detail}"))
        for path, reason in found.unread[:REPORTED]:
            result(printable(f"could not be judged: {path}: {reason}"))
        failed = sum(not one.ok for one in found.findings)
        result(f"{failed} of {len(found.findings)} checks failed" if failed else "everything is as it should be")
    if not found.ok:
        return ExitCode.GATE_NOT_MET
    return ExitCode.SOME_INPUTS_FAILED if found.unread else ExitCode.DONE


def run(options: VerifyOptions) -> Verified:
    """Hold model, command line and server against each other and against what the photos should be.

    Raises:
        DatasetError: there are no photos in folders of classes.
        ModelError: the model cannot be used.
        InputError: the server cannot be reached.
    """
    photos = expected(options)
    classifier = BlurClassifier.open(options.model, device="cpu")
    findings = checks.check_files(options.model, classifier)
    preset = options.preset.value
    with progress(len(photos), "photos", "judging here") as told:
        decisions, unread = checks.decide_all(photos, classifier, preset, told.advance)
    as_expected, share = checks.check_expected(photos, decisions, options.at_least)
    findings += [as_expected, checks.check_rows(decisions, _rows(list(decisions), options))]
    photo = checks.example_of(decisions)
    with _server(options) as client:
        findings += checks.check_server(client, classifier)
        with progress(len(decisions), "photos", "asking the server") as told:
            findings += checks.check_answers(client, decisions, preset, told.advance)
        findings.append(checks.check_batch(client, decisions, preset))
        findings += checks.check_refusals(client, photo)
    return Verified(findings=tuple(findings), share=share, unread=tuple(unread))


def expected(options: VerifyOptions) -> list[Expected]:
    """The photos and what they should be.

    Raises:
        DatasetError: there are none.
    """
    try:
        candidates, _ = find_photos(options.photos, {})
    except DatasetError as error:
        error.add_note("PHOTOS holds a folder for each class, such as dataset/test")
        raise
    chosen = []
    for name in CLASSES:
        of_class = [Expected(path=one.path, label=name) for one in candidates if one.label.value == name]
        chosen += of_class[: options.most_photos]
    return chosen


def _rows(paths: list[Path], options: VerifyOptions) -> dict[Path, tuple[str | None, Mapping[str, float] | None]]:
    """The command line's answers, from its files."""
    with tempfile.TemporaryDirectory(prefix="blur-train-") as folder:
        answers = classify(
            ClassifyOptions(photos=tuple(paths), model=options.model, output=Path(folder), preset=options.preset),
            tell=talk,
            make_progress=lambda total, done: Progress(total, "photos", "classifying", already_done=done),
        )
    return {row.path: (row.predicted_class, row.probabilities) for row in answers.rows}


@contextmanager
def _server(options: VerifyOptions) -> Iterator[Client]:
    if options.server is None:
        with own_server(options.model) as client:
            yield client
        return
    client = Client(options.server, options.key)
    try:
        yield client
    except InputError as error:
        error.add_note("--server is the address of a running blur-train serve; without it one is started")
        raise
