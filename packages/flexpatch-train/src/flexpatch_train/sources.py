"""The videos of a run, each with a name of its own and the ground truth that belongs to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from flexpatch_train.evaluation.sequences import MotSequence, find_sequences
from footage.dataset.manifest import content_sha256, rows_sha256
from footage.errors import InputError, printable
from footage.video.reader import VideoReader, open_video


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One video of a run.

    Attributes:
        name: stands in the table's ``clip`` column; no two sources of a run share it.
        video: a video file or a folder of stills.
        ground_truth: human annotation in MOT text, where there is some.
        stills_rate: frames a second of a folder of stills, where known.
    """

    name: str
    video: Path
    ground_truth: Path | None = None
    stills_rate: Fraction | None = None

    def open(self) -> VideoReader:
        """Open the video.

        Raises:
            VideoError: it cannot be read.
        """
        if self.stills_rate is None:
            return open_video(self.video)
        return open_video(self.video, stills_rate=self.stills_rate)


def sources_of(
    videos: Sequence[Path],
    mot_root: Path | None,
    ground_truth: Path | None,
    tell: Callable[[str], None],
    *,
    hold_out: Sequence[str] = (),
) -> tuple[Source, ...]:
    """What a run learns from: the videos named, and the sequences below a root.

    Args:
        videos: files or folders of stills.
        mot_root: folder of MOT sequences with ground truth.
        ground_truth: of the one video, where a single one is named.
        tell: told what of the root is left out, and why.
        hold_out: names that must be among the sources.

    Raises:
        InputError: there is no video, one is named twice, one ground truth is given for several videos, or there is
            none of a name that is to be held out.
        DatasetError: there is no sequence below the root.
    """
    if ground_truth is not None and (mot_root is not None or len(videos) != 1):
        raise InputError(
            "one ground truth cannot belong to several videos",
            where=ground_truth,
            remedy="lay the videos out as MOT sequences, each with its gt/gt.txt, and give their folder",
        )
    named = [Source(name=_name(video, videos), video=video, ground_truth=ground_truth) for video in videos]
    found = [] if mot_root is None else _sequences(mot_root, tell)
    sources = (*named, *found)
    if not sources:
        raise InputError("there is no video to learn from", remedy="name a video, or a folder of MOT sequences")
    names = [source.name for source in sources]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{', '.join(twice)} would be learned from twice", remedy="name each video once")
    absent = sorted(set(hold_out) - set(names))
    if absent:
        raise InputError(f"there is no {' or '.join(absent)} to hold out", remedy=f"the names are: {', '.join(names)}")
    return sources


def _name(video: Path, videos: Sequence[Path]) -> str:
    """The file's name; with its folder where another video has the same."""
    same = [other for other in videos if other.name == video.name]
    return printable(video.name if len(same) == 1 else f"{video.absolute().parent.name}/{video.name}")


def _sequences(root: Path, tell: Callable[[str], None]) -> list[Source]:
    """One source a sequence: of several sizes of one recording the longest, else the largest."""
    found = find_sequences(root)
    for item in found.skipped:
        tell(f"left out: {printable(str(item.path))}: {item.reason}")
    by_folder: dict[Path, list[MotSequence]] = {}
    for sequence in found.sequences:
        by_folder.setdefault(sequence.video.parent, []).append(sequence)
    chosen = []
    for folder, sequences in by_folder.items():
        best = max(sequences, key=lambda one: (one.frame_count or 0, one.size[0] * one.size[1]))
        if len(sequences) > 1:
            tell(f"{printable(folder.name)} is there in {len(sequences)} sizes: {best.size[0]}x{best.size[1]} is taken")
        chosen.append(
            Source(
                name=printable(folder.relative_to(root).as_posix() if folder != root else folder.resolve().name),
                video=best.video,
                ground_truth=best.ground_truth,
                stills_rate=best.rate if best.video.is_dir() else None,
            )
        )
    return chosen


def video_sha256(path: Path) -> str:
    """SHA-256 of a video's content; of a folder of stills, that of its files' names and hashes in order of name."""
    if not path.is_dir():
        return content_sha256(path)
    return rows_sha256(*((still.name, content_sha256(still)) for still in sorted(path.iterdir()) if still.is_file()))
