"""``video-train from-frames``: folders of frames made into videos with their annotations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from footage.cli.progress import Progress
from footage.dataset.discover import Skipped
from footage.dataset.manifest import rows_sha256
from footage.errors import InputError
from footage.parallel import parallel_map
from footage.runs.directory import RunDirectory, atomic_write_json
from video_train.frames.encoding import EncodeOrder, encode
from video_train.frames.finding import SUFFIX, FrameVideo, find_frames

ANNOTATIONS_FILE = "annotations.json"
SMOKE_VIDEOS = 2

Tell = Callable[[str], None]
MakeProgress = Callable[[int, int], Progress]


@dataclass(frozen=True, slots=True, kw_only=True)
class FramesOptions:
    """What to convert, and how.

    Attributes:
        frames: folder of frames.
        output: folder for the videos.
        annotations: JSON list that says which class a video is; None for ``LABEL/ID`` folders.
        rate: frames a second.
        codec: FFmpeg's name of the encoder.
        crf: constant quality, lower is better.
        size: (width, height) in pixels; None keeps that of the frames.
        jobs: worker processes; None for one a core.
        max_videos: only so many; None for all.
    """

    frames: Path
    output: Path
    annotations: Path | None = None
    rate: Fraction = Fraction(25)
    codec: str = "libx264"
    crf: int = 18
    size: tuple[int, int] | None = None
    jobs: int | None = None
    max_videos: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """What was made.

    Attributes:
        annotations: the file that names every video and its class.
        videos: what it lists.
        already: how many of them an earlier run had made.
        failed: what could not be used, with the reason.
    """

    annotations: Path
    videos: tuple[dict[str, Any], ...]
    already: int
    failed: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What there is to convert.

    Attributes:
        videos: how many would be written.
        frames: of how many frames.
        classes: their names.
        seconds: how long they would be in all.
        failed: what could not be used.
    """

    videos: int
    frames: int
    classes: tuple[str, ...]
    seconds: float
    failed: tuple[Skipped, ...]


def plan(options: FramesOptions) -> Plan:
    """Find the frames; nothing is decoded or written.

    Raises:
        FootageError: as for :func:`convert`.
    """
    found, skipped = _found(options)
    frames = sum(len(video.frames) for video in found)
    return Plan(
        videos=len(found),
        frames=frames,
        classes=tuple(sorted({video.label for video in found})),
        seconds=float(frames / options.rate),
        failed=tuple(skipped),
    )


def convert(options: FramesOptions, *, tell: Tell, make_progress: MakeProgress) -> Converted:
    """Write ``{video_id}_{action_label}.mp4`` for every video, and ``annotations.json`` for all.

    Stopped or killed and called again, it goes on with the videos that are not there yet.

    Args:
        options: what to convert, and how.
        tell: told what the user should know.
        make_progress: makes the progress display from the number of videos and how many are already done.

    Raises:
        DatasetError: no frames make a video, or two videos would have one name.
        InputError: the rate or the size is not positive, or the folder cannot be used.
        OSError: the folder cannot be written.
    """
    found, skipped = _found(options)
    settings = {
        "rate": str(options.rate),
        "codec": options.codec,
        "crf": options.crf,
        "size": options.size,
    }
    with RunDirectory(options.output).open(tool="video-train", settings=settings) as folder:
        with folder.journal(settings) as journal:
            made = {(str(one["file"]), str(one["frames_sha256"])): one["size"] for one in journal}
            states = {video.name: _state(video) for video in found}
            todo = [
                video
                for video in found
                if (video.name, states[video.name]) not in made or not folder.file(video.name + SUFFIX).is_file()
            ]
            already = len(found) - len(todo)
            orders = {str(folder.file(video.name + SUFFIX)): video for video in todo}
            with make_progress(len(found), already) as progress:
                work = [_order(video, Path(file), options) for file, video in orders.items()]
                for outcome in parallel_map(encode, work, jobs=options.jobs, ordered=False):
                    video = orders[str(outcome.item.file)]
                    if outcome.error is not None:
                        progress.fail()
                        skipped.append(Skipped(outcome.item.file, outcome.error.message))
                        continue
                    state = states[video.name]
                    journal.append({"file": video.name, "frames_sha256": state, "size": outcome.value})
                    made[video.name, state] = outcome.value
                    progress.advance()
        for one in skipped:
            tell(f"warning: left out {one.path}: {one.reason}")
        entries = [_entry(video, options) for video in found if (video.name, states[video.name]) in made]
        if not entries:
            raise InputError(
                "not one video could be made", where=options.frames, remedy=f"the first reason: {skipped[0].reason}"
            )
        annotations = folder.file(ANNOTATIONS_FILE)
        atomic_write_json(annotations, entries)
        folder.finish(videos=len(entries), failed=skipped)
    return Converted(annotations=annotations, videos=tuple(entries), already=already, failed=tuple(skipped))


def _found(options: FramesOptions) -> tuple[list[FrameVideo], list[Skipped]]:
    if options.rate <= 0 or (options.size is not None and min(options.size) < 1):
        raise InputError("rate and size of a video must be positive")
    found, skipped = find_frames(options.frames, options.annotations)
    return found[: options.max_videos], skipped


def _order(video: FrameVideo, file: Path, options: FramesOptions) -> EncodeOrder:
    return EncodeOrder(
        frames=video.frames, file=file, rate=options.rate, codec=options.codec, crf=options.crf, size=options.size
    )


def _state(video: FrameVideo) -> str:
    """What tells that the same frames were converted before."""
    return rows_sha256([(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in video.frames])


def _entry(video: FrameVideo, options: FramesOptions) -> dict[str, Any]:
    return {
        "video_id": video.name,
        "action_label": video.label,
        "group": video.group,
        "sampled_frames": [file.relative_to(options.frames).as_posix() for file in video.frames],
        "frames_per_second": float(options.rate),
    }
