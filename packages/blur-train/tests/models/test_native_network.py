"""The native network: votes that sum to its answer, a spectrum that knows directions, turns that only turn."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from blur_train.classes import CLASSES
from blur_train.evidence import CELLS, COARSE_PX, GRID, PLANES, TILE_PX
from blur_train.models.augment import varied_tiles, varied_whole
from blur_train.models.backends import drawn_weights, make_backend
from blur_train.models.native import BANDS, DIRECTIONS, NativeNetwork, Spectrum
from blur_train.models.seed_variation import SeedVariation
from blur_train.models.some_classes import OfSomeClasses
from blur_train.models.taught import CELL_KINDS, UNKNOWN, TaughtNetwork, taught_loss, with_truth
from footage.training.batches import Part


@pytest.fixture(scope="module")
def network() -> NativeNetwork:
    torch.manual_seed(0)
    return NativeNetwork(len(CLASSES)).eval()


def evidence(count: int, seed: int = 0) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 256, (count, PLANES, TILE_PX, TILE_PX), dtype=np.uint8)


def test_votes_sum_to_the_logits(network: NativeNetwork) -> None:
    inputs = torch.from_numpy(evidence(2))
    with torch.inference_mode():
        votes = network.votes(inputs)
        assert votes.shape == (2, CELLS, len(CLASSES))
        assert torch.allclose(votes.sum(dim=1), network(inputs), atol=1e-6)


def test_a_photo_is_answered_alike_alone_and_among_others(network: NativeNetwork) -> None:
    inputs = torch.from_numpy(evidence(3))
    with torch.inference_mode():
        assert torch.allclose(network(inputs)[1:2], network(inputs[1:2]), atol=1e-5)


def test_brightness_and_contrast_hardly_change_what_convolutions_see(network: NativeNetwork) -> None:
    from blur_train.models.native import _standardised

    tiles = np.random.default_rng(1).integers(60, 120, (4, TILE_PX, TILE_PX)).astype(np.float32)
    plain, _, _ = _standardised(torch.from_numpy(tiles))
    brighter, level, contrast = _standardised(torch.from_numpy(tiles * 2))
    assert torch.allclose(plain, brighter, atol=0.4)
    assert float(plain.std()) < float(brighter.std()) < 1
    assert torch.allclose(level, torch.from_numpy(tiles.mean(axis=(1, 2)) * 2 / 255), atol=1e-4)
    assert (contrast < 0).all()


def test_the_spectrum_tells_directions_apart_and_agrees_with_numpy() -> None:
    spectrum = Spectrum()
    x = np.arange(TILE_PX)
    across = np.sin(2 * np.pi * 0.2 * x)[None, :].repeat(TILE_PX, axis=0).astype(np.float32)
    tiles = torch.from_numpy(np.stack([across, across.T]))
    found = spectrum(tiles).numpy().reshape(2, BANDS, DIRECTIONS)
    assert found[0].max(axis=0).argmax() == 0
    assert found[1].max(axis=0).argmax() == DIRECTIONS // 2
    window = np.outer(np.hanning(TILE_PX + 2)[1:-1], np.hanning(TILE_PX + 2)[1:-1])
    power = np.abs(np.fft.fft2(across * window)) ** 2 / TILE_PX**4
    # All frequencies, where the network takes the half that holds as much, put into the bins that are named here.
    frequency = np.fft.fftfreq(TILE_PX)
    fy, fx = np.meshgrid(frequency, frequency, indexing="ij")
    direction = np.floor((np.arctan2(fy, fx) % np.pi) / np.pi * DIRECTIONS + 0.5).astype(int) % DIRECTIONS
    edges = (0.04, 0.10, 0.18, 0.28, 0.45)
    for band in range(BANDS):
        radius = np.hypot(fx, fy)
        inside = (radius >= edges[band]) & (radius < edges[band + 1])
        wanted = [power[inside & (direction == one)].mean() * TILE_PX**2 for one in range(DIRECTIONS)]
        assert np.allclose(0.3 * np.log(np.array(wanted) + 1e-4), found[0, band], atol=1e-3)


def test_a_turned_photo_keeps_its_tiles_and_says_where_they_were() -> None:
    given = evidence(1)[0]
    turned_over = 0
    for seed in range(40):
        array, cells = varied_tiles(given, np.random.default_rng(seed))
        assert sorted(cells) == list(range(CELLS))
        turned_over += int((cells != np.arange(CELLS)).any())
        cell = int(np.argmax(cells == 5))
        # One table for all pixels, and a rising one: turning over moves pixels, so that sorted values tell of it.
        before, after = np.sort(given[5].ravel()), np.sort(array[cell].ravel())
        table = np.full(256, -1)
        table[before] = after
        assert (table[before] == after).all()
        assert 0.65 < table[before[before >= 100][0]] / before[before >= 100][0] < 1.5
        row, column = divmod(cell, GRID)
        coarse = np.sort(array[CELLS:-1].reshape(GRID, GRID, COARSE_PX, COARSE_PX)[row, column].ravel())
        wanted = np.sort(given[CELLS:-1].reshape(CELLS, COARSE_PX, COARSE_PX)[5].ravel())
        known = table[wanted] >= 0
        assert known.any()
        assert (table[wanted] == coarse)[known].all()
    assert 15 < turned_over < 40


def test_small_pictures_keep_shape_and_type() -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    for vary in (varied_whole, SeedVariation(), SeedVariation(erase=1.0)):
        found = vary(image, np.random.default_rng(1))
        assert found.shape == image.shape
        assert found.dtype == np.uint8
        assert (found == vary(image, np.random.default_rng(1))).all()
    still = SeedVariation(hue=0, saturation=0, value=0, degrees=0, translate=0, scale=0, mirror=0, erase=0)
    assert np.abs(still(image, np.random.default_rng(2)).astype(int) - image).max() <= 8  # the way through HSV rounds


def test_what_is_taught_is_learned_by_cell() -> None:
    torch.manual_seed(0)
    network = TaughtNetwork(NativeNetwork(len(CLASSES)), cells_a_step=8).train()
    kinds = np.full(CELLS, UNKNOWN, np.uint8)
    kinds[:4] = CELL_KINDS.index("motion")
    subject = np.zeros(CELLS, np.uint8)
    order = np.arange(CELLS)
    batch = torch.from_numpy(np.stack([with_truth(one, kinds, subject, order) for one in evidence(2)]))
    output = network(batch)
    assert output.kinds.shape == (2, 8, len(CELL_KINDS))
    assert set(output.true_kinds.unique().tolist()) <= {UNKNOWN, CELL_KINDS.index("motion")}
    loss = taught_loss(output, Part(0, batch, torch.tensor([0, 3]), torch.tensor([0, 1])))
    assert loss.shape == (2,)
    assert torch.isfinite(loss).all()
    torch.autograd.backward(loss.sum())
    assert all(one.grad is not None for one in network.native.parameters())
    network.eval()
    assert network(batch[:, :PLANES]).shape == (2, len(CLASSES))


def test_classes_that_were_not_trained_have_no_chance(network: NativeNetwork) -> None:
    some = OfSomeClasses(network, ("motion_blurred", "sharp")).eval()
    inputs = torch.from_numpy(evidence(1))
    with torch.inference_mode():
        p = torch.softmax(some(inputs) / 10, dim=1)[0]
        votes = some.votes(inputs)
    assert float(p[0] + p[1]) < 1e-6
    assert votes is not None
    assert torch.allclose(votes.sum(dim=1), some(inputs), atol=0.05)


def test_the_weights_that_come_along_fit() -> None:
    assert drawn_weights().is_file()
    assert make_backend("native").start == "weights from drawn photos"
