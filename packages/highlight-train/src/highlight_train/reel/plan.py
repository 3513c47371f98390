"""The arithmetic of a reel: how long each cut is, where it starts, how much two neighbours overlap.

Everything is counted in whole frames of the reel, and sound in whole samples, so that the length of the finished file
is known beforehand and exactly. Nothing here opens a file.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Literal

SHORTEST_SECONDS = 5.0
LONGEST_SECONDS = 15.0
"""A moment is given at least the one and at most the other, where the clip is long enough."""
TYPICAL_SECONDS = 8.0
"""What a moment gets of which only the middle is known."""
SHORTEST_CLIP_SECONDS = 0.5
"""Less than this is a flash, not a moment."""
SAMPLE_RATE = 48_000

Transitions = Literal["crossfade", "none"]
Order = Literal["score", "time"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A moment that could be in the reel.

    Attributes:
        path: the clip.
        score: in [0, 1].
        centre_seconds: the middle of the moment, from the clip's first frame.
        wanted_seconds: how long the moment is.
        clip_seconds: length of the clip; None where it is not known.
        recorded_at: for the order by time, seconds on any clock that all candidates share.
    """

    path: Path
    score: float
    centre_seconds: float
    wanted_seconds: float
    clip_seconds: float | None
    recorded_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Cut:
    """A piece of a clip, in frames of the reel's rate.

    Attributes:
        path: the clip.
        score: in [0, 1].
        start_frame: where the piece starts, from the clip's first frame.
        frames: its length, at least 1.
    """

    path: Path
    score: float
    start_frame: int
    frames: int


@dataclass(frozen=True, slots=True)
class Placed:
    """A cut at its place in the reel.

    Attributes:
        cut: the cut.
        first_frame: the reel's frame where it begins to be seen.
        overlap_frames: how long it crossfades with the cut before it; 0 for a hard cut.
    """

    cut: Cut
    first_frame: int
    overlap_frames: int

    @property
    def end_frame(self) -> int:
        """The reel's frame after its last."""
        return self.first_frame + self.cut.frames


@dataclass(frozen=True, slots=True)
class Layout:
    """The reel: cuts in order, each overlapping the one before it, none overlapping the one before that.

    Attributes:
        rate: frames a second.
        placed: the cuts.
    """

    rate: Fraction
    placed: tuple[Placed, ...]

    @property
    def frames(self) -> int:
        """Length of the reel: the sum of its cuts less the sum of their overlaps."""
        return self.placed[-1].end_frame if self.placed else 0

    @property
    def duration_seconds(self) -> Fraction:
        """Length of the reel."""
        return self.frames / self.rate

    @property
    def samples(self) -> int:
        """Length of the reel's sound."""
        return self.sample_at(self.frames)

    def sample_at(self, frame: int) -> int:
        """The sample of the reel's sound that starts with a frame; rounded down, so that errors never add up."""
        return math.floor(frame * SAMPLE_RATE / self.rate)


def transition_frames(rate: Fraction, transitions: Transitions) -> int:
    """Length of a full crossfade: half a second, or the frame below it; 29.97 frames a second count as 30."""
    return 0 if transitions == "none" else math.floor(rate / 2 + Fraction(1, 10))


