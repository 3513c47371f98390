"""Reading what a run left behind: its record, its figures and its answers, whichever trainer wrote them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from footage.errors import InputError
from footage.metrics.intervals import Interval
from footage.runs.directory import FORMAT_VERSION, RUN_FILE

METRICS_FILES = ("metrics.json", "evaluation.json", "video_evaluation.json", "validation.json", "defaults.json")
"""Where the figures of a run stand: those of a training, of an evaluation, of a validation, of a comparison."""
PREDICTIONS_FILES = ("predictions.csv", "answers.csv")


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a table of answers say what.

    Attributes:
        keys: what tells one item from another.
        answer: the model's answer, or its score.
        label: what is true; None where the table does not say.
        groups: what items stand or fall together by; empty where each stands by itself.
        is_score: whether ``answer`` is a score that a threshold makes an answer of.
    """

    keys: tuple[str, ...]
    answer: str
    label: str | None = None
    groups: tuple[str, ...] = ()
    is_score: bool = False

    def names(self) -> set[str]:
        """All columns that must be there."""
        return {*self.keys, self.answer, *self.groups, *(() if self.label is None else (self.label,))}


TABLES = (
    Columns(("clip", "track_id", "start_frame", "frame"), "predicted", "iou_label", ("clip", "track_id")),
    Columns(("side", "file"), "predicted_class", "label", ("group",)),
    Columns(("event",), "predicted", "label", ("group",)),
    Columns(("clip",), "clip_score", "clip_label", ("group",), is_score=True),
    Columns(("path",), "predicted_class"),
)
"""The tables of answers that the trainers write, known by their columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A model's answer on one item.

    Attributes:
        answer: what the model said.
        label: what is true; None where it is not known.
        group: what the item stands or falls together with.
    """

    answer: str
    label: str | None
    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedRun:
    """What a run folder says of itself.

    Attributes:
        path: the folder.
        record: the content of ``run.json``.
        metrics_file: where its figures stand; None where it has none.
        metrics: their content; empty where it has none.
    """

    path: Path
    record: dict[str, Any]
    metrics_file: Path | None
    metrics: dict[str, Any]

    @property
    def is_finished(self) -> bool:
        """Whether the run came to its end."""
        return self.record.get("finished") is not None


def read_run(folder: str | PathLike[str]) -> SavedRun:
    """Read the record and the figures of a run.

    Raises:
        InputError: there is no such folder, no run wrote it, or a file in it cannot be read.
    """
    path = Path(folder)
    if not path.is_dir():
        what = "there is no such folder" if not path.exists() else "this is a file, not the folder of a run"
        raise InputError(what, where=path, remedy=f"name the folder that holds {RUN_FILE}")
    if not (path / RUN_FILE).is_file():
        inside = sorted(found.parent.name for found in path.glob(f"*/{RUN_FILE}"))
        remedy = f"it holds the runs {', '.join(inside)}: name one of them" if inside else "name a folder that has one"
        raise InputError(f"this is no run's folder: it has no {RUN_FILE}", where=path, remedy=remedy)
    record = read_object(path / RUN_FILE)
    if record.get("format_version") != FORMAT_VERSION:
        version = record.get("format_version")
        what = f"has format version {version!r}, and this version reads {FORMAT_VERSION}"
        raise InputError(what, where=path / RUN_FILE, remedy="use the version of the tool that wrote it")
    metrics_file = next((path / name for name in METRICS_FILES if (path / name).is_file()), None)
    metrics = {} if metrics_file is None else read_object(metrics_file)
    return SavedRun(path=path, record=record, metrics_file=metrics_file, metrics=metrics)


def read_object(path: Path) -> dict[str, Any]:
    """The one JSON object of a file.

    Raises:
        InputError: the file cannot be read or holds something else.
    """
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=path) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"is not JSON ({error})", where=path, remedy="run the command that wrote it again") from error
    if not isinstance(document, dict):
        raise InputError("is not a JSON object", where=path, remedy="run the command that wrote it again")
    return document


def model_manifests(folder: Path) -> list[tuple[Path, dict[str, Any]]]:
    """The manifests of models in a folder, each with its path; what is no such manifest is passed over."""
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            document = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(document, dict) and {"model_file", "model_sha256", "metrics"} <= document.keys():
            found.append((path, document))
    return found


def leaves(value: object, place: str = "") -> Iterator[tuple[str, object]]:
    """The plain values of a document, each with its place: ``held_out.scores.decision tree.macro_f1``.

    Entries of a list go by their ``name`` where they have one, else by their number.
    """
    if as_interval(value) is not None:
        yield place, value
    elif isinstance(value, dict) and value:
        for key, item in value.items():
            yield from leaves(item, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list) and value:
        for number, item in enumerate(value):
            name = item.get("name", number) if isinstance(item, dict) else number
            yield from leaves(item, f"{place}.{name}" if place else str(name))
    else:
        yield place, value


def figures(document: object) -> dict[str, Interval]:
    """The figures with an interval of a document, by their place."""
    found = ((place, as_interval(value)) for place, value in leaves(document))
    return {place: interval for place, interval in found if interval is not None}


def as_interval(value: object) -> Interval | None:
    """The figure that an object of a document is; None where it is none."""
    if not isinstance(value, dict) or not {"estimate", "low", "high", "n"} <= value.keys():
        return None
    numbers = [value[name] for name in ("estimate", "low", "high")]
    if not all(one is None or (isinstance(one, int | float) and not isinstance(one, bool)) for one in numbers):
        return None
    estimate, low, high = (None if one is None else float(one) for one in numbers)
    n, groups, reason = value["n"], value.get("groups"), value.get("reason")
    return Interval(
        estimate=estimate,
        low=low,
        high=high,
        n=n if isinstance(n, int) else 0,
        groups=groups if isinstance(groups, int) else None,
        reason=reason if isinstance(reason, str) else None,
    )


def read_answers(run: SavedRun) -> dict[tuple[str, ...], Answer]:
    """The answers that a run saved, by what tells its items apart; empty where it saved none that are known here.

    Raises:
        InputError: the table cannot be read.
    """
    path = next((run.path / name for name in PREDICTIONS_FILES if (run.path / name).is_file()), None)
    if path is None:
        return {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            held = set(reader.fieldnames or ())
            columns = next((one for one in TABLES if one.names() <= held), None)
            if columns is None:
                return {}
            threshold = _threshold(run) if columns.is_score else None
            rows = ((tuple(row[key] for key in columns.keys), _answer(row, columns, threshold)) for row in reader)
            return {key: answer for key, answer in rows if answer is not None}
    except (OSError, csv.Error, UnicodeDecodeError, ValueError) as error:
        raise InputError(f"cannot be read as a table ({error})", where=path) from error


def _answer(row: dict[str, str], columns: Columns, threshold: float | None) -> Answer | None:
    answer = row[columns.answer]
    if not answer:
        return None
    if columns.is_score:
        if threshold is None:
            return None
        answer = str(int(float(answer) >= threshold))
    group = "/".join(row[name] for name in columns.groups or columns.keys)
    return Answer(answer=answer, label=None if columns.label is None else row[columns.label], group=group)


def _threshold(run: SavedRun) -> float | None:
    """From which score on a model says yes, by its manifest."""
    for _, manifest in model_manifests(run.path):
        details = manifest.get("details")
        threshold = details.get("threshold") if isinstance(details, dict) else None
        if isinstance(threshold, int | float):
            return float(threshold)
    return None
