"""The photos of a data set as a network's inputs: decoded once, kept on disk, looked at in every epoch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blur_train.classes import CLASSES
from blur_train.evaluation.measure import Truth
from blur_train.evidence import EvidenceMaker
from blur_train.photos import read_photo
from blur_train.prepare.manifest import LeftOut, PreparedPhoto
from blur_train.scenes.scene import LONG_SIDE_PX
from footage.cli.progress import Progress
from footage.parallel import ItemError, parallel_map
from footage.runs.journal import Journal

ARRAY_FILE = "inputs.npy"
JOURNAL_FILE = "inputs.jsonl"

MakeProgress = Callable[[int | None, int], Progress]


@dataclass(frozen=True, slots=True)
class Inputs:
    """Photos with what a network sees of each.

    Attributes:
        photos: those that could be read.
        left_out: those that could not, with the reason.
    """

    photos: tuple[PreparedPhoto, ...]
    left_out: tuple[LeftOut, ...]
    _arrays: NDArray[np.uint8]
    _places: NDArray[np.intp]

    def take(self, rows: NDArray[np.intp]) -> NDArray[np.uint8]:
        """What a network sees of some photos, ``(len(rows), ...)``, read from the disk."""
        return np.array(self._arrays[self._places[rows]])

    @property
    def labels(self) -> NDArray[np.int64]:
        """Index of each photo's class."""
        return np.array([CLASSES.index(photo.label) for photo in self.photos], np.int64)

    def rows(self, side: str) -> NDArray[np.intp]:
        """The photos of one side."""
        return np.flatnonzero([photo.side == side for photo in self.photos])


def read_inputs(
    photos: Sequence[PreparedPhoto],
    dataset: Path,
    maker: EvidenceMaker,
    folder: Path,
    *,
    jobs: int | None,
    make_progress: MakeProgress,
) -> Inputs:
    """Decode photos in worker processes and keep what a network sees of them; go on where an earlier call was killed.

    Args:
        photos: of the data set.
        dataset: its folder.
        maker: how photos become inputs.
        folder: for the array and its journal.
        jobs: worker processes; None takes one a processor.
        make_progress: makes the progress display from the number of photos and how many are already done.

    Raises:
        OSError: the folder is not writable or the disk is full.
    """
    journal_key = {
        "preprocessing": maker.described(),
        "photos": hashlib.sha256("\n".join(f"{one.file} {one.sha256}" for one in photos).encode()).hexdigest(),
    }
    array_file = folder / ARRAY_FILE
    if not array_file.exists():
        forget_inputs(folder)  # a journal alone tells of photos that are not there
    with Journal(folder / JOURNAL_FILE, journal_key) as journal:
        reasons = {int(_number(record["row"])): record["reason"] for record in journal}
        arrays = _open(array_file, (len(photos), *maker.shape), new=not reasons)
        missing = [row for row in range(len(photos)) if row not in reasons]
        with make_progress(len(photos), len(photos) - len(missing)) as progress:
            made = parallel_map(
                partial(_input, maker=maker), [str(dataset / photos[row].file) for row in missing], jobs=jobs
            )
            for outcome in made:
                row, reason = missing[outcome.index], _reason(outcome.error)
                if outcome.value is not None:
                    arrays[row] = outcome.value
                reasons[row] = reason
                journal.append({"row": row, "reason": reason})
                progress.advance() if reason is None else progress.fail()
    kept = [row for row in range(len(photos)) if reasons[row] is None]
    left_out = tuple(
        LeftOut(path=photos[row].file, reason=str(reason)) for row, reason in sorted(reasons.items()) if reason
    )
    return Inputs(tuple(photos[row] for row in kept), left_out, arrays, np.array(kept, np.intp))


def forget_inputs(folder: Path) -> None:
    """Remove the decoded photos and their journal."""
    for name in (ARRAY_FILE, JOURNAL_FILE):
        (folder / name).unlink(missing_ok=True)


def truth_of(photos: Sequence[PreparedPhoto]) -> Truth:
    """What is true of photos, as they are measured on."""
    return Truth(
        labels=np.array([CLASSES.index(photo.label) for photo in photos], np.intp),
        groups=np.array([photo.group for photo in photos]),
        kinds=tuple(None if photo.edge_case is None else photo.edge_case.value for photo in photos),
        cameras=tuple(photo.camera for photo in photos),
        widths_px=tuple(_width_px(photo) for photo in photos),
    )


def _width_px(photo: PreparedPhoto) -> float | None:
    widest = max(photo.radius_px or 0.0, (photo.motion_px or 0.0) / 2)
    return widest * LONG_SIDE_PX / max(photo.width, photo.height) if widest else None


def _input(path: str, *, maker: EvidenceMaker) -> NDArray[np.uint8]:
    return maker.of(read_photo(path, luma=maker.by_luma).image).array


def _open(path: Path, shape: tuple[int, ...], *, new: bool) -> NDArray[np.uint8]:
    array: NDArray[np.uint8]
    if new:
        array = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    else:
        array = np.load(path, mmap_mode="r+")
    return array


def _reason(error: ItemError | None) -> str | None:
    return None if error is None else error.message


def _number(value: Any) -> int:
    return int(value)
