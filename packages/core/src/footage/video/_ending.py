"""Telling a healthy end of a video from a cut or damaged one, in a plain sentence."""

from __future__ import annotations

from dataclasses import dataclass, field

from footage.video._structure import missing_bytes
from footage.video.types import Ending, VideoInfo

_SLACK_SECONDS = 0.5  # how much earlier than declared the last frame of a healthy file may end


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What a backend saw while it read a file.

    Attributes:
        frames: frames decoded.
        last_pts_seconds: time of the last one.
        last_duration_seconds: how long it is shown.
        promised_frames: exact count from a sample table; None where the container has none.
        declared_end_seconds: when the video stream should end, where the container says so for the stream itself.
        undecodable: packets the decoder refused.
        damaged: frames that were decoded with errors.
        first_damage_seconds: time of the first of either.
        stopped_by: what ended reading before the end of the file.
    """

    frames: int = 0
    last_pts_seconds: float | None = None
    last_duration_seconds: float = 0.0
    promised_frames: int | None = None
    declared_end_seconds: float | None = None
    undecodable: int = 0
    damaged: int = 0
    first_damage_seconds: float | None = None
    stopped_by: list[str] = field(default_factory=list)


def judge(info: VideoInfo, outcome: Outcome) -> Ending:
    """Weigh the evidence: exact promises only, so that no healthy file raises an alarm.

    Raises:
        OSError: The file is gone.
    """
    causes = list(outcome.stopped_by)
    cut = missing_bytes(info.path)
    if cut is not None:
        causes.append(str(cut))
    lost = 0 if outcome.promised_frames is None else max(0, outcome.promised_frames - outcome.frames)
    lost = max(lost, outcome.undecodable)
    if outcome.undecodable or (lost and not causes):
        causes.append(f"{_counted(lost, 'frame')} could not be decoded{_near(outcome.first_damage_seconds)}")
    end = 0.0 if outcome.last_pts_seconds is None else outcome.last_pts_seconds + outcome.last_duration_seconds
    declared_end = outcome.declared_end_seconds
    if not causes and declared_end is not None and declared_end - end > _SLACK_SECONDS:
        causes.append("the video ends early")
    expected = outcome.promised_frames
    if expected is None and causes and declared_end is not None:
        expected = info.frame_count_estimate
    reason = None
    if causes:
        reached = "" if outcome.last_pts_seconds is None else f", the last at {outcome.last_pts_seconds:.2f} s"
        of_frames = "" if expected is None else f" of {expected}"
        of_seconds = "" if declared_end is None else f" of {declared_end:.2f} s"
        reason = f"{'; '.join(causes)}: {_counted(outcome.frames, 'frame')}{of_frames} decoded{reached}{of_seconds}"
    elif outcome.damaged:
        shown = f"{_counted(outcome.damaged, 'frame')} of {outcome.frames}"
        reason = f"{shown} decoded with visible damage{_near(outcome.first_damage_seconds)}"
    return Ending(
        frames_decoded=outcome.frames,
        frames_expected=expected,
        last_pts_seconds=outcome.last_pts_seconds,
        cut_short=bool(causes),
        reason=reason,
    )


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _near(seconds: float | None) -> str:
    return "" if seconds is None else f", the first near {seconds:.2f} s"
