"""Where labels come from: an annotations file, the folders videos lie in, or a pattern of their names."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from footage.dataset.discover import Skipped, find_media
from footage.errors import DatasetError, InputError
from video_train.catalogue.events import Event


@dataclass(frozen=True, slots=True)
class Labelled:
    """Events as their user labelled them, and what could not be matched.

    Attributes:
        events: in order of their identity.
        skipped: files without a label and labels without a file, with the reason.
        source: where the labels come from, in words.
    """

    events: tuple[Event, ...]
    skipped: tuple[Skipped, ...]
    source: str


def read_labels(folder: Path, *, annotations: Path | None = None, pattern: str | None = None) -> Labelled:
    """Find the videos of a folder and their labels.

    Args:
        folder: holds the videos, at any depth.
        annotations: a JSON list, see ``docs/formats/annotations.md``; videos are matched by their exact name without
            extension.
        pattern: of the names without extension, such as ``{id}_{label}``; ``{group}`` may stand in it too.

    Returns:
        The events; without annotations and pattern each video's label is the first folder below ``folder``.

    Raises:
        DatasetError: there are no videos, no labels, or one class only.
        InputError: both were given, or the pattern cannot be used.
    """
    if annotations is not None and pattern is not None:
        raise InputError("labels come from annotations or from a pattern, not from both", where=annotations)
    files = find_media(folder).files
    if annotations is not None:
        labelled = _annotated(folder, files, annotations)
    elif pattern is not None:
        labelled = _named(folder, files, pattern)
    else:
        labelled = _in_folders(folder, files)
    classes = sorted({event.label for event in labelled.events})
    if len(classes) < 2:
        found = f"only the class {classes[0]!r}" if classes else "no labelled video"
        raise DatasetError(
            f"there is {found}, and two are needed ({labelled.source})",
            where=folder,
            remedy="put videos into one folder a class, name a pattern, or give an annotations file",
        )
    return labelled


def counts(events: Sequence[Event]) -> dict[str, int]:
    """Events of each class, in order of the names."""
    return dict(sorted(Counter(event.label for event in events).items()))


def _in_folders(folder: Path, files: Sequence[Path]) -> Labelled:
    events, skipped = [], []
    for file in files:
        parts = file.relative_to(folder).parts
        if len(parts) < 2:
            skipped.append(Skipped(file, "lies in no class folder"))
            continue
        identity = file.relative_to(folder).with_suffix("").as_posix()
        events.append(
            Event(identity=identity, label=parts[0], views=(file,), group=file.relative_to(folder).as_posix())
        )
    return Labelled(tuple(events), tuple(skipped), "labels are the folders' names")


def _named(folder: Path, files: Sequence[Path], pattern: str) -> Labelled:
    expression = _expression(pattern)
    events, skipped = [], []
    for file in files:
        match = expression.fullmatch(file.stem)
        if match is None:
            skipped.append(Skipped(file, f"its name does not fit {pattern}"))
            continue
        found = match.groupdict()
        identity = file.relative_to(folder).with_suffix("").as_posix()
        group = found.get("group") or identity
        events.append(Event(identity=identity, label=found["label"], views=(file,), group=group))
    return Labelled(tuple(events), tuple(skipped), f"labels are the names' part {{label}} of {pattern}")


def _expression(pattern: str) -> re.Pattern[str]:
    """The regular expression of a pattern: ``{label}`` takes what is left, the other fields as little as they can.

    Raises:
        InputError: it has no ``{label}``, or a field is unknown or there twice.
    """
    parts = re.split(r"\{(\w*)\}", pattern)
    fields = parts[1::2]
    if fields.count("label") != 1 or len(set(fields)) != len(fields) or not set(fields) <= {"id", "label", "group"}:
        raise InputError(
            f"the pattern {pattern!r} cannot be used",
            remedy="name {label} once, and {id} and {group} where names have them, as in {id}_{label}",
        )
    text = ""
    for place, part in enumerate(parts):
        if place % 2 == 0:
            text += re.escape(part)
        else:
            text += f"(?P<{part}>{'.+' if part == 'label' else '.+?'})"
    return re.compile(text)


def _annotated(folder: Path, files: Sequence[Path], annotations: Path) -> Labelled:
    by_name: dict[str, list[Path]] = defaultdict(list)
    for file in files:
        by_name[file.stem].append(file)
        by_name[file.relative_to(folder).as_posix()].append(file)
    events, skipped, used = [], [], set[Path]()
    for place, entry in enumerate(_entries(annotations)):
        where = f"{annotations}, entry {place + 1}"
        wanted = _names(entry, where)
        views = []
        for name in wanted:
            found = by_name.get(name, [])
            if len(found) > 1:
                raise DatasetError(
                    f"{name!r} may be {found[0]} or {found[1]}", where=where, remedy="give its path within the folder"
                )
            if found:
                views.append(found[0])
            else:
                skipped.append(Skipped(folder / name, "is annotated, and there is no such video"))
        used.update(views)
        if views:
            events.append(_event(entry, tuple(views), where))
    skipped += [Skipped(file, "is not annotated") for file in files if file not in used]
    return Labelled(tuple(_numbered(events)), tuple(skipped), f"labels are those of {annotations.name}")


def _entries(annotations: Path) -> list[dict[str, Any]]:
    try:
        document = json.loads(annotations.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(f"cannot be read as JSON ({error})", where=annotations, remedy="check the file") from error
    if not isinstance(document, list) or not all(isinstance(entry, dict) for entry in document):
        raise DatasetError(
            "is no list of annotations", where=annotations, remedy='write [{"video_id": ..., "action_label": ...}, ...]'
        )
    return document


def _names(entry: dict[str, Any], where: str) -> list[str]:
    views = entry.get("views", [entry.get("video_id")])
    if not isinstance(views, list) or not views or not all(isinstance(name, str) and name for name in views):
        raise DatasetError("names no video", where=where, remedy='give "video_id", or "views" with several names')
    return views


def _event(entry: dict[str, Any], views: tuple[Path, ...], where: str) -> Event:
    label, group = entry.get("action_label"), entry.get("group")
    identity = entry.get("video_id") or views[0].stem
    start, end = entry.get("start_seconds", 0.0), entry.get("end_seconds")
    if not isinstance(label, str) or not label:
        raise DatasetError("has no action_label", where=where, remedy="give it as a text")
    for name, value in (("start_seconds", start), ("end_seconds", 1.0 if end is None else end)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
            raise DatasetError(f"{name} is {value!r}", where=where, remedy="give seconds from the video's beginning")
    if end is not None and end <= start:
        raise DatasetError(f"ends at {end} s, before it begins at {start} s", where=where)
    return Event(
        identity=str(identity),
        label=label,
        views=views,
        group=str(group) if group else str(identity),
        start_seconds=float(start),
        end_seconds=None if end is None else float(end),
    )


def _numbered(events: Sequence[Event]) -> list[Event]:
    """Events with identities of their own: parts of one video have its name and their place in time."""
    seen = Counter(event.identity for event in events)
    return [
        event if seen[event.identity] == 1 else replace(event, identity=f"{event.identity}@{event.start_seconds:g}s")
        for event in events
    ]
