"""Films made of clips whose colour, sound and time are known, decoded and looked at."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from footage.errors import DatasetError, FootageError
from footage.video.reader import open_video
from highlight_train.reel.check import check_reel
from highlight_train.reel.ffmpeg import FFmpeg, find_ffmpeg
from highlight_train.reel.plan import Cut, lay_out, transition_frames
from highlight_train.reel.render import Film, Rendered, render

RED, GREEN, BLUE = (200, 40, 40), (40, 200, 40), (40, 40, 200)
NEAR = 6
"""How far a colour may be off after two encodings in eight bits."""

Clip = Callable[..., Path]
Watched = Callable[[Path], Any]
Pixel = tuple[int, int]


@pytest.fixture(scope="module")
def ffmpeg() -> FFmpeg:
    return find_ffmpeg()


def make(
    cuts: list[Cut],
    output: Path,
    ffmpeg: FFmpeg,
    *,
    size: tuple[int, int] = (64, 48),
    rate: Fraction | int = 25,
    hard: bool = False,
) -> Rendered:
    rate = Fraction(rate)
    film = Film(size=size, rate=rate, overlap_frames=transition_frames(rate, "none" if hard else "crossfade"))
    rendered = render(cuts, film, output, ffmpeg=ffmpeg, on_cut=lambda *_: None)
    check_reel(output, rendered.layout, size, ffmpeg)
    assert not list(output.parent.glob(".*")), "nothing is left behind"
    return rendered


def close(colour: NDArray[np.float64], wanted: tuple[float, ...]) -> bool:
    return bool(np.abs(colour - wanted).max() <= NEAR)


def mean(first: tuple[int, ...], second: tuple[int, ...], weight: float = 0.5) -> tuple[float, ...]:
    return tuple(a * (1 - weight) + b * weight for a, b in zip(first, second, strict=True))


def numbered(index: int) -> NDArray[np.uint8]:
    """A grey that tells the frame's number."""
    return np.full((48, 64, 3), 2 * index, np.uint8)


def numbers(seen: Any) -> list[float]:
    """The numbers of ``numbered`` frames in a film."""
    return [float(seen.colour(index).mean() / 2) for index in range(len(seen.frames))]


def test_pictures_and_sounds_come_when_they_should_and_cross_in_the_middle(
    tmp_path: Path, clip: Clip, watched: Watched, ffmpeg: FFmpeg
) -> None:
    red = clip("red.mp4", colour=RED, tone_hz=440, channels=2)
    green = clip("green.mov", colour=GREEN, tone_hz=1000, channels=2, rate=30)
    cuts = [Cut(red, 0.9, 30, 60), Cut(green, 0.8, 24, 72)]
    rendered = make(cuts, tmp_path / "reel.mp4", ffmpeg, rate=24)
    seen = watched(tmp_path / "reel.mp4")
    assert rendered.layout.frames == len(seen.frames) == 60 + 72 - 12
    assert seen.times_seconds == pytest.approx([index / 24 for index in range(120)])
    assert seen.streams["video"].startswith("h264 yuv420p")
    assert seen.streams["audio"] == "aac 48000 2"
    assert close(seen.colour(0), RED)
    assert close(seen.colour(47), RED)
    for step in (3, 6, 9):
        assert close(seen.colour(48 + step), mean(RED, GREEN, step / 12)), step
    assert close(seen.colour(60), GREEN)
    assert close(seen.colour(119), GREEN)
    assert seen.tones_hz(0.2, 1.9) == pytest.approx([440], abs=2)
    assert seen.tones_hz(2.05, 2.45) == pytest.approx([440, 1000], abs=4)
    assert seen.tones_hz(2.6, 4.9) == pytest.approx([1000], abs=2)
    before, late = seen.loudness(1.0, 1.9), seen.loudness(2.45, 2.49)
    assert seen.loudness(2.24, 2.26) == pytest.approx(before / np.sqrt(2), rel=0.2), "both at half strength"
    assert late == pytest.approx(before, rel=0.2)


