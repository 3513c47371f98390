"""Sharp photos of drawn scenes, each with a mask of its subject: what a user's own folder of sharp photos is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from blur_train.classes import BlurClass
from blur_train.prepare.sources import MASK_ENDING
from blur_train.scenes.cases import Case
from blur_train.scenes.photo import draw_photo
from footage.parallel import parallel_map
from footage.runs.files import atomic_write_bytes
from footage.video.images import write_image

LONG_SIDE_PX: Final = 768
WHITE: Final = 255


def draw_sharp_photos(folder: Path, *, seed: int, count: int, jobs: int | None, advance: Callable[[], None]) -> None:
    """Draw scenes of all kinds, sharp throughout, and write them as JPEG files with masks.

    Args:
        folder: where to.
        seed: decides all of them; a photo does not depend on how many there are.
        count: how many.
        jobs: worker processes; None for one a processor.
        advance: called after each photo.

    Raises:
        RuntimeError: a photo could not be drawn or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for outcome in parallel_map(_draw, [(folder, seed, number) for number in range(count)], jobs=jobs):
        if outcome.error is not None:
            raise RuntimeError(outcome.error.message)
        advance()


def _draw(what: tuple[Path, int, int]) -> None:
    folder, seed, number = what
    rng = np.random.default_rng((seed, number))
    photo = draw_photo(rng, Case(label=BlurClass.SHARP), long_side_px=LONG_SIDE_PX)
    stem = f"IMG_{number + 1:04d}"
    atomic_write_bytes(folder / f"{stem}.jpg", photo.jpeg)
    mask = np.repeat(photo.subject_mask[:, :, None] * np.uint8(WHITE), 3, axis=2)
    write_image(folder / f"{stem}{MASK_ENDING}.png", mask)
