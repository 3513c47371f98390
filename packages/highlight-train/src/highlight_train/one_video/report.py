"""The page about one video: its score, pictures with their scores, the score over time, the best windows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from footage.errors import printable
from footage.report.figures import Curve, curves
from footage.report.page import Page
from footage.report.sheets import contact_sheet
from highlight_train.scoring.bands import LOWER_ENDS
from highlight_train.scoring.sampler import pictures_at
from highlight_train.scoring.video import FrameScores, ScoredVideo, clock

PICTURES = 8


def lay_out(
    video: ScoredVideo, frames: FrameScores, lead: str, origin: Sequence[tuple[str, object]], *, threshold: float
) -> Page:
    """The page; its pictures are read from the video anew.

    Raises:
        VideoError: the video cannot be read any more.
    """
    page = Page(f"Highlights in {printable(video.path.name)}", lead)
    shown = np.unique(np.linspace(0, len(frames.scores) - 1, PICTURES).round().astype(int)).tolist()
    times = [frames.times_seconds[number] for number in shown]
    page.figure(
        contact_sheet(
            pictures_at(video.path, times),
            [f"{clock(frames.times_seconds[number])}  {frames.scores[number]:.2f}" for number in shown],
        ),
        f"Film strip of {len(shown)} moments with their scores",
        "Moments of the video, and how much of a highlight the model sees in each.",
    )
    ends = [0.0, frames.duration_seconds]
    page.figure(
        curves(
            [
                Curve(label="score", x=frames.times_seconds, y=frames.scores),
                Curve(label="highlight", x=ends, y=[threshold, threshold], reference=True),
            ],
            x_label="seconds",
            y_label="score",
            x_limits=(0.0, frames.duration_seconds),
            y_limits=(0.0, 1.0),
        ),
        f"The score over time, from {min(frames.scores):.2f} to {max(frames.scores):.2f}",
        "Score of each picture over time. Above the dashed line the model sees a highlight.",
    )
    if video.remark is not None:
        page.note(f"{video.remark[0].upper()}{video.remark[1:]}.", kind="warning")
    page.section("The best windows")
    page.table(
        ("from", "to", "highest score"),
        [(clock(window.start_seconds), clock(window.end_seconds), f"{window.score:.3f}") for window in video.windows],
    )
    page.section("What the score means")
    page.table(
        ("band", "score from", "this video"),
        [
            (band.value, f"{low:g}", f"{video.score:.3f}" if band is video.band else "")
            for band, low in LOWER_ENDS.items()
        ],
    )
    page.section("Where the numbers come from")
    page.table(("what", "value"), origin)
    return page
