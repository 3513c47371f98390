"""What a scan found, as a record and as ``scan.json``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from eztrack_tune.classes import Difficulty, FootageClass, MotionType, footage_class
from eztrack_tune.scan.measure import Measures
from footage.errors import DatasetError
from footage.runs.files import atomic_write_json
from footage.runs.jsonable import to_jsonable

SCAN_FILE = "scan.json"
FORMAT_VERSION = 1
TUNING, HELD_OUT = "tuning", "held_out"
LEAST_TUNING = 5
"""Clips of a class without which nothing is recommended for it."""
LEAST_HELD_OUT = 3
"""Clips of a class without which a recommendation is not validated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannedClip:
    """One clip of a library.

    Attributes:
        path: the file, absolute.
        content_sha256: of the file.
        width: columns of a frame as displayed, pixels.
        height: rows of a frame as displayed, pixels.
        fps: frames a second.
        duration_seconds: None where the file does not tell.
        footage: its class.
        difficulty: as measured.
        why_not_easy: what made it harder; empty for an easy clip.
        motion: as measured.
        measures: what was measured.
        hashes: perceptual hashes of three frames.
        labelled_class: what a folder above it says; None where none does.
        labelled_difficulty: likewise.
        side: ``tuning`` or ``held_out``.
    """

    path: Path
    content_sha256: str
    width: int
    height: int
    fps: float
    duration_seconds: float | None
    footage: FootageClass
    difficulty: Difficulty
    why_not_easy: tuple[str, ...]
    motion: MotionType
    measures: Measures
    hashes: tuple[int, ...]
    labelled_class: str | None
    labelled_difficulty: Difficulty | None
    side: str

    @property
    def disagreements(self) -> tuple[str, ...]:
        """What the folder says and the video does not."""
        found = []
        if self.labelled_class not in {None, self.footage.name, self.footage.finer}:
            found.append(f"lies in {self.labelled_class} and is {self.footage.name}")
        if self.labelled_difficulty not in {None, self.difficulty}:
            why = f" ({', '.join(self.why_not_easy)})" if self.why_not_easy else ""
            found.append(f"lies in {self.labelled_difficulty} and measures as {self.difficulty}{why}")
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A file that is no clip of the library, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A library.

    Attributes:
        clips: by path.
        left_out: files that could not be used.
    """

    clips: tuple[ScannedClip, ...]
    left_out: tuple[LeftOut, ...] = field(default=())

    def of_class(self, name: str, side: str | None = None) -> list[ScannedClip]:
        """The clips of a class, of one side where it is given."""
        return [clip for clip in self.clips if clip.footage.name == name and side in {None, clip.side}]

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that have a clip."""
        return tuple(sorted({clip.footage.name for clip in self.clips}))


def write_scan(scan: Scan, path: Path) -> None:
    """Write ``scan.json``.

    Raises:
        OSError: the folder is missing or not writable, or the disk is full.
    """
    clips = [{**clip_document(clip), "disagreements": clip.disagreements} for clip in scan.clips]
    atomic_write_json(path, {"format_version": FORMAT_VERSION, "clips": clips, "left_out": scan.left_out})


def read_scan(path: Path) -> Scan:
    """Read ``scan.json``, or that of a folder.

    Raises:
        DatasetError: it is missing, is none, or is of a later version.
    """
    file = path / SCAN_FILE if path.is_dir() else path
    try:
        document = json.loads(file.read_bytes())
    except OSError as error:
        raise DatasetError(f"cannot be read ({error.strerror})", where=file, remedy="scan the library first") from error
    except (ValueError, RecursionError) as error:
        raise DatasetError("is no JSON", where=file, remedy="scan the library again") from error
    if not isinstance(document, dict) or document.get("format_version") != FORMAT_VERSION:
        raise DatasetError("is no scan of this version", where=file, remedy="scan the library again")
    try:
        clips = tuple(clip_of(entry) for entry in document["clips"])
        left_out = tuple(LeftOut(**entry) for entry in document["left_out"])
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"has an incomplete entry ({error})", where=file, remedy="scan the library again") from error
    return Scan(clips=clips, left_out=left_out)


def sides_of(clips: Iterable[ScannedClip]) -> dict[str, str]:
    """The side of each clip, by its content."""
    return {clip.content_sha256: clip.side for clip in clips}


def clip_document(clip: ScannedClip) -> dict[str, object]:
    """A clip as it stands in ``scan.json``."""
    plain = to_jsonable({**asdict(clip), "path": str(clip.path), "hashes": [f"{one:016x}" for one in clip.hashes]})
    return plain if isinstance(plain, dict) else {}


def clip_of(entry: Mapping[str, object]) -> ScannedClip:
    """The clip of an entry that :func:`clip_document` made.

    Raises:
        KeyError: an entry is missing.
        TypeError: an entry is of the wrong kind.
        ValueError: an entry has a value that none has.
    """
    values = {**entry}
    values.pop("disagreements", None)
    label = values["labelled_difficulty"]
    measures, hashes, why = values["measures"], values["hashes"], values["why_not_easy"]
    if not isinstance(measures, dict) or not isinstance(hashes, list) or not isinstance(why, list):
        raise TypeError("measures, hashes or why_not_easy")
    if values["side"] not in {TUNING, HELD_OUT}:
        raise ValueError(f"side {values['side']!r}")
    width, height, fps = int(str(values["width"])), int(str(values["height"])), float(str(values["fps"]))
    values |= {
        "path": Path(str(values["path"])),
        "footage": footage_class(width, height, fps),
        "difficulty": Difficulty(str(values["difficulty"])),
        "motion": MotionType(str(values["motion"])),
        "labelled_difficulty": None if label is None else Difficulty(str(label)),
        "measures": Measures(**{**measures, "cuts": tuple(measures["cuts"])}),
        "hashes": tuple(int(one, 16) for one in hashes),
        "why_not_easy": tuple(why),
    }
    return ScannedClip(**values)  # type: ignore[arg-type] # a JSON object: what matters of it was converted above
