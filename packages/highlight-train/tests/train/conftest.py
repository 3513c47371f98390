"""A library of little textured clips: highlights are reddish, normal ones greenish, and no two look alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from footage.video.writer import VideoWriter
from highlight_train.labels import Labelled, Labels, write_labels

SIZE = (96, 64)
RATE = 8


def write_textured_clip(path: Path, *, seed: int, red: bool, frames: int = 3 * RATE) -> Path:
    """A clip of a pattern that nobody else has; it drifts, and is reddish or greenish."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 160, (5, 8, 3)).astype(np.uint8)
    pattern = cv2.resize(coarse, SIZE, interpolation=cv2.INTER_CUBIC).astype(np.int64)
    pattern[..., 0 if red else 1] += 90
    picture = np.clip(pattern, 0, 255).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(path, size=SIZE, rate=Fraction(RATE)) as writer:
        for frame in range(frames):
            writer.write(np.roll(picture, 2 * frame, axis=1))
    return path


@dataclass(frozen=True)
class Library:
    """Clips on disk: in each day's folder a highlight DJI_0001.mp4 and a normal DJI_0002.mp4."""

    folder: Path
    labels: Path
    highlights: tuple[Path, ...]
    normal: tuple[Path, ...]


def make_library(folder: Path, days: int) -> Library:
    days_ = [folder / f"day {day}" for day in range(days)]
    highlights = [write_textured_clip(day / "DJI_0001.mp4", seed=n, red=True) for n, day in enumerate(days_)]
    normal = [write_textured_clip(day / "DJI_0002.mp4", seed=100 + n, red=False) for n, day in enumerate(days_)]
    labels = folder / "labels.json"
    write_labels(Labels(tuple(map(Labelled, highlights)), tuple(map(Labelled, normal))), labels)
    return Library(folder, labels, tuple(highlights), tuple(normal))


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Eight days of two clips. Read only."""
    return make_library(tmp_path_factory.mktemp("library"), 8)


@pytest.fixture
def little_library(tmp_path: Path) -> Library:
    """Two days of two clips, to change at will."""
    return make_library(tmp_path / "library", 2)


@pytest.fixture(scope="session")
def make_textured_clip() -> Callable[..., Path]:
    """``make_textured_clip(path, seed=, red=, frames=)`` writes a clip."""
    return write_textured_clip


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Threads only get into each other's way here, and sums must not depend on how many there are."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
