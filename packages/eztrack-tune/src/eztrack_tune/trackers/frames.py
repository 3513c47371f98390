"""Clips as stills: the first frames of a video decoded once, so that every tracker sees the same pixels.

Blender's decoders differ from version to version and from ours; with PNG files its markers are the same in all of them.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from eztrack_tune.outcome import Clip
from eztrack_tune.trackers.turning import CameraMotion, camera_motion
from footage.dataset.manifest import content_sha256, rows_sha256
from footage.errors import InputError, VideoError
from footage.runs.files import atomic_write_json
from footage.video import open_video
from footage.video.images import read_image

MOST_FRAMES = 100
"""The add-on tracks forward for at most so many."""
LEAST_FRAMES = 3
_FACTS_FILE = "clip.json"
_FORMAT = 3
_LOOKED_AT = 12
_STILL = "{:06}.png"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipStills:
    """A clip and its stills.

    Attributes:
        clip: what they are of.
        folder: holds ``000000.png`` and so on, without a gap.
        motion: what the camera does.
    """

    clip: Clip
    folder: Path
    motion: CameraMotion = CameraMotion.TRAVELS

    def path(self, frame: int) -> Path:
        """The still of a frame, from 0."""
        return self.folder / _STILL.format(frame)

    def gray(self, frame: int) -> NDArray[np.uint8]:
        """A frame's luma, uint8 (H, W).

        Raises:
            VideoError: the still is gone or damaged.
        """
        return np.asarray(cv2.cvtColor(read_image(self.path(frame)), cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def content_of(path: Path) -> str:
    """A name for a clip's content: of a video file its SHA-256, of a folder that of its files in their order.

    Raises:
        InputError: it cannot be read.
    """
    if not path.is_dir():
        return content_sha256(path)
    files = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
    return rows_sha256(*((file.name, content_sha256(file)) for file in files))


def stills_folder(cache: Path, content_sha256: str, most_frames: int) -> Path:
    """Where the cache has a clip's stills."""
    return cache / f"{content_sha256[:24]}-{most_frames}-{_FORMAT}"


def decode(
    path: Path, cache: Path, *, most_frames: int = MOST_FRAMES, stills_fps: Fraction = Fraction(24)
) -> ClipStills:
    """Decode the first frames of a clip to PNG, unless the cache has them.

    Args:
        path: a video file or a folder of stills.
        cache: a folder for all clips' stills; each lies under its content.
        most_frames: decode at most so many.
        stills_fps: the rate of a folder of stills, which has none of its own.

    Raises:
        VideoError: the clip cannot be read, or is too short to be tracked.
        OSError: the cache cannot be written.
    """
    if most_frames < LEAST_FRAMES:
        raise InputError(f"a track needs {LEAST_FRAMES} frames or more, not {most_frames}")
    sha256 = content_of(path)
    folder = stills_folder(cache, sha256, most_frames)
    if not (folder / _FACTS_FILE).is_file():
        _fill(folder, path, sha256, most_frames=most_frames, stills_fps=stills_fps)
    facts = json.loads((folder / _FACTS_FILE).read_bytes())
    clip = Clip(
        path=path,
        width=facts["width"],
        height=facts["height"],
        fps=facts["fps"],
        frame_count=facts["frame_count"],
        content_sha256=sha256,
    )
    return ClipStills(clip=clip, folder=folder, motion=CameraMotion(facts["motion"]))


def _fill(folder: Path, path: Path, sha256: str, *, most_frames: int, stills_fps: Fraction) -> None:
    """Decode into a folder of another name, which becomes this one when it is complete."""
    partial = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.partial")
    partial.mkdir(parents=True)
    try:
        with open_video(path, threads=1, stills_rate=stills_fps, accurate_colours=True) as reader:
            count = _write(partial, (frame.image for frame in reader.frames(0, most_frames)))
            info = reader.info
        if count < LEAST_FRAMES:
            what = f"has only {count} frames that can be decoded, {LEAST_FRAMES} are needed to track anything"
            raise VideoError(what, where=path, remedy="leave it out")
        facts = {
            "content_sha256": sha256,
            "width": info.width,
            "height": info.height,
            "fps": float(info.average_rate or stills_fps),
            "frame_count": count,
            "motion": _motion(partial, count),
        }
        atomic_write_json(partial / _FACTS_FILE, facts)
        try:
            partial.rename(folder)
        except OSError:
            if not (folder / _FACTS_FILE).is_file():  # else another process was quicker, and its stills are the same
                shutil.rmtree(folder)
                partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write(folder: Path, images: Iterable[NDArray[np.uint8]]) -> int:
    count = 0
    shape: tuple[int, ...] | None = None
    for image in images:
        if shape not in {None, image.shape}:
            break  # the picture changes its size: what follows is another clip
        shape = image.shape
        _, data = cv2.imencode(".png", image[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])
        with (folder / _STILL.format(count)).open("wb") as file:
            file.write(data.tobytes())
            file.flush()
            if count == 0:
                os.fsync(file.fileno())  # a full disk shows here at the latest
        count += 1
    return count


def _motion(folder: Path, count: int) -> CameraMotion:
    chosen = np.unique(np.linspace(0, count - 1, min(count, _LOOKED_AT)).astype(int))
    images = [read_image(folder / _STILL.format(frame)) for frame in chosen]
    return camera_motion([np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8) for image in images])
