"""Drawn videos whose class is which way a disc moves."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from footage.video.writer import VideoWriter
from video_train.demo.motion import draw_set


@pytest.fixture(scope="session")
def movements(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty videos to the left and forty to the right, a folder a class."""
    folder = tmp_path_factory.mktemp("movements") / "videos"
    draw_set(folder, videos_a_class=40, seed=0, directions=("left", "right"))
    return folder


@pytest.fixture(scope="session")
def few_movements(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten videos of each of two directions."""
    folder = tmp_path_factory.mktemp("few") / "videos"
    draw_set(folder, videos_a_class=10, seed=1, directions=("left", "right"))
    return folder


@pytest.fixture(scope="session")
def shades(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty dark and twenty light videos: the easiest classes there are."""
    folder, rng = tmp_path_factory.mktemp("shades") / "videos", np.random.default_rng(2)
    for label, least in (("dark", 0), ("light", 150)):
        (folder / label).mkdir(parents=True)
        for number in range(20):
            with VideoWriter(folder / label / f"{number}.mp4", size=(48, 48), rate=Fraction(12)) as writer:
                for _ in range(10):
                    writer.write(rng.integers(least, least + 100, (48, 48, 3), np.uint8))
    return folder
