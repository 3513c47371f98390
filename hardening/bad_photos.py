"""Every verb that reads folders of photos, on every bad photo: no traceback, none lost, and the good ones are used.

``uv run python -m hardening.bad_photos`` prints the table and ends with 1 where anything in it is a fault. Each verb
gets all of them at once, beside good ones, and must speak of each.
"""

from __future__ import annotations

import argparse
import io
import os
import struct
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from hardening.bad_media import READABLE, Cell, table
from hardening.commands import Outcome, run
from hardening.media import Medium
from PIL import Image
from pillow_heif import register_heif_opener

from footage.cli.exits import ExitCode

SIDE_PX = (320, 240)


def picture(seed: int = 0, size: tuple[int, int] = SIDE_PX) -> Image.Image:
    """A picture with structure of every size."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
    fine = rng.integers(-30, 30, (size[1], size[0], 3))
    return Image.fromarray(np.clip(np.asarray(coarse) + fine, 0, 255).astype(np.uint8))


def coded(kind: str = "JPEG", image: Image.Image | None = None, **settings: Any) -> bytes:
    """A whole file."""
    register_heif_opener()
    file = io.BytesIO()
    (picture() if image is None else image).save(file, kind, **settings)
    return file.getvalue()


def _png(width: int, height: int, pixels: bytes = b"") -> bytes:
    """A PNG with a header that says what it likes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def _jpeg_that_claims(width: int, height: int) -> bytes:
    data = bytearray(coded())
    start = data.index(b"\xff\xc0")
    data[start + 5 : start + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def _with_exif(junk: bytes) -> bytes:
    data, segment = coded(), b"Exif\0\0" + junk
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + data[2:]


def _turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return coded(exif=exif)


def _flipped(data: bytes, seed: int) -> bytes:
    """Some bits fallen over behind the header."""
    rng, fallen = np.random.default_rng(seed), bytearray(data)
    for place in rng.integers(len(data) // 2, len(data), 20).tolist():
        fallen[place] ^= 1 << int(rng.integers(8))
    return bytes(fallen)


def _frames() -> list[Image.Image]:
    return [picture(seed, (96, 80)) for seed in range(3)]


def photos() -> Iterator[Medium]:
    """All of them; the first word of a file's name is its own."""
    jpeg = coded()
    start = jpeg.index(b"\xff\xda")
    progressive = coded(progressive=True)
    contents: dict[str, tuple[str, bytes]] = {
        "no bytes": ("p01-none.jpg", b""),
        "one byte": ("p02-one.jpg", jpeg[:1]),
        "cut in its header": ("p03-header.jpg", jpeg[:60]),
        "cut before its picture": ("p04-before.jpg", jpeg[:start]),
        "cut in its picture": ("p05-half.jpg", jpeg[: len(jpeg) // 2]),
        "cut by one byte": ("p06-last.jpg", jpeg[:-1]),
        "cut and ended again": ("p07-ended.jpg", jpeg[: start + 900] + b"\xff\xd9"),
        "progressive, cut": ("p08-progressive.jpg", progressive[: len(progressive) * 2 // 3]),
        "bits that fell over": ("p09-bits.jpg", _flipped(jpeg, 3)),
        "JPEG that claims 65,535 x 65,535": ("p10-claims.jpg", _jpeg_that_claims(65_535, 65_535)),
        "JPEG that claims no height": ("p11-flat.jpg", _jpeg_that_claims(320, 0)),
        "PNG that claims two billion": ("p12-billion.png", _png(2**31 - 1, 1)),
        "PNG bomb, 40,000 x 40,000": ("p13-bomb.png", _png(40_000, 40_000, zlib.compress(bytes(10**6)))),
        "PNG cut": ("p14-cut.png", coded("PNG")[:-2000]),
        "PNG with a wrong check sum": ("p15-sum.png", _flipped(coded("PNG"), 1)),
        "WebP cut": ("p16-cut.webp", coded("WEBP")[:-500]),
        "TIFF cut": ("p17-cut.tif", coded("TIFF")[:-5000]),
        "HEIC cut": ("p18-cut.heic", coded("HEIF")[:-800]),
        "AVIF cut": ("p19-cut.avif", coded("AVIF")[:-500]),
        "BMP cut": ("p20-cut.bmp", coded("BMP")[:-9000]),
        "text": ("p21-text.jpg", b"no picture at all\n" * 40),
        "noise": ("p22-noise.jpg", np.random.default_rng(0).bytes(4000)),
        "zeros": ("p23-zeros.png", bytes(4000)),
        "HTML": ("p24-page.jpg", b"<html><body><script>alert(1)</script></body></html>"),
        "SVG": ("p25-drawing.png", b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
        "PNG named JPEG": ("p26-png.jpg", coded("PNG")),
        "JPEG named PNG": ("p27-jpeg.png", coded()),
        "JPEG and a ZIP behind it": ("p28-zip.jpg", jpeg + b"PK\x03\x04" * 60),
        "one pixel": ("p29-pixel.jpg", coded(image=picture(1, (1, 1)))),
        "one row": ("p30-row.jpg", coded(image=picture(1, (900, 1)))),
        "animated WebP": (
            "p31-moves.webp",
            coded("WEBP", _frames()[0], save_all=True, append_images=_frames()[1:], duration=90),
        ),
        "animated PNG": ("p32-moves.png", coded("PNG", _frames()[0], save_all=True, append_images=_frames()[1:])),
        "TIFF of three pages": (
            "p33-pages.tif",
            coded("TIFF", _frames()[0], save_all=True, append_images=_frames()[1:]),
        ),
        "CMYK": ("p34-cmyk.jpg", coded(image=picture(34).convert("CMYK"))),
        "grey": ("p35-grey.jpg", coded(image=picture(35).convert("L"))),
        "alpha": ("p36-alpha.png", coded("PNG", picture(36).convert("RGBA"))),
        "palette": ("p37-palette.png", coded("PNG", picture(37).convert("P"))),
        "sixteen bits": (
            "p38-deep.png",
            coded("PNG", Image.fromarray(np.asarray(picture(38).convert("L")).astype(np.uint16) * 257)),
        ),
        "32 bits": ("p39-float.tif", coded("TIFF", Image.fromarray(np.zeros((90, 90), np.float32)))),
        "hostile EXIF": ("p40-exif.jpg", _with_exif(b"MM\0*\0\0\0\x08\xff\xff" + bytes(range(256)) * 4)),
        "turned by EXIF": ("p41-turned.jpg", _turned(6)),
        "an orientation that is none": ("p42-odd.jpg", _turned(99)),
    }
    for name, (file_name, data) in contents.items():
        yield Medium(name, file_name.encode(), partial(_write, data=data))
    yield Medium("a name that is no UTF-8", b"p43-\xff\xfe.jpg", partial(_write, data=coded(image=picture(43))))
    yield Medium(
        "quotes, lines and HTML in its name", b"p44-'\"\n<b>.jpg", partial(_write, data=coded(image=picture(44)))
    )
    yield Medium("a link to nowhere", b"p45-nowhere.jpg", lambda path: path.symlink_to("nowhere.jpg"))
    yield Medium("a link to itself", b"p46-itself.jpg", lambda path: path.symlink_to(path.name))
    yield Medium("a named pipe", b"p47-pipe.jpg", os.mkfifo)


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def laid_out(folder: Path, media: Sequence[Medium]) -> Path:
    """Folders of classes, as ``prepare`` takes them: good photos in each, the bad ones among the sharp."""
    for number, name in enumerate(("sharp", "defocused_blurred", "defocused_object_portrait", "motion_blurred")):
        (folder / name).mkdir(parents=True)
        for photo in range(8):
            (folder / name / f"good-{number}-{photo}.jpg").write_bytes(coded(image=picture(100 + 10 * number + photo)))
    for medium in media:
        medium.write(folder / "sharp" / os.fsdecode(medium.file_name))
    return folder


Verb = Callable[[Path, Path, Path], tuple[str | Path, ...]]
VERBS: dict[str, Verb] = {
    "blur-train prepare": lambda photos, _, out: (photos, out, "--balance", "0"),
    "blur-train synth": lambda photos, _, out: (photos / "sharp", out, "--per-photo", "1", "-j", "1"),
    "blur-train classify": lambda photos, model, out: (
        *(photos, "--model", model, "-o", out, "--sidecars", "json"),
        *("-j", "1"),
    ),
}


def matrix(folder: Path, *, verbs: Sequence[str] | None = None) -> Iterator[tuple[str, Medium, Cell]]:
    """Every verb on all photos at once.

    Args:
        folder: for everything.
        verbs: only these.
    """
    made = run("blur-train", "demo", "--smoke", "-o", folder / "demo", folder=folder)
    if made.fault is not None:
        raise RuntimeError(f"{made.command}: {made.errors}")
    media = list(photos())
    library = laid_out(folder / "photos", media)
    for verb in VERBS if verbs is None else verbs:
        out = folder / verb.replace(" ", "-")
        arguments = VERBS[verb](library, folder / "demo" / "models" / "blur_classifier", out)
        ending = run(*verb.split(), *arguments, folder=folder)
        told = ending.output + ending.errors + _written(out)
        whole = ending.fault
        if whole is None and ending.code != ExitCode.SOME_INPUTS_FAILED:
            whole = f"exit code {ending.code}, though some photos cannot be used: {ending.errors[-300:]}"
        if whole is None and not all(f"good-0-{number}" in told for number in range(8)):
            whole = "a good photo is lost"
        for medium in media:
            why = whole or (None if f"{medium.stem}-" in told else "lost: nothing tells of it")
            yield verb, medium, Cell(Outcome.FAULT if why else "told", why)


def _written(out: Path) -> str:
    files = [file for file in out.rglob("*") if file.suffix in READABLE and file.is_file()] if out.is_dir() else []
    return "\n".join(file.read_text("utf-8", "replace") for file in files)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Every verb that reads folders of photos, on every bad photo.")
    parser.add_argument("--verb", action="append", choices=VERBS, help="only this; repeatable")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        cells = list(matrix(Path(temporary), verbs=given.verb))
    for verb, medium, cell in cells:
        if cell.why:
            print(f"{verb}, {medium.name}: {cell.why}", file=sys.stderr)
    faults = sum(cell.why is not None for _, _, cell in cells)
    print(table(cells))
    print(f"\n{len(cells)} cases of {len({medium.name for _, medium, _ in cells})} photos: {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
