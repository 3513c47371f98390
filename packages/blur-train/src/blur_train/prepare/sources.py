"""Which photos a collection holds, and what the names of their folders say about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from blur_train.classes import (
    FOLDER_NAMES,
    SHARP_EDGE_CASES,
    BlurClass,
    EdgeCase,
    class_of_folder,
    edge_case_of_folder,
    parse_class,
)
from blur_train.photos import PHOTO_EXTENSIONS
from blur_train.prepare.manifest import LeftOut
from blur_train.synth.manifest import DRAWN_FILE, DrawnPhoto, read_drawn
from footage.dataset.discover import find_media
from footage.errors import DatasetError

MASK_ENDING = ".mask"
"""``IMG_1.mask.png`` beside ``IMG_1.jpg`` is white where the subject of ``IMG_1.jpg`` is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A file that a folder's name gives a class.

    Attributes:
        path: absolute.
        folder: the folders from the collection to the file that name neither a class nor an edge case; None without
            any.
        label: the class.
        edge_case: None where no folder names one.
        mask: the file that shows its subject; None where there is none.
        provenance: the scene it shows, where the collection's own manifest says so.
        drawn: how the photo was blurred, where the manifest says so.
    """

    path: Path
    folder: str | None
    label: BlurClass
    edge_case: EdgeCase | None
    mask: Path | None
    provenance: str | None = None
    drawn: DrawnPhoto | None = None


def parse_mapping(entries: list[str]) -> dict[str, BlurClass]:
    """Folder names and their classes from ``FOLDER=CLASS``.

    Raises:
        DatasetError: an entry has no ``=``, or names no class.
    """
    mapping = {}
    for entry in entries:
        folder, found, name = entry.rpartition("=")
        if not found or not folder.strip():
            raise DatasetError(f"{entry!r} maps no folder to a class", remedy="write it as FOLDER=CLASS")
        mapping[folder] = parse_class(name)
    return mapping


def find_photos(source: Path, mapping: Mapping[str, BlurClass]) -> tuple[list[Candidate], list[LeftOut]]:
    """The photos of a collection.

    Args:
        source: folder with a folder for each class; edge cases are folders inside them, or beside them where the edge
            case itself is sharp.
        mapping: further folder names and their classes.

    Returns:
        The photos sorted by path, and what was passed over with the reason.

    Raises:
        DatasetError: there is no photo, no folder stands for a class, or a photo lies in folders of two classes.
    """
    if not source.is_dir():
        what = "is not a folder" if source.exists() else "does not exist"
        raise DatasetError(what, where=source, remedy="give the folder that holds the folders of the classes")
    found = find_media(source, PHOTO_EXTENSIONS)
    left_out = [LeftOut(path=str(one.path), reason=one.reason) for one in found.skipped]
    photos, masks = apart(found.files)
    known = {photo.file: photo for photo in read_drawn(source)} if (source / DRAWN_FILE).is_file() else {}
    candidates = []
    unknown: Counter[str] = Counter()
    for path in photos:
        folders = path.relative_to(source).parts[:-1]
        label, edge_case = _meaning(path, folders, mapping)
        if label is None:
            where = "/".join(folders) or "the top"
            unknown[where] += 1
            left_out.append(LeftOut(path=str(path), reason=f"its folder ({where}) stands for no class"))
            continue
        mask = masks.get(path.with_suffix(""))
        drawn = known.get(path.relative_to(source).as_posix())
        candidates.append(
            Candidate(
                path=path.absolute(),
                folder=_own_folder(folders, mapping),
                label=label,
                edge_case=edge_case,
                mask=mask,
                provenance=None if drawn is None else drawn.group,
                drawn=drawn,
            )
        )
    if not candidates:
        names = ", ".join(f"{folder} ({count})" for folder, count in unknown.most_common(5))
        raise DatasetError(
            f"no folder stands for a class; photos are in {names}",
            where=source,
            remedy=f"name folders {', '.join(sorted(FOLDER_NAMES))}, or map their names to classes",
        )
    return candidates, left_out


def apart(files: Sequence[Path]) -> tuple[list[Path], dict[Path, Path]]:
    """Photos, and the masks among them by the photo's path without its ending."""
    masks = {path.with_suffix("").with_suffix(""): path for path in files if path.stem.endswith(MASK_ENDING)}
    return [path for path in files if not path.stem.endswith(MASK_ENDING)], masks


def _meaning(
    path: Path, folders: tuple[str, ...], mapping: Mapping[str, BlurClass]
) -> tuple[BlurClass | None, EdgeCase | None]:
    """The class and the edge case that the folders above a photo name."""
    more = dict(mapping)
    labels = {label for label in (class_of_folder(folder, more) for folder in folders) if label is not None}
    if len(labels) > 1:
        names = " and ".join(sorted(labels))
        raise DatasetError(f"lies in folders of two classes, {names}", where=path, remedy="move it into one of them")
    cases = [case for case in (edge_case_of_folder(folder) for folder in folders) if case is not None]
    edge_case = cases[-1] if cases else None
    label = next(iter(labels), BlurClass.SHARP if edge_case in SHARP_EDGE_CASES else None)
    return label, edge_case


def _own_folder(folders: tuple[str, ...], mapping: Mapping[str, BlurClass]) -> str | None:
    more = dict(mapping)
    own = [one for one in folders if class_of_folder(one, more) is None and edge_case_of_folder(one) is None]
    return "/".join(own) or None
