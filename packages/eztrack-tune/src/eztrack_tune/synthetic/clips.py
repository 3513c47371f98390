"""Easy, medium and hard clips, as stills or as a video, each with the path its camera took."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from eztrack_tune.classes import Difficulty
from eztrack_tune.synthetic.camera import CameraPath
from eztrack_tune.synthetic.surfaces import Surface, draw, ground_and_boxes
from eztrack_tune.truth import TrueCamera
from footage.runs.files import atomic_path
from footage.synthetic.drawing import add_noise
from footage.video.writer import VideoWriter

_BOXES = 14
_FOCAL_WIDTHS = 1.0
"""The focal length, in widths of the picture: a 36 mm lens on a 36 mm sensor. Not what trackers guess."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What makes a clip hard.

    Attributes:
        turn_degrees: a frame, round the scene.
        shake: of the hand, in scene units at the scene's middle.
        noise: standard deviation of the sensor's noise, grey levels.
        shutter: share of the time between frames that the shutter is open; 0 gives no motion blur.
        contrast: of the textures.
        flicker: amplitude of slow changes of exposure, as a share.
    """

    turn_degrees: float
    shake: float
    noise: float
    shutter: float
    contrast: float
    flicker: float


LOOKS = {
    Difficulty.EASY: Look(turn_degrees=0.35, shake=0.02, noise=2.0, shutter=0.0, contrast=0.9, flicker=0.0),
    Difficulty.MEDIUM: Look(turn_degrees=0.5, shake=0.08, noise=4.0, shutter=0.25, contrast=0.6, flicker=0.04),
    Difficulty.HARD: Look(turn_degrees=1.0, shake=0.25, noise=7.0, shutter=0.5, contrast=0.4, flicker=0.10),
}
_EXPOSURES = 4
"""Pictures that are averaged into one that is blurred by motion."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SyntheticClip:
    """A drawn clip and the truth about its camera.

    Attributes:
        size: (width, height) in pixels.
        fps: frames a second.
        look: what makes it hard.
        path: of the camera.
        surfaces: what there is to see.
        seed: of the noise, so that any frame can be drawn alone.
    """

    size: tuple[int, int]
    fps: int
    look: Look
    path: CameraPath
    surfaces: tuple[Surface, ...]
    seed: int

    @classmethod
    def random(
        cls,
        rng: np.random.Generator,
        difficulty: Difficulty,
        *,
        size: tuple[int, int] = (640, 360),
        frames: int = 60,
        fps: int = 24,
    ) -> Self:
        """A clip of another scene and another path for each state of the generator."""
        look = LOOKS[difficulty]
        path = CameraPath.random(rng, frames=frames, turn=np.radians(look.turn_degrees) * frames, shake=look.shake)
        focal_px = _FOCAL_WIDTHS * size[0]
        texels = focal_px / float(np.hypot(path.radius, path.height))
        surfaces = ground_and_boxes(rng, boxes=_BOXES, texels_per_unit=texels, contrast=look.contrast)
        seed = int(rng.integers(2**31))
        return cls(size=size, fps=fps, look=look, path=path, surfaces=surfaces, seed=seed)

    @property
    def truth(self) -> TrueCamera:
        """The camera as it was in every frame."""
        width, height = self.size
        return TrueCamera(focal_px=_FOCAL_WIDTHS * width, principal_px=(width / 2, height / 2), poses=self.path.poses())

    def frame(self, index: int) -> NDArray[np.uint8]:
        """Draw one frame, RGB uint8 (H, W, 3)."""
        exposures = _EXPOSURES if self.look.shutter > 0 else 1
        times = index + self.look.shutter * (np.arange(exposures) - (exposures - 1) / 2) / exposures
        focal_px = _FOCAL_WIDTHS * self.size[0]
        drawn = [draw(self.surfaces, self.path.at(time), focal_px, self.size).astype(np.float32) for time in times]
        light = 1.0 + self.look.flicker * np.sin(2 * np.pi * index / 23.0)
        image = np.clip(np.rint(light * np.mean(drawn, axis=0)), 0, 255).astype(np.uint8)
        return add_noise(image, self.look.noise, np.random.default_rng((self.seed, index)))

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """Draw all frames in order."""
        return (self.frame(index) for index in range(self.path.frames))

    def write_stills(self, folder: Path) -> Path:
        """Write ``000000.png`` and so on into a folder, which is made.

        Raises:
            OSError: the folder cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for index, image in enumerate(self.frames()):
            with atomic_path(folder / f"{index:06}.png") as partial:
                cv2.imwrite(str(partial), image[..., ::-1])
        return folder

    def write_video(self, path: Path, *, crf: int = 12) -> Path:
        """Write a video file and, beside it with the suffix ``.camera.json``, the true camera.

        Raises:
            VideoError: the file cannot be written.
        """
        with VideoWriter(path, size=self.size, rate=self.fps, crf=crf) as writer:
            for image in self.frames():
                writer.write(image)
        self.truth.write(path.with_suffix(".camera.json"))
        return path
