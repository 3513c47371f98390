"""The footage that the benchmarks measure on: made up, the same on every machine, its objects known exactly."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from footage.synthetic.drawing import texture
from footage.synthetic.scenes import MovingBox, Scene
from footage.video.writer import VideoWriter

SIZE = (1920, 1080)
RATE = Fraction(30)
CRF = 20
NOISE = 4.0
"""Grey levels of sensor noise: with it x264 needs about 19 Mbit/s at ``CRF``, as much as a phone's camera gives."""

_PAN = np.array([1.5, 0.4])


def crowded_scene(frames: int, *, boxes: int = 20, seed: int = 7, noise: float = NOISE) -> Scene:
    """A 1080p scene under a panning camera in which ``boxes`` objects stay in the picture.

    Objects are 80 to 240 px high and move by up to some pixels a frame on their own, around places of a grid. ``noise``
    is in grey levels.
    """
    rng = np.random.default_rng(seed)
    across = int(np.ceil(np.sqrt(boxes * SIZE[0] / SIZE[1])))
    down = int(np.ceil(boxes / across))
    objects = []
    for number in range(boxes):
        home = np.array([(number % across + 0.5) * SIZE[0] / across, (number // across + 0.5) * SIZE[1] / down])
        height = rng.uniform(80, 240)
        width = height * rng.uniform(0.4, 1.0)
        own = rng.uniform(-1.5, 1.5, 2) * (1.0, 0.4) * min(1.0, 60 / frames)
        start = home - own * frames / 2
        objects.append(
            MovingBox(
                identity=number + 1,
                texture=texture(rng, (round(width), round(height))),
                position=(float(start[0]), float(start[1])),
                velocity=(float(own[0] + _PAN[0]), float(own[1] + _PAN[1])),
                wave=(float(rng.uniform(0, 8)), float(rng.uniform(0, 8))),
                wave_frames=float(rng.uniform(30, 90)),
                wave_phase=float(rng.uniform(0, 2 * np.pi)),
                size=(float(width), float(height)),
                growth=0.1,
                growth_frames=90.0,
            )
        )
    extent = np.array(SIZE) + np.ceil(_PAN * frames).astype(int) + 8
    return Scene(
        size=SIZE,
        frame_count=frames,
        background=texture(rng, (int(extent[0]), int(extent[1])), contrast=0.5),
        origin=(2.0, 2.0),
        pan_px_per_frame=(float(_PAN[0]), float(_PAN[1])),
        objects=tuple(objects),
        noise=noise,
        seed=seed,
    )


def write_shots(path: Path, *, shots: int, frames_a_shot: int) -> Path:
    """A film of several shots: the encoder starts each with a keyframe."""
    with VideoWriter(path, size=SIZE, rate=RATE, crf=CRF) as writer:
        for shot in range(shots):
            scene = replace(crowded_scene(frames_a_shot, seed=shot), seed=shot)
            for frame in range(frames_a_shot):
                writer.write(scene.render(frame).image)
    return path


def megabits_per_second(path: Path, frames: int) -> float:
    """The bit rate of a clip of that many frames at ``RATE``."""
    return path.stat().st_size * 8 / 1e6 / float(frames / RATE)
