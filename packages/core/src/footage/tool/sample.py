"""The verb ``sample``: frames of a video as pictures, with their exact times in names and in a manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from footage.cli.console import print_json, result
from footage.cli.progress import progress
from footage.dataset.manifest import content_sha256
from footage.errors import VideoError, printable
from footage.runs.directory import RunDirectory
from footage.runs.files import atomic_write_json
from footage.sampling import Keyframes, PerSecond, Policy, Random, Uniform
from footage.tool.options import PictureName, PolicyName
from footage.video import Frame, VideoInfo, open_video
from footage.video.images import write_image
from footage.video.keyframes import KeyframeReader
from footage.video.probe import probe

FORMAT_VERSION = 1
MANIFEST_FILE = "manifest.json"
SMOKE_COUNT = 3
DEFAULT_COUNT = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleOptions:
    """What is taken.

    Attributes:
        video: the file.
        output: the folder for pictures and manifest.
        policy: which moments.
        count: how many; for ``per-second`` at most.
        rate: for ``per-second``, frames a second.
        picture: format of the pictures.
        seed: for ``random``.
    """

    video: Path
    output: Path
    policy: PolicyName
    count: int | None
    rate: Fraction
    picture: PictureName
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A picture.

    Attributes:
        file: its name in the folder.
        pts_seconds: the frame's presentation time, from the first frame.
        asked_seconds: the moment that was asked for.
        sha256: of the picture's file.
    """

    file: str
    pts_seconds: float
    asked_seconds: float
    sha256: str


def show(options: SampleOptions, *, dry_run: bool, as_json: bool) -> None:
    """Take the pictures and print where they are.

    Raises:
        VideoError: the video cannot be read.
        InputError: the folder belongs to another process.
        OSError: the folder is not writable or the disk is full.
    """
    info = probe(options.video)
    times = moments(options, info)
    if dry_run:
        _print_plan(options, info, times, as_json=as_json)
        return
    with progress(len(times), "frames", "taking") as shown:
        taken = sample(options, info, times, advance=shown.advance)
    manifest = options.output / MANIFEST_FILE
    if as_json:
        print_json({"video": options.video, "manifest": manifest, "frames": taken})
        return
    span = f", from {taken[0].pts_seconds:.6f} s to {taken[-1].pts_seconds:.6f} s" if taken else ""
    result(printable(f"{len(taken)} frames of {options.video}{span}: {options.output}"))
    result(printable(str(manifest)))


def moments(options: SampleOptions, info: VideoInfo) -> NDArray[np.float64]:
    """The times to take pictures at, ascending.

    Raises:
        VideoError: the file does not say how long it is.
    """
    if not info.duration_seconds:
        raise VideoError("the file does not say how long it is", where=options.video, remedy="remux it into MP4")
    policy: Policy
    if options.policy is PolicyName.PER_SECOND:
        policy = PerSecond(options.rate)
    else:
        kinds: dict[PolicyName, Callable[[int], Policy]] = {
            PolicyName.UNIFORM: Uniform,
            PolicyName.RANDOM: Random,
            PolicyName.KEYFRAMES: Keyframes,
        }
        policy = kinds[options.policy](options.count or DEFAULT_COUNT)
    times = policy.times(info.duration_seconds, np.random.default_rng(options.seed))
    return times if options.count is None else times[: options.count]


def sample(
    options: SampleOptions, info: VideoInfo, times: NDArray[np.float64], *, advance: Callable[[], None]
) -> list[Taken]:
    """Write a picture for each moment, each frame once, and the manifest last.

    Raises:
        VideoError: nothing can be decoded.
        InputError: the folder belongs to another process.
        OSError: the folder is not writable or the disk is full.
    """
    settings = {"policy": options.policy.value, "count": options.count, "rate": options.rate}
    video = {"path": options.video, "sha256": content_sha256(options.video), "info": info}
    taken: list[Taken] = []
    with RunDirectory(options.output).open(
        tool="footage-core", seed=options.seed, settings={**settings, "video_sha256": video["sha256"]}
    ) as folder:
        for asked, frame in _frames(options, times):
            advance()
            if taken and taken[-1].pts_seconds == frame.pts_seconds:
                continue  # two moments that show one frame
            name = f"{options.video.stem}_{frame.pts_seconds:013.6f}s.{options.picture.value}"
            write_image(folder.file(name), frame.image)
            digest = content_sha256(folder.file(name))
            taken.append(Taken(file=name, pts_seconds=frame.pts_seconds, asked_seconds=asked, sha256=digest))
        document = {"format_version": FORMAT_VERSION, "video": video, "settings": settings, "frames": taken}
        atomic_write_json(folder.file(MANIFEST_FILE), document)
        folder.finish()
    return taken


def _frames(options: SampleOptions, times: NDArray[np.float64]) -> Iterator[tuple[float, Frame]]:
    """A frame for each moment, every shade as the file has it."""
    shown = times.tolist()
    if options.policy is PolicyName.KEYFRAMES:
        with KeyframeReader(options.video) as keyframes:
            shown = [frame.pts_seconds for frame in keyframes.nearest(times, size=None)]
    with open_video(options.video, accurate_colours=True) as video:
        for asked, seconds in zip(times.tolist(), shown, strict=True):
            yield asked, video.frame_at(seconds)


def _print_plan(options: SampleOptions, info: VideoInfo, times: NDArray[np.float64], *, as_json: bool) -> None:
    # A photo of a natural scene takes about a byte a pixel as PNG and a sixth of that as JPEG of quality 95.
    each = info.width * info.height * (1.0 if options.picture is PictureName.PNG else 1 / 6)
    plan = {"frames": len(times), "disk_bytes": round(each * len(times)), "output": options.output}
    if as_json:
        print_json(plan)
        return
    result(f"would take at most {len(times)} frames, about {each * len(times) / 1e6:.0f} MB: {options.output}")
