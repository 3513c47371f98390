"""Which frames are taken: keyframes where they are near enough, else the frame on display at each time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from footage.errors import VideoError
from footage.video.keyframes import read_keyframes
from highlight_train.prepare.frames import Sampling, scaled_size
from highlight_train.preprocess import described, squeeze, to_model_input

RAMP = [number / 50 for number in range(45)]
"""Five shades a half second: the shade tells the time."""


def taken(path: Path, rate: float = 1.0, longest_side_px: int = 640) -> tuple[Sampling, list[float], list[float]]:
    sampling = Sampling(path, rate, longest_side_px)
    frames = list(sampling)
    return sampling, [frame.seconds for frame in frames], [frame.image[..., 0].mean() / 255 for frame in frames]


def test_keyframes_are_taken_where_they_are_near_enough(tmp_path: Path, make_red_clip: Callable[..., Path]) -> None:
    sampling, times, shades = taken(make_red_clip(tmp_path / "a.mp4", RAMP, gop=10))
    assert sampling.way == "keyframes"
    assert times == pytest.approx([0, 1, 2, 3, 4])
    assert shades == pytest.approx([time / 5 for time in times], abs=0.03)
    assert sampling.duration_seconds == pytest.approx(4.5)
    assert sampling.note is None


def test_a_keyframe_between_two_times_is_taken_once(tmp_path: Path, make_red_clip: Callable[..., Path]) -> None:
    _, times, _ = taken(make_red_clip(tmp_path / "a.mp4", RAMP, gop=10), rate=1.4)
    assert times == sorted(set(times))
    sampling, times, _ = taken(make_red_clip(tmp_path / "b.mp4", RAMP, gop=8))
    assert sampling.way == "keyframes"
    assert times == pytest.approx([0, 0.8, 1.6, 3.2, 4.0]), "the nearest to each second"


@pytest.mark.parametrize("rate", [1.0, 2.0, 0.5, 100.0])
def test_else_each_frame_is_the_one_on_display(tmp_path: Path, make_red_clip: Callable[..., Path], rate: float) -> None:
    sampling, times, shades = taken(make_red_clip(tmp_path / "a.mp4", RAMP, gop=100), rate)
    assert sampling.way == "every frame"
    expected = sorted({min(int(k / rate * 10 + 1e-9), 44) / 10 for k in range(int(4.4 * rate) + 1)})
    assert times == pytest.approx(expected)
    assert shades == pytest.approx([time / 5 for time in times], abs=0.03)


def test_uneven_times_are_the_files_own(tmp_path: Path, make_red_clip: Callable[..., Path]) -> None:
    ticks = [0, 10, 150, 160, 390, 400]
    _, times, _ = taken(make_red_clip(tmp_path / "a.mkv", [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], gop=100, ticks=ticks))
    assert times == pytest.approx([0, 0.1, 1.6, 4.0]), "on display at 0, 1, 2 and 3, and 4 seconds"


def test_one_frame_is_enough(tmp_path: Path, make_red_clip: Callable[..., Path]) -> None:
    _, times, shades = taken(make_red_clip(tmp_path / "a.mp4", [0.5]))
    assert times == [0.0]
    assert shades == pytest.approx([0.5], abs=0.03)


def test_a_truncated_clip_is_used_up_to_the_cut_and_says_so(tmp_path: Path, make_red_clip: Callable[..., Path]) -> None:
    rng = np.random.default_rng(0)
    whole = make_red_clip(
        tmp_path / "a.mp4", rng.random(60).tolist(), options={"movflags": "+faststart"}, size=(320, 240)
    )
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    sampling, times, _ = taken(cut)
    assert 1 <= len(times) < 6
    assert sampling.note is not None
    assert sampling.note.startswith("used up to where it is damaged: ")


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video")
    with pytest.raises(VideoError):
        taken(tmp_path / "a.mp4")


@pytest.mark.parametrize(
    ("size", "longest", "expected"),
    [
        ((3840, 2160), 640, (640, 360)),
        ((1080, 1920), 640, (360, 640)),
        ((320, 200), 640, (320, 200)),
        ((9000, 3), 90, (90, 1)),
    ],
)
def test_frames_are_scaled_down_in_shape_and_never_up(
    size: tuple[int, int], longest: int, expected: tuple[int, int]
) -> None:
    assert scaled_size(*size, longest) == expected


def test_the_model_sees_in_training_what_it_sees_in_scoring(
    tmp_path: Path, make_textured_clip: Callable[..., Path]
) -> None:
    """Two ways from a keyframe to a picture of the network's size: kept larger and squeezed, or squeezed by swscale."""
    clip = make_textured_clip(tmp_path / "a.mp4", seed=1, red=True, frames=4)
    kept = next(iter(Sampling(clip, 1.0, 640))).image
    (direct,) = read_keyframes(clip, [0.0], size=(48, 48))
    difference = np.abs(squeeze(kept, side_px=48).astype(int) - direct.image)
    assert difference.mean() < 1.5, "of 255 shades"


def test_squeezing_is_an_average_over_the_area() -> None:
    frame = np.zeros((4, 8, 3), np.uint8)
    frame[:, ::2] = 100
    assert (squeeze(frame, side_px=4) == 50).all()
    assert squeeze(squeeze(frame, side_px=4), side_px=4).tolist() == squeeze(frame, side_px=4).tolist()
    assert to_model_input([frame, frame], side_px=2).shape == (2, 2, 2, 3)
    assert described(4)["resize"] == "the whole frame squeezed to 4x4"
    for wrong in (frame[..., 0], frame.astype(np.float32), frame[:0]):
        with pytest.raises(ValueError, match="RGB uint8"):
            squeeze(wrong)  # type: ignore[arg-type]  # the wrong kind is the point
