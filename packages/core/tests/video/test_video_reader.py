"""One suite for every backend, on videos whose frames show their own number."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from footage.video import VideoReader, open_video
from footage.video.probe import probe
from footage.video.writer import VideoWriter

Shown = Callable[[NDArray[np.uint8]], int]
FileBackend = Literal["pyav", "opencv"]
FILE_BACKENDS: tuple[FileBackend, ...] = ("pyav", "opencv")

# (name, settings): containers, codecs, reordering, variable rates, odd sizes, pixel layouts.
MEDIA: dict[str, dict[str, Any]] = {
    "h264-mp4-b-frames": {},
    "h264-mp4-no-b-frames": {"b_frames": 0},
    "h264-mkv-b-frames": {"suffix": ".mkv"},
    "h264-avi-b-frames": {"suffix": ".avi"},
    "h264-ts": {"suffix": ".ts"},
    "h264-open-gop": {"options": {"x264-params": "open-gop=1"}},
    "h264-odd-size": {"size": (161, 97), "pixel_format": "yuv444p"},
    "h264-full-range": {"pixel_format": "yuvj420p"},
    "h264-10-bit": {"pixel_format": "yuv420p10le"},
    "h264-ntsc": {"rate": Fraction(30000, 1001)},
    "h264-sound": {"audio": True},
    "hevc-mkv": {"suffix": ".mkv", "codec": "libx265", "options": {"x265-params": "log-level=none"}},
    "hevc-mp4": {"codec": "libx265", "options": {"x265-params": "log-level=none"}},
    "mpeg4-avi": {"suffix": ".avi", "codec": "mpeg4", "b_frames": 0},
    "mpeg4-avi-b-frames": {"suffix": ".avi", "codec": "mpeg4"},
    "mpeg4-mp4-b-frames": {"codec": "mpeg4"},
    "mjpeg-avi": {"suffix": ".avi", "codec": "mjpeg", "pixel_format": "yuvj420p", "b_frames": 0},
    "vp9-webm": {"suffix": ".webm", "codec": "libvpx-vp9", "b_frames": 0, "options": {"deadline": "realtime"}},
    "mpeg2-mpg": {"suffix": ".mpg", "codec": "mpeg2video"},
    "variable-rate-mp4": {"ticks": [0, 40, 60, 200, 210, 500, 1000, 1033, 1500, 1501], "time_base": Fraction(1, 1000)},
    "variable-rate-mkv": {
        "suffix": ".mkv",
        "ticks": [0, 40, 60, 200, 210, 500, 1000, 1033, 1500, 1501],
        "time_base": Fraction(1, 1000),
    },
    "late-start-mkv": {
        "suffix": ".mkv",
        "ticks": [700 + 40 * number for number in range(20)],
        "time_base": Fraction(1, 1000),
    },
}


@pytest.fixture(params=["pyav", "opencv", "stills"])
def reader(request: pytest.FixtureRequest, tmp_path: Path, make_video: Any, draw: Any) -> VideoReader:
    """Forty numbered frames at 25 frames a second, through each backend."""
    if request.param == "stills":
        folder = tmp_path / "stills"
        folder.mkdir()
        for number in range(40):
            Image.fromarray(draw(number)).save(folder / f"frame{number}.png")
        return open_video(folder)
    path, _ = make_video()
    return open_video(path, backend=request.param)


def test_frames_come_in_order_with_their_times(reader: VideoReader, shown: Shown) -> None:
    with reader:
        frames = [(frame.index, shown(frame.image), frame.pts_seconds) for frame in reader.frames()]
    assert [index for index, _, _ in frames] == list(range(40))
    assert [number for _, number, _ in frames] == list(range(40))
    assert [seconds for _, _, seconds in frames] == pytest.approx([number / 25 for number in range(40)], abs=1e-6)


def test_info_and_ending_of_a_healthy_video(reader: VideoReader) -> None:
    with reader:
        info = reader.info
        assert (info.width, info.height, info.rotation_degrees) == (160, 96, 0)
        assert info.average_rate == 25
        assert info.duration_seconds == pytest.approx(1.6)
        assert info.frame_count_estimate == 40
        assert not info.has_audio
        before = reader.ending
        assert sum(1 for _ in reader.frames()) == 40
        ending = reader.ending
    assert before is None
    assert ending is not None
    assert (ending.frames_decoded, ending.cut_short, ending.reason) == (40, False, None)
    assert ending.last_pts_seconds == pytest.approx(39 / 25)
    assert ending.frames_expected in {40, None}


def test_a_span_keeps_the_numbers_of_the_file(reader: VideoReader, shown: Shown) -> None:
    with reader:
        span = [(frame.index, shown(frame.image)) for frame in reader.frames(7, 12)]
        assert span == [(number, number) for number in range(7, 12)]
        assert reader.ending is None
        # Reading again starts at the beginning, and two readings do not disturb each other.
        first, second = reader.frames(), reader.frames(3)
        assert [next(first).index, next(second).index, next(first).index, next(second).index] == [0, 3, 1, 4]


def test_frame_at_gives_the_frame_on_display(reader: VideoReader, shown: Shown) -> None:
    # Forwards, backwards, on a boundary, just before one, and after the last frame's start.
    wanted = [(0.0, 0), (0.04, 1), (0.0399, 0), (1.0, 25), (0.99, 24), (0.52, 13), (1.56, 39), (1.59, 39), (5.0, 39)]
    with reader:
        for seconds, number in wanted:
            frame = reader.frame_at(seconds)
            assert (shown(frame.image), frame.index) == (number, number), f"at {seconds} s"
            assert frame.pts_seconds == pytest.approx(number / 25)


def test_grey_is_the_luma_of_the_image(reader: VideoReader, shown: Shown) -> None:
    with reader:
        frame = next(reader.frames(5))
        gray = frame.gray
        luma = frame.image @ np.array([0.299, 0.587, 0.114])
    assert gray.dtype == np.uint8
    assert gray.shape == (96, 160)
    assert shown(gray) == 5
    assert np.abs(gray - luma).max() <= 3


def test_pixels_are_kept(reader: VideoReader) -> None:
    with reader:
        frame = next(reader.frames())
        assert frame.image is frame.image
        assert frame.gray is frame.gray


def test_pixels_outlive_the_reader(reader: VideoReader, shown: Shown) -> None:
    with reader:
        frames = list(reader.frames())
    assert [shown(frame.gray) for frame in frames] == list(range(40))
    assert [shown(frame.image) for frame in frames] == list(range(40))


def test_a_closed_reader_says_so(reader: VideoReader) -> None:
    reader.close()
    reader.close()
    with pytest.raises(ValueError, match="closed"):
        reader.frames()
    with pytest.raises(ValueError, match="closed"):
        reader.frame_at(0)


@pytest.mark.parametrize(("start", "stop"), [(-1, None), (5, 5), (5, 2)])
def test_an_impossible_span_is_refused(reader: VideoReader, start: int, stop: int | None) -> None:
    with reader, pytest.raises(ValueError, match="no range"):
        reader.frames(start, stop)


@pytest.mark.parametrize("backend", FILE_BACKENDS)
@pytest.mark.parametrize("media", MEDIA)
def test_order_and_times_in_every_container_and_codec(
    backend: FileBackend, media: str, make_video: Any, shown: Shown
) -> None:
    path, recipe = make_video(**MEDIA[media])
    with open_video(path, backend=backend) as video:
        frames = [(frame.index, shown(frame.image), frame.pts_seconds) for frame in video.frames()]
        assert video.ending is not None
        assert (video.ending.cut_short, video.ending.reason) == (False, None)
        assert (video.info.width, video.info.height) == recipe.size
    count = len(recipe.times)
    assert [index for index, _, _ in frames] == list(range(count))
    assert [number for _, number, _ in frames] == list(range(count))
    # Matroska rounds to milliseconds.
    assert [seconds for _, _, seconds in frames] == pytest.approx(recipe.times, abs=0.0006)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("media", MEDIA)
def test_random_access_finds_what_reading_in_order_finds(
    media: str, threads: int, make_video: Any, shown: Shown
) -> None:
    path, recipe = make_video(**MEDIA[media])
    times = recipe.times
    order = np.random.default_rng(0).permutation(len(times))[:12]
    with open_video(path, threads=threads) as video:
        for number in (int(n) for n in order):
            following = times[number + 1] if number + 1 < len(times) else times[number] + 1.0
            for seconds in (times[number] + 0.0006, (times[number] + following) / 2):
                frame = video.frame_at(seconds)
                assert shown(frame.image) == number
                assert frame.pts_seconds == pytest.approx(times[number], abs=0.0006)
                assert frame.index == number


@pytest.mark.parametrize("media", MEDIA)
def test_grey_from_planes_agrees_with_rgb(media: str, make_video: Any, shown: Shown) -> None:
    path, _ = make_video(**MEDIA[media])
    with open_video(path) as video:
        frame = next(video.frames(8))
        gray = frame.gray
        assert shown(gray) == 8
        assert np.abs(gray - frame.image @ np.array([0.299, 0.587, 0.114])).max() <= 3


@pytest.mark.parametrize("backend", FILE_BACKENDS)
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_frames_are_upright(backend: FileBackend, rotation: int, suffix: str, make_video: Any, shown: Shown) -> None:

    # The file asks for an anticlockwise turn, so its stored pictures are turned clockwise.
    path, _ = make_video(suffix=suffix, rotation=rotation, frames=5)
    with open_video(path, backend=backend) as video:
        assert (video.info.width, video.info.height) == (160, 96)
        assert video.info.rotation_degrees == -rotation % 360
        for frame in video.frames():
            assert frame.image.shape == (96, 160, 3)
            assert shown(frame.image) == frame.index
            assert shown(frame.gray) == frame.index
        assert shown(video.frame_at(0.08).image) == 2


@pytest.mark.parametrize("colorspace", [1, 5, 6, 9])
def test_grey_is_bt601_luma_whatever_the_stored_matrix(colorspace: int, tmp_path: Path) -> None:
    import av

    # Smooth, half-saturated colours: RGB is nowhere clipped, so its luma is what the planes must give.
    across, down = np.linspace(80, 170, 160), np.linspace(80, 170, 96)
    picture = np.stack(
        [np.tile(across, (96, 1)), np.tile(down[:, None], (1, 160)), np.tile(across[::-1], (96, 1))], axis=2
    )
    path = tmp_path / "colours.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "5"})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        stream.codec_context.colorspace = colorspace
        frame = av.VideoFrame.from_ndarray(picture.astype(np.uint8), format="rgb24")
        container.mux(stream.encode(frame.reformat(format="yuv420p", dst_colorspace=colorspace)))
        container.mux(stream.encode(None))
    with open_video(path) as video:
        frame_read = next(video.frames())
        expected = picture @ np.array([0.299, 0.587, 0.114])
        assert np.abs(frame_read.gray - expected).max() <= 4
        assert np.abs(frame_read.gray - frame_read.image @ np.array([0.299, 0.587, 0.114])).max() <= 3


def test_probe_reads_sound_rate_and_clock(make_video: Any) -> None:
    path, recipe = make_video(audio=True, rate=Fraction(30000, 1001))
    info = probe(path)
    assert info.has_audio
    assert info.average_rate == recipe.rate
    assert info.codec == "h264"
    assert info.pixel_format == "yuv420p"
    assert info.container == "mov"
    assert info.duration_seconds == pytest.approx(40 / recipe.rate, abs=0.001)
    late, _ = make_video(**MEDIA["late-start-mkv"])
    assert probe(late).start_seconds == pytest.approx(0.7)
    assert probe(late).duration_seconds == pytest.approx(0.8, abs=0.002)


def test_stills_are_sorted_as_people_count(tmp_path: Path, draw: Any, shown: Shown) -> None:
    for number in (0, 1, 2, 10, 11, 100):
        Image.fromarray(draw(number)).save(tmp_path / f"img{number}.PNG")
    (tmp_path / "notes.txt").write_text("not a still")
    with open_video(tmp_path, stills_rate=Fraction(10)) as video:
        frames = list(video.frames())
        assert [shown(frame.image) for frame in frames] == [0, 1, 2, 10, 11, 100]
        assert frames[-1].pts_seconds == pytest.approx(0.5)
        assert video.info.container == "stills"


def test_a_damaged_still_is_left_out_and_reported(tmp_path: Path, draw: Any, shown: Shown) -> None:
    for number in range(6):
        Image.fromarray(draw(number)).save(tmp_path / f"{number}.jpg")
    whole = (tmp_path / "3.jpg").read_bytes()
    (tmp_path / "3.jpg").write_bytes(whole[: len(whole) // 2])
    with open_video(tmp_path) as video:
        frames = list(video.frames())
        assert [shown(frame.image) for frame in frames] == [0, 1, 2, 4, 5]
        assert frames[3].pts_seconds == pytest.approx(4 / 25)
        assert video.ending is not None
        assert video.ending.cut_short
        assert video.ending.frames_decoded == 5
        assert video.ending.frames_expected == 6
        assert "3.jpg" in (video.ending.reason or "")
        assert "truncated" in (video.ending.reason or "")


def test_accurate_colours_are_what_the_planes_say(tmp_path: Path) -> None:
    """Of a grey picture red, green and blue are the luma; the quick conversion rounds down."""
    path = tmp_path / "grey.mp4"
    coarse = np.random.default_rng(0).integers(30, 220, (8, 12), dtype=np.uint8)
    grey = cv2.resize(coarse, (96, 64), interpolation=cv2.INTER_CUBIC)
    with VideoWriter(path, size=(96, 64), rate=Fraction(25)) as writer:
        writer.write(np.repeat(grey[..., None], 3, axis=2))
    with open_video(path, accurate_colours=True) as exact, open_video(path) as quick:
        (one,), (other,) = list(exact.frames()), list(quick.frames())
    np.testing.assert_array_equal(one.image, np.repeat(one.gray[..., None], 3, axis=2))
    assert np.mean(other.image < one.image) > 0.3
