"""Photos of every kind come out right, and what is not whole comes out not at all."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zlib
from datetime import datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageOps
from pillow_heif import register_heif_opener

from blur_train.kinds import sniff
from blur_train.photos import DEFAULT, Photo, PhotoError, PhotoLimits, PhotoProblem, read_photo

register_heif_opener()
KINDS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "HEIF", "AVIF")
pytestmark = pytest.mark.filterwarnings(r"ignore:::PIL\.")  # pytest forgets the one that photos.py sets
WIDTH, HEIGHT = 160, 112


def picture(seed: int = 0, size: tuple[int, int] = (WIDTH, HEIGHT)) -> NDArray[np.uint8]:
    """Something with edges and noise, so that a part of it that is missing shows."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
    noise = rng.normal(0, 12, (size[1], size[0], 3))
    return np.clip(np.asarray(coarse) + noise, 0, 255).astype(np.uint8)


def encoded(image: Image.Image, kind: str = "JPEG", **settings: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **settings)
    return file.getvalue()


def plain(seed: int = 0, kind: str = "JPEG", **settings: Any) -> bytes:
    return encoded(Image.fromarray(picture(seed)), kind, **settings)


def problem_of(data: bytes | Path, limits: PhotoLimits = DEFAULT) -> PhotoProblem:
    """Why a photo is refused, for its colours and for its luma alike."""
    problems = set()
    for luma in (False, True):
        with pytest.raises(PhotoError) as refused:
            read_photo(data, limits=limits, luma=luma)
        problems.add(refused.value.problem)
    (problem,) = problems
    return problem


def luma_of(data: bytes | Path) -> NDArray[np.uint8]:
    """By way of colours."""
    return np.asarray(cv2.cvtColor(read_photo(data).image, cv2.COLOR_RGB2GRAY), np.uint8)


@pytest.mark.parametrize("kind", KINDS)
def test_pixels_are_pillows(kind: str) -> None:
    data = plain(kind=kind)
    photo = read_photo(data)
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(image.convert("RGB"))
    assert (photo.format, photo.width, photo.height) == (kind, WIDTH, HEIGHT)
    assert photo.image.dtype == np.uint8
    np.testing.assert_array_equal(photo.image, expected)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("turned", range(1, 9))
