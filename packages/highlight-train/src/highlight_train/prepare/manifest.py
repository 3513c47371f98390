"""The files of a prepared data set: ``dataset.json`` for everyone, ``manifest.json`` for what it does not say."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from footage.errors import DatasetError
from footage.runs.files import atomic_write_json
from highlight_train.labels import CLASSES, Labelled, label_at

DATASET_FILE = "dataset.json"
MANIFEST_FILE = "manifest.json"
FRAMES_FOLDER = "frames"
FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameEntry:
    """A frame on disk.

    Attributes:
        file: its path, from the data set's folder.
        seconds: when it is shown, from the clip's first frame.
        sha256: of the file.
    """

    file: str
    seconds: float
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipEntry:
    """A clip and the frames that were taken from it.

    Attributes:
        path: the clip, absolute.
        fingerprint: of its content.
        group: what must stay on one side of a split.
        is_highlight: the clip's label.
        spans: (start, end) in seconds of its highlights; empty: all of it is what its label says.
        duration_seconds: None where the file does not say.
        sampled: how the frames were found.
        note: what limits the clip; None where it is sound.
        frames: in the order of time.
    """

    path: str
    fingerprint: str
    group: str
    is_highlight: bool
    spans: tuple[tuple[float, float], ...]
    duration_seconds: float | None
    sampled: str
    note: str | None
    frames: tuple[FrameEntry, ...]

    def labels(self) -> list[int]:
        """1 for each frame inside a highlight, 0 for the others."""
        labelled = Labelled(Path(self.path), self.spans)
        return [label_at(labelled, is_highlight=self.is_highlight, seconds=frame.seconds) for frame in self.frames]


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedClip:
    """A labelled clip that gave no frames."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A prepared data set.

    Attributes:
        settings: what the frames depend on: rate and size.
        clips: those that gave frames, in the order of the labels.
        skipped: those that did not, and why.
    """

    settings: dict[str, Any]
    clips: tuple[ClipEntry, ...]
    skipped: tuple[SkippedClip, ...]

    @property
    def frames(self) -> int:
        """How many frames there are in all."""
        return sum(len(clip.frames) for clip in self.clips)


def write_dataset(dataset: Dataset, folder: Path) -> None:
    """Write ``manifest.json``, then ``dataset.json``; paths of frames start from the folder.

    Raises:
        OSError: the folder is missing or not writable, or the disk is full.
    """
    atomic_write_json(folder / MANIFEST_FILE, document_of(dataset))
    frames = [frame.file for clip in dataset.clips for frame in clip.frames]
    labels = [label for clip in dataset.clips for label in clip.labels()]
    atomic_write_json(folder / DATASET_FILE, {"frames": frames, "labels": labels})


def document_of(dataset: Dataset) -> dict[str, object]:
    """What stands in ``manifest.json``."""
    return {
        "format_version": FORMAT_VERSION,
        "settings": dataset.settings,
        "clips": [_clip_document(clip) for clip in dataset.clips],
        "skipped": dataset.skipped,
    }


def _clip_document(clip: ClipEntry) -> dict[str, object]:
    return {
        "path": clip.path,
        "fingerprint": clip.fingerprint,
        "group": clip.group,
        "label": CLASSES[clip.is_highlight],
        "spans": [{"start_seconds": start, "end_seconds": end} for start, end in clip.spans],
        "duration_seconds": clip.duration_seconds,
        "sampled": clip.sampled,
        "note": clip.note,
        "frames": [
            {"file": frame.file, "seconds": frame.seconds, "label": label, "sha256": frame.sha256}
            for frame, label in zip(clip.frames, clip.labels(), strict=True)
        ],
    }


def read_dataset(folder: Path) -> Dataset:
    """Read the manifest of a prepared data set.

    Raises:
        DatasetError: there is none, it is of another format, or an entry is incomplete.
    """
    file = folder / MANIFEST_FILE
    try:
        document = json.loads(file.read_bytes())
    except FileNotFoundError as error:
        raise DatasetError(_missing(folder), where=folder, remedy="prepare the data set from its labels") from error
    except OSError as error:
        raise DatasetError(f"cannot be read ({error.strerror})", where=file) from error
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"is not JSON ({error})", where=file) from error
    return dataset_of(document, file)


def dataset_of(document: Any, file: Path) -> Dataset:
    """The data set that a manifest's document describes.

    Args:
        document: as :func:`document_of` makes it.
        file: where it was read from, for errors.

    Raises:
        DatasetError: it is of another format, or an entry is incomplete.
    """
    version = document.get("format_version") if isinstance(document, dict) else None
    if version != FORMAT_VERSION:
        raise DatasetError(f"has format version {version!r}, expected {FORMAT_VERSION}", where=file)
    try:
        return Dataset(
            settings=dict(document["settings"]),
            clips=tuple(_clip(entry) for entry in document["clips"]),
            skipped=tuple(SkippedClip(path=str(s["path"]), reason=str(s["reason"])) for s in document["skipped"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DatasetError(
            f"is not a valid manifest of a data set ({type(error).__name__}: {error})",
            where=file,
            remedy="prepare the data set again",
        ) from error


def _missing(folder: Path) -> str:
    if (folder / DATASET_FILE).exists():
        return (
            f"has a {DATASET_FILE} but no {MANIFEST_FILE}: without it nobody knows which frames are of one clip, and "
            "frames of one clip on both sides of a split make every score worthless"
        )
    return f"is no prepared data set: it has no {MANIFEST_FILE}"


def _clip(entry: dict[str, Any]) -> ClipEntry:
    duration = entry["duration_seconds"]
    return ClipEntry(
        path=str(entry["path"]),
        fingerprint=str(entry["fingerprint"]),
        group=str(entry["group"]),
        is_highlight=bool(CLASSES.index(entry["label"])),
        spans=tuple((float(span["start_seconds"]), float(span["end_seconds"])) for span in entry["spans"]),
        duration_seconds=None if duration is None else float(duration),
        sampled=str(entry["sampled"]),
        note=None if entry["note"] is None else str(entry["note"]),
        frames=frame_entries(entry["frames"]),
    )


def frame_entries(entries: Sequence[dict[str, Any]]) -> tuple[FrameEntry, ...]:
    """Frames as they stand in a manifest or a journal.

    Raises:
        KeyError: an entry lacks a field.
        ValueError: a time is no number.
    """
    return tuple(FrameEntry(file=str(e["file"]), seconds=float(e["seconds"]), sha256=str(e["sha256"])) for e in entries)
