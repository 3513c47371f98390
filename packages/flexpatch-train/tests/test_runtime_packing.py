"""Patches onto a canvas: nothing overlaps, nothing is lost, the urgent come first."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rectpack.guillotine import GuillotineBssfSlas

from flexpatch_train.runtime.packing import pack
from flexpatch_train.runtime.patches import Patch, PatchKind

FRAME = (1920, 1080)


def patch(
    box: tuple[float, float, float, float], priority: float = 1, kind: PatchKind = "new", track_id: int | None = None
) -> Patch:
    return Patch(box, priority, kind, track_id)


@st.composite
def patches(draw: st.DrawFn) -> Patch:
    x0 = draw(st.floats(0, FRAME[0] - 0.5))
    y0 = draw(st.floats(0, FRAME[1] - 0.5))
    x1 = draw(st.floats(x0 + 0.25, FRAME[0]) | st.floats(x0 + 0.25, min(x0 + 200, FRAME[0])))
    y1 = draw(st.floats(y0 + 0.25, FRAME[1]) | st.floats(y0 + 0.25, min(y0 + 200, FRAME[1])))
    kind: PatchKind = draw(st.sampled_from(("failure", "new")))
    track_id = draw(st.integers(0, 99)) if kind == "failure" else None
    return Patch((x0, y0, x1, y1), draw(st.integers(0, 5)), kind, track_id)


CANVASES = st.tuples(st.integers(1, 800), st.integers(1, 500)) | st.just((640, 360))
MANY = st.lists(patches(), max_size=40)


@given(MANY, CANVASES, st.integers(1, 4), st.floats(0.05, 1))
def test_nothing_overlaps_or_leaves_the_canvas(
    wanted: list[Patch], canvas_size: tuple[int, int], turns: int, share: float
) -> None:
    packing = pack(wanted, canvas_size, failure_per_new=turns, largest_share=share)
    drawn = np.zeros(canvas_size[::-1], np.int64)
    for placement in packing.placements:
        x0, y0, x1, y1 = placement.target
        assert 0 <= x0 < x1 <= canvas_size[0]
        assert 0 <= y0 < y1 <= canvas_size[1]
        drawn[y0:y1, x0:x1] += 1
    assert drawn.max(initial=0) <= 1


@given(MANY, CANVASES)
def test_every_patch_is_placed_or_left_out_exactly_once(wanted: list[Patch], canvas_size: tuple[int, int]) -> None:
    packing = pack(wanted, canvas_size)
    placed = [patch for placement in packing.placements for patch in placement.patches]
    assert Counter([*placed, *packing.left_out]) == Counter(wanted)
    assert bool(packing.placements) == bool(wanted)


@given(MANY, st.floats(0.05, 1))
def test_sources_hold_their_patches_inside_the_frame(wanted: list[Patch], share: float) -> None:
    packing = pack(wanted, largest_share=share)
    for placement in packing.placements:
        x0, y0, x1, y1 = placement.source
        assert 0 <= x0 < x1 <= FRAME[0]
        assert 0 <= y0 < y1 <= FRAME[1]
        for part in placement.patches:
            assert x0 <= part.box[0]
            assert y0 <= part.box[1]
            assert x1 >= part.box[2]
            assert y1 >= part.box[3]


@given(MANY, CANVASES, st.floats(0.05, 1))
def test_targets_are_the_sources_scaled_to_whole_pixels(
    wanted: list[Patch], canvas_size: tuple[int, int], share: float
) -> None:
    for placement in pack(wanted, canvas_size, largest_share=share).placements:
        x0, y0, x1, y1 = placement.source
        left, top, right, bottom = placement.target
        assert 0 < placement.scale <= 1
        for side, shown in ((x1 - x0, right - left), (y1 - y0, bottom - top)):
            # Half a pixel of rounding; a side that scales to less than that still keeps one pixel.
            assert abs(shown - side * placement.scale) <= 0.5 + 1e-9 or shown == 1
        if placement.scale == 1:
            assert (right - left, bottom - top) == (x1 - x0, y1 - y0)


@given(patches(), CANVASES, st.floats(0.05, 1))
def test_a_patch_alone_is_placed_whatever_its_size(wanted: Patch, canvas_size: tuple[int, int], share: float) -> None:
    packing = pack([wanted], canvas_size, largest_share=share)
    (placement,) = packing.placements
    x0, y0, x1, y1 = placement.source
    fits = x1 - x0 <= canvas_size[0] and y1 - y0 <= canvas_size[1]
    within_share = (x1 - x0) * (y1 - y0) <= share * canvas_size[0] * canvas_size[1]
    assert (placement.scale == 1) == (fits and within_share)


def test_a_patch_larger_than_the_canvas_is_scaled_down() -> None:
    (placement,) = pack([patch((0, 0, 1920, 1080))], (640, 360), largest_share=1).placements
    assert placement.target == (0, 0, 640, 360)
    assert placement.scale == pytest.approx(1 / 3)
    (half,) = pack([patch((0, 0, 1920, 1080))], (640, 360)).placements
    assert half.scale == pytest.approx(np.sqrt(0.5) / 3)


@given(MANY)
def test_the_first_in_turn_is_always_placed(wanted: list[Patch]) -> None:
    failures = [item.priority for item in wanted if item.kind == "failure"]
    if failures:
        assert pack(wanted).placements[0].patch.priority == max(failures)


def cell(number: int, priority: float, kind: PatchKind) -> Patch:
    """Patches of 10x10 pixels that do not touch."""
    return patch((number * 20, 0, number * 20 + 10, 10), priority, kind)


def test_failure_and_new_patches_take_turns() -> None:
    failures = [cell(i, 10 - i, "failure") for i in range(7)]
    news = [cell(20 + i, 90 - i, "new") for i in range(4)]
    order = [placement.patch for placement in pack([*news[::-1], *failures[::-1]]).placements]
    assert order == [*failures[:3], news[0], *failures[3:6], news[1], failures[6], *news[2:]]
    order = [placement.patch for placement in pack([*failures, *news], failure_per_new=1).placements]
    assert [item.kind for item in order[:8]] == ["failure", "new"] * 4


def test_equal_priorities_keep_the_order_given() -> None:
    failures = [cell(i, 1, "failure") for i in (3, 1, 2)]
    assert [placement.patch for placement in pack(failures).placements] == failures


def test_the_least_urgent_is_left_out() -> None:
    wide = [patch((0, i * 100, 100, i * 100 + 40), priority) for i, priority in enumerate((1, 3, 2))]
    packing = pack(wide, (100, 80))
    assert [placement.patch for placement in packing.placements] == [wide[1], wide[2]]
    assert packing.left_out == (wide[0],)


def test_packed_anew_where_gaps_leave_no_room() -> None:
    """In the order of urgency the guillotine cuts the canvas badly; with the large ones first everything fits."""
    sizes = [(2, 2), (6, 10), (4, 8)]
    wanted = [patch((i * 20, 0, i * 20 + width, height), 9 - i) for i, (width, height) in enumerate(sizes)]
    in_order = GuillotineBssfSlas(10, 10, rot=False)
    assert [in_order.add_rect(*size) is not None for size in sizes] != [True] * 3
    packing = pack(wanted, (10, 10), largest_share=1)
    assert [placement.patch for placement in packing.placements] == wanted


def test_overlapping_failure_patches_are_merged_to_save_pixels() -> None:
    near = [patch((0, 0, 100, 100), 1, "failure", 1), patch((20, 0, 120, 100), 2, "failure", 2)]
    (placement,) = pack(near).placements
    assert placement.source == (0, 0, 120, 100)
    assert placement.patches == (near[1], near[0])
    assert placement.patch is near[1]


@pytest.mark.parametrize(
    ("other", "kind"),
    [
        ((100, 0, 200, 100), "failure"),  # side by side: nothing to save
        ((90, 90, 190, 190), "failure"),  # across a corner: the rectangle around both is larger
        ((20, 0, 120, 100), "new"),
    ],
)
def test_patches_that_are_not_merged(other: tuple[float, float, float, float], kind: PatchKind) -> None:
    packing = pack([patch((0, 0, 100, 100), 1, "failure", 1), patch(other, 1, kind, None)])
    assert len(packing.placements) == 2


def test_patches_are_not_merged_into_something_shown_smaller() -> None:
    row = [patch((i * 200, 0, i * 200 + 300, 300), 1, "failure", i) for i in range(2)]
    packing = pack(row, (640, 360), largest_share=0.5)
    assert [placement.scale for placement in packing.placements] == [1, 1]


def test_merged_patches_that_find_no_room_are_tried_one_by_one() -> None:
    band = patch((200, 0, 300, 50), 9, "failure", 1)
    column = [patch((0, y, 50, y + 50), 5 - y / 20, "failure", y) for y in (0, 20)]
    alone = pack(column, (100, 100), largest_share=1)
    assert [placement.patches for placement in alone.placements] == [tuple(column)]
    packing = pack([band, *column], (100, 100), largest_share=1)
    assert [placement.patches for placement in packing.placements] == [(band,), (column[0],), (column[1],)]
    less = pack([band, *column], (99, 100), largest_share=1)
    assert less.left_out == (column[1],)


@given(MANY)
def test_merging_never_shows_an_object_smaller(wanted: list[Patch]) -> None:
    for placement in pack(wanted).placements:
        for part in placement.patches:
            (alone,) = pack([part]).placements
            assert placement.scale >= alone.scale


@given(st.lists(patches(), min_size=2, max_size=12))
def test_merged_patches_save_pixels(wanted: list[Patch]) -> None:
    for placement in pack(wanted).placements:
        if len(placement.patches) > 1:
            assert {item.kind for item in placement.patches} == {"failure"}
            sources = [pack([item]).placements[0].source for item in placement.patches]
            apart = sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in sources)
            x0, y0, x1, y1 = placement.source
            assert (x1 - x0) * (y1 - y0) < apart


@pytest.mark.parametrize(
    "settings",
    [{"canvas_size": (0, 360)}, {"failure_per_new": 0}, {"largest_share": 0.0}, {"largest_share": 1.1}],
)
def test_settings_out_of_range(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="expected at least 1"):
        pack([], **settings)  # type: ignore[arg-type]  # settings of several types, each tried alone


@pytest.mark.parametrize("box", [(5, 5, 5, 9), (-1, 0, 4, 4), (0, 0, float("nan"), 4), (0, 0, float("inf"), 4)])
def test_boxes_that_are_no_patch(box: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match="is no box inside a frame"):
        patch(box)


def test_a_priority_that_is_no_number() -> None:
    with pytest.raises(ValueError, match="priority is nan"):
        patch((0, 0, 4, 4), float("nan"))
