"""``blur-train prepare``: photos in folders by class become a data set that is split by group and written down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from blur_train.classes import CLASSES, BlurClass
from blur_train.prepare.balance import jobs_for_rare_classes
from blur_train.prepare.batches import MakeProgress, Writer, look_at_all
from blur_train.prepare.grouping import Grouped, group_photos
from blur_train.prepare.looking import Seen
from blur_train.prepare.manifest import (
    SIDES,
    LeftOut,
    Prepared,
    write_prepared,
)
from blur_train.prepare.sources import Candidate, find_photos
from blur_train.prepare.splitting import Shares, deal
from blur_train.prepare.writing import OWN_NAMES, CopyJob, DrawJob, copy_photo, draw_from_photo
from footage.errors import DatasetError, InputError
from footage.runs.directory import RunDirectory

SEEN_FILE = "seen.jsonl"
WRITTEN_FILE = "written.jsonl"
SMOKE_PHOTOS = 12
LARGE_GROUP = 0.2
"""A group with more than this share of the photos is worth a word: its photos may be too plain to tell apart."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareOptions:
    """What to prepare, and how.

    Attributes:
        source: folder with a folder for each class.
        output: the data set's folder.
        mapping: further folder names and their classes.
        by_folder: photos in folders of one name stay on one side.
        shares: of the sides.
        balance: share of the most frequent class that every blur shall have on the train side; 0 draws nothing.
        jobs: worker processes; None for one a core.
        seed: of the split and of what is drawn.
        most_of_class: take only so many photos of each class; None for all.
    """

    source: Path
    output: Path
    mapping: Mapping[str, BlurClass] = field(default_factory=dict)
    by_folder: bool = False
    shares: Shares = field(default_factory=Shares)
    balance: float = 0.5
    jobs: int | None = None
    seed: int = 0
    most_of_class: int | None = None

    def __post_init__(self) -> None:
        """Refuse folders in each other, and a balance that means nothing.

        Raises:
            InputError: the output lies in the source or the other way round, or the balance is not from 0 to 1.
        """
        source, output = self.source.resolve(), self.output.resolve()
        if output.is_relative_to(source) or source.is_relative_to(output):
            raise InputError(
                f"lies in {self.source} or the other way round", where=self.output, remedy="choose a folder outside it"
            )
        if not 0 <= self.balance <= 1:
            raise InputError(f"the balance is {self.balance:g}, expected a share from 0 to 1")

    def settings(self) -> dict[str, Any]:
        """What the data set depends on besides the photos."""
        return {
            "shares": asdict(self.shares),
            "balance": self.balance,
            "by_folder": self.by_folder,
            "seed": self.seed,
            "mapping": {name: label.value for name, label in sorted(self.mapping.items())},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would be prepared.

    Attributes:
        photos: by class.
        left_out: what would be passed over.
        disk_bytes: of the copies.
    """

    photos: dict[str, int]
    left_out: tuple[LeftOut, ...]
    disk_bytes: int


def plan(options: PrepareOptions) -> Plan:
    """What :func:`prepare` would take, without opening a photo.

    Raises:
        DatasetError: there is nothing to prepare.
    """
    candidates, left_out = _candidates(options)
    counts = Counter(one.label.value for one in candidates)
    return Plan(
        photos={name: counts[name] for name in CLASSES},
        left_out=tuple(left_out),
        disk_bytes=sum(one.path.stat().st_size for one in candidates),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What was prepared.

    Attributes:
        prepared: the data set as written.
        failed: photos that could not be read or written; they are among those left out.
        seen: what was seen in each original, by the SHA-256 of its content.
    """

    prepared: Prepared
    failed: tuple[LeftOut, ...]
    seen: dict[str, Seen]


def prepare(options: PrepareOptions, *, tell: Tell, make_progress: MakeProgress) -> Result:
    """Look at every photo, group and split them, write the data set.

    A photo that cannot be used is left out with its reason. Killed and called again, it goes on where it was.

    Args:
        options: what to prepare, and how.
        tell: told what the user should know.
        make_progress: makes the progress display from the number of photos, how many are done, and what is done.

    Returns:
        The data set as written to ``options.output``.

    Raises:
        DatasetError: there is nothing to prepare, one picture has two labels, or a class has too few groups.
        InputError: another process is working in the folder.
    """
    candidates, left_out = _candidates(options)
    rng = np.random.default_rng(options.seed)
    settings = options.settings()
    with RunDirectory(options.output).open(tool="blur-train", seed=options.seed, settings=settings) as folder:
        with folder.journal({"seen": 1}, name=SEEN_FILE) as journal:
            known, unreadable = look_at_all(candidates, journal, options.jobs, make_progress)
        if not known:
            what = f"none of the {len(candidates)} photos can be read; {unreadable[0].reason}"
            raise DatasetError(what, where=unreadable[0].path, remedy="check that it opens elsewhere")
        grouped, copies = group_photos(known, by_folder=options.by_folder)
        labels = [one.known.candidate.label for one in grouped]
        _tell_of_groups(grouped, tell)
        for name in sorted(set(CLASSES) - set(labels)):
            tell(f"warning: there is no photo of {name}; what is drawn of it can be learned from, and nothing measured")
        sides = deal([one.group for one in grouped], labels, options.shares, rng)
        copy_jobs = [CopyJob(photo=one, side=side) for one, side in zip(grouped, sides, strict=True)]
        train = [one for one, side in zip(grouped, sides, strict=True) if side == "train"]
        draw_jobs = jobs_for_rare_classes(train, options.balance, rng)
        _tell_of_drawn(draw_jobs, tell)
        with folder.journal(settings, name=WRITTEN_FILE) as journal:
            write = Writer(options.output, journal, options.jobs, make_progress)
            copied = write.all("copying", copy_jobs, partial(copy_photo, output=options.output.absolute()))
            draw = partial(draw_from_photo, output=options.output.absolute(), seed=options.seed)
            drawn = write.all("drawing", draw_jobs, draw)
        photos = tuple(sorted([*copied, *drawn], key=lambda photo: photo.file))
        everything = (*left_out, *unreadable, *copies, *write.failed)
        prepared = Prepared(settings=settings, photos=photos, left_out=tuple(sorted(everything, key=lambda x: x.path)))
        write_prepared(prepared, options.output)
        _remove_strays(prepared, options.output)
        folder.finish(photos=len(photos), data_sha256=prepared.data_sha256, split_sha256=prepared.split_sha256)
    return Result(
        prepared=prepared,
        failed=(*unreadable, *write.failed),
        seen={one.seen.sha256: one.seen for one in known},
    )


def _candidates(options: PrepareOptions) -> tuple[list[Candidate], list[LeftOut]]:
    candidates, left_out = find_photos(options.source, options.mapping)
    if options.most_of_class is None:
        return candidates, left_out
    taken: Counter[BlurClass] = Counter()
    few = []
    for one in candidates:
        taken[one.label] += 1
        if taken[one.label] <= options.most_of_class:
            few.append(one)
    return few, left_out


def _tell_of_groups(grouped: Sequence[Grouped], tell: Tell) -> None:
    group, size = Counter(one.group for one in grouped).most_common(1)[0]
    if size > max(2, LARGE_GROUP * len(grouped)):
        example = next(one.known.candidate.path for one in grouped if one.group == group)
        tell(
            f"warning: {size} of {len(grouped)} photos look alike or follow each other and stay on one side, such as "
            f"{example}; the sides may differ much from the shares"
        )


def _tell_of_drawn(jobs: Sequence[DrawJob], tell: Tell) -> None:
    if not jobs:
        return
    counts = Counter(job.label.value for job in jobs)
    tell("drawing on the train side, from its sharp photos: " + ", ".join(f"{n} {name}" for name, n in counts.items()))
    bare = {job.photo.known.candidate.path for job in jobs if job.photo.known.candidate.mask is None}
    if bare:
        tell(f"{len(bare)} of them have no mask beside them: an ellipse in the middle stands for the subject")


def _remove_strays(prepared: Prepared, folder: Path) -> None:
    """Remove files of ours that belong to the data set no more: of other settings, or of a photo that is gone."""
    kept = {photo.file for photo in prepared.photos}
    for side in SIDES:
        for name in CLASSES:
            for file in sorted((folder / side / name).glob("*")):
                if OWN_NAMES.fullmatch(file.name) and file.relative_to(folder).as_posix() not in kept:
                    file.unlink()
