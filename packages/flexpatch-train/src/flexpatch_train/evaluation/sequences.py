"""Sequences with ground truth, as MOTChallenge lays them out: a folder with ``gt/`` and a video or ``img1/``.

A folder may hold the same sequence in several sizes, each with a ground truth of its own (``gt.txt``,
``gt_768x576.txt``). They are paired by what says a size: the file names, then ``seqinfo.ini``, then the boxes
themselves. What cannot be paired is listed with the reason.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from flexpatch_train.mot import DISTRACTORS, PEDESTRIAN, GroundTruth, MotRows, check_fits, ground_truth, read_mot
from flexpatch_train.seqinfo import SequenceInfo, read_seqinfo
from footage.dataset.discover import IMAGE_EXTENSIONS, VIDEO_EXTENSIONS, Skipped
from footage.errors import DatasetError, FootageError
from footage.video.reader import open_video
from footage.video.types import VideoInfo

_SIZE_IN_NAME = re.compile(r"(?<!\d)(\d{2,5})x(\d{2,5})(?!\d)")
_MAIN_TRUTH = "gt.txt"
_SEQUENCE_INFO = "seqinfo.ini"


@dataclass(frozen=True, slots=True)
class SequenceTruth:
    """The ground truth of a sequence.

    Attributes:
        objects: the boxes a tracker is scored on.
        ignored: distractors, finding which is neither right nor wrong.
        uncounted: other true boxes (vehicles, occluders), finding which is wrong.
    """

    objects: MotRows
    ignored: MotRows
    uncounted: MotRows


@dataclass(frozen=True, slots=True, kw_only=True)
class MotSequence:
    """A video and the ground truth that belongs to it.

    Attributes:
        name: the folder's name below the root; with the picture's size where the folder holds several sequences.
        video: a video file or a folder of stills.
        ground_truth: MOT text.
        size: width and height in pixels.
        rate: frames a second; None where neither the video nor ``seqinfo.ini`` says.
        frame_count: frames, as far as the file says; None where it does not.
        notes: what a reader of the scores should know about the pairing.
    """

    name: str
    video: Path
    ground_truth: Path
    size: tuple[int, int]
    rate: Fraction | None
    frame_count: int | None
    notes: tuple[str, ...] = ()

    def truth(self) -> SequenceTruth:
        """What is scored, what is ignored, and what is neither.

        Raises:
            DatasetError: the file cannot be read any more, or nothing in it can be scored.
        """
        rows = read_mot(self.ground_truth)
        counted = ground_truth(rows, where=self.ground_truth)
        neither = np.zeros(len(rows), np.bool_)
        if rows.class_ids is not None:
            is_object = (rows.class_ids == PEDESTRIAN) & (rows.confidences != 0)
            neither = ~is_object & ~np.isin(rows.class_ids, DISTRACTORS)
        return SequenceTruth(counted.objects, counted.ignored, rows.select(neither))


@dataclass(frozen=True, slots=True)
class FoundSequences:
    """What lies below a root.

    Attributes:
        sequences: in order of name.
        skipped: videos and ground truth that could not be paired, and why.
    """

    sequences: tuple[MotSequence, ...]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class _Video:
    path: Path
    info: VideoInfo

    @property
    def size(self) -> tuple[int, int]:
        return self.info.width, self.info.height


@dataclass(frozen=True, slots=True)
class _Truth:
    path: Path
    content: GroundTruth
    size: tuple[int, int] | None


def find_sequences(root: Path) -> FoundSequences:
    """Look for sequences in a folder and everything below it; links to folders are not followed.

    Raises:
        DatasetError: there is no such folder, or nothing in it can be scored.
    """
    if not root.is_dir():
        what = "this is a file, and a folder of MOT sequences is wanted" if root.exists() else "there is no such folder"
        raise DatasetError(what, where=root)
    sequences: list[MotSequence] = []
    skipped: list[Skipped] = []

    def note_closed(error: OSError) -> None:
        skipped.append(Skipped(Path(error.filename), error.strerror or "cannot be read"))

    for folder, below, files in os.walk(root, onerror=note_closed):
        below.sort()
        place = Path(folder)
        if "gt" in below or _SEQUENCE_INFO in files:
            # What lies below a sequence belongs to it.
            below.clear()
            _read_folder(place, _name(place, root), sequences, skipped)
    if not sequences:
        reasons = "; ".join(f"{item.path.relative_to(root)}: {item.reason}" for item in skipped)
        raise DatasetError(
            f"holds no sequence that can be scored ({reasons})" if reasons else "holds no sequence with ground truth",
            where=root,
            remedy="give a folder of folders, each with gt/gt.txt and a video or img1/",
        )
    return FoundSequences(tuple(sequences), tuple(skipped))


def _name(folder: Path, root: Path) -> str:
    return folder.resolve().name if folder == root else folder.relative_to(root).as_posix()


def _read_folder(folder: Path, name: str, sequences: list[MotSequence], skipped: list[Skipped]) -> None:
    """Pair what one folder holds, and add it to the lists."""
    info = _sequence_info(folder, skipped)
    videos = _videos(folder, skipped)
    truths = _truths(folder, info, skipped)
    # Those that say their size choose first; what they leave may be unambiguous for the others.
    paired: list[tuple[_Truth, _Video]] = []
    for truth in sorted(truths, key=lambda one: one.size is None):
        chosen = _choose(truth, [video for video in videos if all(video is not taken for _, taken in paired)])
        if isinstance(chosen, str):
            skipped.append(Skipped(truth.path, chosen))
        else:
            paired.append((truth, chosen))
    taken = {id(video) for _, video in paired}
    without = "there is no ground truth beside it" if not truths else "no ground truth is left that fits it"
    skipped.extend(Skipped(video.path, without) for video in videos if id(video) not in taken)
    paired.sort(key=lambda pair: pair[1].path)
    for truth, video in paired:
        own_name = name if len(paired) == 1 else f"{name} {video.size[0]}x{video.size[1]}"
        sequences.append(_sequence(own_name, truth, video, info, is_one_of_several=len(paired) > 1))


def _sequence_info(folder: Path, skipped: list[Skipped]) -> SequenceInfo | None:
    path = folder / _SEQUENCE_INFO
    if not path.is_file():
        return None
    try:
        return read_seqinfo(path)
    except DatasetError as error:
        skipped.append(Skipped(path, _reason(error)))
        return None


def _videos(folder: Path, skipped: list[Skipped]) -> list[_Video]:
    """Stills first: where both are there, the video was made from them."""
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in VIDEO_EXTENSIONS and path.is_file())
    stills = folder / "img1"
    if stills.is_dir() and any(path.suffix.lower() in IMAGE_EXTENSIONS for path in stills.iterdir()):
        files.insert(0, stills)
    videos = []
    for path in files:
        try:
            with open_video(path) as reader:
                videos.append(_Video(path, reader.info))
        except FootageError as error:
            skipped.append(Skipped(path, _reason(error)))
    if not files:
        skipped.append(Skipped(folder, "there is no video and no img1/ in it"))
    return videos


def _truths(folder: Path, info: SequenceInfo | None, skipped: list[Skipped]) -> list[_Truth]:
    truths = []
    for path in sorted((folder / "gt").glob("*.txt")):
        size = _size_in(path.name)
        if size is None and info is not None and path.name == _MAIN_TRUTH:
            size = info.width, info.height
        try:
            truths.append(_Truth(path, ground_truth(read_mot(path), where=path), size))
        except DatasetError as error:
            skipped.append(Skipped(path, _reason(error)))
    return truths


def _size_in(name: str) -> tuple[int, int] | None:
    found = _SIZE_IN_NAME.search(name)
    return None if found is None else (int(found[1]), int(found[2]))


def _choose(truth: _Truth, videos: list[_Video]) -> _Video | str:
    """The video a ground truth belongs to, or why there is none."""
    if truth.size is not None:
        videos = [video for video in videos if video.size == truth.size]
        if not videos:
            return f"there is no video of {truth.size[0]}x{truth.size[1]} beside it"
    fitting, reason = [], "there is no video left for it"
    for video in videos:
        misfit = _misfit(truth, video)
        if misfit is None:
            fitting.append(video)
        else:
            reason = f"does not fit {video.path.name}: {misfit}"
    if not fitting:
        return reason
    sizes = {video.size for video in fitting}
    if len(sizes) > 1:
        names = ", ".join(video.path.name for video in fitting)
        return f"fits {names}: name its picture size, as in gt_{fitting[0].size[0]}x{fitting[0].size[1]}.txt"
    if len(fitting) > 1 and not fitting[0].path.is_dir():
        return f"fits {', '.join(video.path.name for video in fitting)}: leave one of them there"
    return fitting[0]


def _misfit(truth: _Truth, video: _Video) -> str | None:
    rows, frames = truth.content.objects, video.info.frame_count_estimate
    if truth.size is not None and frames is not None:
        # Both say that they are of this size: a video that ends earlier was cut, and is scored as far as it goes.
        rows = rows.select(rows.frames <= frames)
        if not len(rows):
            return f"its first box is in frame {truth.content.objects.frames[0]} and the video has {frames} frames"
    try:
        check_fits(rows, *video.size, frames if frames is not None else int(rows.frames[-1]))
    except DatasetError as error:
        return error.what
    return None


def _sequence(
    name: str, truth: _Truth, video: _Video, info: SequenceInfo | None, *, is_one_of_several: bool
) -> MotSequence:
    frames, last = video.info.frame_count_estimate, int(truth.content.objects.frames[-1])
    notes = []
    if is_one_of_several:
        notes.append("its folder holds the sequence in several sizes: the scores over all count it several times")
    if frames is not None and last > frames:
        notes.append(f"its ground truth goes on to frame {last} and the video ends at {frames}: scored to there")
    from_file = None if video.path.is_dir() else video.info.average_rate
    return MotSequence(
        name=name,
        video=video.path,
        ground_truth=truth.path,
        size=video.size,
        rate=from_file if from_file is not None else None if info is None else info.rate,
        frame_count=frames,
        notes=tuple(notes),
    )


def _reason(error: FootageError) -> str:
    return error.what if error.remedy is None else f"{error.what}; {error.remedy}"
