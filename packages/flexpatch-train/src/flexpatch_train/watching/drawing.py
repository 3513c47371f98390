"""Pictures of what the runtime does: tracks by risk, what the detector was shown, and what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from flexpatch_train.runtime.packing import Packing, PixelBox
from flexpatch_train.runtime.tracked import Tracks
from footage.report.palette import BLUE, GREEN, ORANGE, VERMILION

Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]

INSET_SHARE = 0.28
DIMMED = 0.62
LEAST_INSET_PX = 48

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_CAP_HEIGHT_PX = 21.0  # of that font at scale 1
_DARK: Colour = (18, 22, 26)
_LIGHT: Colour = (238, 241, 244)


def _rgb(colour: str) -> Colour:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


@dataclass(frozen=True, slots=True)
class RiskLook:
    """How boxes of one band of risk are drawn: colour, thickness and dashes each tell it alone.

    Attributes:
        name: of the label that the band is nearest to.
        below: the band ends here, in [0, 1].
        colour: RGB.
        ink: RGB of text on the colour.
        thickness: in line widths.
        dashed: whether the line has gaps.
    """

    name: str
    below: float
    colour: Colour
    ink: Colour
    thickness: int
    dashed: bool


LOOKS = (
    RiskLook("low", 0.25, _rgb(BLUE), _LIGHT, 1, dashed=False),
    RiskLook("medium", 0.75, _rgb(ORANGE), _DARK, 2, dashed=False),
    RiskLook("high", float("inf"), _rgb(VERMILION), _LIGHT, 3, dashed=True),
)
"""How a box is drawn by its risk, the probability that it has lost its object: up to 1 in 4, up to 3 in 4, above."""

KIND_COLOURS: dict[str, Colour] = {"failure": _LIGHT, "new": _rgb(GREEN)}
"""Outlines of patches, by kind."""


def look_of(risk: float) -> RiskLook:
    """How a box of a risk in [0, 1] is drawn."""
    return next(look for look in LOOKS if risk < look.below)


def annotate(
    image: Picture, tracks: Tracks, packing: Packing | None, canvas: Picture, captions: Sequence[str]
) -> Picture:
    """Draw what the runtime knows and does onto a copy of a frame.

    What the detector was not shown is dimmed. Boxes are coloured by risk, the riskiest on top, with the object's
    number and the detector's score. The canvas stands in the upper right corner and a line of text below. What finds no
    room on a small frame is left out.

    Args:
        image: RGB uint8 ``(H, W, 3)``; it is not changed.
        tracks: the runtime's answer for the frame.
        packing: what the detector was shown; None where that was the whole frame.
        canvas: RGB uint8, the picture that the detector was given.
        captions: the line of text, the most complete wording first; the first that fits is taken.

    Returns:
        RGB uint8 ``(H, W, 3)``.
    """
    picture = _dimmed(image, packing)
    pen = _Pen.for_picture(picture)
    top = _draw_footer(picture, pen, captions)
    order = np.argsort(tracks.risks, kind="stable").tolist()
    for row in order:
        _draw_box(picture, pen, tracks.boxes[row], look_of(float(tracks.risks[row])))
    inset = _draw_inset(picture, pen, packing, canvas, lowest=top)
    _draw_labels(picture, pen, tracks, order, lowest=top, taken=inset)
    return picture


@dataclass(frozen=True, slots=True)
class _Pen:
    """Line width and text size that suit a picture's size."""

    line: int
    text_scale: float

    @classmethod
    def for_picture(cls, picture: Picture) -> _Pen:
        height, width = picture.shape[:2]
        size = max(min(height, width * 9 / 16), 1.0)
        return cls(line=max(1, round(size / 540)), text_scale=float(np.clip(size / 60, 7.5, 30)) / _CAP_HEIGHT_PX)

    @property
    def text_line(self) -> int:
        return max(1, round(self.text_scale * 1.8))

    @property
    def text_height(self) -> int:
        return round(self.text_scale * _CAP_HEIGHT_PX)

    def width_of(self, text: str) -> int:
        return int(cv2.getTextSize(text, _FONT, self.text_scale, self.text_line)[0][0])

    def write(self, picture: Picture, text: str, left: int, baseline: int, colour: Colour) -> None:
        cv2.putText(picture, text, (left, baseline), _FONT, self.text_scale, colour, self.text_line, cv2.LINE_AA)


