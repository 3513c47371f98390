"""A drawn library of flights: in a highlight a fast, glowing thing crosses the picture, in a normal clip none does.

Every clip is a slow pan over a ground of its own with things that move slowly, some of them bright blue. Through most
normal clips a fast blue thing crosses instead, so that neither colour nor motion alone tells a highlight. When the
glowing thing is in the picture is known exactly, and stands in ``labels.json``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from footage.synthetic.drawing import texture
from footage.synthetic.scenes import MovingBox, Scene
from highlight_train.labels import Labelled, Labels, write_labels

FLIGHTS = 26
SMOKE_FLIGHTS = 6
SIZE = (192, 108)
RATE = 12
CALM_THINGS = 4
CROSSING_IDENTITY = CALM_THINGS + 1
SECONDS = (4, 6)
CROSSING_SECONDS = (1.2, 2.0)
PAN_PX_PER_FRAME = 0.3
GLOWING = (1.0, 0.55, 0.1)
BLUE = (0.1, 0.5, 1.0)
DECOYS = 0.8
"""The share of normal clips through which a blue thing crosses."""


@dataclass(frozen=True, slots=True)
class DrawnLibrary:
    """A library on disk.

    Attributes:
        folder: of the flights.
        labels: the ``labels.json``.
        clips: how many there are.
    """

    folder: Path
    labels: Path
    clips: int


def draw_library(folder: Path, *, seed: int, flights: int, advance: Callable[[], None]) -> DrawnLibrary:
    """Draw the clips, a highlight and a normal one in each flight's folder, and write their labels.

    Args:
        folder: where to.
        seed: decides all of them; a clip does not depend on how many there are.
        flights: how many folders.
        advance: called after each clip.

    Raises:
        VideoError: a clip cannot be written.
        OSError: the folder cannot be made.
    """
    highlights, normal = [], []
    library = folder / "flights"
    for flight in range(flights):
        place = library / f"flight {flight + 1:02d}"
        place.mkdir(parents=True, exist_ok=True)
        # Which of the two comes first differs: a name must not tell the kind.
        order = np.random.default_rng((seed, flight)).permutation(2)
        for number, is_highlight in enumerate(order.tolist(), start=1):
            path = place / f"DJI_{number:04d}.mp4"
            scene, span = _scene(np.random.default_rng((seed, flight, number)), has_event=bool(is_highlight))
            scene.write_video(path, RATE)
            if span is None:
                normal.append(Labelled(path.absolute()))
            else:
                highlights.append(Labelled(path.absolute(), (span,)))
            advance()
    labels = folder / "labels.json"
    write_labels(Labels(tuple(highlights), tuple(normal)), labels)
    return DrawnLibrary(library, labels, 2 * flights)


def _scene(rng: np.random.Generator, *, has_event: bool) -> tuple[Scene, tuple[float, float] | None]:
    """A scene, and from when to when in seconds the glowing thing is in the picture; None for a normal clip."""
    frames = RATE * int(rng.integers(SECONDS[0], SECONDS[1] + 1))
    heading = rng.uniform(0, 2 * np.pi)
    pan = (PAN_PX_PER_FRAME * float(np.cos(heading)), PAN_PX_PER_FRAME * float(np.sin(heading)))
    scene = Scene.random(
        rng,
        size=SIZE,
        objects=CALM_THINGS,
        frames=frames,
        pan_px_per_frame=pan,
        object_height=(0.1, 0.3),
        speed_px_per_frame=(0.2, 1.0),
        noise=2.0,
    )
    calm = tuple(
        replace(item, texture=_tinted(item.texture, BLUE)) if rng.random() < 0.5 else item for item in scene.objects
    )
    crossing, span = _crossing(rng, frames, pan, GLOWING if has_event else BLUE)
    if has_event:
        return replace(scene, objects=(*calm, crossing)), span
    return replace(scene, objects=(*calm, crossing) if rng.random() < DECOYS else calm), None


def _crossing(
    rng: np.random.Generator, frames: int, pan: tuple[float, float], colour: tuple[float, float, float]
) -> tuple[MovingBox, tuple[float, float]]:
    """A thing that crosses the picture once, and from when to when."""
    crossing = RATE * rng.uniform(*CROSSING_SECONDS)
    start = rng.uniform(RATE * 0.5, frames - crossing - RATE * 0.5)
    width, height = SIZE[1] * rng.uniform(0.2, 0.35), SIZE[1] * rng.uniform(0.15, 0.3)
    speed = (SIZE[0] + width) / crossing
    sign = float(rng.choice([-1.0, 1.0]))
    velocity = np.array([sign * speed + pan[0], pan[1]])
    entry = np.array([-width / 2 if sign > 0 else SIZE[0] + width / 2, rng.uniform(0.25, 0.75) * SIZE[1]])
    position = entry + np.array(pan) * start - velocity * start
    skin = np.maximum(texture(rng, (max(8, round(width)), max(8, round(height)))), 170).astype(np.uint8)
    thing = MovingBox(
        identity=CROSSING_IDENTITY,
        texture=_tinted(skin, colour),
        position=(float(position[0]), float(position[1])),
        velocity=(float(velocity[0]), float(velocity[1])),
        size=(float(width), float(height)),
    )
    return thing, (float(start / RATE), float((start + crossing) / RATE))


def _tinted(skin: NDArray[np.uint8], colour: tuple[float, float, float]) -> NDArray[np.uint8]:
    """A texture in one colour, brightened so that it stands out."""
    grey = skin.mean(axis=2, keepdims=True)
    return np.asarray(np.clip(1.4 * grey * np.array(colour), 0, 255), dtype=np.uint8)
