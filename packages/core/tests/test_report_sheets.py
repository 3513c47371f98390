"""Sheets hold every picture at one height, with the boxes where they belong."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from footage.report.sheets import CAPTION_HEIGHT, GAP, Mark, contact_sheet, film_strip


def flat(width: int, height: int, value: int) -> NDArray[np.uint8]:
    return np.full((height, width, 3), value, np.uint8)


def decoded(data: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def test_pictures_of_any_size_stand_at_one_height() -> None:
    strip = decoded(film_strip([flat(320, 240, 50), flat(100, 200, 200)], height=120))
    assert strip.shape == (120, 160 + GAP + 60, 3)
    assert abs(int(strip[60, 80, 0]) - 50) <= 2
    assert abs(int(strip[60, 160 + GAP + 30, 0]) - 200) <= 2


def test_a_sheet_breaks_into_rows() -> None:
    sheet = decoded(contact_sheet([flat(100, 100, 90)] * 5, ["a"] * 5, columns=2, height=100))
    assert sheet.shape == (3 * (100 + CAPTION_HEIGHT + GAP) - GAP, 200 + GAP, 3)


def test_a_box_lies_where_it_belongs_after_scaling() -> None:
    mark = Mark(box=(100, 50, 300, 150), colour="#ff0000")
    strip = decoded(film_strip([flat(400, 200, 128)], marks=[[mark]], height=100)).astype(int)
    red = (strip[..., 0] > 200) & (strip[..., 1] < 80)
    rows, columns = np.nonzero(red)
    assert (columns.min(), rows.min(), columns.max(), rows.max()) == (50, 25, 150, 75)
    assert not red[30:70, 60:140].any()


def test_a_box_may_lie_outside_or_be_turned_round() -> None:
    marks = [Mark(box=(-50, -50, 1000, 1000), label="far"), Mark(box=(30, 30, 10, 10), label="9")]
    assert decoded(film_strip([flat(64, 48, 0)], marks=[marks], height=48)).shape == (48, 64, 3)


def test_a_long_caption_stays_below_its_picture() -> None:
    with_caption = decoded(film_strip([flat(50, 100, 0), flat(50, 100, 0)], ["w" * 500, ""], height=100))
    assert with_caption.shape[1] == 100 + GAP
    assert (with_caption[100:, 50 + GAP + 6 :] < 60).all()


def test_the_same_pictures_give_the_same_bytes() -> None:
    pictures = [np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)]
    assert film_strip(pictures, ["a"]) == film_strip(pictures, ["a"])


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        film_strip([])
    with pytest.raises(ValueError, match="RGB uint8"):
        film_strip([np.zeros((4, 4), np.uint8)])
    with pytest.raises(ValueError, match="1 pictures and 2 captions"):
        film_strip([flat(4, 4, 0)], ["a", "b"])
