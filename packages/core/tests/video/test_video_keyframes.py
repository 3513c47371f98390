"""Keyframes read alone are the frames that reading in order gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from footage.errors import VideoError
from footage.video import open_video
from footage.video.keyframes import KeyframeReader, keyframe_times, read_keyframes

Shown = Callable[[NDArray[np.uint8]], int]

MEDIA: dict[str, dict[str, Any]] = {
    "h264-mp4": {},
    "h264-mkv": {"suffix": ".mkv"},
    "h264-avi": {"suffix": ".avi"},
    "h264-ts": {"suffix": ".ts"},
    "h264-open-gop": {"options": {"x264-params": "open-gop=1"}},
    "h264-fragmented": {"container_options": {"movflags": "frag_keyframe+empty_moov"}},
    "h264-fragments-with-an-index": {
        "container_options": {"movflags": "frag_keyframe+empty_moov+default_base_moof+global_sidx"}
    },
    "h264-live-mkv": {"suffix": ".mkv", "container_options": {"live": "1"}},
    "hevc-mp4": {"codec": "libx265", "options": {"x265-params": "log-level=none:keyint=10"}},
    "hevc-mkv": {"suffix": ".mkv", "codec": "libx265", "options": {"x265-params": "log-level=none:keyint=10"}},
    "mpeg4-avi": {"suffix": ".avi", "codec": "mpeg4"},
    "mpeg4-mp4": {"codec": "mpeg4"},
    "mjpeg-avi": {"suffix": ".avi", "codec": "mjpeg", "pixel_format": "yuvj420p", "b_frames": 0},
    "vp9-webm": {"suffix": ".webm", "codec": "libvpx-vp9", "b_frames": 0, "options": {"deadline": "realtime"}},
}


def _decoded_keyframes(path: Path, count: int) -> list[int]:
    """Numbers of the keyframes, by decoding everything with PyAV."""
    with av.open(str(path)) as container:
        flags = [frame.key_frame for frame in container.decode(video=0)]
    assert len(flags) == count
    return [number for number, flag in enumerate(flags) if flag]


@pytest.mark.parametrize("media", MEDIA)
def test_keyframes_are_the_frames_of_sequential_decoding(media: str, make_video: Any, shown: Shown) -> None:
    path, recipe = make_video(**MEDIA[media])
    expected = _decoded_keyframes(path, 40)
    with open_video(path) as video:
        in_order = list(video.frames())
    assert len(keyframe_times(path)) == len(expected)
    found = read_keyframes(path, [recipe.times[number] for number in expected], size=None)
    # Near the middle of a group the index's decoding order may pick its neighbour, never on the keyframe itself.
    assert [shown(frame.image) for frame in found] == expected
    for frame, number in zip(found, expected, strict=True):
        assert frame.pts_seconds == pytest.approx(in_order[number].pts_seconds, abs=1e-6)
        assert frame.index == number
        assert np.array_equal(frame.image, in_order[number].image)
        assert np.array_equal(frame.gray, in_order[number].gray)


@pytest.mark.parametrize("media", MEDIA)
def test_index_times_are_near_the_true_times(media: str, make_video: Any) -> None:
    path, recipe = make_video(**MEDIA[media])
    true = np.array([recipe.times[number] for number in _decoded_keyframes(path, 40)])
    times = keyframe_times(path)
    assert np.all(np.diff(times) > 0)
    assert np.abs(times - true).max() <= 4 / 25


def test_an_index_that_lists_only_the_beginning_is_not_taken_for_the_whole(make_video: Any) -> None:
    whole = {"h264-mp4", "h264-mkv", "h264-avi", "h264-fragmented"}
    partly = {"h264-ts", "h264-fragments-with-an-index", "h264-live-mkv"}
    for media in sorted(whole | partly):
        path, _ = make_video(**MEDIA[media], frames=200)
        with KeyframeReader(path) as reader:
            assert reader.indexed == (media in whole), media
            assert len(reader.times_seconds) == 20


def test_one_opening_tells_the_length_and_gives_the_frames(make_video: Any, shown: Shown) -> None:
    path, _ = make_video()
    with KeyframeReader(path) as reader:
        assert reader.duration_seconds == pytest.approx(1.6, abs=0.01)
        assert reader.times_seconds.tolist() == keyframe_times(path).tolist()
        assert [shown(frame.image) for frame in reader.nearest([0.8], size=None)] == [20]
        assert [shown(frame.image) for frame in reader.nearest([0.0, 1.2], size=(160, 96))] == [0, 30]
        assert reader.cut_short is None


def test_a_truncated_file_says_so_and_gives_what_is_there(make_video: Any, shown: Shown, tmp_path: Path) -> None:
    path, _ = make_video(container_options={"movflags": "faststart"})
    data = path.read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(data[: len(data) * 7 // 10])
    with KeyframeReader(cut) as reader:
        assert reader.cut_short is not None
        assert f"of the {len(data):,} bytes" in reader.cut_short
        numbers = [shown(frame.image) for frame in reader.nearest(reader.times_seconds, size=None)]
    assert numbers == [0, 10, 20][: len(numbers)]
    assert numbers


def test_small_frames_are_averaged_from_large_ones(make_video: Any, shown: Shown) -> None:
    path, _ = make_video(size=(480, 288))
    full = read_keyframes(path, [0.4], size=None)[0]
    small = read_keyframes(path, [0.4], size=(120, 72))[0]
    assert small.image.shape == (72, 120, 3)
    assert shown(small.image) == shown(full.image) == 10
    blocks = full.image.reshape(72, 4, 120, 4, 3).mean(axis=(1, 3))
    assert np.abs(small.image - blocks).mean() < 3


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_keyframes_are_upright(rotation: int, make_video: Any, shown: Shown) -> None:
    path, _ = make_video(rotation=rotation)
    frame = read_keyframes(path, [0.8], size=(80, 48))[0]
    assert frame.image.shape == (48, 80, 3)
    assert shown(frame.image) == 20
    assert shown(read_keyframes(path, [0.8], size=None)[0].image) == 20


def test_times_in_any_order_and_twice(make_video: Any, shown: Shown) -> None:
    path, _ = make_video()
    frames = read_keyframes(path, [1.2, 0.0, 1.19, 50.0], size=(160, 96))
    assert [shown(frame.image) for frame in frames] == [30, 0, 30, 30]
    assert frames[0] is frames[2]
    assert read_keyframes(path, [], size=None) == []


def test_a_damaged_keyframe_is_replaced_by_the_nearest_whole_one(make_video: Any, shown: Shown) -> None:
    path, _ = make_video(suffix=".mp4")
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        entry = [entry for entry in stream.index_entries if entry.is_keyframe][2]
    data = bytearray(path.read_bytes())
    data[entry.pos : entry.pos + entry.size] = bytes(entry.size)
    damaged = path.parent / "damaged.mp4"
    damaged.write_bytes(data)
    assert [shown(frame.image) for frame in read_keyframes(damaged, [0.85, 0.75], size=None)] == [30, 10]


def test_only_a_small_part_of_the_file_is_needed(make_video: Any, shown: Shown) -> None:
    path, _ = make_video()
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        others = [(entry.pos, entry.size) for entry in stream.index_entries if not entry.is_keyframe]
    data = bytearray(path.read_bytes())
    for place, size in others:
        data[place : place + size] = bytes(size)
    hollow = path.parent / "hollow.mp4"
    hollow.write_bytes(data)
    frames = read_keyframes(hollow, [0.0, 0.4, 0.8, 1.2], size=(160, 96))
    assert [shown(frame.image) for frame in frames] == [0, 10, 20, 30]


def test_real_keyframes_match_sequential_decoding(shared_data: Path) -> None:
    for name in ("video/cotracker_bear.mp4", "action/k400_flipping_pancake.mkv", "mot/TUD-Campus/TUD-Campus.mp4"):
        path = shared_data / name
        times = keyframe_times(path)
        assert len(times) > 0
        found = {round(frame.pts_seconds, 4): frame for frame in read_keyframes(path, times, size=None)}
        seen = 0
        with open_video(path) as video:
            for frame in video.frames():
                match = found.get(round(frame.pts_seconds, 4))
                if match is not None:
                    seen += 1
                    assert np.array_equal(match.gray, frame.gray), name
        assert seen == len(times) == len(found)


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="no such file"):
        keyframe_times(tmp_path / "absent.mp4")
    (tmp_path / "text.mp4").write_text("not a video " * 100)
    with pytest.raises(VideoError, match="text"):
        read_keyframes(tmp_path / "text.mp4", [0.0], size=None)
