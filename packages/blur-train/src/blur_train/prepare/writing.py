"""Writing the files of a data set, in worker processes: copies of photos, and photos blurred from sharp ones."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from blur_train.classes import BlurClass
from blur_train.optics.camera import encode_jpeg
from blur_train.photos import read_photo
from blur_train.prepare.grouping import Grouped
from blur_train.prepare.looking import SUFFIXES
from blur_train.prepare.manifest import PreparedPhoto
from blur_train.scenes.cases import Case
from blur_train.scenes.photo import draw_photo
from blur_train.scenes.real import Mask, camera_for_photo, scene_of_photo
from footage.errors import DatasetError
from footage.runs.files import atomic_write_bytes

WRITTEN_ANEW_QUALITY = 97
"""JPEG quality of photos that cannot be copied as they are: turned by EXIF, HEIC, TIFF, with a palette."""

OWN_NAMES = re.compile(r".+-[0-9a-f]{12}(-drawn\d+)?\.(jpg|png|webp)|\.[0-9a-f]{12}\.partial\.\w+")
"""Names of files that we write, also of those that a kill left half written; nothing else in the folder is removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyJob:
    """A photo to be written to its side.

    Attributes:
        photo: the photo and its group.
        side: where to.
    """

    photo: Grouped
    side: str

    @property
    def key(self) -> str:
        """What the file depends on, in words."""
        known = self.photo.known
        return f"{known.candidate.path} {known.seen.sha256} {known.candidate.label} {self.side} {self.photo.group}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawJob:
    """A photo to be blurred from a sharp one of the train side.

    Attributes:
        photo: the sharp photo and its group.
        label: what it shall become; ``SHARP`` takes it again without blur.
        number: of this job, from 0; seeds what is drawn.
    """

    photo: Grouped
    label: BlurClass
    number: int

    @property
    def key(self) -> str:
        """What the file depends on, in words."""
        known = self.photo.known
        return f"{known.candidate.path} {known.seen.sha256} {known.candidate.mask} drawn {self.label} {self.number}"


def copy_photo(job: CopyJob, *, output: Path) -> PreparedPhoto:
    """Write a photo: byte for byte where every trainer can read it as it is, else its upright pixels anew.

    It is a copy, never a link: some trainers repair files in place, and must not reach the original.

    Raises:
        DatasetError: the photo has changed since it was looked at.
        PhotoError: it cannot be read any more.
    """
    candidate, seen = job.photo.known.candidate, job.photo.known.seen
    data = _unchanged(candidate.path, seen.sha256)
    suffix = SUFFIXES[seen.format] if seen.as_it_is else ".jpg"
    content = data if seen.as_it_is else encode_jpeg(read_photo(data).image, WRITTEN_ANEW_QUALITY)
    file = f"{job.side}/{candidate.label}/{safe_stem(candidate.path)}-{seen.sha256[:12]}{suffix}"
    _write(output / file, content)
    drawn = candidate.drawn
    return PreparedPhoto(
        file=file,
        side=job.side,
        label=candidate.label,
        edge_case=candidate.edge_case,
        group=job.photo.group,
        sha256=hashlib.sha256(content).hexdigest(),
        source=str(candidate.path),
        source_sha256=seen.sha256,
        way=None if drawn is None else drawn.way,
        radius_px=None if drawn is None else drawn.radius_px,
        motion_px=None if drawn is None else drawn.motion_px,
        camera=seen.camera,
        taken=seen.taken,
        width=seen.width,
        height=seen.height,
    )


def draw_from_photo(job: DrawJob, *, output: Path, seed: int) -> PreparedPhoto:
    """Blur a sharp photo as lenses and shutters do, and write it to the train side.

    Raises:
        DatasetError: the photo has changed since it was looked at, or its mask does not fit.
        PhotoError: it cannot be read any more.
    """
    candidate, seen = job.photo.known.candidate, job.photo.known.seen
    rng = np.random.default_rng((seed, job.number))
    image = read_photo(_unchanged(candidate.path, seen.sha256)).image
    try:
        scene = scene_of_photo(image, read_mask(candidate.mask), group=job.photo.group)
    except ValueError as error:
        raise DatasetError(str(error), where=candidate.mask or candidate.path) from error
    drawn = draw_photo(rng, Case(label=job.label), scene, camera=camera_for_photo(rng))
    name = f"{safe_stem(candidate.path)}-{seen.sha256[:12]}-drawn{job.number}.jpg"
    file = f"train/{job.label}/{name}"
    _write(output / file, drawn.jpeg)
    return PreparedPhoto(
        file=file,
        side="train",
        label=job.label,
        edge_case=None,
        group=job.photo.group,
        sha256=hashlib.sha256(drawn.jpeg).hexdigest(),
        source=str(candidate.path),
        source_sha256=seen.sha256,
        drawn=True,
        way=drawn.way.value,
        radius_px=drawn.radius_px,
        motion_px=drawn.motion_px,
        camera=seen.camera,
        taken=seen.taken,
        width=drawn.image.shape[1],
        height=drawn.image.shape[0],
    )


def read_mask(path: Path | None) -> Mask | None:
    """The subject's mask in a file, true where it is bright; None for no file.

    Raises:
        PhotoError: the file cannot be read.
    """
    return None if path is None else np.asarray(read_photo(path).image.mean(axis=2) > 127)


def safe_stem(path: Path) -> str:
    """A file name's stem in characters that every file system takes; what makes it unique is added by the caller."""
    return re.sub(r"[^A-Za-z0-9_]+", "_", path.stem)[:40].strip("_") or "photo"


def _unchanged(path: Path, sha256: str) -> bytes:
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise DatasetError("has changed since it was looked at", where=path, remedy="prepare the data set again")
    return data


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write_bytes(path, content)