def test_orientation(turned: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = turned
    data = plain(kind=kind, exif=exif)
    with Image.open(io.BytesIO(data)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    np.testing.assert_array_equal(read_photo(data).image, expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("turned", range(1, 9))
def test_luma_is_that_of_the_colours(turned: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = turned
    calm = Image.fromarray(picture() // 2 + 64)  # no colour that is cut off at 0 or 255
    data = encoded(calm, kind, exif=exif)
    photo = read_photo(data, luma=True)
    assert photo.image.shape == (photo.height, photo.width)
    assert np.abs(photo.image.astype(int) - luma_of(data)).max() <= (1 if kind == "JPEG" else 0)


@pytest.mark.parametrize("mode", ["L", "CMYK", "YCbCr"])
def test_luma_of_other_jpegs(mode: str) -> None:
    data = encoded(Image.fromarray(picture() // 2 + 64).convert(mode), quality=95)
    assert np.abs(read_photo(data, luma=True).image.astype(int) - luma_of(data)).max() <= 1


def test_rows_of_one_luma_but_several_colours_are_picture() -> None:
    striped = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    striped[:] = (128, 128, 128)
    striped[:, ::16], striped[:, 8::16] = (255, 74, 128), (128, 128, 128)
    chroma = Image.fromarray(striped).convert("YCbCr")
    level, *colours = chroma.split()
    flat = Image.merge("YCbCr", (level.point(lambda _: 120), *colours))
    data = encoded(flat, quality=90, subsampling=0)
    assert np.ptp(read_photo(data, luma=True).image) == 0
    assert np.ptp(read_photo(data).image) > 50


@pytest.mark.parametrize("turned", [0, 9, 65_535])
def test_an_orientation_that_does_not_exist_is_none(turned: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = turned
    assert read_photo(plain(exif=exif)).image.shape == (HEIGHT, WIDTH, 3)


def test_a_heic_is_upright_already() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = read_photo(plain(kind="HEIF", exif=exif.tobytes()))
    assert (photo.width, photo.height) == (HEIGHT, WIDTH)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGBA", "CMYK", "YCbCr", "LAB", "RGBX"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    image = Image.fromarray(picture())
    image = image.convert("L").convert(mode) if mode in {"LA", "PA"} else image.convert(mode)
    for kind in ("PNG", "TIFF", "JPEG"):
        try:
            data = encoded(image, kind)
        except (OSError, KeyError):
            continue  # this kind has no such mode
        with Image.open(io.BytesIO(data)) as opened:
            expected = np.asarray(opened.convert("RGB"))
        np.testing.assert_array_equal(read_photo(data).image, expected)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_to_eight(kind: str) -> None:
    levels = np.linspace(0, 65_535, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH)
    data = encoded(Image.fromarray(levels.astype(np.uint16)), kind)
    grey = read_photo(data).image
    assert np.abs(grey[:, :, 0] - levels / 257).max() <= 0.51
    assert np.ptp(grey, axis=2).max() == 0


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_pixels_of_unknown_scale_are_refused(dtype: type[np.generic]) -> None:
    data = encoded(Image.fromarray(np.zeros((HEIGHT, WIDTH), dtype)), "TIFF")
    assert problem_of(data) == PhotoProblem.UNSUPPORTED


def test_the_first_of_several_pictures_is_taken() -> None:
    def both(kind: str) -> bytes:
        first, second = (Image.fromarray(picture(seed)) for seed in (1, 2))
        return encoded(first, kind, save_all=True, append_images=[second])

    assert sniff(both("MPO")) == "JPEG"
    for kind in ("MPO", "TIFF"):
        away = {seed: np.abs(read_photo(both(kind)).image.astype(int) - picture(seed)).mean() for seed in (1, 2)}
        assert away[1] < 20 < away[2]


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF"])
def test_an_animation_is_no_photo(kind: str) -> None:
    frames = [Image.fromarray(picture(seed)) for seed in (1, 2)]
    assert problem_of(encoded(frames[0], kind, save_all=True, append_images=frames[1:])) == PhotoProblem.ANIMATED


def test_camera_and_time() -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Canon\0", "Canon EOS R6"
    details = exif.get_ifd(0x8769)
    details[0x9003], details[0x9291] = "2024:05:12 10:11:12", "25"
    photo = read_photo(plain(exif=exif))
    assert photo.camera == "Canon EOS R6"
    assert photo.taken == datetime(2024, 5, 12, 10, 11, 12, 250_000)
    exif[0x010F] = "NIKON CORPORATION"
    details[0x9003] = "0000:00:00 00:00:00"
    photo = read_photo(plain(exif=exif))
    assert (photo.camera, photo.taken) == ("NIKON CORPORATION Canon EOS R6", None)
    assert (read_photo(plain()).camera, read_photo(plain()).taken) == (None, None)


@given(junk=st.binary(min_size=1, max_size=300))
def test_damaged_exif_is_as_good_as_none(junk: bytes) -> None:
    segment = b"Exif\0\0" + junk
    data = plain()
    data = data[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + data[2:]
    photo = read_photo(data)
    assert sorted((photo.width, photo.height)) == sorted((WIDTH, HEIGHT))


JPEGS: dict[str, dict[str, Any]] = {
    "baseline": {},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_rows": 1},
    "progressive with restarts": {"progressive": True, "restart_marker_blocks": 7},
    "full colour": {"subsampling": 0, "quality": 95},
}


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("name", JPEGS)
def test_a_jpeg_cut_anywhere_is_refused(name: str, mode: str) -> None:
    data = encoded(Image.fromarray(picture()).convert(mode), "JPEG", **JPEGS[name])
    assert read_photo(data).width == WIDTH
    for cut in {*range(3, len(data), 97), len(data) - 2, len(data) - 1}:
        assert problem_of(data[:cut]) == PhotoProblem.TRUNCATED, cut


@pytest.mark.parametrize("name", ["progressive", "restarts", "progressive with restarts"])
def test_a_jpeg_that_lacks_a_part_before_its_end_is_refused(name: str) -> None:
    data = plain(**JPEGS[name])
    last = data.rindex(b"\xff\xda") if "progressive" in name else len(data) * 3 // 4
    for cut in range(len(data) // 3, last, 97):
        assert problem_of(data[:cut] + b"\xff\xd9") in {PhotoProblem.TRUNCATED, PhotoProblem.CORRUPT}, cut


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_jpeg_cut_anywhere_and_ended_again_is_refused(mode: str, subsampling: int) -> None:
    settings: dict[str, Any] = {} if mode == "L" else {"subsampling": subsampling}
    data = encoded(Image.fromarray(picture()).convert(mode), "JPEG", **settings)
    start = data.index(b"\xff\xda") + 14
    for cut in range(start, start + (len(data) - start) * 2 // 3, 61):
        assert problem_of(data[:cut] + b"\xff\xd9") == PhotoProblem.TRUNCATED, cut


@pytest.mark.parametrize("settings", [{}, {"quality": 100}, {"quality": 30}, {"subsampling": 0}, {"optimize": True}])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (200, 30, 90)])
@pytest.mark.parametrize("rows", [20, 40, 90, HEIGHT])
def test_a_jpeg_that_ends_with_one_colour_is_whole(
    rows: int, colour: tuple[int, int, int], mode: str, settings: dict[str, Any]
) -> None:
    framed = picture()
    framed[HEIGHT - rows :] = colour
    data = encoded(Image.fromarray(framed).convert(mode), "JPEG", **settings)
    assert read_photo(data).height == read_photo(data, luma=True).height == HEIGHT


def test_what_lies_behind_a_jpeg_does_not_count() -> None:
    np.testing.assert_array_equal(read_photo(plain() + b"PK\x03\x04" * 50).image, read_photo(plain()).image)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "JPEG"])
def test_other_kinds_cut_anywhere_are_refused(kind: str) -> None:
    data = plain(kind=kind)
    assert read_photo(data).width == WIDTH
    for cut in range(32, len(data) - 1, max(1, len(data) // 50)):
        assert problem_of(data[:cut]) in {PhotoProblem.TRUNCATED, PhotoProblem.CORRUPT}, cut


def test_a_png_with_one_bit_changed_is_refused() -> None:
    data = bytearray(plain(kind="PNG"))
    for place in range(16, len(data), len(data) // 40):
        data[place] ^= 1
        assert problem_of(bytes(data)) in {PhotoProblem.CORRUPT, PhotoProblem.TRUNCATED}, place
        data[place] ^= 1


def png_of(width: int, height: int) -> bytes:
    """A PNG whose header tells of so many pixels, and which holds none."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(12_000, 12_600), (30_000, 30_000), (2**31 - 1, 2**31 - 1)])
def test_too_many_pixels_are_seen_in_the_header(size: tuple[int, int]) -> None:
    assert problem_of(png_of(*size)) == PhotoProblem.TOO_MANY_PIXELS


def test_a_webp_is_measured_before_it_is_opened() -> None:
    size = (16_383 - 1).to_bytes(3, "little")
    canvas = b"VP8X" + struct.pack("<I", 10) + bytes(4) + size * 2
    data = b"RIFF" + struct.pack("<I", 4 + len(canvas)) + b"WEBP" + canvas
    assert problem_of(data) == PhotoProblem.TOO_MANY_PIXELS
    for settings in ({}, {"lossless": True}, {"exif": Image.Exif().tobytes() + b"x" * 20}):
        limits = PhotoLimits(max_pixels=WIDTH * HEIGHT)
        assert read_photo(plain(kind="WEBP", **settings), limits=limits).width == WIDTH
        limits = PhotoLimits(max_pixels=WIDTH * HEIGHT - 1)
        assert problem_of(plain(kind="WEBP", **settings), limits) == PhotoProblem.TOO_MANY_PIXELS


def test_a_jpeg_of_endless_scans_is_refused() -> None:
    data = plain(progressive=True)
    place = data.index(b"\xff\xda")
    end = data.index(b"\xff\xda", place + 2)
    while data[end - 1 : end] != b"\xff" and data[end] != 0xFF:
        end -= 1
    tables = data.index(b"\xff\xc4", place)
    scan = data[place : min(end, tables)]
    assert problem_of(data[:place] + scan * 300 + data[place:]) == PhotoProblem.CORRUPT


def test_limits() -> None:
    data = plain()
    assert problem_of(data, PhotoLimits(max_bytes=len(data) - 1)) == PhotoProblem.TOO_MANY_BYTES
    assert problem_of(data, PhotoLimits(min_side_px=HEIGHT + 1)) == PhotoProblem.TOO_SMALL
    limits = PhotoLimits(max_bytes=len(data), min_side_px=HEIGHT, max_pixels=WIDTH * HEIGHT)
    assert read_photo(data, limits=limits).height == HEIGHT


def test_files_are_read_and_never_written(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(plain() + b"behind the end")
    path.chmod(0o444)
    before = path.stat()
    content = path.read_bytes()
    photo = read_photo(path)
    assert isinstance(photo, Photo)
    assert path.read_bytes() == content
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def test_errors_name_the_file_and_cross_processes(tmp_path: Path) -> None:
    path = tmp_path / "cut.jpg"
    path.write_bytes(plain()[:-50])
    with pytest.raises(PhotoError) as refused:
        read_photo(path)
    assert str(path) in str(refused.value)
    again = pickle.loads(pickle.dumps(refused.value))  # noqa: S301, TID251 - our own, of a moment ago
    assert (str(again), again.problem) == (str(refused.value), PhotoProblem.TRUNCATED)


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    assert problem_of(tmp_path / "nothing.jpg") == PhotoProblem.MISSING
    assert problem_of(tmp_path) == PhotoProblem.MISSING
    (tmp_path / "empty.jpg").touch()
    assert problem_of(tmp_path / "empty.jpg") == PhotoProblem.EMPTY
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.jpg")
        assert problem_of(tmp_path / "pipe.jpg") == PhotoProblem.MISSING


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    starts = [
        b"",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\x90\0\0\0WEBP",
        b"II*\0",
        b"MM\0*",
        b"BM\0\0\0\0\0\0\0\0",
    ]
    starts += [b"\0\0\0\x18ftypheic", b"\0\0\0\x18ftypavif"]
    for start in starts:
        problem_of(start + data)


def test_real_photos(shared_data: Path) -> None:
    for path in sorted((shared_data / "bib").glob("*.JPG"))[:3]:
        photo = read_photo(path)
        with Image.open(path) as image:
            np.testing.assert_array_equal(photo.image, np.asarray(ImageOps.exif_transpose(image).convert("RGB")))
        away = np.abs(read_photo(path, luma=True).image.astype(int) - luma_of(path))
        inside = ((photo.image > 0) & (photo.image < 255)).all(axis=2)
        assert away[inside].max() <= 1
        assert photo.camera is not None
        assert photo.taken is not None
        assert sniff(path.read_bytes()) == "JPEG"