def test_hard_cuts_add_up_and_do_not_mix(tmp_path: Path, clip: Clip, watched: Watched, ffmpeg: FFmpeg) -> None:
    cuts = [Cut(clip("a.mp4", colour=RED), 1.0, 10, 30), Cut(clip("b.mp4", colour=BLUE, tone_hz=1500), 1.0, 0, 40)]
    rendered = make(cuts, tmp_path / "reel.mp4", ffmpeg, hard=True)
    seen = watched(tmp_path / "reel.mp4")
    assert rendered.layout.frames == len(seen.frames) == 70
    assert close(seen.colour(29), RED)
    assert close(seen.colour(30), BLUE)
    assert seen.tones_hz(0.1, 1.15) == pytest.approx([440], abs=3)
    assert seen.tones_hz(1.25, 2.7) == pytest.approx([1500], abs=3)


def test_a_cut_starts_at_its_frame_and_its_sound_with_it(
    tmp_path: Path, clip: Clip, watched: Watched, ffmpeg: FFmpeg
) -> None:
    source = clip("a.mp4", pictures=numbered, frames=120, tone_from_seconds=3.0, options={"g": "50"})
    make([Cut(source, 1.0, 60, 50)], tmp_path / "reel.mp4", ffmpeg)
    seen = watched(tmp_path / "reel.mp4")
    assert numbers(seen) == pytest.approx(range(60, 110), abs=0.9)
    assert seen.loudness(0.0, 0.57) < 0.01
    assert seen.loudness(0.63, 1.9) > 0.1


def test_a_clock_that_does_not_start_at_zero(tmp_path: Path, clip: Clip, watched: Watched, ffmpeg: FFmpeg) -> None:
    source = clip("a.ts", pictures=numbered, frames=120, tone_from_seconds=3.0, options={"g": "25"})
    make([Cut(source, 1.0, 60, 50)], tmp_path / "reel.mp4", ffmpeg)
    seen = watched(tmp_path / "reel.mp4")
    assert numbers(seen) == pytest.approx(range(60, 110), abs=0.9)
    assert seen.loudness(0.0, 0.55) < 0.01
    assert seen.loudness(0.65, 1.9) > 0.1


def test_a_variable_rate_shows_each_frame_as_long_as_the_clip_does(
    tmp_path: Path, clip: Clip, watched: Watched, ffmpeg: FFmpeg
) -> None:
    # Frame 20 stands still for two seconds; the cut begins in the middle of that.
    times = [index / 25 + (2.0 if index > 20 else 0.0) for index in range(80)]
    source = clip("a.mp4", pictures=numbered, frames=80, times_seconds=times, tone_hz=None)
    make([Cut(source, 1.0, 45, 60)], tmp_path / "reel.mp4", ffmpeg, rate=30)
    shown = numbers(watched(tmp_path / "reel.mp4"))
    expected = [max(index for index in range(80) if times[index] <= (45 + k) / 30 + 0.5 / 30) for k in range(60)]
    assert shown == pytest.approx(expected, abs=0.9)


@pytest.mark.parametrize(
    ("settings", "inside", "bar"),
    [
        ({"size": (96, 24)}, (24, 32), (12, 32)),
        ({"size": (24, 96)}, (24, 32), (24, 20)),
        ({"size": (63, 47)}, (24, 32), None),
        ({"size": (64, 48), "sample_aspect": Fraction(2)}, (13, 2), (10, 32)),
        ({"size": (32, 48), "sample_aspect": Fraction(2)}, (2, 2), None),
        ({"size": (64, 48), "rotation_degrees": 90}, (2, 16), (24, 12)),
        ({"size": (48, 64), "rotation_degrees": 270}, (2, 2), None),
    ],
)
def test_no_shape_is_distorted(
    tmp_path: Path, clip: Clip, ffmpeg: FFmpeg, *, settings: dict[str, Any], inside: Pixel, bar: Pixel | None
) -> None:
    cut = Cut(clip("a.mp4", colour=GREEN, frames=30, tone_hz=None, **settings), 1.0, 0, 20)
    make([cut], tmp_path / "reel.mp4", ffmpeg)
    with open_video(tmp_path / "reel.mp4") as reader:
        picture = reader.frame_at(0.4).image.astype(float)
    for turned in (picture, picture[::-1, ::-1]):
        assert close(turned[inside], GREEN)
        assert bar is None or close(turned[bar], (0, 0, 0))


