"""``split.json``: which clip a model learned from, which chose it, and which it never saw; by content, not by name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from footage.dataset.manifest import rows_sha256
from footage.errors import DatasetError
from footage.runs.files import atomic_write_json
from highlight_train.labels import CLASSES

SPLIT_FILE = "split.json"
SIDES = ("train", "val", "test")
MIN_TEST_GROUPS = 5
"""An interval over fewer groups says next to nothing."""
MIN_TEST_POSITIVES = 5
FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitClip:
    """A clip of a split.

    Attributes:
        side: ``train``, ``val`` or ``test``.
        path: where it lay, absolute.
        fingerprint: of its content, by :func:`footage.dataset.manifest.quick_fingerprint`.
        group: what it was kept on one side with.
        is_highlight: its label.
    """

    side: str
    path: Path
    fingerprint: str
    group: str
    is_highlight: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A split of clips.

    Attributes:
        grouped_by: what was kept together, in words.
        clips: all of them.
    """

    grouped_by: str
    clips: tuple[SplitClip, ...]

    def sha256(self) -> str:
        """Hash of which content is on which side; it stands in the model's manifest too."""
        return rows_sha256(*(sorted(clip.fingerprint for clip in self.clips if clip.side == side) for side in SIDES))


def write_split(split: Split, path: Path) -> None:
    """Write the split, whole or not at all.

    Raises:
        OSError: the folder is not writable or the disk is full.
    """
    clips = [
        {
            "side": clip.side,
            "path": str(clip.path),
            "fingerprint": clip.fingerprint,
            "group": clip.group,
            "label": CLASSES[clip.is_highlight],
        }
        for clip in split.clips
    ]
    atomic_write_json(path, {"format_version": FORMAT_VERSION, "grouped_by": split.grouped_by, "clips": clips})


def read_split(path: Path, *, expected_sha256: str) -> Split:
    """Read a model's split.

    Args:
        path: the file.
        expected_sha256: what the model's manifest says of its split.

    Raises:
        DatasetError: the file is missing, no such file, or that of another model.
    """
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise DatasetError(
            f"cannot be read ({error.strerror}): without it nobody knows which clips the model learned from",
            where=path,
            remedy="keep the model in the folder of its training, or train again",
        ) from error
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"is not JSON ({error})", where=path) from error
    version = document.get("format_version") if isinstance(document, dict) else None
    if version != FORMAT_VERSION:
        raise DatasetError(f"has format version {version!r}, expected {FORMAT_VERSION}", where=path)
    try:
        split = Split(grouped_by=str(document["grouped_by"]), clips=tuple(_clip(entry) for entry in document["clips"]))
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"is no valid split ({type(error).__name__}: {error})", where=path) from error
    if split.sha256() != expected_sha256:
        raise DatasetError(
            "is the split of another model: its hash is not the one in the model's manifest",
            where=path,
            remedy="keep the files of one training together, or train again",
        )
    return split


def _clip(entry: dict[str, Any]) -> SplitClip:
    return SplitClip(
        side=SIDES[SIDES.index(entry["side"])],
        path=Path(entry["path"]),
        fingerprint=str(entry["fingerprint"]),
        group=str(entry["group"]),
        is_highlight=bool(CLASSES.index(entry["label"])),
    )
