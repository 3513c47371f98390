"""What is verified, one finding a question."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from blur_train.classes import BLUR_TYPES, CLASSES
from blur_train.classifier import NAMES_FILE, BlurClassifier, Decision, read_names
from blur_train.photos import PhotoError, read_photo
from blur_train.verify.client import CLASSIFY, Answer, Client
from footage.errors import InputError, ModelError
from footage.metrics.intervals import Interval, wilson

TOLERANCE: Final = 1e-6
"""Probabilities go through JSON as they are; one that differs by more was computed otherwise."""
BATCH_PHOTOS: Final = 50
BATCH_SECONDS: Final = 120.0
_POLL_SECONDS: Final = 0.05
NOT_A_PHOTO: Final = b"this is no photo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The answer to one question.

    Attributes:
        name: the question.
        ok: whether it is as it should be.
        detail: what was found.
    """

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A photo and what it should be.

    Attributes:
        path: of the photo.
        label: its class, by its folder.
    """

    path: Path
    label: str


Decisions = Mapping[Path, Decision]


def check_files(model: Path, classifier: BlurClassifier) -> list[Finding]:
    """Whether the files that a service loads are those that belong together; opening the model compared the hash."""
    folder = classifier.path.parent
    try:
        names = read_names(folder)
        listed = Finding(name="class names", ok=names == CLASSES, detail=f"{NAMES_FILE}: {', '.join(names)}")
    except ModelError as error:
        listed = Finding(name="class names", ok=False, detail=str(error))
    detail = f"{model}: SHA-256 {classifier.manifest.model_sha256[:12]} as its manifest says"
    return [Finding(name="model", ok=True, detail=detail), listed]


def decide_all(
    photos: Sequence[Expected], classifier: BlurClassifier, preset: str, advance: Callable[[], None]
) -> tuple[dict[Path, Decision], list[tuple[Path, str]]]:
    """Judge every photo here, and say which cannot be judged."""
    decisions, failed = {}, []
    for photo in photos:
        try:
            image = read_photo(photo.path, luma=classifier.by_luma).image
        except PhotoError as error:
            failed.append((photo.path, error.what))
        else:
            (decisions[photo.path],) = classifier.decide([classifier.evidence(image)], preset)
        advance()
    return decisions, failed


def check_expected(photos: Sequence[Expected], decisions: Decisions, at_least: float) -> tuple[Finding, Interval]:
    """Whether so many photos are what their folder says."""
    judged = [photo for photo in photos if photo.path in decisions]
    right = sum(decisions[photo.path].predicted_class == photo.label for photo in judged)
    share = wilson(right, len(judged))
    ok = share.estimate is not None and share.estimate >= at_least
    detail = f"{share.text(percent=True, digits=1)} are as their folder says; at least {at_least:.0%} are wanted"
    return Finding(name="expected answers", ok=ok, detail=detail), share


def check_rows(decisions: Decisions, rows: Mapping[Path, tuple[str | None, Mapping[str, float] | None]]) -> Finding:
    """Whether the command line gives every photo the same answer, in processes of its own."""
    flipped = [path for path, one in decisions.items() if not _same(one, *rows.get(path, (None, None)))]
    return _agreement("command line", flipped, len(decisions))


def check_server(client: Client, classifier: BlurClassifier) -> list[Finding]:
    """Whether the server lives, and serves this model."""
    health, ready = client.get("/health"), client.get("/ready")
    findings = [Finding(name="health", ok=health.status == 200, detail=f"status {health.status}")]
    if ready.status != 200:
        findings.append(Finding(name="readiness", ok=False, detail=f"status {ready.status}: {_message(ready)}"))
        return findings
    same = ready.body.get("model_sha256") == classifier.manifest.model_sha256
    detail = "ready, with this model" if same else "serves another model"
    return [*findings, Finding(name="readiness", ok=same, detail=detail)]


def check_answers(client: Client, decisions: Decisions, preset: str, advance: Callable[[], None]) -> list[Finding]:
    """Whether the server gives every photo the same answer, full and for each type."""
    full, targeted = [], []
    for path, decision in decisions.items():
        photo = path.read_bytes()
        answer = client.send(photo, preset=preset)
        data = _data(answer)
        if not _same(decision, data.get("predicted_class"), data.get("probabilities")):
            full.append(path)
        for kind in BLUR_TYPES:
            one = _data(client.send(photo, blur_type=kind, preset=preset))
            if one.get("detected") is not decision.detected[kind] or one.get("blur_type") != kind:
                targeted.append(path)
                break
        advance()
    name = "each of three types"
    return [_agreement("full answers", full, len(decisions)), _agreement(name, targeted, len(decisions))]


def check_batch(client: Client, decisions: Decisions, preset: str) -> Finding:
    """Whether a batch gives every photo the same answer, once.

    Raises:
        InputError: the server cannot be reached.
    """
    paths = list(decisions)[:BATCH_PHOTOS]
    taken = client.send_batch([path.read_bytes() for path in paths], preset=preset)
    job_id = _data(taken).get("job_id")
    if taken.status != 202 or not isinstance(job_id, str):
        return Finding(name="a batch", ok=False, detail=f"status {taken.status}: {_message(taken)}")
    ends_at = time.monotonic() + BATCH_SECONDS
    results = _data(client.get(f"{CLASSIFY}/batch/{job_id}/results"))
    while results.get("status") != "finished" and time.monotonic() < ends_at:
        time.sleep(_POLL_SECONDS)
        results = _data(client.get(f"{CLASSIFY}/batch/{job_id}/results"))
    if results.get("status") != "finished":
        detail = f"{results.get('done', 0)} of {len(paths)} photos were done within {BATCH_SECONDS:.0f} s"
        return Finding(name="a batch", ok=False, detail=f"{detail}; does a worker run?")
    items = {item["index"]: item for item in results["items"]}
    flipped = [
        path
        for index, path in enumerate(paths)
        if not _same(decisions[path], items[index].get("predicted_class"), items[index].get("probabilities"))
    ]
    return _agreement("a batch", flipped, len(paths))


def check_refusals(client: Client, photo: bytes) -> list[Finding]:
    """Whether what is no photo is refused as it should be, and never called blurred."""
    wanted = [
        ("no picture", client.send(NOT_A_PHOTO), 415, "unsupported_media_type"),
        ("an empty file", client.send(b""), 422, "empty_file"),
        ("half a photo", client.send(photo[: len(photo) // 2]), 422, None),
        ("an unknown type", client.send(photo, blur_type="gaussian"), 422, "invalid_request"),
    ]
    if client.key is not None:
        other = Client(client.address, "x" * len(client.key))
        wanted.append(("a wrong key", other.send(photo), 401, "unauthorized"))
    return [
        Finding(
            name=f"refuses {what}",
            ok=answer.status == status and (code is None or answer.code == code),
            detail=f"status {answer.status} {answer.code}",
        )
        for what, answer, status, code in wanted
    ]


def example_of(decisions: Decisions) -> bytes:
    """The bytes of one of the photos.

    Raises:
        InputError: there is none.
    """
    for path in decisions:
        return path.read_bytes()
    raise InputError("no photo could be judged", remedy="give photos that open elsewhere")


def _same(decision: Decision, name: object, probabilities: object) -> bool:
    if name != decision.predicted_class or not isinstance(probabilities, Mapping):
        return False
    return all(abs(probabilities.get(one, 2.0) - value) <= TOLERANCE for one, value in decision.probabilities.items())


def _agreement(name: str, flipped: Sequence[Path], count: int) -> Finding:
    detail = f"{count - len(flipped):,} of {count:,} photos have the model's own answer"
    if flipped:
        detail += f"; others are {', '.join(str(path) for path in flipped[:3])}"
    return Finding(name=name, ok=not flipped and count > 0, detail=detail)


def _data(answer: Answer) -> Mapping[str, Any]:
    data = answer.body.get("data") if isinstance(answer.body, dict) else None
    return data if isinstance(data, dict) else {}


def _message(answer: Answer) -> str:
    error = answer.body.get("error") if isinstance(answer.body, dict) else None
    return str(error.get("message", "")) if isinstance(error, dict) else "no answer that can be read"