def overlap(first_frames: int, second_frames: int, wanted_frames: int) -> int:
    """How long two neighbours may overlap so that each has room for another crossfade at its other end."""
    return min(wanted_frames, first_frames // 2, second_frames // 2)


def lay_out(cuts: Sequence[Cut], rate: Fraction, wanted_overlap_frames: int) -> Layout:
    """Put cuts one after the other, neighbours overlapping by as much as is wanted and possible."""
    placed: list[Placed] = []
    for cut in cuts:
        if not placed:
            placed.append(Placed(cut, 0, 0))
            continue
        shared = overlap(placed[-1].cut.frames, cut.frames, wanted_overlap_frames)
        placed.append(Placed(cut, placed[-1].end_frame - shared, shared))
    return Layout(rate, tuple(placed))


def plan_reel(
    candidates: Sequence[Candidate],
    *,
    rate: Fraction,
    transitions: Transitions = "crossfade",
    order: Order = "score",
    duration_seconds: float | None = None,
) -> Layout:
    """Decide the cuts and their order.

    Without a duration every candidate is cut to its moment. With one, as many of the first candidates are taken as
    their moments fill it, and all of them are stretched or shortened by one factor, between 5 and 15 s each and never
    past the ends of a clip, until the reel has exactly the frames that are nearest to the duration. Only where that
    cannot be are cuts made shorter than 5 s. A reel stays shorter than asked for where there is not enough footage.

    Args:
        candidates: best first; each of a clip with at least one frame at ``rate``.
        rate: the reel's frames a second.
        transitions: whether neighbours overlap.
        order: of the cuts: as scored, or by ``recorded_at`` (then by name).
        duration_seconds: wanted length of the reel, at least 1; None for whatever the moments take.
    """
    wanted_overlap = transition_frames(rate, transitions)
    rooms = [_room(candidate, rate) for candidate in candidates]
    lengths = [room.natural for room in rooms]
    if duration_seconds is not None:
        lengths = _fill(candidates, rooms, round(Fraction(duration_seconds) * rate), wanted_overlap, order)
    chosen = candidates[: len(lengths)]
    cuts = [_place(*piece, rate) for piece in zip(chosen, rooms, lengths, strict=False)]
    return lay_out([cuts[index] for index in _sequence(chosen, order)], rate, wanted_overlap)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """How long a cut may be, in frames: wanted, within the rules, at the very least; and its clip, if that is known."""

    bare: int
    least: int
    natural: int
    most: int
    clip: int | None


def _room(candidate: Candidate, rate: Fraction) -> _Room:
    clip = None if candidate.clip_seconds is None else frames_in(candidate.clip_seconds, rate)
    cap = round(LONGEST_SECONDS * rate) if clip is None else min(clip, round(LONGEST_SECONDS * rate))
    least = min(cap, round(SHORTEST_SECONDS * rate))
    natural = min(cap, max(least, round(candidate.wanted_seconds * rate)))
    return _Room(bare=min(cap, max(1, round(rate))), least=least, natural=natural, most=cap, clip=clip)


def frames_in(seconds: float, rate: Fraction) -> int:
    """How many whole frames fit into a stretch of a clip; a thousandth of a frame is no reason to lose one."""
    return math.floor(Fraction(seconds) * rate + Fraction(1, 1000))


def fewest_frames(rate: Fraction) -> int:
    """The shortest cut that is worth showing."""
    return max(1, math.floor(Fraction(SHORTEST_CLIP_SECONDS) * rate))


def _place(candidate: Candidate, room: _Room, frames: int, rate: Fraction) -> Cut:
    start = round(Fraction(candidate.centre_seconds) * rate - Fraction(frames, 2))
    last = start if room.clip is None else room.clip - frames
    return Cut(candidate.path, candidate.score, max(0, min(start, last)), frames)


def _fill(
    candidates: Sequence[Candidate], rooms: Sequence[_Room], target: int, wanted_overlap: int, order: Order
) -> list[int]:
    """Lengths of the first cuts, as many as are needed, so that the reel has ``target`` frames if it can."""

    def lost(count: int) -> int:
        """Frames that overlaps take from the first cuts: a clip too short for two crossfades has one length only."""
        ordered = [rooms[index].bare for index in _sequence(candidates[:count], order)]
        return sum(overlap(first, second, wanted_overlap) for first, second in pairwise(ordered))

    def total(lengths: Sequence[int]) -> int:
        return sum(lengths) - lost(len(lengths))

    count = next((n for n in range(1, len(rooms)) if total([room.natural for room in rooms[:n]]) >= target), len(rooms))
    if count > 1 and total([room.least for room in rooms[:count]]) > target:
        count -= total([room.most for room in rooms[: count - 1]]) >= target
    taken = rooms[:count]
    needed = target + lost(count)
    least = [room.least for room in taken]
    if sum(least) > needed:
        least = [room.bare for room in taken]
    return share([room.natural for room in taken], least, [room.most for room in taken], needed)


def share(natural: Sequence[int], least: Sequence[int], most: Sequence[int], total: int) -> list[int]:
    """Stretch or shorten lengths by one factor, within their bounds, so that they add up to a total.

    Args:
        natural: lengths to start from, each at least 1 and within its bounds.
        least: lower bounds.
        most: upper bounds.
        total: what the lengths shall add up to; where the bounds do not allow it, all lengths are at that bound.

    Returns:
        The lengths; what is left by rounding goes to the first ones, a unit each.
    """

    def scaled(factor: float) -> list[int]:
        return [
            max(low, min(high, math.floor(length * factor)))
            for length, low, high in zip(natural, least, most, strict=True)
        ]

    below, above = 0.0, max((high / length for length, high in zip(natural, most, strict=True)), default=0.0) + 1
    for _ in range(100):
        middle = (below + above) / 2
        if sum(scaled(middle)) <= total:
            below = middle
        else:
            above = middle
    lengths = scaled(below)
    for index, high in enumerate(most):
        if sum(lengths) < total and lengths[index] < min(high, scaled(above)[index]):
            lengths[index] += 1
    return lengths


def _sequence(candidates: Sequence[Candidate], order: Order) -> list[int]:
    """Indices of the candidates in the order of the reel."""
    indices = list(range(len(candidates)))
    if order == "time":
        indices.sort(key=lambda index: (candidates[index].recorded_at, candidates[index].path))
    return indices
