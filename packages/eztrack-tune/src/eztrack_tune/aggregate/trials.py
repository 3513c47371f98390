"""Sessions as a table of clips and settings: what was tried on which clip, and what it was worth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from eztrack_tune.aggregate.objective import score, shared_components
from eztrack_tune.scan.record import HELD_OUT
from eztrack_tune.sessions.record import Session
from eztrack_tune.settings import TrackerSettings
from footage.errors import DatasetError


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One choice of settings on one clip; several sessions of them are one trial, with their means.

    Attributes:
        clip: what tells clips apart.
        group: what must not be torn apart in a resample: the clip, or its contributor.
        weight: how much it counts, above 0.
        settings: as asked for.
        score: what it is worth, 0 to 1.
        solved: share of its sessions that count as solved, 0 to 1.
        raw_error_px: Blender's average error over the solved ones; None where none was.
        cleaned_error_px: the same without the tracks that fit badly.
        success_rate: share of tracks that live eight frames; None without tracks.
        difficulty: None where it is not known.
        sessions: how many there are.
    """

    clip: str
    group: str
    weight: float = 1.0
    settings: TrackerSettings
    score: float
    solved: float
    raw_error_px: float | None
    cleaned_error_px: float | None
    success_rate: float | None
    difficulty: str | None
    sessions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The sessions that a comparison uses.

    Attributes:
        sessions: those.
        backend: the tracker of all of them.
        left_out: how many were left out, by reason.
    """

    sessions: tuple[Session, ...]
    backend: str
    left_out: dict[str, int]


def choose(sessions: Sequence[Session], *, backend: str | None = None) -> Chosen:
    """Take the sessions that can be compared: of one tracker, on clips that were not held out.

    Args:
        sessions: what was read.
        backend: ``blender`` or ``opencv``; None takes Blender's where there are any.

    Raises:
        DatasetError: none is left.
    """
    there = {session.backend for session in sessions}
    wanted = backend or ("blender" if "blender" in there else min(there, default="blender"))
    left_out: Counter[str] = Counter()
    kept = []
    for session in sessions:
        if session.backend != wanted:
            left_out[f"tracked by {session.backend}, and {wanted} is compared"] += 1
        elif session.side == HELD_OUT:
            left_out["of clips that are held out"] += 1
        elif session.unusable is not None:
            left_out[session.unusable] += 1
        else:
            kept.append(session)
    if not kept:
        why = ", ".join(f"{count} {reason}" for reason, count in left_out.items()) or "there are none"
        raise DatasetError(f"no session can be compared: {why}", remedy="sweep the library's clips to tune on")
    return Chosen(sessions=tuple(kept), backend=wanted, left_out=dict(left_out))


def by_class(sessions: Iterable[Session]) -> dict[str, list[Session]]:
    """The sessions of each footage class, by its name."""
    found: dict[str, list[Session]] = {}
    for session in sessions:
        found.setdefault(session.footage.name, []).append(session)
    return dict(sorted(found.items()))


def trials_of(sessions: Sequence[Session]) -> tuple[list[Trial], tuple[str, ...]]:
    """The trials of one class's sessions, and the components that their scores are made of."""
    names = shared_components(sessions)
    together: dict[tuple[str, TrackerSettings], list[Session]] = {}
    for session in sessions:
        together.setdefault((session.clip, session.settings), []).append(session)
    return [_trial(clip, settings, several, names) for (clip, settings), several in together.items()], names


def _trial(clip: str, settings: TrackerSettings, sessions: Sequence[Session], names: Sequence[str]) -> Trial:
    solved = [session for session in sessions if session.solved]
    return Trial(
        clip=clip,
        group=clip,
        settings=settings,
        score=fmean(score(session, names) for session in sessions),
        solved=len(solved) / len(sessions),
        raw_error_px=mean_of(session.raw_error_px for session in solved),
        cleaned_error_px=mean_of(session.measured.cleaned_error_px for session in solved),
        success_rate=mean_of(session.success_rate for session in sessions),
        difficulty=next((session.difficulty for session in sessions if session.difficulty), None),
        sessions=len(sessions),
    )


def mean_of(values: Iterable[float | None]) -> float | None:
    """The mean of those that are there; None where none is."""
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
