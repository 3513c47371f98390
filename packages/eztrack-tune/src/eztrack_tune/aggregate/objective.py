"""What a trial is worth: one number from 0 to 1 that neither short nor deleted tracks can raise.

The error of a solve alone falls when tracks are deleted, and the life of tracks alone grows when a loose match lets
them drift. So the number is a weighted geometric mean of components, each from 0 to 1, of which none makes up for the
lack of another; a clip that was not solved has 0, and is never left out.

==================  ====================================================================================
``useful``          markers of tracks that the solve kept, of all that detected tracks could have had
``frames``          share of the frames that have a camera
``accuracy``        1 / (1 + cleaned reprojection error / 1 px)
``coverage``        share of a 4 x 4 grid with a kept track, averaged over frames
``bundles``         points in the solve, up to 24
``there_and_back``  (1 - share lost on the way back) / (1 + median forward-backward error / 1 px)
==================  ====================================================================================

A drifting track does not count as useful, since cleaning drops it; a short track counts little, a deleted one nothing.
Few and perfect tracks are no way out, because of ``bundles`` and ``coverage``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from eztrack_tune.sessions.record import Measured, Session

WEIGHTS: Mapping[str, float] = {
    "useful": 2.0,
    "frames": 1.0,
    "accuracy": 1.0,
    "coverage": 1.0,
    "bundles": 1.0,
    "there_and_back": 1.0,
}
"""How much each component counts; only their ratios matter."""
ENOUGH_BUNDLES = 24
_PIXEL = 1.0


def components(measured: Measured) -> dict[str, float]:
    """The components that a trial has, each from 0 to 1; those that the session does not tell are left out."""
    found: dict[str, float | None] = {
        "useful": measured.useful,
        "frames": measured.frames_solved,
        "accuracy": _falling(measured.cleaned_error_px),
        "coverage": measured.coverage,
        "bundles": None if measured.bundles is None else min(1.0, measured.bundles / ENOUGH_BUNDLES),
        "there_and_back": _there_and_back(measured),
    }
    return {name: value for name, value in found.items() if value is not None}


def shared_components(sessions: Iterable[Session]) -> tuple[str, ...]:
    """The components that every solved session has: only by those may they be compared.

    The add-on's own sessions lack some, so that a comparison that includes them uses fewer.
    """
    solved = [set(components(session.measured)) for session in sessions if session.solved]
    return tuple(name for name in WEIGHTS if all(name in one for one in solved)) if solved else tuple(WEIGHTS)


def score(session: Session, names: Sequence[str], weights: Mapping[str, float] = WEIGHTS) -> float:
    """What a trial is worth, 0 to 1.

    Args:
        session: the trial.
        names: the components to use, from :func:`shared_components`.
        weights: of the components.

    Raises:
        KeyError: the session lacks one of the components though it is solved.
    """
    return score_of(components(session.measured), names, weights) if session.solved else 0.0


def score_of(values: Mapping[str, float], names: Sequence[str], weights: Mapping[str, float] = WEIGHTS) -> float:
    """The weighted geometric mean of the named components; 1 where none is named."""
    total = sum(weights[name] for name in names)
    if total == 0:
        return 1.0
    if any(values[name] <= 0 for name in names if weights[name] > 0):
        return 0.0
    return math.exp(sum(weights[name] * math.log(values[name]) for name in names if weights[name] > 0) / total)


def _falling(error_px: float | None) -> float | None:
    return None if error_px is None else 1 / (1 + error_px / _PIXEL)


def _there_and_back(measured: Measured) -> float | None:
    if measured.forward_backward_px is None or measured.forward_backward_lost is None:
        return None
    return (1 - measured.forward_backward_lost) / (1 + measured.forward_backward_px / _PIXEL)
