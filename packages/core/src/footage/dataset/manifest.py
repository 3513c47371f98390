"""What a data set is made of, by content: hashes of files and a JSON manifest that names them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from footage.errors import DatasetError, InputError
from footage.runs.files import atomic_write_bytes

FORMAT_VERSION = 1

_BLOCK = 1 << 20
# Read by quick_fingerprint: this many pieces of this many bytes, spread evenly from the start to the end.
_SAMPLES = 16
_SAMPLE_BYTES = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipRecord:
    """One recording of a data set.

    Attributes:
        path: as the user gave it, relative to the manifest's folder where it lies below it.
        size_bytes: of the file.
        sha256: of the whole content, in hex; None where only the fingerprint was taken.
        fingerprint: from :func:`quick_fingerprint`.
        group: what must stay on one side of a split (day folder, flight, source video).
        label: class or other label; None where there is none.
        duration_seconds: None where it is not known.
    """

    path: str
    size_bytes: int
    fingerprint: str
    group: str
    sha256: str | None = None
    label: str | None = None
    duration_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """The recordings of a data set, in order."""

    clips: tuple[ClipRecord, ...]

    def sha256(self) -> str:
        """Hash of what the recordings hold and how they are labelled and grouped; where they lie does not count."""
        lines = sorted(json.dumps([c.sha256 or c.fingerprint, c.group, c.label], ensure_ascii=True) for c in self.clips)
        return hashlib.sha256("\n".join(lines).encode("ascii")).hexdigest()

    def duplicates(self) -> list[tuple[str, ...]]:
        """Paths of recordings with the same content, one tuple for each content that occurs more than once."""
        by_content: dict[str, list[str]] = {}
        for clip in self.clips:
            by_content.setdefault(clip.sha256 or clip.fingerprint, []).append(clip.path)
        return [tuple(paths) for paths in by_content.values() if len(paths) > 1]


def content_sha256(path: str | PathLike[str]) -> str:
    """SHA-256 of a file's content, in hex.

    Raises:
        InputError: the file is missing or cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=path) from error


def rows_sha256(*parts: object) -> str:
    """SHA-256 over values that have a ``repr`` which says all, such as numbers, strings and tuples of them."""
    digest = hashlib.sha256()
    for part in parts:
        text = repr(part).encode("utf-8", "surrogatepass")
        digest.update(len(text).to_bytes(8, "little") + text)
    return digest.hexdigest()


def quick_fingerprint(path: str | PathLike[str]) -> str:
    """A name for a file's content from its size and blocks spread over it, reading at most 1 MiB.

    It tells files of a library apart and notices truncation and re-encoding; an edit of a few bytes between the blocks
    goes unnoticed, which :func:`content_sha256` would see.

    Raises:
        InputError: the file is missing or cannot be read.
    """
    if Path(path).exists() and not Path(path).is_file():
        # Opening a pipe waits for whoever writes to it, perhaps for ever.
        raise InputError("is a folder, a pipe or a device, not a file", where=path)
    try:
        with Path(path).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            digest = hashlib.sha256(size.to_bytes(8, "little"))
            if size <= _SAMPLES * _SAMPLE_BYTES:
                digest.update(file.read())
            else:
                for i in range(_SAMPLES):
                    file.seek(i * (size - _SAMPLE_BYTES) // (_SAMPLES - 1))
                    digest.update(file.read(_SAMPLE_BYTES))
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=path) from error
    return digest.hexdigest()[:32]


def clip_record(
    path: str | PathLike[str],
    *,
    group: str,
    label: str | None = None,
    duration_seconds: float | None = None,
    relative_to: str | PathLike[str] | None = None,
    whole_content: bool = True,
) -> ClipRecord:
    """Look at a file and record it.

    Args:
        path: the file.
        group: what must stay on one side of a split.
        label: class or other label.
        duration_seconds: where known.
        relative_to: folder that the recorded path starts from, where the file lies below it.
        whole_content: hash the whole content; False takes the fingerprint only, for libraries of terabytes.

    Raises:
        InputError: the file is missing or cannot be read.
    """
    file = Path(path)
    shown = file
    if relative_to is not None and file.resolve().is_relative_to(Path(relative_to).resolve()):
        shown = file.resolve().relative_to(Path(relative_to).resolve())
    fingerprint = quick_fingerprint(file)
    return ClipRecord(
        path=shown.as_posix(),
        size_bytes=file.stat().st_size,
        fingerprint=fingerprint,
        group=group,
        sha256=content_sha256(file) if whole_content else None,
        label=label,
        duration_seconds=duration_seconds,
    )


def write_manifest(manifest: Manifest, path: str | PathLike[str]) -> None:
    """Write a manifest as JSON; the same manifest gives the same bytes. File names need not be valid Unicode.

    Raises:
        OSError: the folder is missing or not writable, or the disk is full.
    """
    document = {"format_version": FORMAT_VERSION, "clips": [asdict(clip) for clip in manifest.clips]}
    # ASCII escapes keep the lone surrogates that stand for bytes of file names that are not UTF-8.
    atomic_write_bytes(path, (json.dumps(document, indent=1, ensure_ascii=True) + "\n").encode("ascii"))


def read_manifest(path: str | PathLike[str]) -> Manifest:
    """Read a manifest that :func:`write_manifest` wrote.

    Raises:
        DatasetError: the file is missing, not such a manifest, of a later format, or an entry is incomplete.
    """
    try:
        document = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise DatasetError(f"cannot be read ({error.strerror})", where=path) from error
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"is not JSON ({error})", where=path) from error
    if not isinstance(document, dict) or not isinstance(document.get("clips"), list):
        raise DatasetError("is not a data set manifest: it has no list named clips", where=path)
    if document.get("format_version") != FORMAT_VERSION:
        raise DatasetError(
            f"has format version {document.get('format_version')!r}, expected {FORMAT_VERSION}",
            where=path,
            remedy="write the manifest again with this version",
        )
    return Manifest(tuple(_clip(entry, index, path) for index, entry in enumerate(document["clips"])))


_FIELDS: dict[str, tuple[type, ...]] = {
    "path": (str,),
    "size_bytes": (int,),
    "fingerprint": (str,),
    "group": (str,),
    "sha256": (str, type(None)),
    "label": (str, type(None)),
    "duration_seconds": (float, int, type(None)),
}


def _clip(entry: Any, index: int, path: str | PathLike[str]) -> ClipRecord:
    if not isinstance(entry, dict):
        raise DatasetError(f"entry {index} is not an object", where=path)
    for name, kinds in _FIELDS.items():
        value = entry.get(name)
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise DatasetError(f"entry {index} has no valid {name} ({value!r})", where=path)
    return ClipRecord(
        path=entry["path"],
        size_bytes=entry["size_bytes"],
        fingerprint=entry["fingerprint"],
        group=entry["group"],
        sha256=entry.get("sha256"),
        label=entry.get("label"),
        duration_seconds=entry.get("duration_seconds"),
    )


def total_duration_seconds(clips: Sequence[ClipRecord]) -> float | None:
    """Sum of the durations, None where one is not known."""
    durations = [clip.duration_seconds for clip in clips]
    return None if any(d is None for d in durations) else float(sum(d for d in durations if d is not None))
