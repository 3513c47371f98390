"""Sheets of pictures as JPEG data: frames side by side with captions and boxes, for the mistakes a report shows."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from footage.report.palette import ORANGE

GAP = 6
CAPTION_SIZE = 18
CAPTION_HEIGHT = 32
JPEG_QUALITY = 88
PAPER = (24, 29, 33)
"""Dark like film: it sits well on a light page and on a dark one."""
INK = (224, 229, 233)
EDGE = (24, 29, 33)
ELLIPSIS = "..."
LINE_WIDTH = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A box to draw on a picture.

    Attributes:
        box: ``x1, y1, x2, y2`` in pixels of the picture as it was given.
        colour: one of ``footage.report.palette``.
        label: a word or a number above the box; empty for none.
    """

    box: tuple[float, float, float, float]
    colour: str = ORANGE
    label: str = ""


def film_strip(
    images: Sequence[NDArray[np.uint8]],
    captions: Sequence[str] = (),
    *,
    marks: Sequence[Sequence[Mark]] = (),
    height: int = 240,
) -> bytes:
    """Pictures in one row at one height, in the order of time.

    Args:
        images: RGB uint8 ``(H, W, 3)`` each, of any sizes.
        captions: a few words an image, below it; empty for none at all.
        marks: the boxes of each image; empty for none at all.
        height: the pictures' height in pixels.

    Returns:
        JPEG data; the same bytes for the same input.

    Raises:
        ValueError: no image, an image of another kind, or lengths that differ.
    """
    return contact_sheet(images, captions, marks=marks, columns=max(len(images), 1), height=height)


def contact_sheet(
    images: Sequence[NDArray[np.uint8]],
    captions: Sequence[str] = (),
    *,
    marks: Sequence[Sequence[Mark]] = (),
    columns: int = 4,
    height: int = 180,
) -> bytes:
    """Pictures in rows at one height.

    Args:
        images: RGB uint8 ``(H, W, 3)`` each, of any sizes.
        captions: a few words an image, below it; empty for none at all.
        marks: the boxes of each image; empty for none at all.
        columns: pictures a row.
        height: the pictures' height in pixels.

    Returns:
        JPEG data; the same bytes for the same input.

    Raises:
        ValueError: no image, an image of another kind, or lengths that differ.
    """
    _check(images, captions, marks)
    tiles = [_tile(image, height, marks[index] if marks else ()) for index, image in enumerate(images)]
    rows = [list(range(start, min(start + columns, len(tiles)))) for start in range(0, len(tiles), columns)]
    row_height = height + (CAPTION_HEIGHT if captions else 0) + GAP
    width = max(sum(tiles[index].width + GAP for index in row) for row in rows) - GAP
    sheet = Image.new("RGB", (width, len(rows) * row_height - GAP), PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(CAPTION_SIZE)
    for number, row in enumerate(rows):
        left = 0
        for index in row:
            tile = tiles[index]
            sheet.paste(tile, (left, number * row_height))
            if captions:
                text = _fit(captions[index], tile.width - 8, font)
                draw.text((left + 4, number * row_height + height + 4), text, fill=INK, font=font)
            left += tile.width + GAP
    buffer = io.BytesIO()
    sheet.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return buffer.getvalue()


def _check(images: Sequence[NDArray[np.uint8]], captions: Sequence[str], marks: Sequence[Sequence[Mark]]) -> None:
    if not images:
        msg = "a sheet needs at least one picture"
        raise ValueError(msg)
    for name, given in (("captions", captions), ("lists of marks", marks)):
        if given and len(given) != len(images):
            msg = f"{len(images)} pictures and {len(given)} {name} do not match"
            raise ValueError(msg)
    for image in images:
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
            msg = f"a picture must be RGB uint8 (H, W, 3), not {image.dtype} {image.shape}"
            raise ValueError(msg)


def _tile(image: NDArray[np.uint8], height: int, marks: Sequence[Mark]) -> Image.Image:
    """A picture at the wanted height with its boxes, drawn after scaling so that their lines stay sharp."""
    scale = height / image.shape[0]
    width = max(round(image.shape[1] * scale), 1)
    tile = Image.fromarray(np.ascontiguousarray(image)).resize((width, height), Image.Resampling.LANCZOS)
    draw = ImageDraw.Draw(tile)
    font = ImageFont.load_default(CAPTION_SIZE - 3)
    for mark in marks:
        left, top, right, bottom = (value * scale for value in mark.box)
        corners = (min(left, right), min(top, bottom), max(left, right), max(top, bottom))
        draw.rectangle(_grown(corners, 1), outline=EDGE, width=LINE_WIDTH + 2)  # an edge that shows on any picture
        draw.rectangle(corners, outline=mark.colour, width=LINE_WIDTH)
        if mark.label:
            left = min(max(corners[0], 0), max(width - font.getlength(mark.label) - 8, 0))
            top = max(corners[1] - CAPTION_SIZE - 4, 0)
            area = (left, top, left + font.getlength(mark.label) + 7, top + CAPTION_SIZE + 3)
            draw.rectangle(area, fill=mark.colour)
            draw.text((left + 4, top + 1), mark.label, fill=EDGE, font=font)
    return tile


def _grown(box: tuple[float, float, float, float], by: float) -> tuple[float, float, float, float]:
    return box[0] - by, box[1] - by, box[2] + by, box[3] + by


def _fit(text: str, width: float, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """A caption on one line, cut where it is wider than its picture."""
    line = " ".join(text.split())
    if font.getlength(line) <= width:
        return line
    while line and font.getlength(line + ELLIPSIS) > width:
        line = line[:-1]
    return line + ELLIPSIS
