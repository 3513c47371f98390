"""Fitting the wanted patches of a frame into one small canvas.

Overlapping failure patches are merged, failure and new patches take turns, large ones are scaled down, and what no
longer fits is handed back to be asked for again (FlexPatch: Yang, Yi, Lee and Lee, INFOCOM 2022).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rectpack.guillotine import GuillotineBssfSlas

from flexpatch_train.runtime.patches import Patch

CANVAS_SIZE = (640, 360)
FAILURE_PER_NEW = 3
LARGEST_SHARE = 0.5

_MOST_REPACKS = 4  # packing everything anew takes a third of a millisecond, and later attempts seldom succeed

PixelBox = tuple[int, int, int, int]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Placement:
    """A part of the frame and where it stands on the canvas.

    Attributes:
        patches: the wanted patches it shows, most urgent first; several where failure patches were merged.
        source: ``xyxy`` in whole pixels of the frame.
        target: ``xyxy`` in whole pixels of the canvas.
        scale: canvas pixels a frame pixel, in (0, 1]. The target's sides are whole pixels, so that each side's own
            scale may differ a little from this.
    """

    patches: tuple[Patch, ...]
    source: PixelBox
    target: PixelBox
    scale: float

    @property
    def patch(self) -> Patch:
        """The most urgent of its patches."""
        return self.patches[0]


@dataclass(frozen=True, slots=True)
class Packing:
    """What goes onto a canvas and what does not: every wanted patch is in exactly one of the two.

    Attributes:
        placements: in the order of urgency; their targets do not overlap.
        left_out: the patches for which no room was left, in the order in which they were tried.
        canvas_size: width and height in pixels.
    """

    placements: tuple[Placement, ...]
    left_out: tuple[Patch, ...]
    canvas_size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One rectangle of the frame to be placed, the patches it is for, and its size on the canvas."""

    patches: tuple[Patch, ...]
    source: PixelBox
    size: tuple[int, int]
    scale: float

    @property
    def area_px(self) -> int:
        return self.size[0] * self.size[1]


def pack(
    patches: Sequence[Patch],
    canvas_size: tuple[int, int] = CANVAS_SIZE,
    *,
    failure_per_new: int = FAILURE_PER_NEW,
    new_first: bool = False,
    largest_share: float = LARGEST_SHARE,
) -> Packing:
    """Place patches on a canvas, the urgent ones first.

    Failure patches come by priority, then new ones, in turns of ``failure_per_new`` to 1; patches of equal priority in
    the order given. When one kind is used up the other takes what is left. A patch that finds no room is left out, and
    smaller ones after it may still be placed.

    Args:
        patches: what is wanted.
        canvas_size: width and height in pixels.
        failure_per_new: failure patches for each new one, at least 1.
        new_first: begin the first turn with the new patch. Where a few failure patches fill the canvas no new one would
            ever find room behind them.
        largest_share: a patch that would take more than this share of the canvas is scaled down to it, in (0, 1].

    Returns:
        The placements and what was left out.

    Raises:
        ValueError: a setting is out of its range.
    """
    if min(canvas_size) < 1 or failure_per_new < 1 or not 0 < largest_share <= 1:
        raise ValueError(
            f"canvas {canvas_size}, {failure_per_new} failure patches a new one, largest share {largest_share}: "
            "expected at least 1, at least 1, and a share in (0, 1]"
        )
    by_urgency = sorted(patches, key=lambda patch: -patch.priority)
    failures = _merge([patch for patch in by_urgency if patch.kind == "failure"], canvas_size, largest_share)
    news = [_wanted((patch,), canvas_size, largest_share) for patch in by_urgency if patch.kind == "new"]
    order = _in_turns(failures, news, failure_per_new)
    if new_first and news:
        order.remove(news[0])
        order.insert(0, news[0])
    return _place(order, canvas_size, largest_share)


def _in_turns(failures: list[_Wanted], news: list[_Wanted], failure_per_new: int) -> list[_Wanted]:
    order = []
    for turn, new in enumerate(news):
        order += [*failures[turn * failure_per_new : (turn + 1) * failure_per_new], new]
    return order + failures[len(news) * failure_per_new :]


def _merge(patches: list[Patch], canvas_size: tuple[int, int], largest_share: float) -> list[_Wanted]:
    """Join patches where the rectangle around both has fewer pixels than the two have together.

    The pair that saves most comes first. Patches are not joined where that would show one of them smaller.
    """
    groups: list[tuple[Patch, ...]] = [(patch,) for patch in patches]
    if len(groups) > 1:
        boxes = np.array([_whole_pixels(patch.box) for patch in patches], np.float64)
        saved = _saved_px(boxes, boxes, canvas_size, largest_share)
        np.fill_diagonal(saved, 0)
        while saved.max() > 0:
            first, second = sorted(divmod(int(saved.argmax()), len(groups)))
            # The more urgent of the two is the first, and stands for both in the order of urgency.
            groups[first] += groups[second]
            groups[second] = ()
            boxes[first, :2] = np.minimum(boxes[first, :2], boxes[second, :2])
            boxes[first, 2:] = np.maximum(boxes[first, 2:], boxes[second, 2:])
            row = _saved_px(boxes[first : first + 1], boxes, canvas_size, largest_share)[0]
            row[[first, *(i for i, group in enumerate(groups) if not group)]] = 0
            saved[first], saved[:, first] = row, row
            saved[second], saved[:, second] = 0, 0
    return [_wanted(group, canvas_size, largest_share) for group in groups if group]


