"""What the tests of the command line share: the scene they run on, and how a command ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FRAMES = 300
SIZE = (480, 270)


@dataclass(frozen=True)
class Crowd:
    """A scene on disk.

    Attributes:
        video: H.264 in mp4.
        truth: its exact boxes as MOT text.
        detections: noisy boxes with scores as MOT text: a tenth is missing, some are false.
    """

    video: Path
    truth: Path
    detections: Path


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Command = Callable[..., Ended]
