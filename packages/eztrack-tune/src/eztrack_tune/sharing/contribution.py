"""What one contributor shares: numbers and words of closed lists, and nothing else.

A contribution is built from an allow-list, never by taking things out: whatever a session holds besides (names, paths,
times, thumbnails, trajectories, a fingerprint made of a path) has no way in. Each text in it is one of a list that
stands here, or a version number; each number is rounded and within a range.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eztrack_tune.classes import CLASS_NAMES, Difficulty
from eztrack_tune.measures import REGION_NAMES
from eztrack_tune.sessions import fields
from eztrack_tune.sessions.record import Measured, Session
from eztrack_tune.settings import TrackerSettings
from footage.errors import DatasetError, InputError

FORMAT = "eztrack-tune contribution"
FORMAT_VERSION = 1
CONTRIBUTOR = re.compile(r"[0-9a-f]{32}")
BACKENDS = ("blender", "opencv")
VERSION = re.compile(r"\d{1,3}(\.\d{1,3}){1,3}")
REGIONS = tuple(name for row in REGION_NAMES for name in row)
MOST_SESSIONS = 100_000
_DIGITS = 3
_MEASURES = {
    "cleaned_error_px": 1000.0,
    "frames_solved": 1.0,
    "useful": 1.0,
    "survival": 1.0,
    "coverage": 1.0,
    "forward_backward_px": 1000.0,
    "forward_backward_lost": 1.0,
}
"""The numbers a trial is judged by, and the most each can be."""
_MOST_BUNDLES = 100_000
KEYS = (
    *("clip", "footage_class", "settings", "success", "solve_error", "success_rate", "bundles", "difficulty"),
    *("backend", "backend_version", "region_stats", *_MEASURES),
)
"""Every key of a shared session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedSession:
    """One trial as it is shared.

    Attributes:
        clip: a number that tells the clips of this contribution apart, from 1, in no order.
        class_name: the footage class.
        settings: as asked for.
        solved: it counts as solved.
        raw_error_px: Blender's average error; None where there is none.
        success_rate: share of tracks that live eight frames.
        difficulty: None where it is not known.
        backend: ``blender`` or ``opencv``.
        backend_version: None where it is not known.
        measured: what it is judged by.
        region_stats: tracks and successful tracks by region.
    """

    clip: int
    class_name: str
    settings: TrackerSettings
    solved: bool
    raw_error_px: float | None
    success_rate: float | None
    difficulty: str | None
    backend: str
    backend_version: str | None
    measured: Measured
    region_stats: dict[str, tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What one contributor shares.

    Attributes:
        contributor: a random word of 32 hexadecimal digits.
        sessions: the trials.
    """

    contributor: str
    sessions: tuple[SharedSession, ...]


def anonymized(sessions: Sequence[Session], *, contributor: str, rng: np.random.Generator) -> dict[str, object]:
    """The contribution that sessions make.

    Args:
        sessions: of one contributor; those that cannot be compared are left out.
        contributor: 32 hexadecimal digits, chosen at random: the sessions' own words for people are not used.
        rng: shuffles the numbers of clips and the order of sessions, so that neither tells an order of recording.

    Raises:
        InputError: the contributor is no such word, or no session can be shared.
    """
    if CONTRIBUTOR.fullmatch(contributor) is None:
        raise InputError("a contributor is a word of 32 hexadecimal digits, chosen at random")
    usable = [session for session in sessions if session.unusable is None]
    if not usable:
        raise InputError("no session can be shared", remedy="give sessions whose settings did not change midway")
    clips = sorted({session.clip for session in usable})
    numbers = dict(zip(clips, (rng.permutation(len(clips)) + 1).tolist(), strict=True))
    shared = [_shared(usable[index], numbers) for index in rng.permutation(len(usable))]
    return {"format": FORMAT, "format_version": FORMAT_VERSION, "contributor": contributor, "sessions": shared}


def parse_contribution(content: bytes, source: str) -> Contribution:
    """Read a contribution, and refuse anything in it that is not on the lists.

    Raises:
        DatasetError: it is none, is of a later version, or holds anything else.
    """
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DatasetError("is no JSON", where=source) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise DatasetError("is no contribution", where=source, remedy="anonymize sessions first")
    if document.get("format_version") != FORMAT_VERSION:
        raise DatasetError("is of a version not known here", where=source, remedy="use a later eztrack-tune")
    try:
        _only(document, ("format", "format_version", "contributor", "sessions"))
        contributor = fields.optional_text(document, "contributor") or ""
        if CONTRIBUTOR.fullmatch(contributor) is None:
            raise DatasetError("contributor is no word of 32 hexadecimal digits")
        sessions = fields.objects(document, "sessions")
        if not 0 < len(sessions) <= MOST_SESSIONS:
            raise DatasetError(f"there are {len(sessions)} sessions, and 1 to {MOST_SESSIONS} are wanted")
        return Contribution(contributor=contributor, sessions=tuple(map(_parsed, sessions)))
    except InputError as error:
        raise DatasetError(error.what, where=source) from error


def _shared(session: Session, numbers: Mapping[str, int]) -> dict[str, object]:
    measured = session.measured
    version = session.backend_version
    return {
        "clip": numbers[session.clip],
        "footage_class": session.footage.name,
        "settings": session.settings.as_dict(),
        "success": session.solved,
        "solve_error": _rounded(session.raw_error_px, 1000.0),
        "success_rate": _rounded(session.success_rate, 1.0),
        "bundles": None if measured.bundles is None else min(measured.bundles, _MOST_BUNDLES),
        "difficulty": session.difficulty if session.difficulty in set(Difficulty) else None,
        "backend": session.backend if session.backend in BACKENDS else "blender",
        "backend_version": version if version is not None and VERSION.fullmatch(version) else None,
        "region_stats": {
            name: {"total_tracks": total, "successful_tracks": successful}
            for name, (total, successful) in session.region_stats.items()
            if name in REGIONS
        },
        **{name: _rounded(getattr(measured, name), most) for name, most in _MEASURES.items()},
    }


def _rounded(value: float | None, most: float) -> float | None:
    """A number with three significant digits: what is left of it tells nobody's clip."""
    return None if value is None or not 0 <= value <= most else float(f"{value:.{_DIGITS}g}")


def _parsed(values: Mapping[str, object]) -> SharedSession:
    _only(values, KEYS)
    settings = fields.mapping(values, "settings")
    parsed = TrackerSettings.from_dict(settings)
    _only(settings, tuple(parsed.as_dict()))
    return SharedSession(
        clip=fields.whole(values, "clip"),
        class_name=_of_list(values, "footage_class", CLASS_NAMES) or CLASS_NAMES[0],
        settings=parsed,
        solved=fields.truth(values, "success"),
        raw_error_px=_number(values, "solve_error", 1000.0),
        success_rate=_number(values, "success_rate", 1.0),
        difficulty=_of_list(values, "difficulty", tuple(Difficulty), optional=True),
        backend=_of_list(values, "backend", BACKENDS) or BACKENDS[0],
        backend_version=_version(values),
        measured=Measured(
            bundles=fields.optional_whole(values, "bundles"),
            **{name: _number(values, name, most) for name, most in _MEASURES.items()},
        ),
        region_stats=_regions(fields.mapping(values, "region_stats")),
    )


def _only(values: Mapping[str, object], keys: Sequence[str]) -> None:
    others = sorted(set(values) - set(keys))
    if others:
        raise DatasetError(f"holds {len(others)} keys that are not on the list, such as {others[0]!r}")


def _of_list(values: Mapping[str, object], key: str, allowed: Sequence[str], *, optional: bool = False) -> str | None:
    value = fields.optional_text(values, key)
    if (value is None and optional) or value in allowed:
        return value
    raise DatasetError(f"{key} is none of {', '.join(allowed)}")


def _version(values: Mapping[str, object]) -> str | None:
    value = fields.optional_text(values, "backend_version")
    if value is not None and VERSION.fullmatch(value) is None:
        raise DatasetError("backend_version is no version number")
    return value


def _number(values: Mapping[str, object], key: str, most: float) -> float | None:
    value = fields.optional_number(values, key)
    if value is not None and not 0 <= value <= most:
        raise DatasetError(f"{key} is {value:g}, and 0 to {most:g} is wanted")
    return value


def _regions(stats: Mapping[str, object]) -> dict[str, tuple[int, int]]:
    _only(stats, REGIONS)
    found = {}
    for name in stats:
        cell = fields.mapping(stats, name)
        _only(cell, ("total_tracks", "successful_tracks"))
        found[name] = (fields.whole(cell, "total_tracks"), fields.whole(cell, "successful_tracks"))
    return found
