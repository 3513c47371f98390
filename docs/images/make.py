"""Make the picture of the README anew: `uv run python docs/images/make.py`.

It runs `flexpatch-train demo` and cuts six pictures out of the demo's own scene: one box from the frame it was detected
in until the tracker has let go of its object. The scene is synthetic, so the picture is free of rights.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from flexpatch_train.demo import demo_options
from flexpatch_train.identities import annotated_timelines
from flexpatch_train.mot import read_mot
from flexpatch_train.run import run
from flexpatch_train.table import read_table
from footage.cli.progress import progress
from footage.report.palette import BLUE, ORANGE, VERMILION
from footage.report.sheets import Mark, contact_sheet
from footage.runs.directory import atomic_write_bytes
from footage.video import open_video

PICTURE = Path(__file__).with_name("letting-go.jpg")
LARGEST_BYTES = 150_000
PICTURES = 6
COLUMNS = 3
FEWEST_ROWS = 20
MARGIN_PX = 20
COLOURS = {"high": VERMILION, "medium": ORANGE, "low": BLUE}
TRUTH_COLOUR = "#ffffff"


def best_track(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the track that passes most slowly from holding its object to having lost it."""

    def slowness(rows: pd.DataFrame) -> int:
        held, lost = rows["iou"].iloc[0] > 0.8, rows["iou_label"].iloc[-1] == "high"
        if len(rows) < FEWEST_ROWS or rows["left"].any() or not (held and lost):
            return -1
        return int((rows["iou_label"] == "medium").sum())

    tracks = [rows for _, rows in table.groupby(["track_id", "start_frame"])]
    return max(tracks, key=slowness)


def draw(folder: Path) -> bytes:
    """The pictures, in rows, as JPEG data, from a folder that holds a finished demo."""
    rows = best_track(read_table(folder / "training_data.csv"))
    rows = rows.iloc[np.linspace(0, len(rows) - 1, PICTURES).round().astype(int)]
    truth = annotated_timelines(read_mot(folder / "scene_gt.txt"), 10**6)[int(rows["track_id"].iloc[0])]
    images: list[NDArray[np.uint8]] = []
    captions: list[str] = []
    marks: list[list[Mark]] = []
    corners = rows[["x1", "y1", "x2", "y2"]].to_numpy(np.float64)
    with open_video(folder / "scene.mp4") as reader:
        limit = (reader.info.width, reader.info.height)
        true_boxes = [truth.box_at(int(frame)) for frame in rows["frame"]]
        seen = np.vstack([corners, *[box[None] for box in true_boxes if box is not None]])
        x0, y0 = (max(int(side) - MARGIN_PX, 0) for side in seen[:, :2].min(axis=0))
        x1, y1 = (min(int(side) + MARGIN_PX, end) for side, end in zip(seen[:, 2:].max(axis=0), limit, strict=True))
        shift = np.array([x0, y0, x0, y0])
        for (_, row), box, true_box in zip(rows.iterrows(), corners, true_boxes, strict=True):
            images.append(reader.frame_at(float(row["time_seconds"])).image[y0:y1, x0:x1])
            age = int(row["frame"] - row["start_frame"])
            captions.append(f"{age} frame{'' if age == 1 else 's'} later: {row['iou_label']} risk")
            drawn = [] if true_box is None else [_mark(true_box - shift, TRUTH_COLOUR)]
            marks.append([*drawn, _mark(box - shift, COLOURS[str(row["iou_label"])])])
    return contact_sheet(images, captions, marks=marks, columns=COLUMNS, height=190)


def _mark(box: NDArray[np.float64], colour: str) -> Mark:
    left, top, right, bottom = (float(side) for side in box)
    return Mark(box=(left, top, right, bottom), colour=colour)


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description="Make the picture of the README anew.")
    parser.add_argument("--demo", type=Path, help="folder of a finished demo; without it one is run (a minute)")
    folder: Path | None = parser.parse_args().demo
    with tempfile.TemporaryDirectory() as scratch:
        if folder is None:
            folder = Path(scratch)
            options = demo_options(folder, seed=0, smoke=False, tell=print)
            run(
                options,
                tell=print,
                make_progress=lambda total, done: progress(total, "frames", "demo", already_done=done),
            )
        data = draw(folder)
    if len(data) > LARGEST_BYTES:
        raise SystemExit(f"the picture has {len(data)} bytes, more than the {LARGEST_BYTES} a README should carry")
    atomic_write_bytes(PICTURE, data)
    print(f"{PICTURE}: {len(data)} bytes")  # noqa: T201 - a script's result


if __name__ == "__main__":
    main()
