"""Drawn videos whose class is only in the order of their frames: which way something moves."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from footage.synthetic.drawing import texture
from footage.video.writer import VideoWriter

DIRECTIONS = {"down": (0, 1), "left": (-1, 0), "right": (1, 0), "up": (0, -1)}
RATE = Fraction(12)
_SIDE_PX, _DISC_PX = 96, 14


def draw_movement(
    path: Path, direction: str, rng: np.random.Generator, *, frames: int = 24, side_px: int = _SIDE_PX
) -> None:
    """Write a video of a disc that moves one way over a texture, and around the edge where it leaves the picture.

    Where it begins is drawn evenly, so that a single frame, or the frames in another order, do not give it away.

    Args:
        path: the file.
        direction: one of ``DIRECTIONS``.
        rng: decides where it begins, how fast it is, its colour and the texture.
        frames: how many.
        side_px: side of the square picture.
    """
    ground = texture(rng, (side_px, side_px), contrast=0.3)
    place, step = rng.uniform(0, side_px, 2), np.array(DIRECTIONS[direction]) * rng.uniform(0.03, 0.05) * side_px
    colour = rng.choice([0, 255], 3)
    with VideoWriter(path, size=(side_px, side_px), rate=RATE) as writer:
        for number in range(frames):
            writer.write(_with_disc(ground, (place + step * number) % side_px, colour))


def _with_disc(ground: NDArray[np.uint8], place: NDArray[np.float64], colour: NDArray[np.int_]) -> NDArray[np.uint8]:
    side = ground.shape[0]
    away = np.abs(np.stack(np.meshgrid(np.arange(side), np.arange(side))) - place[:, None, None])
    away = np.minimum(away, side - away)
    picture = np.array(ground)
    picture[np.hypot(*away) <= _DISC_PX * side / _SIDE_PX / 2] = colour
    return picture


def draw_set(folder: Path, *, videos_a_class: int, seed: int, directions: tuple[str, ...] = tuple(DIRECTIONS)) -> None:
    """Write so many videos of each direction into a folder a class; those that are there stay."""
    for label in directions:
        (folder / label).mkdir(parents=True, exist_ok=True)
        for number in range(videos_a_class):
            path = folder / label / f"{label}-{number:03d}.mp4"
            if not path.exists():
                kind = list(DIRECTIONS).index(label)
                draw_movement(path, label, np.random.default_rng((seed, kind, number)))
