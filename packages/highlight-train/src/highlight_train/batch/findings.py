"""What a scan of a library found, in an order that does not depend on how it went."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from highlight_train.scoring.video import ScoredVideo


@dataclass(frozen=True, slots=True)
class FailedFile:
    """A file or folder that could not be used, with the reason."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A library's scores.

    Attributes:
        scanned: video files found, the failed ones among them.
        videos: the scored ones, the best first, equals by name.
        failures: what could not be used, by name.
        threshold: the least score of a highlight.
        complete: every file found has its answer; else the scan was interrupted.
    """

    scanned: int
    videos: tuple[ScoredVideo, ...]
    failures: tuple[FailedFile, ...]
    threshold: float
    complete: bool

    @property
    def highlights(self) -> tuple[ScoredVideo, ...]:
        """The videos that score at least the threshold."""
        return tuple(video for video in self.videos if video.score >= self.threshold)

    @property
    def lead(self) -> str:
        """The result in one sentence."""
        found, scored = len(self.highlights), len(self.videos)
        text = f"{found:,} of {scored:,} scored videos {'is a highlight' if found == 1 else 'are highlights'}"
        text += f" (score {self.threshold:.3g} or more)"
        if self.failures:
            count = len(self.failures)
            text += f"; {count:,} {'file or folder' if count == 1 else 'files or folders'} could not be used"
        return f"{text}." if self.complete else f"{text}. The scan was interrupted: {self.scanned:,} videos were found."


def scan_of(
    scanned: int,
    videos: Iterable[ScoredVideo],
    failures: Iterable[FailedFile],
    *,
    threshold: float,
    complete: bool,
) -> Scan:
    """Put a scan in order."""
    return Scan(
        scanned=scanned,
        videos=tuple(sorted(videos, key=lambda video: (-video.score, os.fsencode(video.path)))),
        failures=tuple(sorted(failures, key=lambda failed: (os.fsencode(failed.path), failed.reason))),
        threshold=threshold,
        complete=complete,
    )
