"""One row of a sweep's table: a clip under one choice of settings with one tracker, and what it was worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from eztrack_tune import measures
from eztrack_tune.aggregate.objective import components, score_of
from eztrack_tune.outcome import TrackOutcome
from eztrack_tune.sessions.parse import parse_session
from eztrack_tune.sessions.write import session_document
from eztrack_tune.settings import TrackerSettings
from eztrack_tune.sweep.sources import SweepClip
from footage.runs.jsonable import to_jsonable


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What a trial came to.

    Attributes:
        content_sha256: of the clip.
        clip: its file's name.
        class_name: the add-on's class.
        side: ``tuning`` or ``held_out``; None where it was not split.
        difficulty: None where it was not measured.
        backend: ``blender`` or ``opencv``.
        backend_version: of the program behind it.
        settings: as asked for.
        threshold_used: after halving; None where the trial failed before.
        score: 0 to 1; 0 where the clip was not solved.
        solved: the clip counts as solved.
        why_not: why it does not; None where it does.
        raw_error_px: as Blender shows it; None without a solve.
        cleaned_error_px: without the tracks that fit badly; None without a solve.
        frames_solved: share of the frames that have a camera; None without a solve.
        tracks: how many there were.
        kept_share: of them, those that cleaning left in; None without a solve.
        success_rate: share of tracks that live eight frames; None without tracks.
        survival: share of tracks that are there in the last frame; None without tracks.
        fewest_alive: tracks in the frame that has fewest.
        forward_backward_px: None where it was not measured.
        seconds: wall time.
        detection_shared: the features had been detected for an earlier trial.
        failure: why there is nothing to judge; None where there is.
        session: the name of its session file.
    """

    content_sha256: str
    clip: str
    class_name: str
    side: str | None
    difficulty: str | None
    backend: str
    backend_version: str
    settings: TrackerSettings
    threshold_used: float | None
    score: float
    solved: bool
    why_not: str | None
    raw_error_px: float | None
    cleaned_error_px: float | None
    frames_solved: float | None
    tracks: int
    kept_share: float | None
    success_rate: float | None
    survival: float | None
    fewest_alive: int
    forward_backward_px: float | None
    seconds: float
    detection_shared: bool
    failure: str | None
    session: str

    @property
    def key(self) -> tuple[str, str, TrackerSettings]:
        """What tells trials of one sweep apart."""
        return self.content_sha256, self.backend, self.settings

    def record(self) -> dict[str, object]:
        """As it stands in the journal and in ``trials.json``."""
        plain = to_jsonable({**{name: getattr(self, name) for name in self.__slots__}, "settings": None})
        assert isinstance(plain, dict)  # noqa: S101 - made of one
        return {**plain, "settings": self.settings.as_dict()}


def row_of(outcome: TrackOutcome, clip: SweepClip, session: str) -> Row:
    """The row of an outcome.

    Args:
        outcome: the trial.
        clip: what it was tried on.
        session: the name of its session file.
    """
    tracks, frame_count, solve = outcome.tracks, outcome.clip.frame_count, outcome.solve
    why = measures.why_unsolved(outcome)
    return Row(
        content_sha256=clip.content_sha256,
        clip=clip.path.name,
        class_name=clip.class_name,
        side=clip.side,
        difficulty=clip.difficulty,
        backend=outcome.backend,
        backend_version=outcome.backend_version,
        settings=outcome.settings,
        threshold_used=None if outcome.applied is None else outcome.applied.threshold,
        score=score_outcome(outcome),
        solved=why is None,
        why_not=why,
        raw_error_px=None if solve is None else solve.raw_error_px,
        cleaned_error_px=None if solve is None else solve.cleaned_error_px,
        frames_solved=None if solve is None else solve.frames_solved / frame_count,
        tracks=len(tracks),
        kept_share=measures.kept_share(solve),
        success_rate=measures.success_rate(tracks),
        survival=measures.survival_to_end(tracks, frame_count),
        fewest_alive=measures.fewest_alive(tracks, frame_count) if tracks else 0,
        forward_backward_px=outcome.forward_backward_px,
        seconds=outcome.seconds,
        detection_shared=outcome.detection_shared,
        failure=outcome.failure,
        session=session,
    )


def row_from(record: Mapping[str, object]) -> Row:
    """The row of a journal's record.

    Raises:
        TypeError: it is none of this version.
        InputError: its settings are impossible.
    """
    settings = record["settings"]
    if not isinstance(settings, dict):
        raise TypeError("settings")
    return Row(**{**record, "settings": TrackerSettings.from_dict(settings)})  # type: ignore[arg-type] # our own record


def score_outcome(outcome: TrackOutcome) -> float:
    """What a trial is worth, as ``aggregate`` counts it: 0 where the clip was not solved."""
    if not measures.solved(outcome):
        return 0.0
    document = session_document(outcome, side=None, difficulty=None, recorded_at=datetime.now(UTC))
    found = components(parse_session(document, "this trial").measured)
    return score_of(found, tuple(found))
