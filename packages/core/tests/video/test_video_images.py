"""Photos: orientation, depth, and damage that other readers hide."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from footage.errors import VideoError
from footage.video.images import read_image, write_image


@pytest.fixture
def photo() -> NDArray[np.uint8]:
    """A smooth picture that looks different from every side."""
    down, across = np.mgrid[0:60, 0:80]
    return np.stack([across * 3, down * 4, np.full_like(down, 90)], axis=2).astype(np.uint8)


@pytest.mark.parametrize(("suffix", "tolerance"), [(".png", 0), (".jpg", 6), (".webp", 12), (".bmp", 0), (".tiff", 0)])
def test_what_is_written_is_read(suffix: str, tolerance: int, photo: NDArray[np.uint8], tmp_path: Path) -> None:
    path = tmp_path / f"photo{suffix}"
    write_image(path, photo)
    image = read_image(path)
    assert image.dtype == np.uint8
    assert np.abs(image.astype(int) - photo).max() <= tolerance
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


# EXIF 2.32, tag 0x0112: what was done to the upright picture to get the stored one.
STORED = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: np.transpose(a, (1, 0, 2)),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: np.rot90(np.transpose(a, (1, 0, 2)), 2),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("orientation", STORED)
def test_orientation_is_applied(orientation: int, photo: NDArray[np.uint8], tmp_path: Path) -> None:
    path = tmp_path / "turned.png"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(STORED[orientation](photo))).save(path, exif=exif)
    assert np.array_equal(read_image(path), photo)


def test_grey_palette_alpha_and_depth_become_rgb(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    gray = photo[:, :, 0]
    Image.fromarray(gray).save(tmp_path / "gray.png")
    assert np.array_equal(read_image(tmp_path / "gray.png"), np.repeat(gray[:, :, None], 3, axis=2))
    Image.fromarray(gray.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    assert np.array_equal(read_image(tmp_path / "deep.png"), np.repeat(gray[:, :, None], 3, axis=2))
    alpha = np.dstack([photo, np.full(gray.shape, 128, np.uint8)])
    Image.fromarray(alpha).save(tmp_path / "alpha.png")
    assert np.array_equal(read_image(tmp_path / "alpha.png"), photo)
    Image.fromarray(photo).quantize(256).save(tmp_path / "palette.png")
    assert read_image(tmp_path / "palette.png").shape == photo.shape
    Image.fromarray(photo).convert("CMYK").save(tmp_path / "cmyk.jpg")
    assert read_image(tmp_path / "cmyk.jpg").shape == photo.shape


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_photo_is_refused(suffix: str, share: float, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    path = tmp_path / f"photo{suffix}"
    write_image(path, noise)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(VideoError, match=f"photo{suffix}: "):
        read_image(path)


def test_what_is_no_photo_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="no such file"):
        read_image(tmp_path / "absent.jpg")
    for name, content in (("empty.jpg", b""), ("text.jpg", b"not a photo"), ("noise.png", bytes(range(256)) * 9)):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(VideoError, match="not an image"):
            read_image(tmp_path / name)
    with pytest.raises(VideoError):
        read_image(tmp_path)


def test_too_many_pixels_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb.png"
    Image.new("L", (60, 50), 7).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)  # Pillow refuses from twice as many, by the header alone
    with pytest.raises(VideoError, match="too many"):
        read_image(path)


def test_large_photos_are_read_without_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    path = tmp_path / "large.png"
    Image.new("L", (60, 50), 7).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2000)  # Pillow warns from here to twice as many
    assert read_image(path).shape == (50, 60, 3)
    assert len(recwarn) == 0


def test_what_cannot_be_written_is_refused(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    with pytest.raises(VideoError, match="suffix"):
        write_image(tmp_path / "photo.unknown", photo)
    with pytest.raises(VideoError, match="folder"):
        write_image(tmp_path / "absent" / "photo.png", photo)
    with pytest.raises(ValueError, match="must be uint8"):
        write_image(tmp_path / "photo.png", photo[:, :, 0])
    assert list(tmp_path.iterdir()) == []
