"""Truncated, damaged and wrong files: what can be read is delivered, and what happened is said in one sentence."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from footage.errors import VideoError
from footage.video import open_video
from footage.video._structure import missing_bytes
from footage.video.keyframes import keyframe_times
from footage.video.probe import probe

Shown = Callable[[NDArray[np.uint8]], int]

# The containers that declare their size, with the index in front where they have one.
WHOLE: dict[str, dict[str, Any]] = {
    "mp4": {"container_options": {"movflags": "+faststart"}},
    "fragmented-mp4": {"container_options": {"movflags": "frag_keyframe+empty_moov"}},
    "mkv": {"suffix": ".mkv"},
    "webm": {"suffix": ".webm", "codec": "libvpx-vp9", "b_frames": 0, "options": {"deadline": "realtime"}},
    "avi": {"suffix": ".avi", "codec": "mpeg4"},
}


def _cut(path: Path, share: float, folder: Path) -> Path:
    data = path.read_bytes()
    cut = folder / f"cut{path.suffix}"
    cut.write_bytes(data[: int(len(data) * share)])
    return cut


@pytest.mark.parametrize("backend", ["pyav", "opencv"])
@pytest.mark.parametrize("share", [0.9, 0.7, 0.55])
@pytest.mark.parametrize("kind", WHOLE)
def test_a_cut_file_gives_its_frames_and_says_so(
    kind: str, share: float, backend: Literal["pyav", "opencv"], make_video: Any, shown: Shown
) -> None:
    path, recipe = make_video(**WHOLE[kind])
    cut = _cut(path, share, path.parent)
    with open_video(cut, backend=backend) as video:
        frames = list(video.frames())
        ending = video.ending
    assert 0 < len(frames) < 40
    # The packet that was cut in two may decode to a picture that is partly the one before.
    for frame in frames[:-3]:
        assert frame.pts_seconds == pytest.approx(recipe.times[shown(frame.image)], abs=0.0006)
    assert ending is not None
    assert ending.cut_short
    assert ending.frames_decoded == len(frames)
    assert ending.last_pts_seconds == frames[-1].pts_seconds
    assert f"{cut.stat().st_size:,} of the " in (ending.reason or "")
    assert f"{len(frames)} frames" in (ending.reason or "")
    if backend == "pyav" and kind != "fragmented-mp4":
        assert ending.frames_expected == 40


@pytest.mark.parametrize("kind", WHOLE)
def test_the_end_of_a_cut_file_can_be_asked_for(kind: str, make_video: Any, shown: Shown) -> None:
    path, _ = make_video(**WHOLE[kind])
    cut = _cut(path, 0.7, path.parent)
    with open_video(cut) as video:
        last = shown(list(video.frames())[-1].image)
        assert shown(video.frame_at(100.0).image) == last
        assert shown(video.frame_at(0.0).image) == 0
    assert keyframe_times(cut).max() < 40 / 25


@pytest.mark.parametrize("kind", ["mkv", "webm", "avi"])
def test_a_tail_of_zeros_is_noticed(kind: str, make_video: Any) -> None:
    path, _ = make_video(**WHOLE[kind])
    data = path.read_bytes()
    half = path.parent / f"zeros{path.suffix}"
    half.write_bytes(data[: len(data) // 2] + bytes(len(data) - len(data) // 2))
    with open_video(half) as video:
        count = sum(1 for _ in video.frames())
        assert video.ending is not None
        assert video.ending.cut_short
        assert f": {count} frame" in (video.ending.reason or "")


@pytest.mark.parametrize("kind", ["mp4", "mkv", "avi"])
def test_undecodable_packets_are_skipped_and_counted(kind: str, make_video: Any, shown: Shown) -> None:
    path, recipe = make_video(**WHOLE[kind])
    data = bytearray(path.read_bytes())
    damaged = path.parent / f"flipped{path.suffix}"
    rng = np.random.default_rng(7)
    # The second half of the stream: the headers and first groups of pictures stay whole.
    for place in rng.integers(int(len(data) * 0.75), int(len(data) * 0.85), 60):
        data[place] ^= 0xFF
    damaged.write_bytes(data)
    with open_video(damaged) as video:
        frames = list(video.frames())
        ending = video.ending
    assert ending is not None
    assert ending.reason is not None
    assert "could not be decoded" in ending.reason or "damage" in ending.reason or "early" in ending.reason
    assert ending.frames_decoded == len(frames) >= 10
    assert [shown(frame.image) for frame in frames[:10]] == list(range(10))
    assert all(a.pts_seconds < b.pts_seconds for a, b in pairwise(frames))
    assert frames[-1].image.shape == (recipe.size[1], recipe.size[0], 3)


@pytest.mark.parametrize("kind", ["mp4", "mkv", "avi"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_damage_is_more_than_an_explained_error(kind: str, data: st.DataObject, make_video: Any) -> None:
    path, _ = make_video(**WHOLE[kind])
    content = bytearray(path.read_bytes())
    del content[data.draw(st.integers(1, len(content))) :]
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=4)):
        content[place] ^= data.draw(st.integers(1, 255))
    damaged = path.parent / f"any{path.suffix}"
    damaged.write_bytes(content)
    problem: VideoError | None = None
    try:
        with open_video(damaged, threads=1) as video:
            frames = list(video.frames())
            assert video.ending is not None
            assert video.ending.frames_decoded == len(frames)
            assert video.ending.cut_short <= (video.ending.reason is not None)
            for frame in frames:
                assert frame.image.shape == (video.info.height, video.info.width, 3)
    except VideoError as error:
        problem = error
    if problem is not None:
        assert "\n" not in str(problem)
        assert problem.remedy


@pytest.mark.parametrize("kind", WHOLE)
def test_whole_files_miss_nothing(kind: str, make_video: Any) -> None:
    path, _ = make_video(**WHOLE[kind])
    assert missing_bytes(path) is None
    # Cameras append blocks of their own to finished files.
    longer = path.parent / f"longer{path.suffix}"
    longer.write_bytes(path.read_bytes() + b"\x00\x01\x02 maker's note" * 3)
    assert missing_bytes(longer) is None


def test_real_footage_raises_no_alarm(shared_data: Path) -> None:
    files = sorted(p for p in shared_data.rglob("*") if p.suffix in {".mp4", ".mkv", ".avi"} and p.stat().st_size < 4e6)
    assert len(files) > 10
    for path in files:
        with open_video(path) as video:
            times = [frame.pts_seconds for frame in video.frames()]
            assert video.ending is not None
            assert (video.ending.cut_short, video.ending.reason) == (False, None), path.name
            assert times[0] == pytest.approx(0.0, abs=1e-6), path.name
            assert np.all(np.diff(times) > 0), path.name
            assert len(times) == pytest.approx(video.info.frame_count_estimate, abs=2), path.name


REFUSED: dict[str, tuple[bytes, str]] = {
    "empty.mp4": (b"", "empty"),
    "text.mp4": (b"I am not a video, whatever my name says.\n" * 40, "text"),
    "noise.mp4": (np.random.default_rng(0).integers(0, 256, 5000, dtype=np.uint8).tobytes(), "not a video"),
    "playlist.mp4": (
        b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://localhost:1/a.ts\n#EXT-X-ENDLIST\n",
        "text",
    ),
    "one byte.mkv": (b"\x1a", "not a video"),
}


@pytest.mark.parametrize("backend", ["pyav", "opencv"])
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_video_is_refused_in_one_line(
    name: str, backend: Literal["pyav", "opencv"], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    content, word = REFUSED[name]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(VideoError) as caught:
        open_video(path, backend=backend)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.remedy
    if backend == "pyav":
        assert word in caught.value.what
    # The decoders' own lines must not reach the terminal.
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("backend", ["pyav", "opencv"])
def test_decoders_are_silent_about_damage(
    backend: Literal["pyav", "opencv"], make_video: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    for settings_of_kind in WHOLE.values():
        path, _ = make_video(**settings_of_kind)
        data = bytearray(path.read_bytes()[:-200])
        for place in range(len(data) // 2, len(data), 37):
            data[place] ^= 0x5A
        damaged = path.parent / f"noisy{path.suffix}"
        damaged.write_bytes(data)
        with contextlib.suppress(VideoError), open_video(damaged, backend=backend) as video:
            list(video.frames())
    assert capfd.readouterr() == ("", "")


def test_an_unfinished_recording_is_named_as_such(make_video: Any) -> None:
    path, _ = make_video()  # the index stands at the end
    with pytest.raises(VideoError, match=r"index \(moov\).*missing or cut"):
        open_video(_cut(path, 0.5, path.parent))


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    import av

    path = tmp_path / "song.m4a"
    with av.open(str(path), "w", format="mp4") as container:
        sound = container.add_stream("aac", rate=44100, layout="mono")
        for block in range(20):
            quiet = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            quiet.sample_rate, quiet.pts = 44100, block * 1024
            container.mux(sound.encode(quiet))
        container.mux(sound.encode(None))
    with pytest.raises(VideoError, match="only sound"):
        open_video(path)


def test_missing_paths_and_wrong_kinds(tmp_path: Path, make_video: Any) -> None:
    path, _ = make_video()
    with pytest.raises(VideoError, match="no such file"):
        open_video(tmp_path / "absent.mp4")
    with pytest.raises(VideoError, match="no such file"):
        probe(tmp_path / "absent.mp4")
    with pytest.raises(VideoError, match="folder, not a video"):
        open_video(tmp_path, backend="pyav")
    with pytest.raises(VideoError, match="holds no stills"):
        open_video(tmp_path)
    with pytest.raises(VideoError, match="a file, not a folder"):
        open_video(path, backend="stills")
    with pytest.raises(VideoError, match="no such folder"):
        open_video(tmp_path / "absent", backend="stills")


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "secret.mp4"
    path.write_bytes(b"x")
    path.chmod(0)
    with pytest.raises(VideoError, match="may not be read"):
        open_video(path)


@pytest.mark.parametrize("seconds", [-0.1, float("nan"), float("inf")])
def test_impossible_times_are_refused(seconds: float, make_video: Any) -> None:
    path, _ = make_video()
    with open_video(path) as video, pytest.raises(VideoError, match="no time in a video"):
        video.frame_at(seconds)


NAMES = [b"two words.mp4", b"two\nlines.mp4", b"a:b.mp4", b"http:x.mp4", b"%03d.mp4", b"-dash.mp4", b"\xff\xfe.mp4"]


@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_any_name_opens(name: bytes, make_video: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, _ = make_video()
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    try:
        path.write_bytes(source.read_bytes())
    except OSError:
        pytest.skip("this file system refuses the name")
    monkeypatch.chdir(tmp_path)
    for given_path in (path, Path(path.name)):
        with open_video(given_path) as video:
            assert sum(1 for _ in video.frames()) == 40
            assert video.frame_at(1.0).index == 25
        assert len(keyframe_times(given_path)) > 0


def test_opencv_refuses_a_name_that_would_end_the_process(make_video: Any, tmp_path: Path) -> None:
    source, _ = make_video()
    path = tmp_path / os.fsdecode(b"\xff.mp4")
    try:
        path.write_bytes(source.read_bytes())
    except OSError:
        pytest.skip("this file system refuses the name")
    with pytest.raises(VideoError, match="not UTF-8"):
        open_video(path, backend="opencv")
