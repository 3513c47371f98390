"""Pictures of a video: by its keyframes where it has an index of them, exactly where it has not, and said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from footage.errors import VideoError
from footage.video import open_video
from footage.video.keyframes import KeyframeReader
from highlight_train.preprocess import squeeze
from highlight_train.scoring.sampler import Samples, Way, pictures_at, sample_video

Clip = Callable[..., Path]
RAMP = np.linspace(0, 1, 100)


def redness(samples: Samples) -> NDArray[np.float64]:
    return np.asarray(samples.images[..., 0].mean(axis=(1, 2)) / 255)


def assert_shows_the_ramp(samples: Samples, *, frames_a_second: float = 10, tolerance: float = 0.02) -> None:
    expected = RAMP[np.clip((samples.times_seconds * frames_a_second).round().astype(int), 0, 99)]
    assert np.abs(redness(samples) - expected).max() < tolerance


def test_keyframes_spread_over_the_clip(make_red_clip: Clip, tmp_path: Path) -> None:
    samples = sample_video(make_red_clip(tmp_path / "a.mp4", RAMP, gop=5), 8)
    assert samples.way is Way.KEYFRAMES
    assert samples.remark is None
    assert samples.images.shape == (8, 224, 224, 3)
    assert samples.duration_seconds == pytest.approx(10, abs=0.11)
    assert np.allclose(samples.times_seconds * 2 % 1, 0), "every keyframe stands at half a second"
    assert samples.times_seconds[0] == 0, "opening the file has read it in any case"
    assert np.abs(samples.times_seconds[1:] - (np.arange(1, 8) + 0.5) * 9.5 / 8).max() <= 0.5
    assert_shows_the_ramp(samples)


def test_a_clip_with_few_keyframes_is_read_exactly_and_says_so(make_red_clip: Clip, tmp_path: Path) -> None:
    samples = sample_video(make_red_clip(tmp_path / "a.mp4", RAMP, gop=1000), 10)
    assert samples.way is Way.EXACT
    assert samples.remark == "only 1 keyframe"
    assert samples.times_seconds == pytest.approx(np.arange(10) + 0.5, abs=0.11)
    assert_shows_the_ramp(samples)


@pytest.mark.parametrize("count", [1, 3, 16, 99, 200])
def test_one_pass_finds_the_frames_that_seeking_finds(count: int, make_red_clip: Clip, tmp_path: Path) -> None:
    path = make_red_clip(tmp_path / "a.mp4", RAMP, gop=1000)
    once, seeking = sample_video(path, count), sample_video(path, count, exact=True)
    if count > 1:
        assert once.remark == "only 1 keyframe"
        assert once.times_seconds.tolist() == seeking.times_seconds.tolist()
        assert np.array_equal(once.images, seeking.images)
    assert len(once.images) == min(count, 100)


@pytest.mark.parametrize(
    ("name", "options"),
    [("a.mkv", {"live": "1"}), ("a.mp4", {"movflags": "frag_keyframe+empty_moov+default_base_moof+global_sidx"})],
)
def test_a_file_without_an_index_of_the_whole_is_sampled_as_a_whole(
    name: str, options: dict[str, str], make_red_clip: Clip, tmp_path: Path
) -> None:
    samples = sample_video(make_red_clip(tmp_path / name, RAMP, gop=5, options=options), 8)
    assert samples.remark is not None
    assert "index" in samples.remark
    assert samples.times_seconds[-1] - samples.times_seconds[0] > 7
    assert_shows_the_ramp(samples)


def test_exact_frames_can_be_asked_for(make_red_clip: Clip, tmp_path: Path) -> None:
    samples = sample_video(make_red_clip(tmp_path / "a.mp4", RAMP, gop=5), 8, exact=True)
    assert samples.way is Way.EXACT
    assert samples.remark is None
    assert_shows_the_ramp(samples)


def test_a_clip_of_one_frame(make_red_clip: Clip, tmp_path: Path) -> None:
    samples = sample_video(make_red_clip(tmp_path / "a.mp4", [0.5]))
    assert samples.images.shape == (1, 224, 224, 3)
    assert samples.times_seconds.tolist() == [0]
    assert samples.duration_seconds > 0
    assert redness(samples) == pytest.approx([0.5], abs=0.02)


def test_variable_frame_rate_keeps_its_times(make_red_clip: Clip, tmp_path: Path) -> None:
    # Ten frames a second, then one a second: most of the time lies in the last frames.
    ticks = [*range(0, 500, 10), *range(500, 5500, 100)]
    samples = sample_video(make_red_clip(tmp_path / "a.mp4", RAMP, gop=10, ticks=ticks), 5)
    expected = [RAMP[ticks.index(round(seconds * 100))] for seconds in samples.times_seconds]
    assert redness(samples) == pytest.approx(expected, abs=0.02)
    assert samples.times_seconds[-1] > 40
    assert np.count_nonzero(samples.times_seconds > 5) >= 3


def test_pictures_are_upright(tmp_path: Path) -> None:
    """A clip whose upper half is red as shown, stored on its side."""
    path = tmp_path / "turned.mp4"
    shown = np.zeros((96, 64, 3), np.uint8)
    shown[:48, :, 0] = 255
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.gop_size = 5
        stream.set_display_rotation(90)
        stored = np.ascontiguousarray(np.rot90(shown, -1))
        for _ in range(40):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(stored, format="rgb24")))
        container.mux(stream.encode(None))
    for samples in (sample_video(path, 6), sample_video(path, 6, exact=True)):
        assert samples.images[:, :100, :, 0].mean() > 220
        assert samples.images[:, 124:, :, 0].mean() < 30
    (picture,) = pictures_at(path, [1.0], height=48)
    assert picture.shape == (48, 32, 3)
    assert picture[:20, :, 0].mean() > 220


def test_odd_sizes(make_red_clip: Clip, tmp_path: Path) -> None:
    path = make_red_clip(tmp_path / "a.mkv", RAMP, gop=5, size=(61, 47), pixel_format="yuv444p")
    assert_shows_the_ramp(sample_video(path, 8))


def test_avi_with_another_codec(make_red_clip: Clip, tmp_path: Path) -> None:
    path = make_red_clip(tmp_path / "a.avi", RAMP, codec="mjpeg", pixel_format="yuvj420p")
    samples = sample_video(path, 8)
    assert samples.way is Way.KEYFRAMES
    assert_shows_the_ramp(samples)


def test_a_truncated_clip_gives_what_is_there_and_says_so(make_red_clip: Clip, tmp_path: Path) -> None:
    whole = make_red_clip(
        tmp_path / "a.mp4", np.tile(RAMP, 3), gop=5, size=(320, 240), options={"movflags": "faststart"}
    )
    cut = tmp_path / "cut.mp4"
    data = whole.read_bytes()
    cut.write_bytes(data[: len(data) * 6 // 10])
    samples = sample_video(cut, 8)
    assert samples.remark is not None
    assert samples.remark.startswith("cut short: the file holds")
    assert samples.duration_seconds < 25
    assert len(samples.images) >= 3


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "empty"), (b"no video at all, just words " * 50, "text"), (bytes(5000), "not a video")],
)
def test_what_is_no_video_is_refused_with_its_reason(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    with pytest.raises(VideoError, match=reason):
        sample_video(path)


@pytest.fixture(scope="module")
def detailed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 s of 640 x 360 with texture that moves and some noise, a keyframe a second."""
    path = tmp_path_factory.mktemp("detailed") / "clip.mp4"
    rng = np.random.default_rng(3)
    world = np.asarray(cv2.resize(rng.integers(0, 256, (60, 120, 3), np.uint8), (1000, 600)), np.uint8)
    noise = rng.integers(0, 24, (360, 700, 3), np.uint8)
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=10, options={"preset": "ultrafast", "sc_threshold": "0"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        stream.codec_context.gop_size = 10
        for number in range(300):
            view = world[number // 2 : number // 2 + 360, number : number + 640] // 2 + 60
            picture = view + noise[:, number % 50 : number % 50 + 640]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")))
        container.mux(stream.encode(None))
    return path


def test_small_keyframes_are_what_the_shared_preprocessing_gives(detailed: Path) -> None:
    """Decoding small in C must not be another preprocessing than the one training used.

    What is left of a difference is FFmpeg's quick conversion of whole frames to RGB, which rounds down.
    """
    exactly = VideoReformatter()
    flags = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
    samples = sample_video(detailed, 6)
    assert samples.way is Way.KEYFRAMES
    with open_video(detailed) as video, av.open(str(detailed)) as container:
        decoded = {round(frame.time, 3): frame for frame in container.decode(video=0) if frame.key_frame}
        for image, seconds in zip(samples.images, samples.times_seconds, strict=True):
            whole = decoded[round(float(seconds), 3)]
            accurate = exactly.reformat(whole, whole.width, whole.height, "rgb24", interpolation=flags).to_ndarray()
            difference = image.astype(float) - squeeze(np.asarray(accurate, np.uint8))
            assert np.abs(difference).mean() < 0.6
            assert abs(difference.mean()) < 0.1
            difference = image.astype(float) - squeeze(video.frame_at(float(seconds)).image)
            assert np.abs(difference).mean() < 2.5
            assert np.abs(difference).max() < 20


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="this system does not count a process's reads")
def test_only_a_small_part_of_a_file_is_read(detailed: Path) -> None:
    def bytes_read() -> int:
        counts = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
        return int(counts["rchar"])

    before = bytes_read()
    samples = sample_video(detailed, 8)
    read = bytes_read() - before
    assert len(samples.images) == 8
    with av.open(str(detailed)) as container:
        sizes = [entry.size for entry in container.streams.video[0].index_entries if entry.is_keyframe]
    with KeyframeReader(detailed) as reader:
        taken = [int(np.argmin(np.abs(reader.times_seconds - at))) for at in samples.times_seconds]
    # The eight, each to the end of a block, and the index; not one keyframe more.
    assert read - sum(sizes[number] for number in taken) < min(*sizes, 16 * 4096)
    before = bytes_read()
    sample_video(detailed, 8, exact=True)
    assert bytes_read() - before > 1.5 * read
