"""Videos whose every frame shows its own number, so that a wrong frame cannot pass for the right one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

BITS = 8
SIZE = (160, 96)


def numbered_picture(number: int, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """A bar code of ten bars in the upper half: white, eight bits of the number, black. The lower half is grey."""
    width, height = size
    picture = np.full((height, width, 3), 128, np.uint8)
    bars = [1, *(number >> bit & 1 for bit in range(BITS)), 0]
    edges = np.linspace(0, width, len(bars) + 1).astype(int)
    for left, right, bar in zip(edges, edges[1:], bars, strict=False):
        picture[: height // 2, left:right] = 235 if bar else 20
    # A tint that changes with the number tells colour planes of different frames apart too.
    picture[height // 2 :, :, 0] = 60 + number % 7 * 20
    return picture


def number_of(picture: NDArray[np.uint8]) -> int:
    """The number that an RGB or grey picture shows; fails where the picture is not upright."""
    gray = picture if picture.ndim == 2 else picture.mean(axis=2)
    height, width = gray.shape
    edges = np.linspace(0, width, BITS + 3).astype(int)
    middles = (edges[:-1] + edges[1:]) // 2
    bars = [int(gray[height // 8 : height * 3 // 8, middle - 1 : middle + 2].mean() > 128) for middle in middles]
    assert bars[0] == 1, "the picture is turned or mirrored"
    assert bars[-1] == 0, "the picture is turned or mirrored"
    assert 70 < gray[height * 3 // 4].mean() < 190, "the picture is turned or mirrored"
    return sum(bar << bit for bit, bar in enumerate(bars[1:-1]))


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to write a test video; ``ticks`` are presentation times in units of ``time_base``."""

    suffix: str = ".mp4"
    codec: str = "libx264"
    frames: int = 40
    rate: Fraction = Fraction(25)
    ticks: Sequence[int] | None = None
    time_base: Fraction | None = None
    size: tuple[int, int] = SIZE
    pixel_format: str = "yuv420p"
    gop: int = 10
    b_frames: int = 2
    rotation: int | None = None  # anticlockwise turn that shows the stored picture upright
    audio: bool = False
    options: dict[str, str] = field(default_factory=dict)
    container_options: dict[str, str] = field(default_factory=dict)

    @property
    def times(self) -> list[float]:
        """Expected presentation times in seconds from the first frame."""
        if self.ticks is None or self.time_base is None:
            return [float(number / self.rate) for number in range(self.frames)]
        return [float((at - self.ticks[0]) * self.time_base) for at in self.ticks]


def write_numbered(path: Path, recipe: Recipe) -> Path:
    """Write a video by a recipe through PyAV, independently of the project's own writer."""
    with av.open(str(path), "w", options=dict(recipe.container_options)) as container:
        # Keyframes stand where ``gop`` says, not where the encoder sees the picture change.
        steady = {"libx264": {"sc_threshold": "0"}, "mpeg4": {"sc_threshold": "1000000000"}}.get(recipe.codec, {})
        stream = container.add_stream(recipe.codec, rate=recipe.rate, options=steady | recipe.options)
        assert isinstance(stream, av.VideoStream)
        width, height = recipe.size
        turns = (recipe.rotation or 0) // 90
        stream.width, stream.height = (height, width) if turns % 2 else (width, height)
        stream.pix_fmt = recipe.pixel_format
        stream.codec_context.gop_size = recipe.gop
        stream.codec_context.max_b_frames = recipe.b_frames
        if recipe.time_base is not None:
            stream.codec_context.time_base = recipe.time_base
        if recipe.rotation is not None:
            stream.set_display_rotation(recipe.rotation)
        sound = None
        if recipe.audio:
            sound = container.add_stream("aac", rate=44100, layout="mono")
            assert isinstance(sound, av.AudioStream)
        count = recipe.frames if recipe.ticks is None else len(recipe.ticks)
        for number in range(count):
            stored = np.ascontiguousarray(np.rot90(numbered_picture(number, recipe.size), -turns))
            frame = av.VideoFrame.from_ndarray(stored, format="rgb24")
            frame.pts = number if recipe.ticks is None else recipe.ticks[number]
            frame.time_base = recipe.time_base or 1 / recipe.rate
            container.mux(stream.encode(frame.reformat(format=recipe.pixel_format)))
        container.mux(stream.encode(None))
        if sound is not None:
            for block in range(recipe.frames * 44100 // 25 // 1024):
                quiet = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
                quiet.sample_rate, quiet.pts = 44100, block * 1024
                container.mux(sound.encode(quiet))
            container.mux(sound.encode(None))
    return path


@pytest.fixture(scope="session")
def make_video(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Path, Recipe]]:
    """``make_video(**recipe)`` gives a numbered video and its recipe. Equal recipes share a file: never change it."""
    made: dict[str, tuple[Path, Recipe]] = {}

    def make(**settings: Any) -> tuple[Path, Recipe]:
        recipe = Recipe(**settings)
        if repr(recipe) not in made:
            path = tmp_path_factory.mktemp("video") / f"clip{recipe.suffix}"
            made[repr(recipe)] = write_numbered(path, recipe), recipe
        return made[repr(recipe)]

    return make


@pytest.fixture
def shown() -> Callable[[NDArray[np.uint8]], int]:
    """Reads the number off a picture."""
    return number_of


@pytest.fixture
def draw() -> Callable[..., NDArray[np.uint8]]:
    """Draws a numbered picture."""
    return numbered_picture
