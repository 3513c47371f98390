"""Random clips of keyframes: which frames they hold, and when exact ones are read instead."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from footage.training.augmentation import Augmentation
from footage.training.clips import ClipSampling, LabelledVideo, LiveClips, clip_times, read_clip, read_clip_nearby

RATE, GROUP, FRAMES = 10, 5, 100


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds, each frame of its own shade, a keyframe every half second."""
    path = tmp_path_factory.mktemp("keyframes") / "v.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=RATE, options={"g": str(GROUP), "sc_threshold": "0", "bf": "2"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(FRAMES):
            picture = np.full((48, 64, 3), 2 * number + 20, np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        output.mux(stream.encode(None))
    return path


def numbers(clip: NDArray[np.uint8]) -> list[int]:
    """Which frames a clip holds, by their shade."""
    return [round((float(frame.mean()) - 20) / 2) for frame in clip]


def test_each_moment_has_the_keyframe_nearest_to_it(video: Path) -> None:
    times = np.array([0.1, 2.2, 4.9, 9.1])
    assert numbers(read_clip_nearby(video, times, 16)) == pytest.approx([0, 20, 50, 90], abs=1)
    assert numbers(read_clip(video, times, 16)) == pytest.approx([1, 22, 49, 91], abs=1)


def test_moments_nearer_than_keyframes_are_read_exactly(video: Path) -> None:
    times = np.array([2.0, 2.1, 2.2, 9.1])
    np.testing.assert_array_equal(read_clip_nearby(video, times, 16), read_clip(video, times, 16))


@pytest.mark.parametrize("keyframes", [True, False])
def test_random_clips_take_them_where_it_is_asked_for(video: Path, keyframes: bool) -> None:
    sampling = ClipSampling(frames=4, size_px=16, keyframes=keyframes)
    part = LabelledVideo(path=video, label=0, start_seconds=0.0, end_seconds=10.0)
    still = Augmentation(flip=False, turn_degrees=0.0, jitter=0.0)
    live = LiveClips([part], np.ones(1), sampling, still)
    read = read_clip_nearby if keyframes else read_clip
    for seed in range(4):
        times = clip_times(0.0, 10.0, sampling, np.random.default_rng(seed))
        np.testing.assert_array_equal(live.load(0, np.random.default_rng(seed)), read(video, times, 16))
