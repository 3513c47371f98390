"""MOTChallenge text: detections, ground truth and results, read strictly and written back.

One box a line, ``frame,id,x,y,w,h,conf[,class,visibility]`` (MOT16 and later) or
``frame,id,x,y,w,h,conf,X,Y,Z`` (MOT15: world coordinates instead of a class). Frames count from 1, and so do pixels:
the top-left pixel of a picture is ``(1, 1)``. Boxes are converted on entry to ``xyxy`` counted from 0, and back on
exit; frame numbers stay as written.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from footage.errors import DatasetError
from footage.metrics.boxes import mot_to_xyxy, xyxy_to_mot

PEDESTRIAN = 1
# MOT16/17: person on vehicle, static person, distractor, reflection. Finding one is neither right nor wrong.
DISTRACTORS = (2, 7, 8, 12)

_COLUMNS = "frame,id,x,y,w,h,conf[,class[,visibility]] or frame,id,x,y,w,h,conf,X,Y,Z"
# Beyond any frame, and small enough for box arithmetic to keep a ten-thousandth of a pixel in float64.
_LARGEST_PX = 1e7
_LARGEST_NUMBER = 2**53
_SHARE_OUTSIDE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class MotRows:
    """The boxes of one MOT file in frame order; rows of one frame stay in the order of the file.

    Attributes:
        frames: int64 ``(N,)``, counted from 1, ascending.
        ids: int64 ``(N,)`` identities; None where the file gives none (detections have -1 in every row).
        boxes: float64 ``(N, 4)``, ``xyxy`` pixels counted from 0; may lie partly outside the picture.
        confidences: float64 ``(N,)``: a score in a detection file, in ground truth 1 (counts) or 0 (does not).
        class_ids: int64 ``(N,)``; None where the file names no classes.
        visibility: float64 ``(N,)`` in [0, 1]; None where the file does not say.
    """

    frames: NDArray[np.int64]
    ids: NDArray[np.int64] | None
    boxes: NDArray[np.float64]
    confidences: NDArray[np.float64]
    class_ids: NDArray[np.int64] | None = None
    visibility: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        """The number of boxes."""
        return len(self.frames)

    def select(self, which: NDArray[np.bool_] | NDArray[np.intp] | slice) -> MotRows:
        """The rows at a mask, at ascending indices or in a slice."""
        return MotRows(
            frames=self.frames[which],
            ids=None if self.ids is None else self.ids[which],
            boxes=self.boxes[which],
            confidences=self.confidences[which],
            class_ids=None if self.class_ids is None else self.class_ids[which],
            visibility=None if self.visibility is None else self.visibility[which],
        )

    def of_frame(self, frame: int) -> MotRows:
        """The rows of one frame, counted from 1; none where the file has none."""
        first, last = np.searchsorted(self.frames, [frame, frame + 1])
        return self.select(slice(int(first), int(last)))


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """What counts in a ground-truth file.

    Attributes:
        objects: the boxes a tracker is scored on; every row has an identity, at most one a frame.
        ignored: distractors: a detection on one of them is neither right nor wrong.
    """

    objects: MotRows
    ignored: MotRows


def read_text(path: Path) -> str:
    """The text of a file of the benchmark.

    Raises:
        DatasetError: missing, unreadable or not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DatasetError(error.strerror or "unreadable", where=path) from error
    except UnicodeDecodeError as error:
        raise DatasetError("not a text file", where=path) from error


def read_mot(path: Path) -> MotRows:
    """Read a MOT text file.

    Raises:
        DatasetError: missing, not text, empty or with a malformed line, which is named.
    """
    return parse_mot(read_text(path), where=path)


