"""``video-train stream --label``: a stream kept as labelled videos to train on."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from footage.errors import DatasetError, FootageError, InputError
from footage.runs.directory import RunDirectory, atomic_write_json
from footage.video.live import LiveVideo
from video_train.stream.handover import wait_for

ANNOTATIONS_FILE = "annotations.json"
_LOOK_SECONDS = 0.2

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordOptions:
    """What to record, and where to.

    Attributes:
        source: a network address, or a file that grows.
        folder: for the videos and their annotations.
        label: class of all that comes.
        segment_seconds: a video ends at the first keyframe after so long.
        patience_seconds: after so long without data it has ended.
        most_segments: stop after so many videos; None to go on.
    """

    source: str
    folder: Path
    label: str
    segment_seconds: float = 10.0
    patience_seconds: float = 10.0
    most_segments: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What was recorded.

    Attributes:
        source: as it may be printed.
        annotations: the file that names the videos, with those of earlier recordings.
        videos: of this recording.
        ended: why it ended.
    """

    source: str
    annotations: Path
    videos: tuple[Path, ...]
    ended: str


def record(
    options: RecordOptions,
    *,
    tell: Tell,
    on_video: Callable[[Path], None],
    interrupted: Callable[[], bool] = lambda: False,
) -> Recorded:
    """Write a source into labelled videos until it ends or is interrupted; nothing that comes is dropped.

    Videos of one recording are one group, so that training keeps them on one side of its split. The annotations are
    written after every video: a killed recording loses the one it was writing.

    Args:
        options: what, and where to.
        tell: told what is done.
        on_video: called with every video that is complete.
        interrupted: asked several times a second whether to end.

    Raises:
        VideoError: the source cannot be opened, or a video cannot be written.
        InputError: the label cannot be used, or another process records into the folder.
        DatasetError: the annotations that are there cannot be read.
    """
    if not options.label.strip() or not options.segment_seconds > 0:
        raise InputError("a recording needs a label, and its videos a positive length")
    settings = {"label": options.label, "segment_seconds": options.segment_seconds}
    with RunDirectory(options.folder).open(tool="video-train", settings=settings) as folder:
        annotations = folder.file(ANNOTATIONS_FILE)
        entries = _entries(annotations)
        session = f"{_plain(options.label)}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
        with LiveVideo(options.source, patience_seconds=options.patience_seconds) as video:
            tell(f"{video.source}: {video.size[0]}x{video.size[1]} {video.codec}; Ctrl-C ends it")
            stop, finished = threading.Event(), threading.Event()
            made, failures = list[Path](), list[FootageError]()

            def write() -> None:
                segments = video.record(folder.path, session, segment_seconds=options.segment_seconds, stop=stop)
                try:
                    for path in segments:
                        made.append(path)
                        new = {"video_id": path.stem, "action_label": options.label, "group": session}
                        entries.append(new)
                        atomic_write_json(annotations, entries)
                        on_video(path)
                        if options.most_segments is not None and len(made) >= options.most_segments:
                            return
                except FootageError as error:
                    failures.append(error)
                finally:
                    finished.set()

            # A thread of its own: the file that is being written is finished, whatever happens to the main one.
            threading.Thread(target=write, daemon=True).start()
            stopped = False
            try:
                while not finished.wait(_LOOK_SECONDS) and not stopped:
                    stopped = interrupted()
                if stopped:
                    tell("finishing the last video")
            finally:
                stop.set()
                wait_for(finished)
            ended = "interrupted" if stopped else video.ended or "as many videos as asked for"
        if failures:
            raise failures[0]
        if not made:
            raise InputError(f"nothing could be recorded: {ended}", where=video.source)
        folder.finish(videos=len(entries), ended=ended)
    return Recorded(source=video.source, annotations=annotations, videos=tuple(made), ended=ended)


def _plain(label: str) -> str:
    """A label as a part of a file's name."""
    return re.sub(r"[^\w-]+", "_", label)


def _entries(annotations: Path) -> list[dict[str, Any]]:
    """Of earlier recordings into the folder."""
    if not annotations.exists():
        return []
    try:
        document = json.loads(annotations.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(f"cannot be read as JSON ({error})", where=annotations, remedy="check the file") from error
    if not isinstance(document, list):
        raise DatasetError("is no list of annotations", where=annotations, remedy="choose another folder")
    return document
