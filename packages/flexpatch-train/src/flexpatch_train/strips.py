"""Film strips of the model's worst mistakes: the track as it set out, and as it was when the model was wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from flexpatch_train.clip import Clip
from flexpatch_train.identities import Identities
from flexpatch_train.labels import LABELS
from footage.report.palette import BLUE, ORANGE, VERMILION, WHITE
from footage.report.sheets import Mark
from footage.video.reader import VideoReader
from footage.video.types import Frame

PICTURES = 5
CROP_SIZE = (160, 200)
_NOTHING = np.full((CROP_SIZE[1], CROP_SIZE[0], 3), 24, np.uint8)
_CONTEXT = 0.6  # of the box's size, added on every side
_COLOURS = {"high": VERMILION, "medium": ORANGE, "low": BLUE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """One mistaken track.

    Attributes:
        images: RGB uint8 crops, in order of time.
        captions: one a crop.
        marks: in each crop the object itself, white, and the tracked box in the colour of its true label.
        title: what the model said and what was true.
    """

    images: list[NDArray[np.uint8]]
    captions: list[str]
    marks: list[list[Mark]]
    title: str


def worst_mistakes(test: pd.DataFrame, predictions: NDArray[np.str_], count: int) -> pd.DataFrame:
    """The rows where the model was most wrong, one a track: missed failures first, then false alarms.

    Args:
        test: held-out rows.
        predictions: the model's answer a row.
        count: how many.
    """
    rank: dict[str, int] = {label: number for number, label in enumerate(LABELS)}
    truth_rank = test["iou_label"].map(rank).to_numpy()
    said_rank = np.array([rank[str(label)] for label in predictions])
    wrong = test.assign(said=predictions, severity=said_rank - truth_rank)
    wrong = wrong[wrong["severity"] != 0]
    # Calling a lost box safe (positive) costs the user an object; the other way costs only pixels.
    wrong = wrong.sort_values(["severity", "frame", "track_id"], ascending=[False, False, True], kind="stable")
    spread = pd.concat([wrong[wrong["severity"] > 0], wrong[wrong["severity"] < 0][::-1]])
    worst: pd.DataFrame = spread.drop_duplicates(["clip", "track_id"]).head(count)
    return worst


def worst_strips(clips: Sequence[Clip], table: pd.DataFrame, mistakes: pd.DataFrame) -> list[Strip]:
    """The strips of the worst mistakes, in their order, from as many videos as they are in.

    Args:
        clips: the videos.
        table: all rows.
        mistakes: rows of ``worst_mistakes``.

    Raises:
        VideoError: a video cannot be read any more.
    """
    strips: dict[int, Strip] = {}
    for clip in clips:
        own = np.flatnonzero((mistakes["clip"] == clip.source.name).to_numpy())
        if not len(own):
            continue
        with clip.source.open() as reader:
            rows = table[table["clip"] == clip.source.name]
            found = mistake_strips(reader, rows, mistakes.iloc[own], clip.identities)
        for place, strip in zip(own.tolist(), found, strict=True):
            strips[place] = replace(strip, title=f"{clip.source.name}: {strip.title}") if len(clips) > 1 else strip
    return [strips[place] for place in sorted(strips)]


def mistake_strips(
    reader: VideoReader,
    table: pd.DataFrame,
    mistakes: pd.DataFrame,
    identities: Identities,
    *,
    pictures: int = PICTURES,
) -> list[Strip]:
    """Cut the strips out of the video in one pass.

    Args:
        reader: the video the table was made from.
        table: all rows of this video, so that a track's way to its mistake can be shown.
        mistakes: rows of ``worst_mistakes``.
        identities: who was where, so that the object itself can be shown.
        pictures: crops a strip.
    """
    if mistakes.empty:
        return []
    plans = [_plan(table, row, pictures) for _, row in mistakes.iterrows()]
    crops: dict[tuple[int, int], tuple[NDArray[np.uint8], list[Mark]]] = {}
    last = max(int(rows["frame"].max()) for rows in plans)
    for frame in reader.frames(stop=last + 1):
        for number, rows in enumerate(plans):
            for _, row in rows[rows["frame"] == frame.index].iterrows():
                truth = identities.timelines[int(row["track_id"])].box_at(frame.index)
                crops[number, frame.index] = _crop(frame, row, truth)
    strips = []
    for number, (rows, (_, mistake)) in enumerate(zip(plans, mistakes.iterrows(), strict=True)):
        shown = [int(frame) for frame in rows["frame"] if (number, int(frame)) in crops]
        empty = pictures - len(shown)  # strips of one length keep one scale on the page
        strips.append(
            Strip(
                images=[crops[number, frame][0] for frame in shown] + [_NOTHING] * empty,
                marks=[crops[number, frame][1] for frame in shown] + [[]] * empty,
                captions=[f"+{frame - int(mistake['start_frame'])}" for frame in shown] + [""] * empty,
                title=_title(mistake),
            )
        )
    return strips


def _plan(table: pd.DataFrame, mistake: pd.Series, pictures: int) -> pd.DataFrame:
    """The rows of a mistaken track to show: evenly spread up to the mistake, then what followed if that is too few."""
    same = (table["track_id"] == mistake["track_id"]) & (table["start_frame"] == mistake["start_frame"])
    rows = table[same]
    rows = rows.head(max(int((rows["frame"] <= mistake["frame"]).sum()), pictures))
    chosen = np.unique(np.linspace(0, len(rows) - 1, pictures).round().astype(int))
    spread: pd.DataFrame = rows.iloc[chosen]
    return spread


def _title(mistake: pd.Series) -> str:
    true, said = mistake["iou_label"], mistake["said"]
    what = "the object has left" if mistake["left"] else f"IoU {mistake['iou']:.2f}"
    age = int(mistake["frame"] - mistake["start_frame"])
    return f"object {int(mistake['track_id'])}, {age} frames after detection: called {said}, is {true} ({what})"


def _crop(frame: Frame, row: pd.Series, truth: NDArray[np.float64] | None) -> tuple[NDArray[np.uint8], list[Mark]]:
    """The surroundings of a row's box, scaled to ``CROP_SIZE``, and where the object and the box lie in them."""
    box = row[["x1", "y1", "x2", "y2"]].to_numpy(np.float64)
    size, (width, height) = np.maximum(box[2:] - box[:2], 1), CROP_SIZE
    scale = float((np.array(CROP_SIZE) / (size * (1 + 2 * _CONTEXT))).min())
    shift = np.array([width, height]) / 2 - scale * (box[:2] + box[2:]) / 2
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    crop = np.asarray(cv2.warpAffine(frame.image, matrix, CROP_SIZE, flags=interpolation), np.uint8)

    def mark(corners: NDArray[np.float64], colour: str) -> Mark:
        x0, y0, x1, y1 = (scale * corners + np.tile(shift, 2)).tolist()
        return Mark(box=(x0, y0, x1, y1), colour=colour)

    tracked = mark(box, _COLOURS[row["iou_label"]])
    return crop, [tracked] if truth is None else [mark(truth, WHITE), tracked]
