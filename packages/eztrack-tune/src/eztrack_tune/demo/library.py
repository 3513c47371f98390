"""Eight drawn clips of one class, easy and less easy, and an add-on's source file to write into."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from eztrack_tune.classes import Difficulty
from eztrack_tune.settings import SHIPPED_DEFAULTS
from eztrack_tune.synthetic.clips import SyntheticClip
from footage.runs.files import atomic_write_text

CLASS_NAME = "SD_24fps"
CLIPS, SMOKE_CLIPS = 8, 2
SIZE = (480, 270)
FRAMES, SMOKE_FRAMES = 30, 16


def draw_library(folder: Path, *, seed: int, clips: int, frames: int, advance: Callable[[], None]) -> list[Path]:
    """Draw the clips into the folders of their class and difficulty; the true camera lies beside each.

    Args:
        folder: of the library.
        seed: decides all of them; a clip does not depend on how many there are.
        clips: how many, easy and medium in turn.
        frames: of each.
        advance: called after each clip.

    Raises:
        VideoError: a clip cannot be written.
        OSError: the folder cannot be made.
    """
    written = []
    for number in range(clips):
        difficulty = (Difficulty.EASY, Difficulty.MEDIUM)[number % 2]
        path = folder / CLASS_NAME / difficulty.value / f"orbit_{number:02d}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng((seed, number))
        SyntheticClip.random(rng, difficulty, size=SIZE, frames=frames).write_video(path)
        written.append(path)
        advance()
    return written


def write_addon(path: Path) -> None:
    """Write a source file with today's table, in the form that the add-on has.

    Raises:
        OSError: the folder is missing or not writable.
    """
    lines = ['"""A source file in the form that the add-on has."""', "", "PRETRAINED_DEFAULTS = {"]
    for name, settings in SHIPPED_DEFAULTS.items():
        lines.append(f"    {name!r}: {{")
        lines += [f"        {key!r}: {value!r}," for key, value in settings.as_dict().items()]
        lines.append("    },")
    atomic_write_text(path, "\n".join([*lines, "}", ""]))
