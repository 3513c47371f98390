"""The network that looks at full-size tiles: a small encoder of tiles, and a judgement over the map of cells.

From :class:`~blur_train.evidence.TileEvidence` each of 8 x 8 cells gets a description: what an encoder makes of its
full-size tile and of the whole cell at a quarter, both pictures' power spectra by direction and frequency (a disk of
defocus dims all directions alike, a motion only those along it; Levin, 2006), how strong their contrast is, and what
the whole photo shows there. Three transformer layers compare the cells, and each casts a vote with a weight: the
photo's logits are the sum of the votes, so that it is known which cell decided.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from blur_train.evidence import CELLS, COARSE_PX, GRID, TILE_PX
from footage.training.network import HeadedNetwork

WIDTH = 128
"""Channels of a cell's description in the judgement."""
LAYERS = 3
"""Of the transformer that compares cells."""
ENCODED = 96
WHOLE_CHANNELS = 32
DIRECTIONS, BANDS = 8, 4
_BAND_EDGES = (0.04, 0.10, 0.18, 0.28, 0.45)
"""Of spatial frequency, cycles a pixel."""
_GREY = 255.0
_LEAST_CONTRAST = 3.0 / _GREY
"""Added to a tile's standard deviation before dividing by it: below it there is mostly noise."""
_POWER_FLOOR = 1e-4


class Spectrum(nn.Module):
    """Logarithm of a tile's power by direction and band of frequency, in a form that ONNX has: products of matrices."""

    cosine_across: Tensor
    sine_across: Tensor
    cosine_down: Tensor
    sine_down: Tensor
    window: Tensor
    bins: Tensor

    def __init__(self, side_px: int = TILE_PX) -> None:
        super().__init__()
        # A real tile has the same power at a frequency and at its opposite: half of the columns are enough, and of both
        # directions what lies in a band.
        most = int(_BAND_EDGES[-1] * side_px)
        across, down = np.arange(most + 1), np.arange(-most, most + 1)
        places = 2 * np.pi * np.arange(side_px) / side_px
        hann = np.hanning(side_px + 2)[1:-1]
        for name, function in (("cosine", np.cos), ("sine", np.sin)):
            self.register_buffer(
                f"{name}_across", _constant(function(np.outer(places, across)) / side_px), persistent=False
            )
            self.register_buffer(
                f"{name}_down", _constant(function(np.outer(down, places)) / side_px), persistent=False
            )
        self.register_buffer("window", _constant(np.outer(hann, hann)), persistent=False)
        self.register_buffer("bins", _constant(_spectral_bins(side_px, down, across)), persistent=False)

    def forward(self, tiles: Tensor) -> Tensor:
        """``(N, DIRECTIONS * BANDS)`` of standardised tiles ``(N, side, side)``."""
        windowed = tiles * self.window
        along_c, along_s = windowed @ self.cosine_across, windowed @ self.sine_across
        real = self.cosine_down @ along_c - self.sine_down @ along_s
        imaginary = self.sine_down @ along_c + self.cosine_down @ along_s
        power = (real * real + imaginary * imaginary).flatten(1) @ self.bins
        return torch.log(power + _POWER_FLOOR) * 0.3


def _spectral_bins(side_px: int, down: NDArray[np.intp], across: NDArray[np.intp]) -> NDArray[np.float64]:
    """Mean over each bin's frequencies times the tile's pixels, ``(len(down) * len(across), DIRECTIONS * BANDS)``."""
    fy, fx = np.meshgrid(down / side_px, across / side_px, indexing="ij")
    radius = np.hypot(fx, fy)
    direction = np.floor((np.arctan2(fy, fx) % np.pi) / np.pi * DIRECTIONS + 0.5).astype(int) % DIRECTIONS
    stands_for = np.where(fx > 0, 2.0, 1.0)  # itself and its opposite
    columns = []
    for band in range(BANDS):
        in_band = (radius >= _BAND_EDGES[band]) & (radius < _BAND_EDGES[band + 1])
        columns += [((in_band & (direction == one)) * stands_for).reshape(-1) for one in range(DIRECTIONS)]
    table = np.stack(columns, axis=1)
    return np.asarray(table / table.sum(axis=0) * side_px**2)


def _constant(values: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))


class Encoder(nn.Module):
    """Four convolutions over a tile, then mean and largest value of each channel."""

    def __init__(self, channels: tuple[int, int, int, int]) -> None:
        super().__init__()
        first, second, third, last = channels
        self.layers = nn.Sequential(
            *_convolution(1, first, 5, stride=2),
            *_convolution(first, second, 3, stride=2),
            *_convolution(second, third, 3, stride=2),
            *_convolution(third, last, 3, stride=2),
        )
        self.features = 2 * last

    def forward(self, tiles: Tensor) -> Tensor:
        """``(N, features)`` of standardised tiles ``(N, side, side)``."""
        seen = self.layers(tiles.unsqueeze(1))
        return torch.cat([seen.mean(dim=(2, 3)), seen.amax(dim=(2, 3))], dim=1)


