"""The page about a scan: what scored best, how scores spread, what could not be used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from footage.errors import FootageError, printable
from footage.report.figures import histogram
from footage.report.page import Page
from footage.report.sheets import contact_sheet
from highlight_train.batch.findings import Scan
from highlight_train.scoring.bands import LOWER_ENDS
from highlight_train.scoring.sampler import pictures_at
from highlight_train.scoring.video import ScoredVideo, clock, window_text

REPORT_FILE = "report.html"
PICTURES = 12
ROWS = 200
BINS = 20


def lay_out(scan: Scan, origin: Sequence[tuple[str, object]]) -> Page:
    """The page; the pictures of the best videos are read anew.

    Args:
        scan: what was found.
        origin: where the numbers come from: models, settings, times.
    """
    page = Page("Highlights of a library", scan.lead)
    scores = np.array([video.score for video in scan.videos])
    if scores.size:
        _pictures(page, scan)
        _spread(page, scan, scores)
        _best(page, scan)
        _bands(page, scan)
    _failures(page, scan)
    _remarks(page, scan)
    page.section("Where the numbers come from")
    page.table(("what", "value"), origin)
    return page


def _pictures(page: Page, scan: Scan) -> None:
    shown: list[tuple[ScoredVideo, NDArray[np.uint8]]] = []
    unread = 0
    for video in scan.videos[:PICTURES]:
        try:
            shown.append((video, pictures_at(video.path, [video.timestamp_seconds])[0]))
        except (FootageError, OSError):
            unread += 1
    if shown:
        sheet = contact_sheet(
            [picture for _, picture in shown],
            [f"{video.score:.2f} {printable('/'.join(video.path.parts[-2:]))}" for video, _ in shown],
        )
        page.figure(
            sheet,
            f"The {len(shown)} videos with the highest scores, one picture each",
            "The videos that score highest, each in the middle of its best window, with its score.",
        )
    if unread:
        page.note(f"{unread} of the best could not be read again for a picture.", kind="warning")


def _spread(page: Page, scan: Scan, scores: NDArray[np.float64]) -> None:
    counts, edges = np.histogram(scores, bins=BINS, range=(0, 1))
    page.figure(
        histogram(counts, edges, {"highlight": scan.threshold}, value_label="score", count_label="videos"),
        f"Histogram of the scores of {scores.size} videos, {len(scan.highlights)} of them highlights",
        "Scores of all videos. From the dashed line on a video counts as a highlight.",
    )


def _best(page: Page, scan: Scan) -> None:
    page.section("The best")
    page.table(
        ("video", "score", "best window", "length"),
        [
            (printable(str(video.path)), f"{video.score:.3f}", window_text(video), clock(video.duration_seconds))
            for video in scan.videos[:ROWS]
        ],
        caption=f"The first {min(ROWS, len(scan.videos))} of {len(scan.videos)}; scores.csv has all.",
    )


def _bands(page: Page, scan: Scan) -> None:
    counts = Counter(video.band for video in scan.videos)
    page.section("How sure the model is")
    page.table(
        ("band", "score from", "videos", "share"),
        [
            (band.value, f"{low:g}", counts[band], f"{counts[band] / len(scan.videos):.1%}")
            for band, low in LOWER_ENDS.items()
        ],
    )


def _failures(page: Page, scan: Scan) -> None:
    if not scan.failures:
        return
    page.section("What could not be used")
    page.table(
        ("file or folder", "reason"),
        [(printable(str(failed.path)), failed.reason) for failed in scan.failures[:ROWS]],
        caption=f"The first {min(ROWS, len(scan.failures))} of {len(scan.failures)}; scores.csv has all. "
        "They are tried again at the next scan.",
    )


def _remarks(page: Page, scan: Scan) -> None:
    remarked = [video for video in scan.videos if video.remark is not None]
    if not remarked:
        return
    page.section("Scored, but not as usual")
    page.table(
        ("video", "remark"),
        [(printable(str(video.path)), video.remark) for video in remarked[:ROWS]],
        caption=f"The first {min(ROWS, len(remarked))} of {len(remarked)}; scores.csv has all.",
    )