def _dimmed(image: Picture, packing: Packing | None) -> Picture:
    """A copy in which what the detector was not shown is darker."""
    if packing is None:
        return image.copy()
    picture = np.asarray(cv2.convertScaleAbs(image, alpha=DIMMED), np.uint8)
    for placement in packing.placements:
        x0, y0, x1, y1 = placement.source
        picture[y0:y1, x0:x1] = image[y0:y1, x0:x1]
    return picture


def _draw_box(picture: Picture, pen: _Pen, box: NDArray[np.float32], look: RiskLook) -> None:
    height, width = picture.shape[:2]
    corners = np.clip(np.rint(box).astype(int), 0, [width - 1, height - 1] * 2)
    left, top, right, bottom = corners.tolist()
    thickness = look.thickness * pen.line
    # A dark edge below the line: it shows on any picture.
    cv2.rectangle(picture, (left, top), (right, bottom), _DARK, thickness + 2, cv2.LINE_8)
    if not look.dashed:
        cv2.rectangle(picture, (left, top), (right, bottom), look.colour, thickness, cv2.LINE_8)
        return
    for start, stop in _dashes((left, top, right, bottom), dash=5 * thickness):
        cv2.line(picture, start, stop, look.colour, thickness, cv2.LINE_8)


def _dashes(box: PixelBox, dash: int) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Dashes along a box's sides, each side beginning and ending with one so that the corners are closed."""
    left, top, right, bottom = box

    def spans(first: int, last: int) -> list[tuple[int, int]]:
        # An odd number of pieces: dash, gap, ..., dash.
        pieces = max(round((last - first) / dash) // 2 * 2 + 1, 1)
        ends = np.rint(np.linspace(first, last, pieces + 1)).astype(int).tolist()
        return list(zip(ends[0::2], ends[1::2], strict=True))

    across = [((a, y), (b, y)) for y in (top, bottom) for a, b in spans(left, right)]
    return across + [((x, a), (x, b)) for x in (left, right) for a, b in spans(top, bottom)]


def _draw_labels(
    picture: Picture, pen: _Pen, tracks: Tracks, order: Sequence[int], *, lowest: int, taken: PixelBox | None
) -> None:
    """A tab a box, above it or else below, inside the picture; where both places are taken the tabs overlap."""
    pad = max(2, pen.text_height // 3)
    height, width = pen.text_height + 2 * pad, int(picture.shape[1])
    placed: list[PixelBox] = []
    inset = [] if taken is None else [taken]
    # The riskiest choose first, and are drawn last.
    for row in reversed(order):
        across = pen.width_of(_label(tracks, row)) + 2 * pad
        if across > width or height > lowest:
            placed.append((0, 0, 0, 0))
            continue
        left = int(np.clip(round(float(tracks.boxes[row, 0])) - pen.line, 0, width - across))
        tops = (round(float(tracks.boxes[row, 1])) - height, round(float(tracks.boxes[row, 3])) + 1)
        tabs = [(left, top, left + across, top + height) for top in (int(np.clip(t, 0, lowest - height)) for t in tops)]
        placed.append(
            next((tab for tab in tabs if not any(_overlap(tab, other) for other in [*placed, *inset])), tabs[0])
        )
    for row, (left, top, right, bottom) in zip(order, reversed(placed), strict=True):
        if right > left:
            look = look_of(float(tracks.risks[row]))
            cv2.rectangle(picture, (left, top), (right - 1, bottom - 1), look.colour, cv2.FILLED)
            pen.write(picture, _label(tracks, row), left + pad, bottom - pad, look.ink)


def _label(tracks: Tracks, row: int) -> str:
    return f"#{tracks.object_ids[row]} {tracks.scores[row]:.2f}"


def _overlap(one: PixelBox, other: PixelBox) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _draw_footer(picture: Picture, pen: _Pen, captions: Sequence[str]) -> int:
    """A darkened strip along the lower edge with the caption, and what the lines mean where that fits too.

    Returns:
        The row at which the strip begins; the picture's height where there is none.
    """
    height, width = int(picture.shape[0]), int(picture.shape[1])
    pad = max(4, round(0.6 * pen.text_height))
    strip = pen.text_height + 2 * pad
    legend = _legend_width(pen, pad)
    fitting = [text for text in captions if pen.width_of(text) + 2 * pad <= width]
    beside = [text for text in fitting if pen.width_of(text) + 3 * pad + legend <= width]
    if not fitting or strip > height / 4:
        return height
    ground = picture[height - strip :]
    ground[:] = cv2.addWeighted(ground, 0.15, np.full_like(ground, _DARK), 0.85, 0)
    pen.write(picture, (beside or fitting)[0], pad, height - pad, _LIGHT)
    if beside:
        _draw_legend(picture, pen, pad, left=width - legend)
    return height - strip


def _legend_names() -> list[str]:
    return ["risk: low", *(look.name for look in LOOKS[1:])]


def _legend_width(pen: _Pen, pad: int) -> int:
    return sum(pen.width_of(name) + 2 * pen.text_height + 2 * pad for name in _legend_names())


def _draw_legend(picture: Picture, pen: _Pen, pad: int, *, left: int) -> None:
    """A sample of each line at the strip's right end."""
    height, sample = int(picture.shape[0]), 2 * pen.text_height
    middle = height - pad - pen.text_height // 2
    for name, look in zip(_legend_names(), LOOKS, strict=True):
        pen.write(picture, name, left, height - pad, _LIGHT)
        start = left + pen.width_of(name) + pad // 2
        ends = np.rint(np.linspace(start, start + sample, 4 if look.dashed else 2)).astype(int).tolist()
        for first, last in zip(ends[0::2], ends[1::2], strict=True):
            cv2.line(picture, (first, middle), (last, middle), look.colour, look.thickness * pen.line, cv2.LINE_8)
        left = start + sample + pad + pad // 2


def _draw_inset(
    picture: Picture, pen: _Pen, packing: Packing | None, canvas: Picture, *, lowest: int
) -> PixelBox | None:
    """The picture that the detector was given, small, with its placements outlined.

    Returns:
        Where it stands; None where there is no room for it.
    """
    width = int(picture.shape[1])
    margin = max(4, pen.text_height // 2)
    scale = min(INSET_SHARE * width / canvas.shape[1], 0.4 * lowest / canvas.shape[0])
    across, down = round(canvas.shape[1] * scale), round(canvas.shape[0] * scale)
    if min(across, down) < 2 or across < LEAST_INSET_PX:
        return None
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    inset = np.asarray(cv2.resize(canvas, (across, down), interpolation=interpolation), np.uint8)
    for placement in packing.placements if packing is not None else ():
        x0, y0, x1, y1 = (round(side * scale) for side in placement.target)
        colour = KIND_COLOURS[placement.patch.kind]
        cv2.rectangle(inset, (x0, y0), (max(x1 - 1, x0), max(y1 - 1, y0)), colour, 1, cv2.LINE_8)
    text = "the detector sees" if packing is not None else "the detector sees all"
    pad = max(3, pen.text_height // 3)
    titled = pen.width_of(text) + 2 * pad <= across
    head = pen.text_height + 2 * pad if titled else 0
    left, top = width - across - margin, margin + head
    if titled:
        cv2.rectangle(picture, (left, margin), (left + across - 1, top - 1), _DARK, cv2.FILLED)
        pen.write(picture, text, left + pad, top - pad, _LIGHT)
    picture[top : top + down, left : left + across] = inset
    cv2.rectangle(picture, (left - 2, margin - 2), (left + across + 1, top + down + 1), _DARK, 1)
    cv2.rectangle(picture, (left - 1, margin - 1), (left + across, top + down), _LIGHT, 1)
    return left - 2, margin - 2, left + across + 2, top + down + 2
