"""Scenes of textured boxes that move over a textured background under a panning camera, with exact ground truth.

Everything moves by fractions of a pixel along smooth paths, nearer objects pass before farther ones, objects enter
and leave. The same generator state gives the same scene and the same pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from footage.errors import InputError
from footage.runs.files import atomic_write_text
from footage.synthetic.drawing import add_noise, draw_box, shifted, texture, visible_fractions


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneFrame:
    """One rendered frame and its truth. Rows belong together; objects wholly outside the picture have no row.

    Attributes:
        image: RGB uint8 (H, W, 3).
        boxes: float64 (N, 4), xyxy pixels, clipped to the picture.
        boxes_unclipped: float64 (N, 4), xyxy pixels, as if the picture had no edge.
        ids: int64 (N,), from 1, the same through the scene.
        visibility: float64 (N,), share of the whole object that is inside the picture and not covered, 0 to 1.
    """

    image: NDArray[np.uint8]
    boxes: NDArray[np.float64]
    boxes_unclipped: NDArray[np.float64]
    ids: NDArray[np.int64]
    visibility: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class MovingBox:
    """A textured rectangle. Its centre moves on a line with a slow wave on top; its size breathes slowly.

    Attributes:
        identity: number from 1.
        texture: RGB uint8 (h, w, 3), stretched over the box.
        position: (x, y) of the centre at time 0, world pixels.
        velocity: (x, y) pixels a frame.
        wave: (x, y) amplitude in pixels of a sine on top of the line.
        wave_frames: period of that sine in frames.
        wave_phase: radians.
        size: (width, height) in pixels at mean size.
        growth: relative amplitude of the change of size, 0 to below 1.
        growth_frames: period of the change of size in frames.
    """

    identity: int
    texture: NDArray[np.uint8]
    position: tuple[float, float]
    velocity: tuple[float, float]
    wave: tuple[float, float] = (0.0, 0.0)
    wave_frames: float = 120.0
    wave_phase: float = 0.0
    size: tuple[float, float] = (40.0, 60.0)
    growth: float = 0.0
    growth_frames: float = 200.0

    def box_at(self, frame: float) -> NDArray[np.float64]:
        """Corners xyxy in world pixels at a frame number, which may be a fraction."""
        swing = np.sin(2 * np.pi * frame / self.wave_frames + self.wave_phase)
        centre = np.array(self.position) + np.array(self.velocity) * frame + np.array(self.wave) * swing
        scale = 1.0 + self.growth * np.sin(2 * np.pi * frame / self.growth_frames + self.wave_phase)
        half = np.array(self.size) * scale / 2
        return np.concatenate([centre - half, centre + half])


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A background, a camera and boxes in drawing order: later ones are nearer and cover earlier ones.

    World pixels are the pixels of frame 0. Pixel (x, y) covers [x, x+1) x [y, y+1), so a box from 0 to 1 is one pixel.

    Attributes:
        size: (width, height) of the picture in pixels.
        frame_count: frames in the scene.
        background: RGB uint8, larger than the picture by ``margin`` on every side and by the pan.
        origin: (x, y) of the picture's corner in the background at frame 0.
        pan_px_per_frame: (x, y) camera movement; the background moves the other way.
        objects: in drawing order.
        noise: standard deviation of fresh sensor noise in each frame, in grey levels; 0 for none.
        seed: seeds the noise, so that any frame can be rendered alone.
    """

    size: tuple[int, int]
    frame_count: int
    background: NDArray[np.uint8]
    origin: tuple[float, float]
    pan_px_per_frame: tuple[float, float]
    objects: tuple[MovingBox, ...]
    noise: float = 0.0
    seed: int = 0

    @classmethod
    def random(
        cls,
        rng: np.random.Generator,
        *,
        size: tuple[int, int] = (640, 360),
        objects: int = 6,
        frames: int = 150,
        pan_px_per_frame: tuple[float, float] = (0.0, 0.0),
        object_height: tuple[float, float] = (0.15, 0.4),
        speed_px_per_frame: tuple[float, float] = (0.5, 3.0),
        noise: float = 0.0,
    ) -> Self:
        """A scene in which objects cross the picture at different times and before each other.

        Args:
            rng: decides everything.
            size: (width, height) in pixels.
            objects: how many objects in the whole scene.
            frames: length in frames.
            pan_px_per_frame: (x, y) camera movement in pixels a frame.
            object_height: least and greatest mean height of an object, as a share of the picture's height.
            speed_px_per_frame: least and greatest speed of an object over the picture.
            noise: standard deviation of sensor noise in grey levels.
        """
        if frames < 1 or objects < 0 or min(size) < 16:
            raise InputError(f"a scene needs frames and a picture of at least 16 px, not {frames} frames of {size}")
        pan = np.array(pan_px_per_frame, dtype=np.float64)
        travel = pan * (frames - 1)
        extent = (np.array(size) + np.abs(travel) + 4).astype(int)
        origin = np.maximum(0.0, -travel) + 2.0
        # Farther objects are smaller and drawn first.
        heights = np.sort(rng.uniform(*object_height, objects)) * size[1]
        boxes = tuple(
            _random_object(rng, identity, height, size=size, frames=frames, pan=pan, speed=speed_px_per_frame)
            for identity, height in enumerate(heights, start=1)
        )
        return cls(
            size=size,
            frame_count=frames,
            background=texture(rng, (int(extent[0]), int(extent[1])), contrast=0.5),
            origin=(float(origin[0]), float(origin[1])),
            pan_px_per_frame=(float(pan[0]), float(pan[1])),
            objects=boxes,
            noise=noise,
            seed=int(rng.integers(2**31)),
        )

    def camera_at(self, frame: float) -> tuple[float, float]:
        """World pixel (x, y) at the picture's top left corner."""
        return self.pan_px_per_frame[0] * frame, self.pan_px_per_frame[1] * frame

    def boxes_at(self, frame: float) -> NDArray[np.float64]:
        """Corners xyxy of every object in picture pixels, not clipped, (objects, 4)."""
        if not self.objects:
            return np.zeros((0, 4))
        camera = np.array(self.camera_at(frame))
        return np.stack([item.box_at(frame) - np.concatenate([camera, camera]) for item in self.objects])

    def render(self, frame: int) -> SceneFrame:
        """Draw one frame.

        Raises:
            IndexError: ``frame`` is outside the scene.
        """
        if not 0 <= frame < self.frame_count:
            raise IndexError(f"frame {frame} of a scene with {self.frame_count}")
        width, height = self.size
        camera = self.camera_at(frame)
        image = shifted(self.background, self.origin[0] + camera[0], self.origin[1] + camera[1], self.size)
        boxes = self.boxes_at(frame)
        for item, box in zip(self.objects, boxes, strict=True):
            draw_box(image, item.texture, box)
        if self.noise > 0:
            rng = np.random.default_rng((self.seed, frame))
            image = add_noise(image, self.noise, rng)
        clipped = np.clip(boxes, 0.0, [width, height, width, height])
        inside = (clipped[:, 2] > clipped[:, 0]) & (clipped[:, 3] > clipped[:, 1])
        visibility = visible_fractions(boxes, self.size)
        ids = np.array([item.identity for item in self.objects], dtype=np.int64)
        return SceneFrame(
            image=image,
            boxes=clipped[inside],
            boxes_unclipped=boxes[inside],
            ids=ids[inside],
            visibility=visibility[inside],
        )

    def write_video(self, path: str | PathLike[str], rate: Fraction | int = 25, *, crf: int = 20) -> Path:
        """Render the whole scene into a video file.

        Raises:
            VideoError: The file cannot be written.
        """
        # PyAV is only needed here.
        from footage.video.writer import VideoWriter

        with VideoWriter(path, size=self.size, rate=rate, crf=crf) as writer:
            for frame in range(self.frame_count):
                writer.write(self.render(frame).image)
        return Path(path)

    def write_mot(self, path: str | PathLike[str], *, minimum_visibility: float = 0.0) -> Path:
        """Write the ground truth as MOTChallenge text: ``frame,id,x,y,w,h,conf,class,visibility``.

        Frames count from 1 and pixels too: the top left pixel is (1, 1). Boxes are not clipped, conf and class are 1.
        Objects less visible than ``minimum_visibility`` are left out.
        """
        lines: list[str] = []
        for frame in range(self.frame_count):
            boxes = self.boxes_at(frame)
            for item, box, visible in zip(self.objects, boxes, visible_fractions(boxes, self.size), strict=True):
                if visible <= 0 or visible < minimum_visibility:
                    continue
                x, y = box[:2] + 1.0
                w, h = box[2:] - box[:2]
                lines.append(f"{frame + 1},{item.identity},{x:.3f},{y:.3f},{w:.3f},{h:.3f},1,1,{visible:.4f}\n")
        atomic_write_text(path, "".join(lines))
        return Path(path)


