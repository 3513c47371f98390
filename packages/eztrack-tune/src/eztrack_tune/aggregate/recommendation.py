"""``defaults.json``: what should ship for each class and why, as ``validate`` and ``apply`` read it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from eztrack_tune.aggregate.objective import WEIGHTS
from eztrack_tune.aggregate.paired import Candidate, Comparison, Verdict
from eztrack_tune.classes import CLASS_NAMES
from eztrack_tune.sessions import fields
from eztrack_tune.settings import TrackerSettings
from footage.dataset.manifest import rows_sha256
from footage.errors import DatasetError, InputError
from footage.runs.files import atomic_write_json

DEFAULTS_FILE = "defaults.json"
FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommended:
    """One class of ``defaults.json``.

    Attributes:
        class_name: the add-on's class.
        verdict: whether ``settings`` were shown to be better than ``today``.
        settings: what should ship.
        today: what ships.
        clips: on how many clips they were compared.
        solved: share of those that ``settings`` solved; None where that was not measured.
        raw_error_px: Blender's average error over solved clips; None where that was not measured.
        cleaned_error_px: the same without the tracks that fit badly.
        tuned_on: the clips, by what tells them apart; none of them may validate.
    """

    class_name: str
    verdict: Verdict
    settings: TrackerSettings
    today: TrackerSettings
    clips: int
    solved: float | None
    raw_error_px: float | None
    cleaned_error_px: float | None
    tuned_on: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What ``defaults.json`` says.

    Attributes:
        made_on: when.
        backend: the tracker it was found on.
        classes: by name.
        sha256: of what it says.
    """

    made_on: date
    backend: str
    classes: dict[str, Recommended]
    sha256: str

    @property
    def changed(self) -> tuple[Recommended, ...]:
        """The classes for which something other than today's default should ship."""
        return tuple(one for one in self.classes.values() if one.verdict is Verdict.BETTER)


def document_of(
    comparisons: Mapping[str, Comparison],
    *,
    made_on: date,
    backend: str,
    versions: tuple[str, ...],
    platforms: tuple[str, ...],
    sessions: int,
) -> dict[str, object]:
    """The JSON object of ``defaults.json``.

    Args:
        comparisons: by class.
        made_on: the day.
        backend: the tracker of every session.
        versions: of it.
        platforms: operating systems they were tracked on.
        sessions: how many were compared.
    """
    return {
        "format_version": FORMAT_VERSION,
        "made_on": made_on.isoformat(),
        "backend": backend,
        "backend_versions": versions,
        "platforms": platforms,
        "sessions": sessions,
        "weights": dict(WEIGHTS),
        "classes": {name: _class_document(one) for name, one in comparisons.items()},
    }


def write_defaults(document: Mapping[str, object], path: Path) -> None:
    """Write ``defaults.json``.

    Raises:
        OSError: the folder is missing or not writable, or the disk is full.
    """
    atomic_write_json(path, document)


def read_defaults(path: Path) -> Defaults:
    """Read ``defaults.json``, or that of a folder.

    Raises:
        DatasetError: it is missing, is none, is of a later version, or an entry is incomplete.
    """
    file = path / DEFAULTS_FILE if path.is_dir() else path
    try:
        document = json.loads(file.read_bytes())
    except OSError as error:
        raise DatasetError(
            f"cannot be read ({error.strerror})", where=file, remedy="aggregate sessions first"
        ) from error
    except (ValueError, RecursionError) as error:
        raise DatasetError("is no JSON", where=file, remedy="aggregate the sessions again") from error
    if not isinstance(document, dict) or document.get("format_version") != FORMAT_VERSION:
        raise DatasetError("is no table of defaults of this version", where=file, remedy="aggregate the sessions again")
    try:
        classes = fields.mapping(document, "classes")
        return Defaults(
            made_on=date.fromisoformat(str(document.get("made_on"))),
            backend=fields.optional_text(document, "backend") or "",
            classes={name: _recommended(name, fields.mapping(classes, name)) for name in classes},
            sha256=rows_sha256(json.dumps(document, sort_keys=True)),
        )
    except (InputError, ValueError) as error:
        what = error.what if isinstance(error, InputError) else str(error)
        raise DatasetError(what, where=file, remedy="aggregate the sessions again") from error


def _class_document(found: Comparison) -> dict[str, object]:
    shown = chosen(found)
    return {
        "verdict": found.verdict,
        "reason": found.reason,
        "settings": found.settings.as_dict(),
        "today": found.today.as_dict(),
        "clips": len(found.clips),
        "solved": None if shown is None else shown.solved,
        "raw_error_px": None if shown is None else shown.raw_error_px,
        "cleaned_error_px": None if shown is None else shown.cleaned_error_px,
        "score": None if shown is None else shown.score,
        "score_of_today": None if shown is None else shown.default_score,
        "gain": None if found.best is None else found.best.gain,
        "gain_of_choosing": found.gain_of_choosing,
        "components": found.components,
        "best": None if found.best is None else found.best.settings.as_dict(),
        "tuned_on": found.clips,
    }


def chosen(found: Comparison) -> Candidate | None:
    """The candidate whose settings should ship; None where it was not tried."""
    return next((one for one in found.candidates if one.settings == found.settings), None)


def _recommended(name: str, values: Mapping[str, object]) -> Recommended:
    if name not in CLASS_NAMES:
        raise DatasetError(f"{name!r} is none of the classes {', '.join(CLASS_NAMES)}")
    tuned_on = values.get("tuned_on")
    if not isinstance(tuned_on, list):
        raise DatasetError(f"{name}: tuned_on is no list")
    return Recommended(
        class_name=name,
        verdict=Verdict(str(values.get("verdict"))),
        settings=TrackerSettings.from_dict(fields.mapping(values, "settings")),
        today=TrackerSettings.from_dict(fields.mapping(values, "today")),
        clips=fields.whole(values, "clips"),
        solved=fields.optional_share(values, "solved"),
        raw_error_px=fields.optional_number(values, "raw_error_px"),
        cleaned_error_px=fields.optional_number(values, "cleaned_error_px"),
        tuned_on=tuple(map(str, tuned_on)),
    )
