"""Frames at moments are those that reading in order shows at these moments."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from footage.errors import VideoError
from footage.video import open_video
from footage.video.moments import read_moments

Shown = Callable[[NDArray[np.uint8]], int]

X265 = {"x265-params": "log-level=none:keyint=10:bframes=4:b-pyramid=1"}
UNEVEN = [0, 40, 60, 200, 210, 500, 1000, 1033, 1500, 1501]
MEDIA: dict[str, dict[str, Any]] = {
    "h264-mp4": {"b_frames": 4, "options": {"x264-params": "b-pyramid=normal"}},
    "h264-no-b-frames": {"b_frames": 0},
    "h264-one-keyframe": {"gop": 100},
    "h264-mkv": {"suffix": ".mkv"},
    "h264-avi": {"suffix": ".avi"},
    "h264-ts": {"suffix": ".ts"},
    "h264-open-gop": {"options": {"x264-params": "open-gop=1"}},
    "h264-fragmented": {"container_options": {"movflags": "frag_keyframe+empty_moov"}},
    "h264-ntsc-sound": {"rate": Fraction(30000, 1001), "audio": True},
    "hevc-mp4": {"codec": "libx265", "options": X265},
    "hevc-open-gop-mkv": {"suffix": ".mkv", "codec": "libx265", "options": X265},
    "mpeg4-mp4": {"codec": "mpeg4"},
    "mpeg4-avi": {"suffix": ".avi", "codec": "mpeg4"},
    "mjpeg-avi": {"suffix": ".avi", "codec": "mjpeg", "pixel_format": "yuvj420p", "b_frames": 0},
    "vp9-webm": {"suffix": ".webm", "codec": "libvpx-vp9", "b_frames": 0, "options": {"deadline": "realtime"}},
    "mpeg2-mpg": {"suffix": ".mpg", "codec": "mpeg2video"},
    "variable-rate-mp4": {"ticks": UNEVEN, "time_base": Fraction(1, 1000)},
    "variable-rate-mkv": {"suffix": ".mkv", "ticks": UNEVEN, "time_base": Fraction(1, 1000)},
    "late-start-mkv": {
        "suffix": ".mkv",
        "ticks": [700 + 40 * number for number in range(20)],
        "time_base": Fraction(1, 1000),
    },
}


@pytest.mark.parametrize("media", MEDIA)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_reading_in_order_shows_at_the_time(
    media: str, make_video: Any, shown: Shown, data: st.DataObject
) -> None:
    path, recipe = make_video(**MEDIA[media])
    with open_video(path) as video:
        starts = np.array([frame.pts_seconds for frame in video.frames()])
    moments = st.one_of(st.floats(0, recipe.times[-1] + 1), st.sampled_from(starts.tolist()))
    times = sorted(data.draw(st.lists(moments, min_size=1, max_size=9)))
    found = read_moments(path, times, size=recipe.size)
    expected = np.maximum(np.searchsorted(starts, np.array(times) + 1e-6, side="right") - 1, 0)
    assert [shown(frame.image) for frame in found] == expected.tolist()
    assert [frame.pts_seconds for frame in found] == pytest.approx(starts[expected].tolist(), abs=1e-6)
    assert [frame.index for frame in found] == expected.tolist()


def test_every_frame_of_a_real_clip_in_three_ways(shared_data: Path) -> None:
    for name in ("video/cotracker_bear.mp4", "action/k400_flipping_pancake.mkv", "mot/TUD-Campus/TUD-Campus.mp4"):
        path = shared_data / name
        with open_video(path, accurate_colours=True) as video:
            frames = [
                (f.pts_seconds, cv2.resize(f.image, (64, 48), interpolation=cv2.INTER_AREA)) for f in video.frames()
            ]
        for step in (1, 7, 40):
            wanted = frames[::step]
            found = read_moments(path, [seconds for seconds, _ in wanted], size=(64, 48))
            for (seconds, image), frame in zip(wanted, found, strict=True):
                assert frame.pts_seconds == pytest.approx(seconds, abs=1e-6)
                # Colour is converted before the one shrinks and after the other: alike, not equal.
                assert np.abs(frame.image.astype(int) - image.astype(int)).mean() < 2, (name, seconds)


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_they_are_upright(rotation: int, make_video: Any, shown: Shown) -> None:
    path, recipe = make_video(rotation=rotation)
    found = read_moments(path, recipe.times[5:30:8], size=(80, 48))
    assert [shown(frame.image) for frame in found] == [5, 13, 21, 29]
    assert {frame.image.shape for frame in found} == {(48, 80, 3)}


def test_pictures_nobody_refers_to_are_not_decoded(make_video: Any, shown: Shown) -> None:
    path, _ = make_video(b_frames=4, gop=40, options={"x264-params": "b-pyramid=none:b-adapt=0"})
    with av.open(str(path)) as container:
        kinds = [frame.pict_type for frame in container.decode(video=0)]
    with av.open(str(path)) as container:
        demuxed = container.demux(container.streams.video[0])
        packets = [(p.pts, p.pos, p.size) for p in demuxed if p.pts is not None and p.pos is not None and p.size]
    order = sorted(pts for pts, _, _ in packets)
    between = {order[number] for number, kind in enumerate(kinds) if int(kind) == 3 and number != 12}
    assert int(kinds[12]) == 3
    assert len(between) > 20
    data = bytearray(path.read_bytes())
    for pts, place, size in packets:
        if pts in between:
            data[place + 6 : place + size] = bytes(size - 6)  # the picture, not the mark that nobody refers to it
    hollow = path.parent / "hollow.mp4"
    hollow.write_bytes(data)
    assert [shown(frame.image) for frame in read_moments(hollow, [12 / 25], size=(160, 96))] == [12]


def test_damage_costs_its_own_frames_only(make_video: Any, shown: Shown) -> None:
    path, recipe = make_video()
    with av.open(str(path)) as container:
        entry = [entry for entry in container.streams.video[0].index_entries if entry.is_keyframe][2]
    data = bytearray(path.read_bytes())
    data[entry.pos : entry.pos + entry.size] = bytes(entry.size)
    damaged = path.parent / "damaged.mp4"
    damaged.write_bytes(data)
    found = read_moments(damaged, [recipe.times[4], recipe.times[14], recipe.times[34]], size=(160, 96))
    assert [shown(frame.image) for frame in found] == [4, 14, 34]


def test_a_truncated_file_gives_its_last_frame(make_video: Any, shown: Shown) -> None:
    path, recipe = make_video(suffix=".mkv")
    cut = path.parent / "cut.mkv"
    cut.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    with open_video(cut) as video:
        last = [frame.index for frame in video.frames()][-1]
    found = read_moments(cut, [recipe.times[3], recipe.times[-1]], size=(160, 96))
    assert [shown(frame.image) for frame in found] == [3, last]


def test_what_is_no_video_and_times_out_of_order_are_refused(make_video: Any, tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="no such file"):
        read_moments(tmp_path / "absent.mp4", [0.0], size=(8, 8))
    (tmp_path / "text.mp4").write_text("not a video " * 100)
    with pytest.raises(VideoError, match="text"):
        read_moments(tmp_path / "text.mp4", [0.0], size=(8, 8))
    with pytest.raises(ValueError, match="ascending"):
        read_moments(make_video()[0], [1.0, 0.5], size=(8, 8))
