"""The checklist of the add-on's guide as gates: clips, first-try success, error, versions, platforms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean

import numpy as np

from eztrack_tune.aggregate.means import mean_interval
from eztrack_tune.aggregate.objective import score, shared_components
from eztrack_tune.aggregate.recommendation import Recommended
from eztrack_tune.scan.record import LEAST_HELD_OUT
from eztrack_tune.sessions.record import Session
from footage.metrics.intervals import Interval, wilson


class ErrorKind(StrEnum):
    """Which error the gate is on."""

    PLAIN = "plain"
    """Blender's average error, over all tracks: a few bad tracks decide it."""
    CLEANED = "cleaned"
    """After the tracks that fit badly were dropped and the camera solved again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the gates ask for.

    Attributes:
        clips: held-out clips a class, at least.
        success: share of clips solved at the first try, more than.
        error_px: mean error over solved clips, less than.
        error: which error that is.
    """

    clips: int = LEAST_HELD_OUT
    success: float = 0.6
    error_px: float = 2.0
    error: ErrorKind = ErrorKind.CLEANED


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One gate and what was measured.

    Attributes:
        name: what it asks for, in words.
        passed: whether it was met.
        measured: what was found, in words.
    """

    name: str
    passed: bool
    measured: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOutClip:
    """One clip that nothing was tuned on, under the settings that should ship.

    Attributes:
        clip: what tells clips apart.
        name: its file's name.
        session: the first try.
        default: the first try with today's default; None where there is none.
    """

    clip: str
    name: str
    session: Session
    default: Session | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassValidation:
    """What the held-out clips say about a class.

    Attributes:
        recommended: what should ship for it.
        clips: the held-out clips.
        gates: each.
        success: share of clips that were solved at the first try, by every version that tried.
        track_rate: mean share of tracks that live eight frames; passes nearly everywhere, so no gate is on it.
        plain_error_px: mean of Blender's average error over solved clips; None where none was solved.
        cleaned_error_px: the same without the tracks that fit badly.
        gain: of the score over today's default on the same clips; None where the default was not tried on them.
        versions: Blender's, and how many trials each has.
        platforms: operating systems, and how many trials each has.
    """

    recommended: Recommended
    clips: tuple[HeldOutClip, ...]
    gates: tuple[Gate, ...]
    success: Interval
    track_rate: float | None
    plain_error_px: float | None
    cleaned_error_px: float | None
    gain: Interval | None
    versions: dict[str, int]
    platforms: dict[str, int]

    @property
    def passed(self) -> bool:
        """Whether every gate was met."""
        return all(gate.passed for gate in self.gates)


def validate_class(
    recommended: Recommended, sessions: Sequence[Session], limits: Limits, rng: np.random.Generator
) -> ClassValidation:
    """Check one class on its held-out clips.

    Args:
        recommended: what should ship for it.
        sessions: of the class, tracked by Blender, on clips that were not tuned on.
        limits: what the gates ask for.
        rng: source of the resamples.
    """
    clips = _clips(recommended, sessions)
    tried = [clip.session for clip in clips]
    solved = [session for session in tried if session.solved]
    success = _first_try_success(clips)
    errors = {
        ErrorKind.PLAIN: _mean([session.raw_error_px for session in solved]),
        ErrorKind.CLEANED: _mean([session.measured.cleaned_error_px for session in solved]),
    }
    return ClassValidation(
        recommended=recommended,
        clips=clips,
        gates=_gates(limits, clips, success, errors[limits.error]),
        success=success,
        track_rate=_mean([session.success_rate for session in tried]),
        plain_error_px=errors[ErrorKind.PLAIN],
        cleaned_error_px=errors[ErrorKind.CLEANED],
        gain=_gain(clips, rng),
        versions=_counts([session.backend_version for session in tried]),
        platforms=_counts([session.platform for session in tried]),
    )


def _clips(recommended: Recommended, sessions: Sequence[Session]) -> tuple[HeldOutClip, ...]:
    """The held-out clips: of several tries of one clip and version the first that was recorded."""
    tries: dict[tuple[str, str | None, str | None], HeldOutClip] = {}
    defaults = {session.clip: session for session in reversed(sessions) if session.settings == recommended.today}
    for session in sessions:
        key = (session.clip, session.backend_version, session.platform)
        if session.settings == recommended.settings and session.first_try and key not in tries:
            name = session.clip_name or session.clip
            tries[key] = HeldOutClip(clip=session.clip, name=name, session=session, default=defaults.get(session.clip))
    return tuple(sorted(tries.values(), key=lambda one: (one.name, one.clip, one.session.backend_version or "")))


def _first_try_success(clips: Sequence[HeldOutClip]) -> Interval:
    """The share of clips that were solved; one tried with several versions counts where all of them solved it."""
    by_clip: dict[str, list[bool]] = {}
    for clip in clips:
        by_clip.setdefault(clip.clip, []).append(clip.session.solved)
    return wilson(sum(map(all, by_clip.values())), len(by_clip))


def _gates(limits: Limits, clips: Sequence[HeldOutClip], success: Interval, error_px: float | None) -> tuple[Gate, ...]:
    different = len({clip.clip for clip in clips})
    share = success.estimate
    return (
        Gate(
            name=f"at least {limits.clips} held-out clips",
            passed=different >= limits.clips,
            measured=f"{different}",
        ),
        Gate(
            name=f"more than {limits.success:.0%} of the clips solved at the first try",
            passed=share is not None and share > limits.success,
            measured=success.text(percent=True),
        ),
        Gate(
            name=f"{limits.error.value} error below {limits.error_px:g} px, mean over solved clips",
            passed=error_px is not None and error_px < limits.error_px,
            measured="no clip was solved" if error_px is None else f"{error_px:.2f} px",
        ),
    )


def _gain(clips: Sequence[HeldOutClip], rng: np.random.Generator) -> Interval | None:
    pairs = [(clip.session, clip.default) for clip in clips if clip.default is not None]
    if not pairs or all(one.settings == other.settings for one, other in pairs):
        return None
    names = shared_components([session for pair in pairs for session in pair])
    gains = np.array([score(one, names) - score(other, names) for one, other in pairs])
    return mean_interval(gains, np.ones(len(gains)), [one.clip for one, _ in pairs], rng)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _counts(values: Sequence[str | None]) -> dict[str, int]:
    names = [value or "not told" for value in values]
    return {name: names.count(name) for name in sorted(set(names))}
