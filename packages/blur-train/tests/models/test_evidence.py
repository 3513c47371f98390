"""Evidence: what is cut where, that nothing is enlarged or cut outside, and that a manifest says all of it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from blur_train.evidence import (
    CELLS,
    COARSE,
    COARSE_PX,
    GRID,
    PLANES,
    TILE_PX,
    TileEvidence,
    WholeEvidence,
    maker_of,
)
from footage.errors import InputError, ModelError


def noise(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@given(height=st.integers(64, 700), width=st.integers(64, 700))
@settings(max_examples=25)
def test_tiles_are_cut_inside_any_photo(height: int, width: int) -> None:
    found = TileEvidence().of(noise(height, width))
    assert found.array.shape == (PLANES, TILE_PX, TILE_PX)
    assert found.array.dtype == np.uint8
    assert found.boxes is not None
    left, top, right, bottom = found.boxes.T
    assert (left >= 0).all()
    assert (top >= 0).all()
    assert (right <= width).all()
    assert (bottom <= height).all()
    assert (right > left).all()
    assert (bottom > top).all()


def test_a_tile_is_the_photos_own_pixels() -> None:
    image = noise(512, 768)
    found = TileEvidence().of(image)
    assert found.boxes is not None
    luma = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    for cell in (0, 17, CELLS - 1):
        left, top, right, bottom = found.boxes[cell].astype(int)
        assert (found.array[cell] == luma[top:bottom, left:right]).all()


def test_each_tile_has_its_centre_in_its_own_cell_and_the_most_energy_there() -> None:
    image = np.full((1024, 1536, 3), 90, np.uint8)
    spot = (700, 400)
    image[spot[1] : spot[1] + 40, spot[0] : spot[0] + 40] = noise(40, 40)
    boxes = TileEvidence().of(image).boxes
    assert boxes is not None
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    cells = (centres[:, 1] // (1024 / GRID)) * GRID + centres[:, 0] // (1536 / GRID)
    assert (cells == np.arange(CELLS)).all()
    own = int(spot[1] // (1024 / GRID)) * GRID + int(spot[0] // (1536 / GRID))
    left, top, right, bottom = boxes[own]
    assert left <= spot[0]
    assert right >= spot[0] + 40
    assert top <= spot[1]
    assert bottom >= spot[1] + 40


def test_the_second_look_shows_every_cell_as_a_whole_at_a_quarter() -> None:
    image = noise(1024, 1536)
    found = TileEvidence().of(image)
    coarse = found.array[CELLS:-1].reshape(CELLS, COARSE_PX, COARSE_PX)
    luma = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(float)
    reach = COARSE * COARSE_PX // 2
    for row, column in ((1, 1), (3, 6), (6, 4)):
        y, x = round((row + 0.5) * 1024 / GRID), round((column + 0.5) * 1536 / GRID)
        seen = luma[y - reach : y + reach, x - reach : x + reach].reshape(COARSE_PX, COARSE, COARSE_PX, COARSE)
        assert np.abs(coarse[row * GRID + column] - seen.mean(axis=(1, 3))).max() <= 1


@given(height=st.integers(64, 400), width=st.integers(64, 400))
@settings(max_examples=15)
def test_the_second_look_misses_no_part_of_a_photo(height: int, width: int) -> None:
    image = np.zeros((height, width), np.uint8)
    y, x = height * 7 // 11, width * 5 // 11
    image[y - 4 : y + 4, x - 4 : x + 4] = 255
    coarse = TileEvidence().of(image).array[CELLS:-1].reshape(CELLS, COARSE_PX, COARSE_PX)
    own = y * GRID // height * GRID + x * GRID // width
    assert coarse[own].max() > 200


def test_a_tile_is_the_one_of_most_energy_among_all_places_of_its_cell() -> None:
    image = np.asarray(cv2.GaussianBlur(noise(300, 420), (0, 0), 3), np.uint8)
    image[90:130, 200:260] = noise(40, 60)
    luma = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    found = TileEvidence().of(luma)
    assert found.boxes is not None
    half = luma.astype(np.float64).reshape(150, 2, 210, 2).mean(axis=(1, 3))
    half = np.floor(half + 0.5)  # as a picture of whole levels
    squared = np.zeros_like(half)
    squared[:, :-1] += np.square(np.diff(half, axis=1))
    squared[:-1] += np.square(np.diff(half, axis=0))
    side, stride = TILE_PX // 2, 4
    for cell, (left, top) in enumerate(found.boxes[:, :2].astype(int)):
        row, column = divmod(cell, GRID)
        sums = {
            (x, y): squared[y : y + side, x : x + side].sum()
            for y in range(0, 150 - side + 1, stride)
            for x in range(0, 210 - side + 1, stride)
            if row <= (2 * y + TILE_PX / 2) / 300 * GRID < row + 1
            and column <= (2 * x + TILE_PX / 2) / 420 * GRID < column + 1
        }
        if sums:  # cells at the rim may hold no centre of a tile
            assert sums[left // 2, top // 2] == pytest.approx(max(sums.values()))


def test_a_large_photo_is_averaged_down_without_aliasing_and_boxes_are_its_own_pixels() -> None:
    stripes = np.zeros((2048, 3072, 3), np.uint8)
    stripes[:, ::2] = 200  # the finest there are: what does not average them shows beats
    found = TileEvidence().of(stripes)
    assert found.boxes is not None
    assert found.boxes[:, 2].max() > 2700
    assert found.array[:CELLS].std() < 1
    assert abs(float(found.array[:CELLS].mean()) - 100) < 2


def test_a_photo_that_is_little_larger_stays_as_it_is() -> None:
    image = noise(1280, 1920)
    found = TileEvidence().of(image)
    assert found.boxes is not None
    left, top, right, bottom = found.boxes[CELLS - 1].astype(int)
    assert (right - left, bottom - top) == (TILE_PX, TILE_PX)
    luma = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    assert (found.array[CELLS - 1] == luma[top:bottom, left:right]).all()
    larger = TileEvidence().of(noise(1282, 1923)).boxes
    assert larger is not None
    assert larger[0, 2] - larger[0, 0] == pytest.approx(TILE_PX * 1923 / 1536)


@pytest.mark.parametrize("long_side", [2400, 4000, 6000])
def test_averaging_by_whole_factors_first_keeps_place_and_light(long_side: int) -> None:
    across = np.linspace(10, 245, long_side, dtype=np.float32)[None, :]
    down = np.linspace(0, 8, long_side // 2, dtype=np.float32)[:, None]
    ramp = np.rint(across + down).astype(np.uint8)
    found = TileEvidence().of(ramp)
    assert found.boxes is not None
    for cell in (0, 20, CELLS - 1):
        left, top, right, bottom = np.rint(found.boxes[cell]).astype(int)
        assert abs(float(found.array[cell].mean()) - float(ramp[top:bottom, left:right].mean())) < 0.7


def test_blur_that_a_small_picture_hides_is_seen_at_full_size() -> None:
    sharp = noise(1024, 1536)
    blurred = np.asarray(cv2.GaussianBlur(sharp, (0, 0), 1.0), np.uint8)

    def left(maker: TileEvidence | WholeEvidence) -> float:
        arrays = [
            maker.of(image).array[: CELLS if isinstance(maker, TileEvidence) else None] for image in (sharp, blurred)
        ]
        energy = [float(np.square(np.diff(array.astype(float), axis=1)).mean()) for array in arrays]
        return energy[1] / energy[0]

    assert left(TileEvidence()) < 0.2
    assert left(WholeEvidence()) > 2 * left(TileEvidence())


@pytest.mark.parametrize("maker", [TileEvidence(), TileEvidence(2048), WholeEvidence(), WholeEvidence(160)])
def test_a_manifest_says_how_to_do_it_again(maker: TileEvidence | WholeEvidence) -> None:
    assert maker_of(maker.described()) == maker


@pytest.mark.parametrize(
    "preprocessing",
    [{}, {"kind": "tiles"}, {"kind": "whole", "side_px": "224"}, {**TileEvidence().described(), "grid": 9}],
)
def test_another_preparation_is_refused(preprocessing: dict[str, object]) -> None:
    with pytest.raises(ModelError, match="another way"):
        maker_of(preprocessing)


@pytest.mark.parametrize("maker", [TileEvidence(), WholeEvidence()])
def test_what_is_no_photo_is_refused(maker: TileEvidence | WholeEvidence) -> None:
    with pytest.raises(InputError, match="below 64 px"):
        maker.of(noise(63, 200))
    with pytest.raises(ValueError, match="uint8"):
        maker.of(noise(100, 100)[..., :2])
    with pytest.raises(ValueError, match="uint8"):
        maker.of(noise(100, 100).astype(np.float32))


def test_luma_is_enough_for_tiles_and_not_for_the_whole() -> None:
    image = noise(300, 400)
    luma = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    by_colour, by_luma = TileEvidence().of(image), TileEvidence().of(luma)
    assert (by_colour.array == by_luma.array).all()
    assert by_colour.boxes is not None
    assert (by_colour.boxes == by_luma.boxes).all()
    assert TileEvidence().by_luma
    assert not WholeEvidence().by_luma
    with pytest.raises(ValueError, match="uint8"):
        WholeEvidence().of(luma)
