"""What the writer writes is what the readers read."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from footage.errors import VideoError
from footage.video import open_video
from footage.video.writer import VideoWriter

Shown = Callable[[NDArray[np.uint8]], int]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".avi"])
@pytest.mark.parametrize("size", [(160, 96), (161, 97), (160, 97)])
def test_frames_come_back_at_their_size_and_time(
    suffix: str, size: tuple[int, int], tmp_path: Path, draw: Any, shown: Shown
) -> None:
    rate = Fraction(30000, 1001)
    path = tmp_path / f"clip{suffix}"
    with VideoWriter(path, size=size, rate=rate) as writer:
        for number in range(30):
            writer.write(draw(number, size))
    assert writer.frames_written == 30
    with open_video(path) as video:
        assert (video.info.width, video.info.height) == size
        assert video.info.average_rate == pytest.approx(rate, rel=0.002)
        for number, frame in enumerate(video.frames()):
            assert shown(frame.image) == number
            assert frame.pts_seconds == pytest.approx(float(number / rate), abs=0.0006)
        assert video.ending is not None
        assert video.ending.frames_decoded == 30
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("backend", ["pyav", "opencv"])
def test_colours_survive(backend: Any, tmp_path: Path) -> None:
    colours = np.array([[200, 40, 40], [40, 200, 40], [40, 40, 200], [230, 230, 230], [16, 16, 16]], np.uint8)
    picture = np.repeat(np.repeat(colours[None], 64, axis=0), 32, axis=1)
    path = tmp_path / "colours.mp4"
    with VideoWriter(path, size=(160, 64), rate=25, crf=10) as writer:
        writer.write(picture)
    with open_video(path, backend=backend) as video:
        image = next(video.frames()).image
    for number, colour in enumerate(colours):
        patch = image[16:48, number * 32 + 8 : number * 32 + 24].reshape(-1, 3).mean(axis=0)
        assert np.abs(patch - colour).max() < 5


def test_lossless_grey_is_exact(tmp_path: Path) -> None:
    ramp = np.repeat(np.tile(np.arange(0, 256, 2, dtype=np.uint8), (64, 1))[:, :, None], 3, axis=2)
    path = tmp_path / "ramp.mp4"
    with VideoWriter(path, size=(128, 64), rate=25, crf=0) as writer:
        writer.write(ramp)
    with open_video(path) as video:
        assert np.abs(next(video.frames()).gray.astype(int) - ramp[:, :, 0]).max() <= 1


def test_an_interrupted_file_never_appears(tmp_path: Path, draw: Any) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"what was there before")

    def interrupted() -> None:
        with VideoWriter(path, size=(160, 96), rate=25) as writer:
            writer.write(draw(0))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == b"what was there before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_nothing(tmp_path: Path, draw: Any) -> None:
    # The encoder refuses its third frame because the time stands still.
    writer = VideoWriter(tmp_path / "clip.avi", size=(160, 96), rate=25, codec="mpeg4")
    writer.write(draw(0))
    writer.write(draw(1))
    writer.frames_written = 0
    with pytest.raises(VideoError, match="cannot write"):
        writer.write(draw(2))
    assert list(tmp_path.iterdir()) == []
    writer.close()


def test_a_folder_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").mkdir()
    with pytest.raises(VideoError, match=r"clip\.mp4.*directory"):
        VideoWriter(tmp_path / "clip.mp4", size=(64, 48), rate=25)


def test_the_file_gets_ordinary_permissions(tmp_path: Path, draw: Any) -> None:
    (tmp_path / "ordinary").touch()
    with VideoWriter(tmp_path / "clip.mp4", size=(160, 96), rate=25) as writer:
        writer.write(draw(0))
    assert (tmp_path / "clip.mp4").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


def test_nothing_written_is_an_error(tmp_path: Path) -> None:
    with (
        pytest.raises(VideoError, match="no frame was written"),
        VideoWriter(tmp_path / "empty.mp4", size=(64, 48), rate=25),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("absent/clip.mp4", {}),
        ("clip.unknown", {}),
        ("clip.mp4", {"codec": "no_such_codec"}),
        ("clip.mp4", {"codec": "aac"}),
    ],
)
def test_what_cannot_be_written_is_refused_at_once(name: str, settings: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="writ"):
        VideoWriter(tmp_path / name, size=(64, 48), rate=25, **settings)  # type: ignore[arg-type]  # codec only
    assert list(tmp_path.iterdir()) == []


def test_wrong_frames_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="positive"):
        VideoWriter(tmp_path / "clip.mp4", size=(0, 48), rate=25)
    with VideoWriter(tmp_path / "clip.mp4", size=(64, 48), rate=25) as writer:
        wrongs: list[Any] = [
            np.zeros((64, 48, 3), np.uint8),
            np.zeros((48, 64), np.uint8),
            np.zeros((48, 64, 3), np.float32),
        ]
        for wrong in wrongs:
            with pytest.raises(ValueError, match="must be uint8"):
                writer.write(wrong)
        writer.write(np.zeros((48, 64, 3), np.uint8))
    with pytest.raises(ValueError, match="closed"):
        writer.write(np.zeros((48, 64, 3), np.uint8))


def test_the_same_frames_give_the_same_file(tmp_path: Path, draw: Any) -> None:
    paths = [tmp_path / "one.mp4", tmp_path / "two.mp4"]
    for path in paths:
        with VideoWriter(path, size=(160, 96), rate=25) as writer:
            for number in range(12):
                writer.write(draw(number))
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_another_process_writes_the_same_file(tmp_path: Path) -> None:
    """What lies in memory differs from process to process, and must not get into the picture."""
    code = (
        "import sys, numpy as np\n"
        "from footage.synthetic.scenes import Scene\n"
        "scene = Scene.random(np.random.default_rng(5), size=(320, 180), frames=70, noise=2.0, objects=30)\n"
        "scene.write_video(sys.argv[1])\n"
    )
    for name in "abcd":
        subprocess.run([sys.executable, "-c", code, str(tmp_path / f"{name}.mp4")], check=True)
    assert len({(tmp_path / f"{name}.mp4").read_bytes() for name in "abcd"}) == 1
