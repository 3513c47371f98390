"""Which clips are tuned on and which are held out: by class, spread over difficulty, copies of one shot together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from eztrack_tune.scan.record import HELD_OUT, LEAST_HELD_OUT, LEAST_TUNING, TUNING, ScannedClip
from footage.dataset.audit import near_duplicates
from footage.dataset.manifest import rows_sha256

HELD_OUT_SHARE = 0.3
_PLAIN_BITS = 8
_ALIKE_BITS = 4
_ALIKE_FRAMES = 2


def deal(clips: Sequence[ScannedClip], *, seed: int, known: Mapping[str, str]) -> list[ScannedClip]:
    """Give each clip its side.

    A clip that an earlier scan gave a side keeps it: what was tuned on never becomes held out. Copies of one shot go
    together. Of a class with eight clips or more three in ten are held out, three at least; with fewer, five are tuned
    on first.

    Args:
        clips: their sides are ignored.
        seed: decides among clips of equal difficulty.
        known: side by content, from an earlier scan.

    Returns:
        The clips in their order, with sides.
    """
    shots = same_shots(clips)
    sides: dict[int, str] = {}
    for shot in sorted(set(shots)):
        earlier = {known.get(clip.content_sha256) for clip, one in zip(clips, shots, strict=True) if one == shot}
        if TUNING in earlier:
            sides[shot] = TUNING
        elif HELD_OUT in earlier:
            sides[shot] = HELD_OUT
    for name in sorted({clip.footage.name for clip in clips}):
        _deal_class(clips, shots, sides, name=name, seed=seed)
    return [replace(clip, side=sides[shot]) for clip, shot in zip(clips, shots, strict=True)]


def same_shots(clips: Sequence[ScannedClip]) -> list[int]:
    """A number for each clip; clips that show the same pictures share it."""
    numbers = list(range(len(clips)))
    # A black or plain frame is like every other: it has no detail to be known by.
    known = [(index, one) for index, clip in enumerate(clips) for one in clip.hashes if one.bit_count() > _PLAIN_BITS]
    hashes = np.array([one for _, one in known], dtype=np.uint64)
    alike: dict[tuple[int, int], set[int]] = {}
    for left, right, _ in near_duplicates(hashes, hashes, max_distance=_ALIKE_BITS) if known else []:
        pair = (known[left][0], known[right][0])
        if pair[0] != pair[1]:
            alike.setdefault(pair, set()).add(left)
    for (left, right), frames in sorted(alike.items()):
        if len(frames) >= _ALIKE_FRAMES:
            old, new = sorted((numbers[left], numbers[right]), reverse=True)
            numbers = [new if number == old else number for number in numbers]
    return numbers


def wanted_held_out(count: int) -> int:
    """How many clips of a class with so many are held out."""
    if count >= LEAST_TUNING + LEAST_HELD_OUT:
        return max(LEAST_HELD_OUT, round(HELD_OUT_SHARE * count))
    return max(0, count - LEAST_TUNING)


def _deal_class(
    clips: Sequence[ScannedClip], shots: Sequence[int], sides: dict[int, str], *, name: str, seed: int
) -> None:
    """Deal the shots of a class that have no side yet."""
    members: dict[int, list[ScannedClip]] = {}
    for clip, shot in zip(clips, shots, strict=True):
        if clip.footage.name == name:
            members.setdefault(shot, []).append(clip)
    count = sum(map(len, members.values()))
    have = sum(len(members[shot]) for shot in members if sides.get(shot) == HELD_OUT)
    missing = wanted_held_out(count) - have
    # Round after round through the difficulties, so that both sides have some of each.
    waiting = sorted(
        (shot for shot in members if shot not in sides),
        key=lambda shot: rows_sha256(seed, members[shot][0].content_sha256),
    )
    turn = dict.fromkeys(waiting, 0)
    met: dict[str, int] = {}
    for shot in waiting:
        kind = members[shot][0].difficulty.value
        turn[shot] = met[kind] = met.get(kind, 0) + 1
    for shot in sorted(waiting, key=lambda shot: turn[shot]):
        held = 0 < len(members[shot]) <= missing
        sides[shot] = HELD_OUT if held else TUNING
        missing -= len(members[shot]) if held else 0
