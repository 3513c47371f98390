"""Videos as they should not be: cut at every boundary, lying headers, odd codings, odd names. All made on the spot."""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from footage.synthetic.drawing import texture

SIZE = (160, 96)
FRAMES = 36
RATE = Fraction(12)
GROUP = 6
CHUNK = 188
"""Bytes of a packet of a transport stream."""


@dataclass(frozen=True, slots=True)
class Medium:
    """One bad file.

    Attributes:
        name: what is wrong with it.
        file_name: begins with a word that no other file has.
        write: makes it.
        heavy: whether a gigabyte of memory is needed to look at it.
    """

    name: str
    file_name: bytes
    write: Callable[[Path], None]
    heavy: bool = False

    @property
    def stem(self) -> str:
        """The word by which a result can be told to speak of this file."""
        return self.file_name.split(b"-", 1)[0].decode()


def picture(number: int, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """A camera that pans over a texture."""
    width, height = size
    ground = texture(np.random.default_rng(3), (width + 2 * FRAMES, height), contrast=0.6)
    return np.ascontiguousarray(ground[:, 2 * number : 2 * number + width])


def coded(
    path: Path,
    *,
    kind: str = "mp4",
    codec: str = "libx264",
    size: tuple[int, int] = SIZE,
    frames: int = FRAMES,
    pixels: str = "yuv420p",
    ticks: Callable[[int], int] | None = None,
    options: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
) -> None:
    """Write a video through FFmpeg; ``ticks`` gives presentation times in 600ths of a second."""
    with av.open(str(path), "w", format=kind, options=container or {}) as output:
        stream = output.add_stream(codec, rate=RATE, options=options or {})
        if not isinstance(stream, av.VideoStream):
            raise TypeError(codec)
        stream.width, stream.height, stream.pix_fmt = *size, pixels
        stream.codec_context.gop_size = GROUP
        if ticks is not None:
            stream.codec_context.time_base = Fraction(1, 600)
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(picture(number % FRAMES, size), format="rgb24")
            if ticks is not None:
                frame.pts, frame.time_base = ticks(number), Fraction(1, 600)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def good(path: Path) -> None:
    """Nothing is wrong with it: among bad ones it must come through."""
    coded(path)


def _bytes_of(kind: str, path: Path, **how: object) -> bytes:
    whole = path.with_name(f".whole.{kind}")
    coded(whole, kind={"mkv": "matroska", "ts": "mpegts"}.get(kind, kind), **how)  # type: ignore[arg-type]  # passed on
    data = whole.read_bytes()
    whole.unlink()
    return data


FRONT: dict[str, object] = {"container": {"movflags": "+faststart"}}


def cut(kind: str, at: Callable[[bytes], int], **how: object) -> Callable[[Path], None]:
    """A file that ends early."""

    def write(path: Path) -> None:
        data = _bytes_of(kind, path, **how)
        path.write_bytes(data[: at(data)])

    return write


def changed(kind: str, change: Callable[[bytearray], None], **how: object) -> Callable[[Path], None]:
    """A file in which some bytes are others."""

    def write(path: Path) -> None:
        data = bytearray(_bytes_of(kind, path, **how))
        change(data)
        path.write_bytes(bytes(data))

    return write


def after(mark: bytes, more: int = 0) -> Callable[[bytes], int]:
    """The place behind a mark in a file."""
    return lambda data: data.index(mark) + len(mark) + more


def put(mark: bytes, offset: int, value: bytes) -> Callable[[bytearray], None]:
    """Overwrite what stands some bytes behind a mark."""

    def change(data: bytearray) -> None:
        start = data.index(mark) + offset
        data[start : start + len(value)] = value

    return change


def _flip_bits(data: bytearray) -> None:
    rng = np.random.default_rng(5)
    start = data.index(b"mdat") + 8
    for place in rng.integers(start, len(data) - 1, 200).tolist():
        data[place] ^= 1 << int(rng.integers(8))


def raw(data: bytes) -> Callable[[Path], None]:
    """Bytes as they are."""

    def write(path: Path) -> None:
        path.write_bytes(data)

    return write


def by_ffmpeg(*arguments: str, source: dict[str, object] | None = None) -> Callable[[Path], None]:
    """What only FFmpeg's command line makes, of a good file."""

    def write(path: Path) -> None:
        whole = path.with_name(".source.mp4")
        coded(whole, **(source or {}))  # type: ignore[arg-type]  # passed on
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-i", str(whole), *arguments]
        subprocess.run([*command, b"file:" + os.fsencode(path)], check=True, stdin=subprocess.DEVNULL)
        whole.unlink()

    return write


def rotated(degrees: int) -> Callable[[Path], None]:
    """A file that says it is to be turned."""

    def write(path: Path) -> None:
        whole = path.with_name(".source.mp4")
        coded(whole)
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-display_rotation", str(degrees)]
        subprocess.run([*command, "-i", str(whole), "-c", "copy", str(path)], check=True, stdin=subprocess.DEVNULL)
        whole.unlink()

    return write


def joined(kind: str, *sizes: tuple[int, int]) -> Callable[[Path], None]:
    """Several files, one behind the other."""

    def write(path: Path) -> None:
        path.write_bytes(b"".join(_bytes_of(kind, path, size=size) for size in sizes))

    return write


def sound(path: Path, *, cover: bool) -> None:
    """Music, perhaps with a picture of its cover."""
    audio = ["-f", "lavfi", "-i", "sine=frequency=440:duration=2"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *audio]
    if cover:
        image = path.with_name(".cover.png")
        cv2.imwrite(str(image), picture(0))
        command += ["-i", str(image), "-map", "0", "-map", "1", "-c:v", "mjpeg", "-disposition:v:0", "attached_pic"]
    subprocess.run([*command, "-c:a", "aac", "-f", "mp4", str(path)], check=True, stdin=subprocess.DEVNULL)
    if cover:
        image.unlink()


def still(path: Path) -> None:
    """A photo under a video's name."""
    done, data = cv2.imencode(".jpg", picture(0))
    path.write_bytes(data.tobytes() if done else b"")


def enormous(path: Path) -> None:
    """Sixteen thousand pixels each way, a single frame."""
    side = 16384
    done, data = cv2.imencode(".jpg", np.full((side, side), 128, np.uint8))
    with av.open(str(path), "w", format="matroska") as output:
        stream = output.add_stream("mjpeg", rate=RATE)
        if not done or not isinstance(stream, av.VideoStream):
            raise TypeError("mjpeg")
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuvj420p"  # the encoder is not asked
        packet = av.Packet(data.tobytes())
        packet.stream, packet.pts, packet.dts, packet.is_keyframe = stream, 0, 0, True
        output.mux(packet)


def folder(path: Path) -> None:
    """A folder under a video's name, with a video in it."""
    path.mkdir()
    good(path / "inside.mp4")


Made = tuple[str, Callable[[Path], None], str]

CUT: tuple[Made, ...] = (
    ("zero bytes", raw(b""), ".mp4"),
    ("one byte", raw(b"\x00"), ".mp4"),
    ("MP4 cut in its first box", raw(b"\x00\x00\x00 ftypis"), ".mp4"),
    ("MP4 cut in its index", cut("mp4", after(b"moov", 60), **FRONT), ".mp4"),
    ("MP4 cut behind its index", cut("mp4", after(b"mdat"), **FRONT), ".mp4"),
    ("MP4 cut in its pictures", cut("mp4", lambda data: len(data) * 2 // 3, **FRONT), ".mp4"),
    ("MP4 cut by one byte", cut("mp4", lambda data: len(data) - 1, **FRONT), ".mp4"),
    ("MP4 whose index is missing", cut("mp4", lambda data: data.rindex(b"moov") - 4), ".mp4"),
    (
        "MP4 in fragments, cut",
        cut("mp4", lambda data: data.rindex(b"mdat"), container={"movflags": "frag_keyframe+empty_moov"}),
        ".mp4",
    ),
    ("Matroska cut in its header", cut("mkv", lambda _: 40), ".mkv"),
    ("Matroska cut in a cluster", cut("mkv", lambda data: len(data) // 2), ".mkv"),
    ("AVI cut before its index", cut("avi", lambda data: data.rindex(b"idx1"), codec="mpeg4"), ".avi"),
    ("AVI cut in its pictures", cut("avi", lambda data: len(data) // 2, codec="mpeg4"), ".avi"),
    ("transport stream cut in a packet", cut("ts", lambda data: len(data) // 2 // CHUNK * CHUNK + 71), ".mp4"),
)
"""Files that end too early."""

LYING: tuple[Made, ...] = (
    ("text", raw(b"Take 3 is the good one.\n" * 40), ".mp4"),
    ("noise", raw(np.random.default_rng(1).bytes(65536)), ".mp4"),
    ("zeros", raw(bytes(65536)), ".mp4"),
    ("Matroska named MP4", cut("mkv", len), ".mp4"),
    ("MP4 named AVI", cut("mp4", len), ".avi"),
    ("a photo named MP4", still, ".mp4"),
    (
        "a box of eight exabytes",
        changed("mp4", put(b"mdat", -4, b"\x00\x00\x00\x01mdat" + struct.pack(">Q", 2**63 - 1)), **FRONT),
        ".mp4",
    ),
    ("two billion samples", changed("mp4", put(b"stsz", 12, struct.pack(">I", 2**31 - 1)), **FRONT), ".mp4"),
    (
        "65,535 pixels each way, it says",
        changed("mp4", put(b"avc1", 28, struct.pack(">HH", 65535, 65535)), **FRONT),
        ".mp4",
    ),
    ("bits that fell over", changed("mp4", _flip_bits, **FRONT), ".mp4"),
    ("a codec that nobody knows", changed("mp4", put(b"avc1", 0, b"zzz9"), **FRONT), ".mp4"),
    ("frames that take no time", changed("mp4", put(b"stts", 12, bytes(4)), **FRONT), ".mp4"),
    (
        "encrypted",
        by_ffmpeg(
            "-c", "copy", "-encryption_scheme", "cenc-aes-ctr", "-encryption_key", "0" * 32, "-encryption_kid", "1" * 32
        ),
        ".mp4",
    ),
    ("a playlist", raw(b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"), ".mp4"),
    ("a list of files to join", raw(b"ffconcat version 1.0\nfile /etc/passwd\n"), ".mp4"),
    ("a folder named MP4", folder, ".mp4"),
    ("a link to nowhere", lambda path: path.symlink_to("gone.mp4"), ".mp4"),
    ("a pipe", os.mkfifo, ".mp4"),
)
"""Files that are not what their name or header says."""

ODD: tuple[Made, ...] = (
    ("times before zero", lambda path: coded(path, kind="matroska", ticks=lambda n: 50 * n - 900), ".mkv"),
    ("times far from zero", lambda path: coded(path, kind="matroska", ticks=lambda n: 50 * n + 10**9), ".mkv"),
    ("a variable rate", lambda path: coded(path, ticks=lambda n: 50 * n + n * n * 7 % 40), ".mp4"),
    ("two MP4 files joined", joined("mp4", SIZE, SIZE), ".mp4"),
    ("a stream that changes its size", joined("ts", SIZE, (96, 160)), ".mp4"),
    ("only sound", lambda path: sound(path, cover=False), ".mp4"),
    ("music with its cover", lambda path: sound(path, cover=True), ".mp4"),
    ("turned by 90", rotated(90), ".mp4"),
    ("turned by 180", rotated(180), ".mp4"),
    ("turned by 270", rotated(270), ".mp4"),
    (
        "interlaced",
        by_ffmpeg("-vf", "interlace", "-flags", "+ildct+ilme", "-c:v", "mpeg2video", "-f", "mpegts"),
        ".mp4",
    ),
    (
        "ten bits",
        lambda path: coded(path, codec="libx265", pixels="yuv420p10le", options={"x265-params": "log-level=none"}),
        ".mp4",
    ),
    (
        "HDR",
        by_ffmpeg(
            "-c:v",
            "libx265",
            "-pix_fmt",
            "yuv420p10le",
            "-color_primaries",
            "bt2020",
            "-color_trc",
            "smpte2084",
            "-colorspace",
            "bt2020nc",
            "-x265-params",
            "log-level=none",
        ),
        ".mp4",
    ),
    ("an odd size", lambda path: coded(path, size=(161, 97), pixels="yuv444p"), ".mp4"),
    ("grey", lambda path: coded(path, pixels="gray"), ".mp4"),
    ("with alpha", lambda path: coded(path, kind="mov", codec="qtrle", pixels="argb"), ".mov"),
    ("one pixel", lambda path: coded(path, kind="matroska", codec="ffv1", size=(1, 1), pixels="bgr0"), ".mkv"),
    ("one frame", lambda path: coded(path, frames=1), ".mp4"),
    ("two frames", lambda path: coded(path, frames=2), ".mp4"),
)
"""Videos as they rarely are, and what else has sound and pictures."""


def media() -> Iterator[Medium]:
    """All of them."""
    number = 10
    for number, (name, write, suffix) in enumerate((*CUT, *LYING, *ODD), start=10):
        plain = name.replace(" ", "_").replace("/", "_").encode()
        yield Medium(name, b"m%d-" % number + plain + suffix.encode(), write)
    yield Medium("a name that is no UTF-8", b"m%d-\xff\xfe.mp4" % (number + 1), good)
    yield Medium("a name with quotes and lines", b"m%d-'\"\n<b>$(x);.mp4" % (number + 2), good)
    yield Medium("16,384 pixels each way", b"m%d-enormous.mkv" % (number + 3), enormous, heavy=True)


def write_media(folder: Path, *, heavy: bool) -> dict[Medium, Path]:
    """Write all, and ``good-*.mp4`` beside them.

    Args:
        folder: where to.
        heavy: those too that take a gigabyte to look at.
    """
    folder.mkdir(parents=True, exist_ok=True)
    good(folder / "good-1.mp4")
    made = {}
    for medium in media():
        path = Path(os.fsdecode(os.fsencode(folder) + b"/" + medium.file_name))
        if heavy or not medium.heavy:
            medium.write(path)
            made[medium] = path
    return made