def _saved_px(a: Floats, b: Floats, canvas_size: tuple[int, int], largest_share: float) -> Floats:
    """Pixels that joining box ``i`` of ``a`` with box ``j`` of ``b`` saves: ``(N, M)``, 0 where it must not be."""
    sides = np.maximum(a[:, None, 2:], b[:, 2:]) - np.minimum(a[:, None, :2], b[:, :2])
    sides_a, sides_b = a[:, 2:] - a[:, :2], b[:, 2:] - b[:, :2]
    saved = (sides_a.prod(axis=1)[:, None] + sides_b.prod(axis=1)) - sides.prod(axis=2)
    if saved.max() <= 0:
        return np.zeros(saved.shape)
    scale_a, scale_b, scale = (_scales(each, canvas_size, largest_share) for each in (sides_a, sides_b, sides))
    return np.where(scale >= np.maximum(scale_a[:, None], scale_b), saved, 0.0)


def _scales(sides: Floats, canvas_size: tuple[int, int], largest_share: float) -> Floats:
    """Scale at which boxes with these sides ``(..., 2)`` fit the canvas and take no more than their share of it."""
    by_sides = (np.array(canvas_size) / sides).min(axis=-1)
    by_area = np.sqrt(largest_share * canvas_size[0] * canvas_size[1] / sides.prod(axis=-1))
    return np.asarray(np.minimum(np.minimum(by_sides, by_area), 1.0))


def _wanted(patches: tuple[Patch, ...], canvas_size: tuple[int, int], largest_share: float) -> _Wanted:
    x0, y0, x1, y1 = _whole_pixels(patches[0].box)
    for patch in patches[1:]:
        left, top, right, bottom = _whole_pixels(patch.box)
        x0, y0, x1, y1 = min(x0, left), min(y0, top), max(x1, right), max(y1, bottom)
    width, height = x1 - x0, y1 - y0
    scale = min(
        canvas_size[0] / width,
        canvas_size[1] / height,
        math.sqrt(largest_share * canvas_size[0] * canvas_size[1] / (width * height)),
        1.0,
    )
    size = (
        min(max(round(width * scale), 1), canvas_size[0]),
        min(max(round(height * scale), 1), canvas_size[1]),
    )
    by_urgency = tuple(sorted(patches, key=lambda patch: -patch.priority))
    return _Wanted(by_urgency, (x0, y0, x1, y1), size, scale)


def _whole_pixels(box: tuple[float, float, float, float]) -> PixelBox:
    return math.floor(box[0]), math.floor(box[1]), math.ceil(box[2]), math.ceil(box[3])


def _place(order: list[_Wanted], canvas_size: tuple[int, int], largest_share: float) -> Packing:
    """Put rectangles on the canvas in their order.

    Where one finds no room, all so far are packed anew with the large ones first, which leaves fewer gaps. If that
    fails too, patches that were merged are tried one by one, and a single one is left out.
    """
    packer = GuillotineBssfSlas(*canvas_size, rot=False)
    room_px = canvas_size[0] * canvas_size[1]
    placed: list[_Wanted] = []
    left_out: list[Patch] = []
    repacks_left = _MOST_REPACKS
    waiting = deque(order)
    while waiting:
        wanted = waiting.popleft()
        fits = wanted.area_px <= room_px and packer.add_rect(*wanted.size, rid=len(placed)) is not None
        if not fits and wanted.area_px <= room_px and repacks_left > 0:
            repacks_left -= 1
            anew = _packed_anew([*placed, wanted], canvas_size)
            fits = anew is not None
            packer = anew if fits else packer
        if fits:
            placed.append(wanted)
            room_px -= wanted.area_px
        elif len(wanted.patches) > 1:
            waiting.extendleft(_wanted((patch,), canvas_size, largest_share) for patch in reversed(wanted.patches))
        else:
            left_out.extend(wanted.patches)
    corners = {rectangle.rid: (int(rectangle.x), int(rectangle.y)) for rectangle in packer}
    placements = tuple(_placement(wanted, corners[number]) for number, wanted in enumerate(placed))
    return Packing(placements, tuple(left_out), canvas_size)


def _placement(wanted: _Wanted, corner: tuple[int, int]) -> Placement:
    (x, y), (width, height) = corner, wanted.size
    return Placement(wanted.patches, wanted.source, (x, y, x + width, y + height), wanted.scale)


def _packed_anew(placed: list[_Wanted], canvas_size: tuple[int, int]) -> GuillotineBssfSlas | None:
    packer = GuillotineBssfSlas(*canvas_size, rot=False)
    for number in sorted(range(len(placed)), key=lambda i: -placed[i].area_px):
        if packer.add_rect(*placed[number].size, rid=number) is None:
            return None
    return packer
