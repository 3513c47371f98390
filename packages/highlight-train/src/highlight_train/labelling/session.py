"""The labels while they are made: each change is on the disk before it is answered, and can be taken back."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from footage.errors import DatasetError
from highlight_train.labelling.library import Clip
from highlight_train.labelling.marks import UNMARKED, Mark, Verdict, mark_span
from highlight_train.labels import Labelled, Labels, read_labels, write_labels


@dataclass(frozen=True, slots=True)
class _Change:
    clip: str
    before: Mark
    after: Mark


class Session:
    """The marks of a library's clips, kept equal to a ``labels.json``.

    What the file says of other clips is kept. A file that another program has changed is read again before anything is
    written, so that labels made in two places come together. Clips that were skipped are remembered here only: the
    file has no word for them. Every method may be called from any thread.
    """

    def __init__(self, clips: Iterable[Clip], file: Path) -> None:
        """Read the labels that are there.

        Raises:
            DatasetError: the file is there and is no ``labels.json``, or it could not be written.
        """
        folder = file.absolute().parent
        if not folder.is_dir() or not os.access(folder, os.W_OK):
            raise DatasetError("labels cannot be written in this folder", where=folder, remedy="choose another file")
        self._file = file
        self._lock = threading.Lock()
        self._paths = {clip.id: clip.path for clip in clips}
        self._ids = {os.path.realpath(path): clip for clip, path in self._paths.items()}
        self._labels: dict[Path, Mark] = {}
        self._named: dict[Path, str] = {}
        self._skipped: set[str] = set()
        self._history: list[_Change] = []
        self._revision = 0
        self._revisions: dict[str, int] = {}
        self._marks: dict[str, Mark] = {}
        self._state: tuple[int, int, int] | None = None
        self._reread()

    def changes(self, since: int = 0) -> tuple[int, Mapping[str, Mark]]:
        """What has changed.

        Args:
            since: the revision that the asker knows; 0 for nothing.

        Returns:
            The revision now, and by id the marks that are newer than ``since``.

        Raises:
            DatasetError: another program has changed the file to what is no ``labels.json``.
        """
        with self._lock:
            self._reread()
            newer = {clip: self._mark_of(clip) for clip, revision in self._revisions.items() if revision > since}
            return self._revision, newer

    def mark(self, clip: str, verdict: Verdict) -> None:
        """Label a clip as a whole, or skip it, and save.

        Raises:
            DatasetError: another program has changed the file to what is no ``labels.json``.
            OSError: it cannot be saved; everything is then as it was before.
        """
        with self._lock:
            self._reread()
            self._apply(clip, Mark(verdict))

    def mark_span(
        self, clip: str, span: tuple[float, float], verdict: Verdict, duration_seconds: Callable[[], float]
    ) -> None:
        """Label a span of a clip and save; see :func:`highlight_train.labelling.marks.mark_span`.

        Raises:
            DatasetError: the span cannot be labelled so, or as for ``mark``.
            VideoError: the clip's length is needed and cannot be found.
            OSError: it cannot be saved; everything is then as it was before.
        """
        with self._lock:
            self._reread()
            self._apply(clip, mark_span(self._mark_of(clip), span, verdict, duration_seconds))

    def undo(self) -> str | None:
        """Take back the last change and save; one that another program has overwritten since is passed over.

        Returns:
            The clip's id; None where nothing is left to take back.

        Raises:
            DatasetError: as for ``mark``.
            OSError: it cannot be saved; everything is then as it was before.
        """
        with self._lock:
            self._reread()
            while self._history:
                change = self._history[-1]
                stands = self._mark_of(change.clip) == change.after
                if stands:
                    self._put(change.clip, change.before)
                self._history.pop()
                if stands:
                    return change.clip
            return None

    def _mark_of(self, clip: str) -> Mark:
        return self._marks.get(clip) or (Mark(Verdict.SKIP) if clip in self._skipped else UNMARKED)

    def _apply(self, clip: str, after: Mark) -> None:
        before = self._mark_of(clip)
        if after != before:
            self._put(clip, after)
            self._history.append(_Change(clip, before, after))

    def _put(self, clip: str, mark: Mark) -> None:
        """Save a mark, then remember it: what cannot be saved has not been said."""
        names = [path for path, named in self._named.items() if named == clip]
        labels = {path: known for path, known in self._labels.items() if path not in names}
        is_label = mark.verdict in {Verdict.HIGHLIGHT, Verdict.NORMAL}
        if is_label:
            labels[names[0] if names else self._paths[clip]] = mark
        if labels != self._labels:
            write_labels(_document(labels), self._file)
            self._state = _state_of(self._file)
        self._take(labels)
        self._skipped.discard(clip)
        if mark.verdict is Verdict.SKIP:
            self._skipped.add(clip)
        self._touch([clip])

    def _reread(self) -> None:
        """Read the file where it is not as we left it. Where it was deleted, the next label writes all of it again."""
        state = _state_of(self._file)
        if state is None or state == self._state:
            return
        labels = read_labels(self._file)
        before = self._marks
        self._take(
            {one.path: Mark(Verdict.HIGHLIGHT, one.spans) for one in labels.highlights}
            | {one.path: Mark(Verdict.NORMAL) for one in labels.normal}
        )
        self._state = state
        self._touch(clip for clip in {*before, *self._marks} if before.get(clip) != self._marks.get(clip))

    def _take(self, labels: dict[Path, Mark]) -> None:
        """Take labels over, by whatever name the file has for a clip."""
        new = labels.keys() - self._labels.keys()
        known = {path: clip for path, clip in self._named.items() if path in labels}
        found = {path: self._ids.get(os.path.realpath(path)) for path in new}
        self._named = known | {path: clip for path, clip in found.items() if clip is not None}
        self._labels = labels
        self._marks = {clip: labels[path] for path, clip in self._named.items()}

    def _touch(self, clips: Iterable[str]) -> None:
        self._revision += 1
        self._revisions.update(dict.fromkeys(clips, self._revision))


def _document(labels: Mapping[Path, Mark]) -> Labels:
    return Labels(
        highlights=tuple(Labelled(path, mark.spans) for path, mark in labels.items() if mark.verdict != Verdict.NORMAL),
        normal=tuple(Labelled(path) for path, mark in labels.items() if mark.verdict == Verdict.NORMAL),
    )


def _state_of(file: Path) -> tuple[int, int, int] | None:
    """What changes with the file's content; every writing makes another inode. None where there is no file."""
    try:
        state = file.stat()
    except FileNotFoundError:
        return None
    return state.st_mtime_ns, state.st_size, state.st_ino
