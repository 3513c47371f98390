"""Camera paths: where a camera is and how it is turned, as smooth functions of time with a hand's shake on top."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_SHAKE_WAVES = 5


def look_at(centre: Array, target: Array, roll: float = 0.0) -> Array:
    """A camera at ``centre`` that looks at ``target``, upright in a world whose third axis points up.

    Args:
        centre: float64 (3,).
        target: float64 (3,).
        roll: turn about the axis of view, radians.

    Returns:
        World to camera, float64 (3, 4): x right, y down, z forward.
    """
    forward = (target - centre) / np.linalg.norm(target - centre)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    cosine, sine = np.cos(roll), np.sin(roll)
    rotation = np.stack([cosine * right + sine * down, cosine * down - sine * right, forward])
    return np.column_stack([rotation, -rotation @ centre])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CameraPath:
    """An arc round the scene with a shake.

    Attributes:
        radius: distance from the scene's middle on the ground, in scene units.
        height: over the ground.
        start: angle on the arc at the first frame, radians.
        turn: radians that the whole clip covers.
        dolly: share by which the radius shrinks over the clip.
        frames: frames in the clip.
        shake: amplitude of the shake of the target and of the roll: scene units, and radians for the roll.
        waves: float64 (4, waves, 2), periods in frames and phases of the shake of target x, y, z and roll.
    """

    radius: float
    height: float
    start: float
    turn: float
    dolly: float
    frames: int
    shake: float
    waves: Array

    @classmethod
    def random(cls, rng: np.random.Generator, *, frames: int, turn: float, shake: float, dolly: float = 0.1) -> Self:
        """A path that starts anywhere round the scene and turns either way."""
        periods = rng.uniform(4.0, 40.0, (4, _SHAKE_WAVES))
        phases = rng.uniform(0.0, 2 * np.pi, (4, _SHAKE_WAVES))
        return cls(
            radius=float(rng.uniform(11.0, 13.0)),
            height=float(rng.uniform(7.0, 9.0)),
            start=float(rng.uniform(0.0, 2 * np.pi)),
            turn=turn * float(rng.choice([-1.0, 1.0])),
            dolly=float(rng.uniform(-dolly, dolly)),
            frames=frames,
            shake=shake,
            waves=np.stack([periods, phases], axis=-1),
        )

    def at(self, frame: float) -> Array:
        """World to camera at a frame, which may be a fraction (an exposure lasts), float64 (3, 4)."""
        share = frame / max(1, self.frames - 1)
        angle = self.start + self.turn * share
        radius = self.radius * (1 - self.dolly * share)
        centre = np.array([radius * np.cos(angle), radius * np.sin(angle), self.height])
        wave = np.sin(2 * np.pi * frame / self.waves[..., 0] + self.waves[..., 1])
        # short waves are small ones, as a hand's are
        shake = self.shake * (wave * self.waves[..., 0] / 40.0).sum(axis=1)
        return look_at(centre, np.array([0.0, 0.0, 0.6]) + shake[:3], 0.1 * float(shake[3]))

    def poses(self) -> Array:
        """World to camera in every frame, float64 (frames, 3, 4)."""
        return np.stack([self.at(frame) for frame in range(self.frames)])
