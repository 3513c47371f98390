"""The files that a scan writes for other programs: ``highlights.json`` and ``scores.csv``."""

from __future__ import annotations

import csv
import os
from datetime import UTC, datetime
from pathlib import Path

from footage.runs.files import atomic_text
from highlight_train.batch.findings import Scan
from highlight_train.highlights import Highlight, Highlights, write_highlights
from highlight_train.scoring.video import ScoredVideo

HIGHLIGHTS_FILE = "highlights.json"
SCORES_FILE = "scores.csv"
COLUMNS = (
    "path",
    "score",
    "band",
    "best_start_seconds",
    "best_end_seconds",
    "duration_seconds",
    "frames",
    "read",
    "remark",
    "failure",
)


def write_tables(scan: Scan, folder: Path) -> None:
    """Write both files, each whole or not at all.

    Raises:
        OSError: the folder is not writable or the disk is full.
    """
    write_scores(scan, folder / SCORES_FILE)
    highlights = Highlights(
        scanned=scan.scanned,
        highlights=tuple(
            Highlight(
                path=video.path,
                score=video.score,
                timestamp_seconds=video.timestamp_seconds,
                windows=video.windows,
            )
            for video in scan.highlights
        ),
        processed_at=datetime.now(UTC).isoformat(timespec="seconds"),
        status="complete" if scan.complete else "partial",
    )
    write_highlights(folder / HIGHLIGHTS_FILE, highlights)


def write_scores(scan: Scan, path: Path) -> None:
    """Write a row for every file, the best first and the failed ones last; names keep their bytes.

    Raises:
        OSError: the folder is not writable or the disk is full.
    """
    with atomic_text(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(_row(video) for video in scan.videos)
        blanks = [""] * (len(COLUMNS) - 2)
        writer.writerows([_absolute(failed.path), *blanks, failed.reason] for failed in scan.failures)


def _row(video: ScoredVideo) -> list[object]:
    best = video.windows[0]
    return [
        _absolute(video.path),
        repr(video.score),
        video.band.value,
        f"{best.start_seconds:.3f}",
        f"{best.end_seconds:.3f}",
        f"{video.duration_seconds:.3f}",
        video.frames,
        video.way.value,
        video.remark or "",
        "",
    ]


def _absolute(path: Path) -> str:
    return os.path.abspath(path)  # noqa: PTH100 - Path.absolute keeps ".."