def test_a_turned_clip_stands_upright(tmp_path: Path, clip: Clip, watched: Watched, ffmpeg: FFmpeg) -> None:
    def red_top(index: int) -> NDArray[np.uint8]:
        picture = np.full((48, 64, 3), BLUE, np.uint8)
        picture[:24] = RED
        return picture

    cut = Cut(clip("a.mp4", pictures=red_top, frames=30, tone_hz=None, rotation_degrees=90), 1.0, 0, 20)
    make([cut], tmp_path / "reel.mp4", ffmpeg, size=(48, 64))
    picture = watched(tmp_path / "reel.mp4").frames[10].astype(float)
    assert close(picture[32, 40], RED), "a quarter clockwise: the top is at the right"
    assert close(picture[32, 8], BLUE)


def test_a_clip_without_sound_is_silent_and_shrinks_with_the_others(
    tmp_path: Path, clip: Clip, watched: Watched, ffmpeg: FFmpeg
) -> None:
    cuts = [
        Cut(clip("a.mp4", colour=RED), 1.0, 0, 50),
        Cut(clip("b.mp4", colour=BLUE, tone_hz=None), 1.0, 0, 50),
        Cut(clip("c.mp4", colour=GREEN, tone_hz=900), 1.0, 0, 50),
    ]
    rendered = make(cuts, tmp_path / "reel.mp4", ffmpeg, rate=Fraction(30000, 1001))
    seen = watched(tmp_path / "reel.mp4")
    starts = [float(placed.first_frame / rendered.layout.rate) for placed in rendered.layout.placed]
    assert rendered.layout.frames == 120
    assert rendered.layout.samples == 192_192
    assert seen.rate == Fraction(30000, 1001)
    assert seen.loudness(starts[1] + 0.55, starts[2] - 0.05) < 1e-3
    assert seen.tones_hz(starts[2] + 0.6, starts[2] + 1.5) == pytest.approx([900], abs=4)


def test_sound_that_cannot_be_decoded_is_replaced_by_silence(
    tmp_path: Path, clip: Clip, watched: Watched, ffmpeg: FFmpeg
) -> None:
    source = clip("a.mp4", colour=RED)
    source.write_bytes(source.read_bytes().replace(b"mp4a", b"zzzz").replace(b"esds", b"zzzy"))
    rendered = make([Cut(source, 1.0, 0, 50)], tmp_path / "reel.mp4", ffmpeg)
    seen = watched(tmp_path / "reel.mp4")
    assert "silent" in rendered.notes[source]
    assert close(seen.colour(20), RED)
    assert seen.loudness(0, 2) < 1e-3


def test_cuts_too_short_for_two_crossfades(tmp_path: Path, clip: Clip, watched: Watched, ffmpeg: FFmpeg) -> None:
    colours = (RED, GREEN, BLUE, RED)
    clips = [clip(f"{index}.mp4", colour=colour, frames=18) for index, colour in enumerate(colours)]
    rendered = make([Cut(path, 1.0, 0, 15) for path in clips], tmp_path / "reel.mp4", ffmpeg)
    assert [placed.overlap_frames for placed in rendered.layout.placed] == [0, 7, 7, 7]
    seen = watched(tmp_path / "reel.mp4")
    assert len(seen.frames) == 4 * 15 - 3 * 7
    for placed, colour in zip(rendered.layout.placed, colours, strict=True):
        assert close(seen.colour(placed.first_frame + 7), colour)


