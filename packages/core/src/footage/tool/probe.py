"""The verb ``probe``: what video files are, without decoding more than a frame of each unless asked to."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from footage.cli.console import print_json, result
from footage.cli.exits import ExitCode
from footage.cli.progress import Progress, format_duration, progress
from footage.dataset.discover import Skipped, find_media
from footage.errors import VideoError, printable
from footage.video import Ending, VideoInfo, open_video
from footage.video.keyframes import KeyframeReader
from footage.video.probe import probe

HOUR_SECONDS = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyframes:
    """The keyframes of a video.

    Attributes:
        count: how many.
        median_gap_seconds: from one to the next; None where there are fewer than two.
        longest_gap_seconds: likewise.
        indexed: whether the file lists them; where it does not, its packets were read through.
    """

    count: int
    median_gap_seconds: float | None
    longest_gap_seconds: float | None
    indexed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What a file is.

    Attributes:
        info: of the container and the first frame.
        size_bytes: of the file.
        keyframes: where a decoder can begin.
        missing: what the file lacks of what its container declares, in words; None where nothing does.
        ending: how decoding all of it went; None where it was not asked for.
    """

    info: VideoInfo
    size_bytes: int
    keyframes: Keyframes
    missing: str | None
    ending: Ending | None

    @property
    def damage(self) -> str | None:
        """What is wrong with the file, in words; None where nothing is known to be."""
        return self.missing if self.ending is None or self.ending.reason is None else self.ending.reason


def show(given: list[Path], *, decode: bool, as_json: bool) -> ExitCode:
    """Look at videos and print what they are.

    Args:
        given: files, folders and globs.
        decode: decode every frame, which finds damage that headers do not show.
        as_json: print one JSON document.

    Returns:
        ``SOME_INPUTS_FAILED`` where one could not be read; a damaged video that can be read is no failure.

    Raises:
        DatasetError: there is no video at all.
    """
    found = find_media(given)
    failed = list(found.skipped)
    probed = []
    with progress(len(found.files), "videos", "looking at") as shown:
        for path in found.files:
            one = _look(path, failed, shown, decode=decode)
            if one is not None:
                probed.append(one)
                if not as_json:
                    _print(one)
    if as_json:
        videos = [{"damage": one.damage, **_document(one)} for one in probed]
        print_json({"videos": videos, "failed": failed})
    else:
        for skipped in failed:
            result(printable(f"{skipped.path}: cannot be read: {skipped.reason}"))
    return ExitCode.SOME_INPUTS_FAILED if failed else ExitCode.DONE


def look(path: Path, *, decode: bool = False) -> Probed:
    """Look at one file.

    Raises:
        VideoError: the path is missing, unreadable, or holds no video that can be decoded.
    """
    info = probe(path)
    with KeyframeReader(path) as reader:
        times = reader.times_seconds
        gaps = np.diff(times)
        keyframes = Keyframes(
            count=len(times),
            median_gap_seconds=float(np.median(gaps)) if len(gaps) else None,
            longest_gap_seconds=float(gaps.max()) if len(gaps) else None,
            indexed=reader.indexed,
        )
        missing = reader.cut_short
    ending = None
    if decode:
        with open_video(path) as video:
            for _ in video.frames():
                pass
            ending = video.ending
    size = path.stat().st_size
    return Probed(info=info, size_bytes=size, keyframes=keyframes, missing=missing, ending=ending)


def _look(path: Path, failed: list[Skipped], shown: Progress, *, decode: bool) -> Probed | None:
    try:
        one = look(path, decode=decode)
    except VideoError as error:
        failed.append(Skipped(path, error.what))
        shown.fail()
        return None
    shown.advance()
    return one


def _document(one: Probed) -> dict[str, object]:
    return {"info": one.info, "size_bytes": one.size_bytes, "keyframes": one.keyframes, "ending": one.ending}


def _print(one: Probed) -> None:
    info, keys = one.info, one.keyframes
    turned = f", turned by {info.rotation_degrees} degrees" if info.rotation_degrees else ""
    sound = "with sound" if info.has_audio else "no sound"
    result(printable(str(info.path)))
    result(f"  file       {info.container}, {_megabytes(one)}")
    result(f"  picture    {info.codec} {info.pixel_format or ''}, {info.width}x{info.height}{turned}, {sound}")
    result(f"  time       {_length(info)}, {_rate(info.average_rate)}, starts at {info.start_seconds:.3f} s")
    gaps = "" if keys.median_gap_seconds is None else f", one every {keys.median_gap_seconds:.2f} s"
    longest = "" if keys.longest_gap_seconds is None else f" (at most {keys.longest_gap_seconds:.2f} s)"
    listed = "listed in the file" if keys.indexed else "not listed in the file: it was read through"
    result(f"  keyframes  {keys.count}{gaps}{longest}; {listed}")
    decoded = "" if one.ending is None else f"{one.ending.frames_decoded} frames decoded; "
    unknown = "none found in headers" if one.ending is None else "none"
    result(printable(f"  damage     {decoded}{one.damage or unknown}"))


def _megabytes(one: Probed) -> str:
    text = f"{one.size_bytes / 1e6:,.1f} MB"
    if not one.info.duration_seconds:
        return text
    return f"{text}, {8e-6 * one.size_bytes / one.info.duration_seconds:.1f} Mbit/s"


def _length(info: VideoInfo) -> str:
    if info.duration_seconds is None:
        return "of unknown length"
    frames = "" if info.frame_count_estimate is None else f", about {info.frame_count_estimate:,} frames"
    return f"{format_duration(info.duration_seconds)}{frames}"


def _rate(rate: Fraction | None) -> str:
    if rate is None:
        return "rate unknown"
    exact = "" if rate.denominator == 1 else f" ({rate})"
    return f"{float(rate):.6g} frames a second{exact} on average"