def parse_mot(text: str, *, where: str | Path) -> MotRows:
    """Parse MOT text; ``where`` names it in errors.

    Ten columns are world coordinates unless the tenth is -1 in every row, when the eighth and ninth are class and
    visibility. A class or visibility of -1 in every row means that the file gives none.

    Raises:
        DatasetError: no rows, or a line that is not MOT, named by its number.
    """
    rows: list[list[float]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            rows.append(_parse_line(line, where=f"{where} line {number}"))
            if len(rows[-1]) != len(rows[0]):
                raise DatasetError(
                    f"{len(rows[-1])} columns where the lines before it have {len(rows[0])}",
                    where=f"{where} line {number}",
                    remedy="give every line the same columns",
                )
    if not rows:
        raise DatasetError("no rows", where=where, remedy=f"expected lines of {_COLUMNS}")
    table = np.asarray(rows, np.float64)
    table = table[np.argsort(table[:, 0], kind="stable")]
    class_ids, visibility = _class_and_visibility(table, where=where)
    return MotRows(
        frames=table[:, 0].astype(np.int64),
        ids=None if np.all(table[:, 1] == -1) else table[:, 1].astype(np.int64),
        boxes=mot_to_xyxy(table[:, 2:6]),
        confidences=table[:, 6].copy(),
        class_ids=class_ids,
        visibility=visibility,
    )


def ground_truth(rows: MotRows, *, where: str | Path) -> GroundTruth:
    """Split ground truth into what is scored and what is ignored, by the rules of its benchmark.

    With classes (MOT16/17): class 1 with flag 1 counts, distractors are ignored, the rest is dropped. Without (MOT15):
    every row whose flag is not 0 is a pedestrian.

    Raises:
        DatasetError: no identities, an identity twice in a frame, or nothing left that counts.
    """
    if rows.ids is None:
        raise DatasetError("no identities: every id is -1", where=where, remedy="give ground truth, not detections")
    counts = rows.confidences != 0
    is_ignored = np.zeros(len(rows), np.bool_)
    if rows.class_ids is not None:
        counts &= rows.class_ids == PEDESTRIAN
        is_ignored = np.isin(rows.class_ids, DISTRACTORS)
    if not counts.any():
        found = (
            "" if rows.class_ids is None else f" of class {PEDESTRIAN} (found: {np.unique(rows.class_ids).tolist()})"
        )
        raise DatasetError(f"no row{found} with flag 1 in column 7", where=where, remedy="nothing here can be scored")
    objects = rows.select(counts)
    _refuse_twins(objects, where)
    return GroundTruth(objects, rows.select(is_ignored))


def check_fits(rows: MotRows, width: int, height: int, frame_count: int) -> None:
    """Refuse rows that cannot belong to a video of this size in pixels and length in frames.

    Boxes may reach beyond the picture; one in twenty may even lie wholly outside. Boxes made for a smaller picture
    cannot be told from objects that keep to its top left: compare ``seqinfo.ini`` where there is one.

    Raises:
        DatasetError: frames after the end, or too many boxes outside the picture.
    """
    if not len(rows):
        return
    last = int(rows.frames[-1])
    if last > frame_count:
        raise DatasetError(
            f"boxes up to frame {last}, and the video has {frame_count} frames",
            remedy="give the file that belongs to this video",
        )
    outside = np.any((rows.boxes[:, 2:] <= 0) | (rows.boxes[:, :2] >= [width, height]), axis=1)
    if outside.mean() > _SHARE_OUTSIDE:
        right, bottom = rows.boxes[:, 2:].max(axis=0)
        raise DatasetError(
            f"{outside.mean():.0%} of the boxes lie outside the {width}x{height} picture: "
            f"they reach {right:.0f}x{bottom:.0f}",
            remedy="the file was made for a video of another size: scale it or give the one that belongs to this video",
        )


def write_mot(rows: MotRows) -> str:
    """The MOT text of rows: nine columns, -1 for what is not known, a ten-thousandth of a pixel, LF line ends."""
    unknown = np.full(len(rows), -1)
    columns = (
        rows.frames.tolist(),
        (unknown if rows.ids is None else rows.ids).tolist(),
        xyxy_to_mot(rows.boxes).tolist(),
        rows.confidences.tolist(),
        (unknown if rows.class_ids is None else rows.class_ids).tolist(),
        (unknown if rows.visibility is None else rows.visibility).tolist(),
    )
    return "".join(
        f"{frame},{identity},{','.join(_decimal(side, 4) for side in box)},{_decimal(confidence, 6)},{class_id},"
        f"{_decimal(seen, 6)}\n"
        for frame, identity, box, confidence, class_id, seen in zip(*columns, strict=True)
    )


def _parse_line(line: str, *, where: str) -> list[float]:
    fields = line.split(",")
    if not 7 <= len(fields) <= 10:
        raise DatasetError(f"{len(fields)} columns", where=where, remedy=f"expected {_COLUMNS}")
    # float() would read 1_000 as a thousand.
    try:
        row = [float(field) if "_" not in field else math.nan for field in fields]
    except ValueError as error:
        raise DatasetError(
            f"not a number in {line.strip()[:80]!r}", where=where, remedy=f"expected {_COLUMNS}"
        ) from error
    if not all(map(math.isfinite, row)):
        raise DatasetError(f"not a finite number in {line.strip()[:80]!r}", where=where)
    frame, identity, _, _, width, height = row[:6]
    if not frame.is_integer() or not 1 <= frame < _LARGEST_NUMBER:
        raise DatasetError(f"frame {fields[0].strip()}", where=where, remedy="frames are whole and count from 1")
    if not identity.is_integer() or abs(identity) >= _LARGEST_NUMBER:
        raise DatasetError(f"id {fields[1].strip()}", where=where, remedy="identities are whole numbers")
    if width < 0 or height < 0 or any(abs(side) > _LARGEST_PX for side in row[2:6]):
        raise DatasetError(
            f"box {','.join(field.strip() for field in fields[2:6])}",
            where=where,
            remedy="a box is x,y,w,h in pixels, w and h at least 0",
        )
    return row


def _class_and_visibility(
    table: NDArray[np.float64], *, where: str | Path
) -> tuple[NDArray[np.int64] | None, NDArray[np.float64] | None]:
    columns = table.shape[1]
    if columns == 7 or (columns == 10 and np.any(table[:, 9] != -1)):
        return None, None
    classes = table[:, 7]
    if np.any(classes != np.round(classes)) or np.any(np.abs(classes) >= _LARGEST_NUMBER):
        raise DatasetError("column 8 holds classes that are not whole numbers", where=where)
    class_ids = None if np.all(classes == -1) else classes.astype(np.int64)
    if columns == 8 or np.all(table[:, 8] == -1):
        return class_ids, None
    seen = table[:, 8]
    if np.any((seen < 0) | (seen > 1)):
        raise DatasetError("column 9 holds visibilities outside 0 to 1", where=where)
    return class_ids, seen.copy()


def _refuse_twins(objects: MotRows, where: str | Path) -> None:
    pairs = np.stack([objects.frames, objects.ids if objects.ids is not None else objects.frames], axis=1)
    unique, counts = np.unique(pairs, axis=0, return_counts=True)
    if np.any(counts > 1):
        frame, identity = unique[np.argmax(counts > 1)]
        raise DatasetError(
            f"identity {identity} stands twice in frame {frame}", where=where, remedy="keep one of the boxes"
        )


def _decimal(value: float, places: int) -> str:
    text = f"{value:.{places}f}".rstrip("0").rstrip(".")
    return "0" if text in {"", "-0"} else text