def test_a_bad_clip_is_left_out_and_its_neighbours_meet(
    tmp_path: Path, clip: Clip, watched: Watched, ffmpeg: FFmpeg
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"nothing that plays" * 100)
    short = clip("short.mp4", frames=40)
    cuts = [
        Cut(broken, 1.0, 0, 50),
        Cut(clip("a.mp4", colour=RED), 1.0, 0, 50),
        Cut(tmp_path / "gone.mp4", 1.0, 0, 50),
        Cut(short, 1.0, 100, 50),
        Cut(clip("b.mp4", colour=BLUE), 1.0, 0, 50),
    ]
    rendered = make(cuts, tmp_path / "reel.mp4", ffmpeg)
    assert [skipped.path for skipped in rendered.left_out] == [broken, tmp_path / "gone.mp4", short]
    reasons = [skipped.reason for skipped in rendered.left_out]
    assert "no such file" in reasons[1]
    assert "only 0.00 s could be decoded from 4.00 s on" in reasons[2]
    seen = watched(tmp_path / "reel.mp4")
    assert len(seen.frames) == 88
    assert close(seen.colour(44), mean(RED, BLUE))


def test_a_truncated_clip_gives_what_it_has(tmp_path: Path, clip: Clip, ffmpeg: FFmpeg) -> None:
    rng = np.random.default_rng(0)

    def noise(index: int) -> NDArray[np.uint8]:
        return np.asarray(rng.integers(0, 255, (48, 64, 3)), np.uint8)

    source = clip("a.mkv", pictures=noise, frames=100, tone_hz=None, options={"g": "10"})
    os.truncate(source, source.stat().st_size * 6 // 10)
    rendered = make([Cut(source, 1.0, 0, 100)], tmp_path / "reel.mp4", ffmpeg)
    frames = rendered.layout.placed[0].cut.frames
    assert 40 < frames < 80
    assert f"{frames / 25:.2f} s long instead of 4.00 s" in rendered.notes[source]


def test_with_nothing_left_there_is_one_error_and_no_file(tmp_path: Path, ffmpeg: FFmpeg) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"x" * 1000)
    with pytest.raises(DatasetError, match="none of the 1 cuts could be made"):
        make([Cut(broken, 1.0, 0, 50)], tmp_path / "reel.mp4", ffmpeg)
    assert list(tmp_path.iterdir()) == [broken]


NAMES = [
    "a b.mp4",
    "-y.mp4",
    'it\'s "q".mp4',
    "new\nline.mp4",
    "%03d.mp4",
    "a:b,c;d[e].mp4",
    os.fsdecode(b"\xff\xfe.mp4"),
]


def test_any_name_will_do(tmp_path: Path, clip: Clip, ffmpeg: FFmpeg, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = clip("plain.mp4", frames=30)
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        shutil.copy(plain, name)
    cuts = [Cut(Path(name), 1.0, 0, 20) for name in NAMES]
    rendered = make(cuts, Path("-out 'x'.mp4"), ffmpeg, hard=True)
    assert rendered.left_out == ()
    assert rendered.layout.frames == 20 * len(NAMES)
    output = Path(os.fsdecode(b"%d\n\xff.mp4"))
    make(cuts[:1], output, ffmpeg)
    assert output.is_file()


@pytest.mark.slow
def test_sixty_cuts(tmp_path: Path, clip: Clip, ffmpeg: FFmpeg) -> None:
    clips = [clip(f"{index}.mp4", colour=colour, frames=40) for index, colour in enumerate((RED, GREEN, BLUE))]
    cuts = [Cut(clips[index % 3], 1.0, 0, 30) for index in range(60)]
    rendered = make(cuts, tmp_path / "reel.mp4", ffmpeg, rate=Fraction(30000, 1001))
    assert rendered.layout.frames == 60 * 30 - 59 * 15


def test_a_film_that_is_not_the_plan_is_noticed(tmp_path: Path, clip: Clip, ffmpeg: FFmpeg) -> None:
    film = clip("a.mp4", frames=50)
    layout = lay_out([Cut(film, 1.0, 0, 51)], Fraction(25), 0)
    with pytest.raises(FootageError, match=r"50 frames instead of 51.*samples instead of 97920"):
        check_reel(film, layout, (64, 48), ffmpeg)
