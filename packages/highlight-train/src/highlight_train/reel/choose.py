"""Which clips come into a reel, and what form it takes from them: the only part of planning that opens files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from footage.dataset.discover import Skipped
from footage.errors import FootageError
from footage.video.probe import probe
from footage.video.types import VideoInfo
from highlight_train.highlights import Highlight
from highlight_train.reel.plan import (
    LONGEST_SECONDS,
    SHORTEST_CLIP_SECONDS,
    SHORTEST_SECONDS,
    TYPICAL_SECONDS,
    Candidate,
)

STANDARD_RATES = tuple(
    Fraction(rate) for rate in ("24000/1001", "24", "25", "30000/1001", "30", "50", "60000/1001", "60")
)
NEAR = Fraction(1, 200)
"""Files that were cut or recorded at a varying rate miss a standard rate by this much and more often less."""
FASTEST_RATE = Fraction(60)
OVERLAP_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Chosen:
    """The clips of a reel.

    Attributes:
        candidates: their moments, best first.
        infos: what each file says about itself, in the same order.
        left_out: clips that were good enough and could not be used, with the reason.
    """

    candidates: tuple[Candidate, ...]
    infos: tuple[VideoInfo, ...]
    left_out: tuple[Skipped, ...]


def choose(
    highlights: Sequence[Highlight], *, top: int | None, min_score: float, duration_seconds: float | None
) -> Chosen:
    """Take the best clips that can be opened, until there are enough.

    A clip that cannot be used gives its place to the next one. Files are opened only as far down the list as needed.

    Args:
        highlights: in any order; a clip that is listed twice counts once, with its better score.
        top: how many clips at most; None for no limit.
        min_score: the least score, in [0, 1].
        duration_seconds: stop when the moments fill this; None to go on to the end.
    """
    best: dict[Path, Highlight] = {}
    for each in sorted(highlights, key=lambda each: (-each.score, each.path)):
        if each.score >= min_score:
            best.setdefault(each.path, each)
    candidates: list[Candidate] = []
    infos: list[VideoInfo] = []
    left_out: list[Skipped] = []
    filled_seconds = 0.0
    for highlight in best.values():
        full = duration_seconds is not None and filled_seconds >= duration_seconds
        if full or (top is not None and len(candidates) >= top):
            break
        try:
            info = probe(highlight.path)
        except FootageError as error:
            left_out.append(Skipped(highlight.path, error.what))
            continue
        if info.duration_seconds is not None and info.duration_seconds < SHORTEST_CLIP_SECONDS:
            left_out.append(Skipped(highlight.path, f"the clip is only {info.duration_seconds:.2f} s long"))
            continue
        candidate = _candidate(highlight, info)
        filled_seconds += _moment_seconds(candidate) - (OVERLAP_SECONDS if candidates else 0)
        candidates.append(candidate)
        infos.append(info)
    return Chosen(tuple(candidates), tuple(infos), tuple(left_out))


def _candidate(highlight: Highlight, info: VideoInfo) -> Candidate:
    window = highlight.best_window
    if window is None:
        centre, wanted = highlight.timestamp_seconds, TYPICAL_SECONDS
    else:
        centre = (window.start_seconds + window.end_seconds) / 2
        wanted = window.end_seconds - window.start_seconds
    return Candidate(
        path=highlight.path,
        score=highlight.score,
        centre_seconds=centre,
        wanted_seconds=wanted,
        clip_seconds=info.duration_seconds,
        # Cameras close a file when the recording ends, and most ways of copying keep that time.
        recorded_at=highlight.path.stat().st_mtime,
    )


def _moment_seconds(candidate: Candidate) -> float:
    moment = min(LONGEST_SECONDS, max(SHORTEST_SECONDS, candidate.wanted_seconds))
    return moment if candidate.clip_seconds is None else min(moment, candidate.clip_seconds)


def common_size(infos: Sequence[VideoInfo]) -> tuple[int, int]:
    """The size that most clips have, the larger of equals; odd sizes are rounded down to even ones."""
    counts = Counter((max(2, info.width // 2 * 2), max(2, info.height // 2 * 2)) for info in infos)
    return max(counts, key=lambda size: (counts[size], size[0] * size[1], size))


def common_rate(infos: Sequence[VideoInfo]) -> Fraction:
    """The rate that most clips have, the faster of equals, at most 60 frames a second; 30 where no file says."""
    counts = Counter(standard_rate(info.average_rate) for info in infos if info.average_rate)
    return max(counts, key=lambda rate: (counts[rate], rate), default=Fraction(30))


def standard_rate(rate: Fraction) -> Fraction:
    """The standard rate near an average one; else whole frames a second, from 1 to 60."""
    nearest = min(STANDARD_RATES, key=lambda standard: abs(standard - rate))
    if abs(nearest - rate) <= NEAR * nearest:
        return nearest
    return min(FASTEST_RATE, max(Fraction(1), Fraction(round(rate))))
