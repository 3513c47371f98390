"""Whether a run's folder still holds what the run wrote: its hashes, its split, and the figures of its report."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from footage.dataset.manifest import content_sha256
from footage.errors import printable
from footage.metrics.intervals import Interval
from footage.runs.saved import SavedRun, figures, model_manifests, read_run
from footage.runs.sides import document, entries, on_two_sides, placed_parts

MOST_NAMED = 3
LISTS_OF_FILES = ("manifest.json", "synth.json")
"""Files that give each of a folder's files with its hash."""
SENTENCES = ("lead", "scores")
TRAINING_TABLE = "training_data.csv"
REPORTS = ("report.html", "evaluation.html")

_HIDDEN = re.compile(r"<style.*?</style>|<svg.*?</svg>|<[^>]+>", re.DOTALL)
_NUMBER = r"([-\N{MINUS SIGN}]?[\d,]*\d(?:\.\d+)?)"
_PRINTED = re.compile(rf"{_NUMBER}( ?%)? \[{_NUMBER}, {_NUMBER}\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: what.
        ok: whether it is as the run left it; None where the folder has nothing of the kind.
        detail: what was found, in words, with counts.
    """

    name: str
    ok: bool | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What became of a run.

    Attributes:
        run: the folder.
        tool: what wrote it.
        findings: in the order in which they were looked at.
    """

    run: Path
    tool: str
    findings: tuple[Finding, ...]

    @property
    def differing(self) -> tuple[str, ...]:
        """What is not as the run left it."""
        return tuple(finding.name for finding in self.findings if finding.ok is False)


def verify_run(folder: str | PathLike[str]) -> Verified:
    """Compute again what can be computed from a run's folder alone, and compare.

    Nothing in the folder is executed or loaded as a model; originals outside of it are not looked at.

    Raises:
        InputError: it is no run's folder, or a file that it must have cannot be read.
    """
    run = read_run(folder)
    manifests = model_manifests(run.path)
    found = (_ending(run), _models(run, manifests), _listed_files(run), _figures(run, manifests))
    return Verified(
        run=run.path,
        tool=str(run.record.get("tool")),
        findings=(*found, _split(run, manifests), _report(run, manifests)),
    )


def _finding(name: str, wrong: list[str], fine: str, nothing: str | None) -> Finding:
    """A finding: wrong where something is, none where there was nothing to look at."""
    if wrong:
        more = f"; {len(wrong) - MOST_NAMED} more" if len(wrong) > MOST_NAMED else ""
        return Finding(name=name, ok=False, detail=printable("; ".join(wrong[:MOST_NAMED]) + more))
    return Finding(name=name, ok=True, detail=fine) if nothing is None else Finding(name=name, ok=None, detail=nothing)


def _ending(run: SavedRun) -> Finding:
    if run.is_finished:
        return Finding(name="finished", ok=True, detail=f"at {run.record['finished']}")
    return Finding(name="finished", ok=False, detail="the run was stopped: the same command goes on where it was")


def _models(run: SavedRun, manifests: list[tuple[Path, dict[str, Any]]]) -> Finding:
    """Every file that a model's manifest names with its hash: the model, its other forms, its training table."""
    wrong, looked_at = [], 0
    for path, manifest in manifests:
        named = [(manifest["model_file"], manifest["model_sha256"])]
        details = manifest.get("details")
        details = details if isinstance(details, dict) else {}
        named += [
            (name, details.get(f"{key.removesuffix('_file')}_sha256"))
            for key, name in details.items()
            if key.endswith("_file") and isinstance(name, str)
        ]
        if (run.path / TRAINING_TABLE).is_file():
            named.append((TRAINING_TABLE, manifest.get("training_data_sha256")))
        for name, expected in named:
            looked_at += 1
            problem = _changed(run.path, name, expected)
            if problem is not None:
                wrong.append(f"{problem} by {path.name}")
    return _finding(
        "model",
        wrong,
        f"{looked_at} files have the SHA-256 that the manifest gives",
        None if manifests else "there is no model's manifest here",
    )


def _listed_files(run: SavedRun) -> Finding:
    """Every file of a data set that its manifest lists with its hash."""
    wrong, looked_at = [], 0
    for name in LISTS_OF_FILES:
        for entry in entries(document(run.path / name)):
            if isinstance(entry.get("file"), str) and isinstance(entry.get("sha256"), str):
                looked_at += 1
                problem = _changed(run.path, entry["file"], entry["sha256"])
                if problem is not None:
                    wrong.append(f"{problem} by {name}")
    nothing = None if looked_at else "the folder lists no files of a data set"
    return _finding("data", wrong, f"{looked_at} files have the SHA-256 that the manifest gives", nothing)


def _changed(folder: Path, name: object, expected: object) -> str | None:
    """What is wrong with a file that a manifest names, in words."""
    if not isinstance(name, str) or not (folder / name).resolve().is_relative_to(folder.resolve()):
        return f"{name!r} leads out of the folder"
    if not (folder / name).is_file():
        return f"{name} is missing, and is named"
    return None if content_sha256(folder / name) == expected else f"{name} has another SHA-256 than it is given"


def _figures(run: SavedRun, manifests: list[tuple[Path, dict[str, Any]]]) -> Finding:
    """The same figures stand in the record, in the file of metrics and in the model's manifest."""
    if run.metrics_file is None:
        return Finding(name="figures", ok=None, detail="the folder has no figures")
    name = run.metrics_file.name
    recorded = run.record.get("metrics")
    recorded = recorded if isinstance(recorded, dict) else {}
    wrong = [f"{key} differs between run.json and {name}" for key in recorded if recorded[key] != run.metrics.get(key)]
    stated = figures(run.metrics)
    for path, manifest in manifests:
        for metric, interval in figures(manifest["metrics"]).items():
            if interval not in stated.values():
                wrong.append(f"{metric} of {path.name} does not stand in {name}")
    split = run.record.get("split_sha256")
    wrong += [
        f"{path.name} is of another split than run.json"
        for path, manifest in manifests
        if split is not None and manifest.get("split_sha256") != split
    ]
    return _finding("figures", wrong, f"{len(stated)} with an interval in {name}, the same wherever they stand", None)


def _split(run: SavedRun, manifests: list[tuple[Path, dict[str, Any]]]) -> Finding:
    """No content and no group is on two sides of a split."""
    parts = placed_parts(run.path)
    contents = len({part.content for part in parts} - {None})
    groups = len({part.group for part in parts} - {None})
    ask = ": the trainer's own check looks at its table" if manifests else ""
    return _finding(
        "split",
        on_two_sides(parts),
        f"{contents} contents and {groups} groups, each on one side only",
        None if parts else f"the folder does not say what was on which side{ask}",
    )


def _report(run: SavedRun, manifests: list[tuple[Path, dict[str, Any]]]) -> Finding:
    """The report says what the file of metrics says: its sentences word for word, the model's figures as printed."""
    path = next((run.path / name for name in REPORTS if (run.path / name).is_file()), None)
    sentences = [text for key in SENTENCES if isinstance(text := run.metrics.get(key), str)]
    if path is None or not sentences:
        missing = "no report" if path is None else "no sentence to compare the report with"
        return Finding(name="report", ok=None, detail=f"the folder has {missing}")
    text = _text_of(path.read_text(encoding="utf-8", errors="replace"))
    printed = [_numbers(match) for match in _PRINTED.finditer(text)]
    wrong = [f"{path.name} does not say: {one}" for one in sentences if " ".join(one.split()) not in text]
    headline = {
        metric: interval
        for _, manifest in manifests
        for metric, interval in figures(manifest["metrics"]).items()
        if None not in (interval.estimate, interval.low, interval.high)
    }
    wrong += [
        f"{path.name} does not have {metric} as {interval.text()}"
        for metric, interval in headline.items()
        if not any(_is_printed(interval, one) for one in printed)
    ]
    fine = f"{path.name} says the result word for word, and has {len(headline)} figures of the model as they are"
    return _finding("report", wrong, fine, None)


def _text_of(page: str) -> str:
    return " ".join(html.unescape(_HIDDEN.sub(" ", page)).split())


def _numbers(match: re.Match[str]) -> tuple[tuple[str, ...], bool]:
    plain = tuple(match[i].replace("\N{MINUS SIGN}", "-").replace(",", "") for i in (1, 3, 4))
    return plain, match[2] is not None


def _is_printed(interval: Interval, printed: tuple[tuple[str, ...], bool]) -> bool:
    """Whether three printed numbers are an interval, each rounded to the digits it is printed with."""
    numbers, percent = printed
    wanted = (interval.estimate, interval.low, interval.high)
    for value, text in zip(wanted, numbers, strict=True):
        digits = len(text.partition(".")[2])
        shown = (100 if percent else 1) * (value or 0.0)
        if abs(shown - float(text)) > 0.5 * 10**-digits + 1e-9:
            return False
    return True