def _random_object(
    rng: np.random.Generator,
    identity: int,
    height: float,
    *,
    size: tuple[int, int],
    frames: int,
    pan: NDArray[np.float64],
    speed: tuple[float, float],
) -> MovingBox:
    """An object that is at a random place of the picture at a random time, moving mostly sideways."""
    width = height * rng.uniform(0.4, 1.6)
    pace = rng.uniform(*speed) * rng.choice([-1.0, 1.0])
    heading = rng.uniform(-0.25, 0.25)
    over_picture = np.array([pace * np.cos(heading), pace * np.sin(heading)])
    velocity = over_picture + pan  # the camera carries the picture along
    when = rng.uniform(0, frames - 1)
    where = np.array([rng.uniform(0.15, 0.85) * size[0], rng.uniform(0.25, 0.75) * size[1]])
    position = where + pan * when - velocity * when
    return MovingBox(
        identity=identity,
        texture=texture(rng, (max(8, round(width)), max(8, round(height)))),
        position=(float(position[0]), float(position[1])),
        velocity=(float(velocity[0]), float(velocity[1])),
        wave=(float(rng.uniform(0, 6)), float(rng.uniform(0, 6))),
        wave_frames=float(rng.uniform(60, 200)),
        wave_phase=float(rng.uniform(0, 2 * np.pi)),
        size=(float(width), float(height)),
        growth=float(rng.uniform(0, 0.15)),
        growth_frames=float(rng.uniform(100, 300)),
    )
