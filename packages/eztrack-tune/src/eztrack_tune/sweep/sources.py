"""The clips of a sweep: those of a scan, with their sides, or files as they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eztrack_tune.classes import footage_class
from eztrack_tune.scan.record import SCAN_FILE, ScannedClip, read_scan
from eztrack_tune.sweep.options import SweepOptions
from eztrack_tune.trackers.frames import content_of
from footage.dataset.discover import find_media
from footage.errors import DatasetError, FootageError, InputError
from footage.video.probe import probe


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepClip:
    """A clip to try settings on.

    Attributes:
        path: the file, absolute.
        content_sha256: of the file.
        class_name: the add-on's class.
        side: ``tuning`` or ``held_out``; None where it was not split.
        difficulty: ``easy``, ``medium`` or ``hard``; None where it was not measured.
        width: of a frame as displayed, pixels.
        height: of a frame as displayed, pixels.
        fps: frames a second.
    """

    path: Path
    content_sha256: str
    class_name: str
    side: str | None
    difficulty: str | None
    width: int
    height: int
    fps: float


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that could not be used, and why."""

    path: Path
    reason: str


def find_clips(options: SweepOptions) -> tuple[list[SweepClip], list[LeftOut]]:
    """The clips to track, by path, and what was left out.

    Raises:
        DatasetError: there is none, or a scan cannot be read.
        InputError: a scan and other sources are given together.
    """
    scans = [source for source in options.sources if source.name == SCAN_FILE or (source / SCAN_FILE).is_file()]
    if scans and len(options.sources) > 1:
        raise InputError("a scan stands for its clips: it goes alone", where=scans[0], remedy="leave the others out")
    if scans:
        clips, left_out = _of_scan(scans[0], options.side)
    else:
        clips, left_out = _of_files(options)
    if not clips:
        why = f" ({left_out[0].path}: {left_out[0].reason})" if left_out else ""
        raise DatasetError(f"there is no clip to track{why}", remedy="name video files, a folder of them, or a scan")
    return sorted(clips, key=lambda clip: (clip.class_name, clip.path))[: options.most_clips], left_out


def _of_scan(source: Path, side: str) -> tuple[list[SweepClip], list[LeftOut]]:
    scan = read_scan(source)
    wanted = [clip for clip in scan.clips if side in {"all", clip.side}]
    if not wanted:
        raise DatasetError(f"the scan has no clip of side {side}", where=source, remedy="add clips, and scan again")
    gone = [LeftOut(clip.path, "is there no more") for clip in wanted if not clip.path.is_file()]
    return [_scanned(clip) for clip in wanted if clip.path.is_file()], gone


def _scanned(clip: ScannedClip) -> SweepClip:
    return SweepClip(
        path=clip.path,
        content_sha256=clip.content_sha256,
        class_name=clip.footage.name,
        side=clip.side,
        difficulty=clip.difficulty.value,
        width=clip.width,
        height=clip.height,
        fps=clip.fps,
    )


def _of_files(options: SweepOptions) -> tuple[list[SweepClip], list[LeftOut]]:
    found = find_media(options.sources)
    left_out = [LeftOut(skipped.path, skipped.reason) for skipped in found.skipped]
    clips: dict[str, SweepClip] = {}
    for path in found.files:
        try:
            info = probe(path)
            sha256 = content_of(path)
            name = footage_class(info.width, info.height, float(info.average_rate or 0)).name
        except FootageError as error:
            left_out.append(LeftOut(path, error.what))
            continue
        if sha256 in clips:
            left_out.append(LeftOut(path, f"is the same as {clips[sha256].path.name}"))
            continue
        clips[sha256] = SweepClip(
            path=path.absolute(),
            content_sha256=sha256,
            class_name=name,
            side=None,
            difficulty=None,
            width=info.width,
            height=info.height,
            fps=float(info.average_rate or 0),
        )
    return list(clips.values()), left_out
