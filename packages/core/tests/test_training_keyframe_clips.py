"""Random clips drawn among keyframes: which frames they hold, and when any frame is taken instead."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from footage.training.augmentation import Augmentation
from footage.training.clips import (
    ClipSampling,
    LabelledVideo,
    LiveClips,
    cheap_times,
    clip_times,
    read_clip,
    read_drawn_clip,
)
from footage.video.keyframes import KeyframeReader

RATE, GROUP, FRAMES = 10, 5, 100
KEYFRAMES = np.arange(0, FRAMES, GROUP) / RATE


def write_shades(path: Path, codec: str = "libx264") -> Path:
    """Ten seconds, each frame of its own shade, a keyframe every half second."""
    options = {"g": str(GROUP), "sc_threshold": "0", "bf": "2"}
    if codec == "libx265":
        options = {"x265-params": f"keyint={GROUP}:min-keyint={GROUP}:scenecut=0:bframes=3:log-level=none"}
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=RATE, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(FRAMES):
            picture = np.full((48, 64, 3), 2 * number + 20, np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        output.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shades(tmp_path_factory.mktemp("keyframes") / "v.mp4")


def numbers(clip: NDArray[np.uint8]) -> list[int]:
    """Which frames a clip holds, by their shade."""
    return [round((float(frame.mean()) - 20) / 2) for frame in clip]


def live(path: Path, sampling: ClipSampling) -> LiveClips:
    part = LabelledVideo(path=path, label=0, start_seconds=0.0, end_seconds=10.0)
    return LiveClips([part], np.ones(1), sampling, Augmentation(flip=False, turn_degrees=0.0, jitter=0.0))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
def test_frames_that_cost_nothing_else_are_the_keyframes(suffix: str, tmp_path: Path) -> None:
    path = write_shades(tmp_path / f"v{suffix}")
    assert cheap_times(path) == pytest.approx(KEYFRAMES, abs=0.25)  # AVI and Matroska count in decoding order
    if suffix == ".mp4":
        assert numbers(read_clip(path, cheap_times(path), 16)) == pytest.approx(range(0, FRAMES, GROUP), abs=1)


def test_a_file_without_an_index_has_none(tmp_path: Path) -> None:
    assert len(cheap_times(write_shades(tmp_path / "v.ts"))) == 0
    clip = live(tmp_path / "v.ts", ClipSampling(frames=4, size_px=16)).load(0, np.random.default_rng(0))
    assert len(set(numbers(clip))) == 4


@pytest.mark.parametrize(("frames", "drawn_among_keyframes"), [(4, True), (10, True), (11, False)])
def test_moments_are_drawn_among_keyframes_where_there_are_two_for_each(
    video: Path, frames: int, drawn_among_keyframes: bool
) -> None:
    seen = set()
    for seed in range(12):
        times = clip_times(0.0, 10.0, ClipSampling(frames=frames), np.random.default_rng(seed), cheap_times(video))
        assert len(times) == frames
        assert (np.diff(times) > 0).all()
        assert np.isin(times.round(6), KEYFRAMES).all() == drawn_among_keyframes
        seen.add(tuple(times))
    assert len(seen) >= 10, "every epoch has other moments"


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_keyframes_are_read_alone_also_where_the_index_is_a_few_frames_off(codec: str, tmp_path: Path) -> None:
    path, sampling = write_shades(tmp_path / "v.mp4", codec), ClipSampling(frames=4, size_px=16)
    with KeyframeReader(path) as reader:
        keyframes = {frame.pts_seconds: frame.image for frame in reader.nearest(reader.times_seconds, size=(16, 16))}
    images = [image.tobytes() for image in keyframes.values()]
    for seed in range(4):
        times = clip_times(0.0, 10.0, sampling, np.random.default_rng(seed), cheap_times(path))
        assert all(image.tobytes() in images for image in read_drawn_clip(path, times, sampling))


def test_only_keyframes_inside_the_clip_are_taken(video: Path) -> None:
    sampling = ClipSampling(frames=2, span_seconds=2.5)
    for seed in range(20):
        times = clip_times(3.0, 9.0, sampling, np.random.default_rng(seed), cheap_times(video))
        assert times.min() >= 3.0
        assert times.max() < 9.0
        assert np.ptp(times) <= 2.5


def test_exact_moments_fall_between_keyframes_too(video: Path) -> None:
    exact, keyframes = ClipSampling(frames=4, size_px=16, exact=True), ClipSampling(frames=4, size_px=16)
    for seed in range(4):
        times = clip_times(0.0, 10.0, exact, np.random.default_rng(seed))
        np.testing.assert_array_equal(
            live(video, exact).load(0, np.random.default_rng(seed)), read_clip(video, times, 16)
        )
        held = np.array(numbers(live(video, keyframes).load(0, np.random.default_rng(seed))))
        assert np.abs(held - GROUP * (held / GROUP).round()).max() <= 1
    drawn = [clip_times(0.0, 10.0, exact, np.random.default_rng(seed), cheap_times(video)) for seed in range(4)]
    assert not np.isin(np.concatenate(drawn).round(6), KEYFRAMES).all()
