"""The arithmetic of a reel, for any clips, rates and durations."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from highlight_train.reel.plan import (
    LONGEST_SECONDS,
    SAMPLE_RATE,
    SHORTEST_SECONDS,
    Candidate,
    Cut,
    Layout,
    Order,
    Transitions,
    frames_in,
    lay_out,
    overlap,
    plan_reel,
    share,
    transition_frames,
)

RATES = st.sampled_from(
    [Fraction(10), Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(50), Fraction(60000, 1001)]
)
TRANSITIONS: st.SearchStrategy[Transitions] = st.sampled_from(["crossfade", "none"])
ORDERS: st.SearchStrategy[Order] = st.sampled_from(["score", "time"])


def candidates(shortest_clip: float = 0.5) -> st.SearchStrategy[list[Candidate]]:
    one = st.builds(
        Candidate,
        path=st.integers(0, 999).map(lambda number: Path(f"{number}.mp4")),
        score=st.floats(0, 1),
        centre_seconds=st.floats(0, 200),
        wanted_seconds=st.floats(0.1, 60),
        clip_seconds=st.floats(shortest_clip, 120),
        recorded_at=st.floats(0, 10),
    )
    return st.lists(one, min_size=1, max_size=8, unique_by=lambda each: each.path)


def check(layout: Layout, given_candidates: list[Candidate]) -> None:
    """What is true of every reel."""
    by_path = {each.path: each for each in given_candidates}
    for placed in layout.placed:
        clip = by_path[placed.cut.path].clip_seconds
        assert clip is not None
        assert placed.cut.start_frame >= 0
        assert placed.cut.frames >= 1
        assert placed.cut.start_frame + placed.cut.frames <= frames_in(clip, layout.rate)
        assert placed.cut.frames <= round(LONGEST_SECONDS * layout.rate)
    overlaps = [placed.overlap_frames for placed in layout.placed]
    assert overlaps[0] == 0
    assert layout.frames == sum(placed.cut.frames for placed in layout.placed) - sum(overlaps)
    for before, after in pairwise(layout.placed):
        assert before.end_frame - after.first_frame == after.overlap_frames
        # At most two cuts are seen at a time.
        assert before.overlap_frames + after.overlap_frames <= before.cut.frames


@given(candidates(), RATES, TRANSITIONS, ORDERS)
def test_every_candidate_is_cut_to_its_moment(
    given_candidates: list[Candidate], rate: Fraction, transitions: Transitions, order: Order
) -> None:
    layout = plan_reel(given_candidates, rate=rate, transitions=transitions, order=order)
    check(layout, given_candidates)
    assert {placed.cut.path for placed in layout.placed} == {each.path for each in given_candidates}
    by_path = {each.path: each for each in given_candidates}
    for placed in layout.placed:
        each = by_path[placed.cut.path]
        assert each.clip_seconds is not None
        moment = min(LONGEST_SECONDS, max(SHORTEST_SECONDS, each.wanted_seconds), each.clip_seconds)
        assert abs(placed.cut.frames - moment * rate) <= 1
        middle = (placed.cut.start_frame + placed.cut.frames / 2) / rate
        inside = min(max(each.centre_seconds, moment / 2), each.clip_seconds - moment / 2)
        assert abs(middle - inside) <= 2 / rate


@given(candidates(shortest_clip=5.0), RATES, TRANSITIONS, ORDERS, st.floats(1, 90))
def test_the_duration_is_met_to_the_frame(
    given_candidates: list[Candidate], rate: Fraction, transitions: Transitions, order: Order, duration: float
) -> None:
    layout = plan_reel(given_candidates, rate=rate, transitions=transitions, order=order, duration_seconds=duration)
    check(layout, given_candidates)
    everything = [min(frames_in(each.clip_seconds or 0, rate), round(15 * rate)) for each in given_candidates]
    longest = sum(everything) - transition_frames(rate, transitions) * (len(everything) - 1)
    assert layout.frames == min(round(Fraction(duration) * rate), longest)
    best = {each.path for each in given_candidates[: len(layout.placed)]}
    assert {placed.cut.path for placed in layout.placed} == best


@given(candidates(), RATES, TRANSITIONS, ORDERS, st.floats(1, 90))
def test_short_clips_keep_the_rules_too(
    given_candidates: list[Candidate], rate: Fraction, transitions: Transitions, order: Order, duration: float
) -> None:
    layout = plan_reel(given_candidates, rate=rate, transitions=transitions, order=order, duration_seconds=duration)
    check(layout, given_candidates)


@given(candidates(shortest_clip=20.0), RATES)
def test_by_time_the_cuts_are_the_same_in_another_order(given_candidates: list[Candidate], rate: Fraction) -> None:
    scored = plan_reel(given_candidates, rate=rate)
    timed = plan_reel(given_candidates, rate=rate, order="time")
    assert {placed.cut for placed in scored.placed} == {placed.cut for placed in timed.placed}
    assert [placed.cut.path for placed in scored.placed] == [each.path for each in given_candidates]
    by_path = {each.path: each.recorded_at for each in given_candidates}
    times = [by_path[placed.cut.path] for placed in timed.placed]
    assert times == sorted(times)


@st.composite
def bounded(draw: st.DrawFn) -> tuple[list[int], list[int], list[int]]:
    rows = draw(st.lists(st.lists(st.integers(1, 500), min_size=3, max_size=3).map(sorted), min_size=1, max_size=10))
    return [row[1] for row in rows], [row[0] for row in rows], [row[2] for row in rows]


@given(bounded(), st.integers(1, 6000))
def test_sharing_is_exact_within_the_bounds(lists: tuple[list[int], list[int], list[int]], total: int) -> None:
    natural, least, most = lists
    lengths = share(natural, least, most, total)
    assert all(low <= length <= high for low, length, high in zip(least, lengths, most, strict=True))
    assert sum(lengths) == min(max(total, sum(least)), sum(most))


@given(st.lists(st.integers(100, 400), min_size=2, max_size=8), st.integers(300, 2000))
def test_sharing_is_fair(natural: list[int], total: int) -> None:
    lengths = share(natural, [1] * len(natural), [10_000] * len(natural), total)
    factor = Fraction(total, sum(natural))
    # Rounding down costs each length less than a unit, and what that costs all together is shared in proportion.
    for length, each in zip(lengths, natural, strict=True):
        assert abs(length - each * factor) <= 1 + Fraction(each * len(natural), sum(natural))


def test_one_factor_stretches_all() -> None:
    pair = [
        Candidate(path=Path(n), score=1, centre_seconds=50, wanted_seconds=s, clip_seconds=100)
        for n, s in (("a", 6), ("b", 9))
    ]
    layout = plan_reel(pair, rate=Fraction(20), transitions="none", duration_seconds=20)
    assert [placed.cut.frames for placed in layout.placed] == [160, 240]


def test_a_short_duration_takes_fewer_cuts_before_it_makes_them_shorter() -> None:
    many = [Candidate(path=Path(n), score=1, centre_seconds=50, wanted_seconds=6, clip_seconds=100) for n in "abcdef"]
    layout = plan_reel(many, rate=Fraction(30), duration_seconds=7)
    assert [placed.cut.frames for placed in layout.placed] == [210]
    assert len(plan_reel(many, rate=Fraction(30), duration_seconds=17).placed) == 3


@given(st.lists(st.integers(1, 400), min_size=1, max_size=30), RATES, st.integers(0, 40))
def test_sound_and_picture_end_together(lengths: list[int], rate: Fraction, wanted: int) -> None:
    layout = lay_out([Cut(Path("a"), 1.0, 0, frames) for frames in lengths], rate, wanted)
    assert abs(layout.samples / SAMPLE_RATE - layout.duration_seconds) < Fraction(1, SAMPLE_RATE)
    assert layout.duration_seconds == layout.frames / rate


@pytest.mark.parametrize(
    ("rate", "frames"), [("10", 5), ("24000/1001", 12), ("25", 12), ("30000/1001", 15), ("30", 15), ("60000/1001", 30)]
)
def test_a_crossfade_takes_half_a_second(rate: str, frames: int) -> None:
    assert transition_frames(Fraction(rate), "crossfade") == frames
    assert transition_frames(Fraction(rate), "none") == 0


@given(st.integers(1, 100), st.integers(1, 100), st.integers(0, 40))
def test_an_overlap_leaves_room_for_another(first: int, second: int, wanted: int) -> None:
    assume(wanted)
    shared = overlap(first, second, wanted)
    assert 0 <= shared <= wanted
    assert 2 * shared <= min(first, second)