def _convolution(inside: int, outside: int, side: int, *, stride: int) -> list[nn.Module]:
    return [
        nn.Conv2d(inside, outside, side, stride=stride, padding=side // 2, bias=False),
        nn.BatchNorm2d(outside),
        nn.ReLU(),
    ]


class CellEncoder(nn.Module):
    """The description of a cell from its two tiles."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = Encoder((16, 32, 48, 64))
        self.coarse = Encoder((16, 32, 32, 32))
        self.spectrum, self.coarse_spectrum = Spectrum(TILE_PX), Spectrum(COARSE_PX)
        features = self.fine.features + self.coarse.features + 2 * DIRECTIONS * BANDS + 3
        self.mix = nn.Sequential(nn.Linear(features, ENCODED * 2), nn.ReLU(), nn.Linear(ENCODED * 2, ENCODED))

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        """``(N, ENCODED)`` of uint8 tiles ``(N, TILE_PX, TILE_PX)`` and ``(N, COARSE_PX, COARSE_PX)``."""
        fine_tiles, level, contrast = _standardised(fine)
        coarse_tiles, _, coarse_contrast = _standardised(coarse)
        parts = [self.fine(fine_tiles), self.coarse(coarse_tiles)]
        spectra = [self.spectrum(fine_tiles), self.coarse_spectrum(coarse_tiles)]
        measured = torch.stack([level, contrast, coarse_contrast], dim=1)
        encoded: Tensor = self.mix(torch.cat([*parts, *spectra, measured], dim=1))
        return encoded


def _standardised(tiles: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Tiles with mean 0 and a standard deviation of about 1, their level, and the logarithm of their contrast."""
    scaled = tiles.to(torch.float32) / _GREY
    level = scaled.mean(dim=(1, 2))
    centred = scaled - level[:, None, None]
    contrast = torch.sqrt((centred * centred).mean(dim=(1, 2)) + 1e-8) + _LEAST_CONTRAST
    return centred / contrast[:, None, None], level, torch.log(contrast)


class _Layer(nn.Module):
    """A transformer layer, normalised before its parts, written out so that every exporter knows it."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.inner = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Dropout(dropout), nn.Linear(2 * width, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, cells: Tensor) -> Tensor:
        count, width = cells.shape[1], cells.shape[2]
        split = self.qkv(self.before(cells)).reshape(-1, count, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind(0)
        weights = torch.softmax(query @ key.transpose(-1, -2) / math.sqrt(width / self.heads), dim=-1)
        mixed = (weights @ value).transpose(1, 2).reshape(-1, count, width)
        cells = cells + self.dropout(self.out(mixed))
        left: Tensor = cells + self.dropout(self.inner(self.after(cells)))
        return left


class Judgement(nn.Module):
    """From the cells' descriptions to their votes."""

    def __init__(self, classes: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.enter = nn.Linear(ENCODED + WHOLE_CHANNELS, WIDTH)
        self.place = nn.Parameter(torch.zeros(CELLS, WIDTH))
        self.layers = nn.ModuleList([_Layer(WIDTH, 4, dropout) for _ in range(LAYERS)])
        self.leave = nn.LayerNorm(WIDTH)
        self.weigh = nn.Linear(WIDTH, 1)
        self.vote = nn.Linear(WIDTH, classes)
        nn.init.normal_(self.place, std=0.02)

    def forward(self, cells: Tensor, which: Tensor | None = None) -> Tensor:
        """What the cells look like beside each other, ``(N, cells, WIDTH)``.

        Args:
            cells: their descriptions, ``(N, cells, ENCODED + WHOLE_CHANNELS)``.
            which: their numbers, ``(cells,)``; None for all.
        """
        seen = self.enter(cells) + (self.place if which is None else self.place[which])
        for layer in self.layers:
            seen = layer(seen)
        left: Tensor = self.leave(seen)
        return left

    def votes(self, seen: Tensor) -> Tensor:
        """Votes ``(N, cells, classes)``; their sum over the cells is the photo's logits."""
        votes: Tensor = torch.softmax(self.weigh(seen), dim=1) * self.vote(seen)
        return votes


class NativeNetwork(HeadedNetwork):
    """From packed evidence to logits.

    Attributes:
        cells: the encoder of cells, which may come pretrained.
        whole: what looks at the whole photo.
        judgement: the head.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.cells = CellEncoder()
        self.whole = nn.Sequential(
            *_convolution(1, 16, 5, stride=2),
            *_convolution(16, 32, 3, stride=2),
            *_convolution(32, WHOLE_CHANNELS, 3, stride=2),
        )
        self.judgement = Judgement(classes)

    def forward(self, evidence: Tensor) -> Tensor:
        """Logits ``(N, classes)`` of uint8 evidence ``(N, PLANES, TILE_PX, TILE_PX)``."""
        return self.votes(evidence).sum(dim=1)

    def votes(self, evidence: Tensor) -> Tensor:
        """What each cell adds to the logits, ``(N, CELLS, classes)``."""
        return self.judgement.votes(self.seen(self.encoded(evidence), evidence[:, -1]))

    def encoded(self, evidence: Tensor, which: Tensor | None = None) -> Tensor:
        """The descriptions of all cells or of some, ``(N, cells, ENCODED)``."""
        fine = evidence[:, :CELLS]
        coarse = evidence[:, CELLS:-1].reshape(-1, CELLS, COARSE_PX, COARSE_PX)
        if which is not None:
            fine, coarse = fine[:, which], coarse[:, which]
        count = fine.shape[1]
        encoded: Tensor = self.cells(fine.reshape(-1, TILE_PX, TILE_PX), coarse.reshape(-1, COARSE_PX, COARSE_PX))
        return encoded.reshape(-1, count, ENCODED)

    def seen(self, encoded: Tensor, whole: Tensor, which: Tensor | None = None) -> Tensor:
        """The cells beside each other and before the small photo, uint8 ``(N, TILE_PX, TILE_PX)``."""
        photo, _, _ = _standardised(whole)
        around = self.whole(photo.unsqueeze(1)).flatten(2).transpose(1, 2)
        if which is not None:
            around = around[:, which]
        seen: Tensor = self.judgement(torch.cat([encoded, around], dim=2), which)
        return seen

    def head(self) -> nn.Module:
        """The judgement; the encoder of cells and what looks at the whole photo are the body."""
        return self.judgement


assert TILE_PX // 8 == GRID  # noqa: S101 - the whole photo shrinks to one place a cell
