"""The quality of recordings, on videos whose faults were put there."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from footage.errors import VideoError
from footage.synthetic.drawing import texture
from footage.video.timing import frame_times
from video_train.evaluation.quality import missing_frames, quality_of

RATE = 10


def write(path: Path, pictures: Sequence[NDArray[np.uint8]], ticks: Sequence[int] | None = None) -> Path:
    """Pictures at ten a second, or at other times in hundredths of a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"crf": "12", "preset": "ultrafast"})
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, 100)
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number * 10 if ticks is None else ticks[number]
            frame.time_base = Fraction(1, 100)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def moving() -> list[NDArray[np.uint8]]:
    ground = texture(np.random.default_rng(3), (160, 96))
    return [np.ascontiguousarray(ground[:, 2 * number : 2 * number + 96]) for number in range(20)]


def test_missing_frames_are_counted_from_times(tmp_path: Path, moving: list[NDArray[np.uint8]]) -> None:
    whole = quality_of(write(tmp_path / "whole.mp4", moving), 0.0, 2.0)
    assert (whole.frames, whole.dropped, whole.repeated) == (20, 0, 0.0)
    kept = [number for number in range(20) if number not in {5, 11, 12, 13}]
    holed = write(tmp_path / "holed.mp4", [moving[number] for number in kept], [10 * number for number in kept])
    assert quality_of(holed, 0.0, 2.0).dropped == 4
    assert quality_of(holed, 0.0, 0.9).dropped == 1
    assert frame_times(holed) == pytest.approx([number / 10 for number in kept], abs=1e-6)


def test_pictures_shown_twice_are_seen(tmp_path: Path, moving: list[NDArray[np.uint8]]) -> None:
    frozen = write(tmp_path / "frozen.mkv", [moving[4]] * 20)
    assert quality_of(frozen, 0.0, 2.0).repeated >= 0.6


def test_blur_and_exposure(tmp_path: Path, moving: list[NDArray[np.uint8]]) -> None:
    sharp = quality_of(write(tmp_path / "sharp.mp4", moving), 0.0, 2.0)
    soft = [np.asarray(cv2.GaussianBlur(one, (0, 0), 2.0), np.uint8) for one in moving]
    assert quality_of(write(tmp_path / "soft.mp4", soft), 0.0, 2.0).sharpness < sharp.sharpness / 4
    black = quality_of(write(tmp_path / "black.mp4", [np.zeros_like(moving[0])] * 12), 0.0, 1.2)
    white = quality_of(write(tmp_path / "white.mp4", [np.full_like(moving[0], 255)] * 12), 0.0, 1.2)
    assert (black.dark_share, black.bright_share, white.bright_share) == (1.0, 0.0, 1.0)
    assert black.brightness < 0.02
    assert white.brightness > 0.98


def test_a_part_shorter_than_a_frame_is_the_frame_on_display(tmp_path: Path, moving: list[NDArray[np.uint8]]) -> None:
    found = quality_of(write(tmp_path / "v.mp4", moving), 0.52, 0.55)
    assert (found.frames, found.dropped) == (1, 0)


@given(st.lists(st.integers(0, 200), min_size=3, max_size=60, unique=True), st.sampled_from([0.04, 1 / 30, 0.5]))
def test_gaps_add_up_to_what_is_missing(kept: list[int], step: float) -> None:
    """Where most frames are there, the frames that are missing are those that would fill the grid."""
    numbers = sorted({*range(0, 201, 1)} - {one for one in kept if one % 5 == 2})
    assert missing_frames(np.array(numbers) * step) == 201 - len(numbers)


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="no such file"):
        frame_times(tmp_path / "none.mp4")
