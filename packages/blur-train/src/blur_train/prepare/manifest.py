"""What a prepared data set holds and where each photo came from: ``manifest.json``, and as a table ``manifest.csv``."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from blur_train.classes import BlurClass, EdgeCase
from footage.dataset.manifest import rows_sha256
from footage.errors import DatasetError
from footage.runs.files import atomic_write_json, atomic_write_text

MANIFEST_FILE = "manifest.json"
TABLE_FILE = "manifest.csv"
FORMAT_VERSION = 1
SIDES = ("train", "val", "test", "calibration")
"""Train to learn, val to choose the epoch, calibration to choose thresholds, test to report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedPhoto:
    """A photo of a prepared data set.

    Attributes:
        file: its path from the data set's folder, ``SIDE/CLASS/NAME``.
        side: one of ``SIDES``.
        label: its class.
        edge_case: None for an ordinary photo.
        group: what stays on one side: copies, bursts, photos of one scene.
        sha256: of the file.
        source: the original, absolute; for a drawn blur the sharp photo that it was made from.
        source_sha256: of the original.
        drawn: made by us from a sharp original; only on the train side.
        way: how a drawn photo came to look as it does; None for one that was not drawn.
        radius_px: of a drawn defocus of the subject, in px of the file; else None.
        motion_px: length of a drawn motion of the subject, likewise.
        camera: maker and model; None where the file does not say.
        taken: in the camera's own time; None where the file does not say.
        width: of the file, in px.
        height: likewise.
    """

    file: str
    side: str
    label: BlurClass
    edge_case: EdgeCase | None
    group: str
    sha256: str
    source: str
    source_sha256: str
    drawn: bool = False
    way: str | None = None
    radius_px: float | None = None
    motion_px: float | None = None
    camera: str | None = None
    taken: datetime | None = None
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A file of the source that is not in the data set."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A prepared data set.

    Attributes:
        settings: what it depends on besides the photos: shares of the sides, seed, augmentation.
        photos: in the order of their files.
        left_out: files that could not be used, and copies of others.
    """

    settings: dict[str, Any]
    photos: tuple[PreparedPhoto, ...]
    left_out: tuple[LeftOut, ...]

    def side(self, name: str) -> tuple[PreparedPhoto, ...]:
        """The photos of one side."""
        return tuple(photo for photo in self.photos if photo.side == name)

    def counts(self) -> dict[str, dict[str, int]]:
        """Photos by side and class."""
        table = {side: dict.fromkeys((one.value for one in BlurClass), 0) for side in SIDES}
        for photo in self.photos:
            table[photo.side][photo.label.value] += 1
        return table

    @property
    def data_sha256(self) -> str:
        """SHA-256 over the content and the label of every photo."""
        return rows_sha256(*sorted((photo.sha256, photo.label.value) for photo in self.photos))

    @property
    def split_sha256(self) -> str:
        """SHA-256 over which photo is on which side."""
        return rows_sha256(*sorted((photo.sha256, photo.side) for photo in self.photos))


def write_prepared(prepared: Prepared, folder: Path) -> None:
    """Write ``manifest.csv``, then ``manifest.json``.

    Raises:
        OSError: the folder is missing or not writable, or the disk is full.
    """
    names = [field.name for field in fields(PreparedPhoto)]
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    for photo in prepared.photos:
        writer.writerow(asdict(photo) | {"taken": None if photo.taken is None else photo.taken.isoformat()})
    atomic_write_text(folder / TABLE_FILE, text.getvalue())
    document = {
        "format_version": FORMAT_VERSION,
        "settings": prepared.settings,
        "data_sha256": prepared.data_sha256,
        "split_sha256": prepared.split_sha256,
        "photos": prepared.photos,
        "left_out": prepared.left_out,
    }
    atomic_write_json(folder / MANIFEST_FILE, document)


def read_prepared(folder: Path) -> Prepared:
    """Read the manifest of a prepared data set.

    Raises:
        DatasetError: there is none, it is of another format, an entry is incomplete, a photo is on no known side, or a
            group is on two sides.
    """
    file = folder / MANIFEST_FILE
    try:
        document = json.loads(file.read_bytes())
    except FileNotFoundError:
        what = f"is no prepared data set: it has no {MANIFEST_FILE}"
        raise DatasetError(what, where=folder, remedy="prepare the data set from its photos") from None
    except OSError as error:
        raise DatasetError(f"cannot be read ({error.strerror})", where=file) from error
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"is not JSON ({error})", where=file) from error
    version = document.get("format_version") if isinstance(document, dict) else None
    if version != FORMAT_VERSION:
        raise DatasetError(f"has format version {version!r}, expected {FORMAT_VERSION}", where=file)
    try:
        prepared = Prepared(
            settings=dict(document["settings"]),
            photos=tuple(prepared_photo(entry) for entry in document["photos"]),
            left_out=tuple(LeftOut(path=str(e["path"]), reason=str(e["reason"])) for e in document["left_out"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise DatasetError(
            f"is not a valid manifest of a data set ({type(error).__name__}: {error})",
            where=file,
            remedy="prepare the data set again",
        ) from error
    check_sides(prepared.photos, file)
    return prepared


def check_sides(photos: Sequence[PreparedPhoto], where: Path) -> None:
    """Refuse a split that leaks.

    Raises:
        DatasetError: a photo is on no known side, a group is on two, or a drawn photo is not on the train side.
    """
    side_of: dict[str, str] = {}
    for photo in photos:
        if photo.side not in SIDES:
            raise DatasetError(f"{photo.file} is on the side {photo.side!r}, which is none", where=where)
        if side_of.setdefault(photo.group, photo.side) != photo.side:
            what = f"group {photo.group} is on two sides, {side_of[photo.group]} and {photo.side}"
            raise DatasetError(what, where=where, remedy="prepare the data set again")
        if photo.drawn and photo.side != "train":
            raise DatasetError(f"{photo.file} has a drawn blur and is on the side {photo.side}", where=where)


def prepared_photo(entry: dict[str, Any]) -> PreparedPhoto:
    """A photo as it stands in a manifest or a journal.

    Raises:
        KeyError: the entry lacks a field.
        ValueError: a field has no valid value.
    """
    edge_case, taken = entry["edge_case"], entry["taken"]
    return PreparedPhoto(
        file=str(entry["file"]),
        side=str(entry["side"]),
        label=BlurClass(entry["label"]),
        edge_case=None if edge_case is None else EdgeCase(edge_case),
        group=str(entry["group"]),
        sha256=str(entry["sha256"]),
        source=str(entry["source"]),
        source_sha256=str(entry["source_sha256"]),
        drawn=bool(entry["drawn"]),
        way=None if entry["way"] is None else str(entry["way"]),
        radius_px=_number(entry["radius_px"]),
        motion_px=_number(entry["motion_px"]),
        camera=None if entry["camera"] is None else str(entry["camera"]),
        taken=None if taken is None else datetime.fromisoformat(taken),
        width=int(entry["width"]),
        height=int(entry["height"]),
    )


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
