"""Find media files in what a user gave: files, folders and globs, in any mixture."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from footage.errors import DatasetError

VIDEO_EXTENSIONS = frozenset({".mp4", ".mov", ".avi", ".mkv", ".m4v", ".webm", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts"})
IMAGE_EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that was given or found and is not among the files, with the reason."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found.

    Attributes:
        files: sorted, each file once, however often it was given.
        skipped: what could not be used, in sorted order. Files with other extensions are listed only where they were
            named one by one: a folder of footage is full of sidecars.
    """

    files: tuple[Path, ...]
    skipped: tuple[Skipped, ...]


def find_media(
    given: str | PathLike[str] | Iterable[str | PathLike[str]], extensions: Iterable[str] = VIDEO_EXTENSIONS
) -> Discovery:
    """Find media files.

    Folders are searched with everything below them; links to folders are followed once, so that loops end. Hidden files
    and folders (``.name``) are passed over. A name that exists is taken as it is, even with ``*`` in it; otherwise
    ``*``, ``?``, ``[...]`` and ``**`` are a glob.

    Args:
        given: files, folders and globs.
        extensions: lower-case, with the dot; compared without regard to case.

    Returns:
        The files and what was skipped. Neither is empty by accident: see Raises.

    Raises:
        DatasetError: nothing was given, or no file was found at all.
    """
    names = [given] if isinstance(given, str | PathLike) else list(given)
    wanted = frozenset(extensions)
    files: dict[Path, Path] = {}
    skipped: list[Skipped] = []
    visited: set[tuple[int, int]] = set()
    for name in names:
        for path, named in _expand(name, skipped):
            for file in _below(path, skipped, visited) if path.is_dir() else [path]:
                if file.suffix.lower() in wanted:
                    _add(file, files, skipped)
                elif named and file == path:
                    skipped.append(Skipped(file, f"has none of the extensions {', '.join(sorted(wanted))}"))
    if not files:
        shown = ", ".join(repr(os.fspath(name)) for name in names) or "nothing"
        why = f"; skipped {skipped[0].path}: {skipped[0].reason}" if skipped else ""
        raise DatasetError(
            f"no files with the extensions {', '.join(sorted(wanted))} in {shown}{why}",
            remedy="give a file, a folder or a glob that has some",
        )
    return Discovery(tuple(sorted(files.values())), tuple(sorted(skipped, key=lambda s: (s.path, s.reason))))


def _expand(name: str | PathLike[str], skipped: list[Skipped]) -> Iterator[tuple[Path, bool]]:
    """Paths meant by one argument, and whether the user named them one by one."""
    text = os.fspath(name)
    path = Path(text)
    if os.path.lexists(path):
        yield path, True
        return
    matches = _matches(text)
    if not matches:
        skipped.append(Skipped(path, "matches nothing" if glob.has_magic(text) else "does not exist"))
    for match in matches:
        yield Path(match), False


def _matches(pattern: str) -> list[str]:
    if not glob.has_magic(pattern):
        return []
    return sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute patterns


def _add(file: Path, files: dict[Path, Path], skipped: list[Skipped]) -> None:
    try:
        real = file.resolve(strict=True)
    except (OSError, RuntimeError):
        skipped.append(Skipped(file, "is a link that leads nowhere"))
        return
    if not real.is_file():
        skipped.append(Skipped(file, "is not a regular file"))
    elif not os.access(real, os.R_OK):
        skipped.append(Skipped(file, "may not be read (permission denied)"))
    else:
        # The shortest, then first, of several names of one file: the same whatever the order of the arguments.
        known = files.get(real)
        files[real] = file if known is None else min(known, file, key=lambda p: (len(p.parts), p))


def _below(folder: Path, skipped: list[Skipped], visited: set[tuple[int, int]]) -> Iterator[Path]:
    """Files below a folder, each real folder entered once in the whole search."""
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        try:
            status = current.stat()
            if (status.st_dev, status.st_ino) in visited:
                continue
            visited.add((status.st_dev, status.st_ino))
            with os.scandir(current) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            skipped.append(Skipped(current, f"cannot be listed ({error.strerror})"))
            continue
        folders = []
        for entry in listed:
            if entry.name.startswith("."):
                continue
            if _is_folder(entry):
                folders.append(current / entry.name)
            else:
                yield current / entry.name
        waiting.extend(reversed(folders))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
