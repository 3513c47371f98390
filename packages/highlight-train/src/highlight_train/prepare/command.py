"""``highlight-train prepare-dataset``: frames at a steady rate out of every labelled clip."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from footage.dataset.manifest import content_sha256
from footage.errors import DatasetError, InputError, VideoError
from footage.runs.directory import RunDirectory
from footage.video.images import write_image
from footage.video.probe import probe
from highlight_train.labels import Labelled
from highlight_train.prepare.clips import (
    GroupBy,
    KnownClip,
    MakeProgress,
    Tell,
    identified,
    labelled_clips,
    take_all,
)
from highlight_train.prepare.frames import Sampling, scaled_size
from highlight_train.prepare.manifest import (
    FRAMES_FOLDER,
    MANIFEST_FILE,
    ClipEntry,
    Dataset,
    FrameEntry,
    SkippedClip,
    read_dataset,
    write_dataset,
)

OUTPUT_FOLDER = "dataset"
JOURNAL_FILE = "clips.jsonl"
JPEG_QUALITY = 92
SMOKE_CLIPS = 4

_OURS = re.compile(r".*-[0-9a-f]{12}-\d{8,}\.jpg")


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareOptions:
    """What to prepare, and how.

    Attributes:
        labels: the ``labels.json``.
        output: the data set's folder.
        merge: add to the data set that is there; its other clips stay.
        rate: frames a second.
        longest_side_px: larger frames are scaled down to it.
        group_by: what must stay on one side of a split: the clips of a folder (a flight or a day), or each clip.
        jobs: worker processes; None for one a core.
        max_clips: take only so many clips of each class; None for all.
    """

    labels: Path
    output: Path = Path(OUTPUT_FOLDER)
    merge: bool = False
    rate: float = 1.0
    longest_side_px: int = 640
    group_by: GroupBy = "folder"
    jobs: int | None = None
    max_clips: int | None = None

    def __post_init__(self) -> None:
        """Refuse settings under which no frame could be taken.

        Raises:
            InputError: the rate or the size is not positive.
        """
        if not 0 < self.rate <= 1000 or self.longest_side_px < 1:
            raise InputError(f"{self.rate:g} frames a second of {self.longest_side_px} px cannot be taken")


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparePlan:
    """What preparing would do.

    Attributes:
        clips: labelled clips that can be opened.
        frames: about how many frames they give.
        disk_bytes: about what the frames take.
        unreadable: clips that cannot be opened, and why.
    """

    clips: int
    frames: int
    disk_bytes: int
    unreadable: tuple[SkippedClip, ...]


def plan(options: PrepareOptions) -> PreparePlan:
    """Open every labelled clip and say what preparing would take; nothing is written.

    Raises:
        DatasetError: the labels cannot be read.
    """
    frames, disk, unreadable, readable = 0, 0, [], 0
    for labelled, _ in labelled_clips(options.labels, options.max_clips):
        try:
            info = probe(labelled.path)
        except VideoError as error:
            unreadable.append(SkippedClip(path=str(labelled.path), reason=str(error)))
            continue
        count = max(1, round((info.duration_seconds or 0) * options.rate))
        width, height = scaled_size(info.width, info.height, options.longest_side_px)
        # A photo of quality 92 takes about two bits a pixel.
        readable, frames, disk = readable + 1, frames + count, disk + count * width * height // 4
    return PreparePlan(clips=readable, frames=frames, disk_bytes=disk, unreadable=tuple(unreadable))


def prepare(options: PrepareOptions, *, tell: Tell, make_progress: MakeProgress) -> Dataset:
    """Take the frames of every labelled clip that has none yet, and write the data set.

    A clip that cannot be used is left out with its reason. Killed and called again, it goes on with the next clip.

    Args:
        options: what to prepare, and how.
        tell: told what the user should know.
        make_progress: makes the progress display from the number of clips and how many are already done.

    Returns:
        The data set as written to ``options.output``.

    Raises:
        DatasetError: the labels cannot be read, or no clip could be used.
        InputError: the folder holds another data set, or another process is working in it.
    """
    clips = labelled_clips(options.labels, options.max_clips)
    settings: dict[str, Any] = {"frames_per_second": options.rate, "longest_side_px": options.longest_side_px}
    with RunDirectory(options.output).open(tool="highlight-train", settings=settings) as folder:
        earlier = _earlier(options, clips, settings)
        known, skipped = identified(clips, options.group_by)
        folder.file(FRAMES_FOLDER).mkdir(exist_ok=True)
        with folder.journal(settings, name=JOURNAL_FILE) as journal:
            if journal.restarted_because:
                tell(f"starting anew: {journal.restarted_because}")
            taken, failed = take_all(
                known,
                # A worker may have been started in another folder.
                partial(_take, options=replace(options, output=options.output.absolute())),
                journal,
                is_there=lambda record: all(folder.file(frame["file"]).is_file() for frame in record["frames"]),
                jobs=options.jobs,
                tell=tell,
                make_progress=make_progress,
            )
        skipped += failed
        dataset = _combined(settings, taken, earlier, skipped)
        write_dataset(dataset, folder.path)
        _remove_strays(dataset, folder.path)
        for one in dataset.skipped:
            tell(f"warning: left out {one.path}: {one.reason}")
        folder.finish(clips=len(dataset.clips), frames=dataset.frames, skipped=dataset.skipped)
    return dataset


def _earlier(
    options: PrepareOptions, clips: Sequence[tuple[Labelled, bool]], settings: dict[str, Any]
) -> list[ClipEntry]:
    """The clips of the data set that is there and that are not labelled now.

    Raises:
        InputError: there are such clips and they would be lost, or their frames were taken in another way.
    """
    if not (options.output / MANIFEST_FILE).exists():
        return []
    there = read_dataset(options.output)
    now = {str(labelled.path) for labelled, _ in clips}
    others = [clip for clip in there.clips if clip.path not in now]
    if others and not options.merge:
        raise InputError(
            f"holds a data set with {len(others)} clips that are not labelled in {options.labels.name}, "
            f"such as {others[0].path}",
            where=options.output,
            remedy="merge the new clips into it, or choose another folder",
        )
    if others and there.settings != settings:
        raise InputError(
            f"holds a data set made with other settings ({there.settings})",
            where=options.output,
            remedy="use the same settings, or choose another folder",
        )
    return others


def _take(clip: KnownClip, *, options: PrepareOptions) -> dict[str, Any]:
    """Write the frames of one clip, in a worker process.

    Raises:
        VideoError: the clip gives no frame.
    """
    path = clip.labelled.path
    sampling = Sampling(path, options.rate, options.longest_side_px)
    frames: list[FrameEntry] = []
    for taken in sampling:
        name = f"{_safe(path.stem)}-{clip.fingerprint[:12]}-{round(taken.seconds * 1000):08d}.jpg"
        file = options.output / FRAMES_FOLDER / name
        write_image(file, taken.image, quality=JPEG_QUALITY)
        frames.append(FrameEntry(file=f"{FRAMES_FOLDER}/{name}", seconds=taken.seconds, sha256=content_sha256(file)))
    if not frames:
        raise VideoError("no frame could be decoded", where=path, remedy="check that it plays, or copy it again")
    return clip.record(frames, duration_seconds=sampling.duration_seconds, sampled=sampling.way, note=sampling.note)


def _safe(stem: str) -> str:
    """A file name's stem in characters that every file system takes; what makes it unique is added by the caller."""
    return re.sub(r"[^A-Za-z0-9_]+", "_", stem)[:40].strip("_") or "clip"


def _combined(
    settings: dict[str, Any], taken: list[ClipEntry], earlier: list[ClipEntry], skipped: list[SkippedClip]
) -> Dataset:
    """Earlier clips first; one whose content came again under another name gives way to the new name.

    Raises:
        DatasetError: there is no clip.
    """
    contents = {clip.fingerprint for clip in taken}
    clips = (*(clip for clip in earlier if clip.fingerprint not in contents), *taken)
    if not clips:
        raise DatasetError(
            f"none of the {len(skipped)} labelled clips can be used; {skipped[0].reason}",
            where=skipped[0].path,
            remedy="check that the paths in the labels are right",
        )
    return Dataset(settings=settings, clips=clips, skipped=tuple(sorted(skipped, key=lambda one: one.path)))


def _remove_strays(dataset: Dataset, folder: Path) -> None:
    """Remove frames of ours that belong to no clip any more: of other settings, or of a clip that was cut off."""
    kept = {frame.file for clip in dataset.clips for frame in clip.frames}
    for file in (folder / FRAMES_FOLDER).iterdir():
        if _OURS.fullmatch(file.name) and f"{FRAMES_FOLDER}/{file.name}" not in kept:
            file.unlink()
