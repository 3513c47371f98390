"""The clips of a library under short names that say nothing of their paths: the only way in for a browser."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from footage.dataset.discover import Skipped, find_media
from footage.errors import printable
from highlight_train.batch.options import EXTENSIONS


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip that the scan found.

    Attributes:
        id: 16 hexadecimal digits, the same for the same path.
        path: absolute.
        name: the path below the library, fit for showing.
    """

    id: str
    path: Path
    name: str


class Library:
    """The clips found by one scan; what is not among them cannot be asked for.

    Attributes:
        folder: what was searched.
        skipped: what was found and cannot be used, with reasons.
    """

    def __init__(self, folder: Path) -> None:
        """Search for clips.

        Raises:
            DatasetError: there are none.
        """
        found = find_media(folder, EXTENSIONS)
        self.folder = folder
        self.skipped: tuple[Skipped, ...] = found.skipped
        self._clips = {clip.id: clip for clip in (_clip(path, folder) for path in found.files)}

    def __len__(self) -> int:
        """The number of clips."""
        return len(self._clips)

    def __iter__(self) -> Iterator[Clip]:
        """The clips in the order of their paths."""
        return iter(self._clips.values())

    def get(self, clip_id: str) -> Clip | None:
        """The clip of that id; None where the scan found none."""
        return self._clips.get(clip_id)


def _clip(path: Path, folder: Path) -> Clip:
    whole = Path(os.path.normpath(path.absolute()))
    name = path.relative_to(folder) if folder in path.parents else path
    return Clip(id=hashlib.sha256(os.fsencode(whole)).hexdigest()[:16], path=whole, name=printable(str(name)))
