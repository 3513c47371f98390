"""Which frames make which video, matched by whole names."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from footage.dataset.discover import IMAGE_EXTENSIONS, Skipped, find_media
from footage.errors import DatasetError
from footage.video.images import natural_key

SUFFIX = ".mp4"
_UNNAMEABLE = re.compile(r"[/\\\0]|^\.")
"""What would make a name lead to another folder, or hide the file."""
_FEWEST_FRAMES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameVideo:
    """Frames that make one video.

    Attributes:
        identity: of the video.
        label: its class.
        frames: files in order.
        group: what it is kept together with when videos are dealt out.
    """

    identity: str
    label: str
    frames: tuple[Path, ...]
    group: str

    @property
    def name(self) -> str:
        """Of the file, without extension."""
        return f"{self.identity}_{self.label}"


def find_frames(folder: Path, annotations: Path | None) -> tuple[list[FrameVideo], list[Skipped]]:
    """Find out which frames make which video.

    With annotations, frames of ``video_id`` are those it lists as ``sampled_frames``, else those in a folder of exactly
    that name, else files named ``{video_id}_{number}``. Without, they lie in ``LABEL/ID`` folders.

    Returns:
        The videos, and what could not be used, with the reason.

    Raises:
        DatasetError: there are no pictures, the annotations cannot be read, or two videos would have one name.
    """
    pictures = find_media(folder, IMAGE_EXTENSIONS).files
    found, skipped = _in_folders(folder, pictures) if annotations is None else _annotated(folder, pictures, annotations)
    kept = []
    by_name: dict[str, FrameVideo] = {}
    for video in found:
        reason = _unusable(video)
        if reason is not None:
            skipped.append(Skipped(folder / video.group, reason))
            continue
        if video.name in by_name:
            raise DatasetError(
                f"two videos would be {video.name}{SUFFIX}",
                where=folder,
                remedy=f"rename one: {by_name[video.name].group} or {video.group}",
            )
        by_name[video.name] = video
        kept.append(video)
    if not kept:
        why = f", the first reason: {skipped[0].path}: {skipped[0].reason}" if skipped else ""
        raise DatasetError(
            f"no frames make a video{why}", where=folder, remedy="put frames into LABEL/ID folders, or annotate them"
        )
    return kept, skipped


def _unusable(video: FrameVideo) -> str | None:
    if len(video.frames) < _FEWEST_FRAMES:
        return f"{video.identity} has {len(video.frames)} frames, and a video needs {_FEWEST_FRAMES}"
    for part in (video.identity, video.label):
        if not part or _UNNAMEABLE.search(part):
            return f"{part!r} cannot be part of a file's name"
    return None


def _in_folders(folder: Path, pictures: Sequence[Path]) -> tuple[list[FrameVideo], list[Skipped]]:
    together: dict[tuple[str, ...], list[Path]] = defaultdict(list)
    for picture in pictures:
        together[picture.relative_to(folder).parts[:-1]].append(picture)
    found, skipped = [], []
    for parts, frames in sorted(together.items()):
        if len(parts) < 2:
            skipped.append(Skipped(folder.joinpath(*parts), "its pictures lie in no LABEL/ID folder"))
            continue
        found.append(
            FrameVideo(identity="-".join(parts[1:]), label=parts[0], frames=_in_order(frames), group="/".join(parts))
        )
    return found, skipped


def _annotated(folder: Path, pictures: Sequence[Path], annotations: Path) -> tuple[list[FrameVideo], list[Skipped]]:
    by_folder: dict[str, dict[Path, list[Path]]] = defaultdict(lambda: defaultdict(list))
    by_stem: dict[str, list[Path]] = defaultdict(list)
    by_name: dict[str, list[Path]] = defaultdict(list)
    for picture in pictures:
        by_folder[picture.parent.name][picture.parent].append(picture)
        within = picture.relative_to(folder).as_posix()
        for name in {picture.name, within}:
            by_name[name].append(picture)
        stem, _, number = picture.stem.rpartition("_")
        if number.isdecimal():
            by_stem[stem].append(picture)
    found, skipped = [], []
    for place, entry in enumerate(_entries(annotations), start=1):
        where = f"{annotations}, entry {place}"
        identity, label = entry.get("video_id"), entry.get("action_label")
        if not isinstance(identity, str | int) or isinstance(identity, bool) or not isinstance(label, str):
            raise DatasetError("has no video_id or no action_label", where=where, remedy="give both as texts")
        listed, name = entry.get("sampled_frames"), str(identity)
        if listed:
            frames = _listed(listed, by_name, where)
        elif len(by_folder[name]) > 1:
            raise DatasetError(f"there are several folders {name!r}", where=where, remedy="list its sampled_frames")
        else:
            frames = _in_order(next(iter(by_folder[name].values()), by_stem[name]))
        if not frames:
            skipped.append(Skipped(folder / name, "is annotated, and has no frames"))
            continue
        found.append(FrameVideo(identity=name, label=label, frames=frames, group=str(entry.get("group") or name)))
    return found, skipped


def _listed(listed: Any, by_name: dict[str, list[Path]], where: str) -> tuple[Path, ...]:
    """The files of a list of names, in its order.

    Raises:
        DatasetError: it is no list of names, or a name means no file or several.
    """
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
        raise DatasetError("its sampled_frames are no list of names", where=where)
    frames = []
    for name in listed:
        files = by_name.get(name) or by_name.get(Path(name).name, [])
        if len(files) != 1:
            count = "no file" if not files else f"{len(files)} files"
            raise DatasetError(
                f"the frame {name!r} is {count}", where=where, remedy="give paths within the folder of frames"
            )
        frames.append(files[0])
    return tuple(frames)


def _entries(annotations: Path) -> list[dict[str, Any]]:
    try:
        document = json.loads(annotations.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(f"cannot be read as JSON ({error})", where=annotations, remedy="check the file") from error
    if not isinstance(document, list) or not all(isinstance(entry, dict) for entry in document):
        raise DatasetError("is no list of annotations", where=annotations)
    return document


def _in_order(frames: Sequence[Path]) -> tuple[Path, ...]:
    return tuple(sorted(frames, key=lambda file: (natural_key(file.name), file.name)))
