"""How the first FlexPatch trainer made its training data: re-implemented with its mistakes, to compare with.

Our own code, written from what that program does, for the comparison in ``flexpatch_accuracy``; nothing else should use
it. It detects in every frame, follows every track by a Lucas-Kanade call of its own, labels each followed box by its
best overlap with any detection, and shows the tracker the detections in every fifth frame.

Two variants. ``as_shipped`` reads the detector's corners ``x0, y0, x1, y1`` as corner and size, so that every box
reaches far beyond its object, and never ends a track that no detection confirms. ``boxes_read_right`` mends these two
and nothing else. Both keep the rest:

- one detection after the other takes the track it overlaps most: two may take the same;
- a label knows neither classes nor identities;
- positions are cut to whole pixels in every frame;
- ``ncc`` compares with the frame before and keeps the mean grey level, ``min_eig`` is the mean over the whole crop,
  ``flow_std`` is the deviation of the numbers ``|dx|`` and ``|dy|`` together (5 for a pan of 10 px to the side),
  ``accel`` takes a track's speed before its first frame as 0, and all of them keep their values when flow fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier

from flexpatch_train.detections import Detections
from flexpatch_train.features import FEATURES
from flexpatch_train.identities import Identities
from flexpatch_train.labels import label_of_iou, outcome
from flexpatch_train.rollouts import Sample
from footage.metrics.boxes import iou_matrix
from footage.video.reader import VideoReader

Gray = NDArray[np.uint8]
Floats = NDArray[np.float64]
Variant = Literal["as_shipped", "boxes_read_right"]
Corner = tuple[int, int, int, int]
"""x, y, width and height in whole pixels."""

FIRST_FRAMES = 200
REFRESH_EVERY = 5
REFRESH_IOU = 0.5
MAX_AGE_FRAMES = 10
_MAX_CORNERS, _CORNER_QUALITY, _CORNER_DISTANCE_PX, _BLOCK_PX = 50, 0.01, 5, 7
_CRITERIA = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 10, 0.03)


@dataclass(slots=True)
class OriginalTrack:
    """A followed box and the features it last had.

    Attributes:
        track_id: unique.
        box: as the tracker believes it.
        origin: frame and row of the detection that last placed the box.
        confidence: of that detection.
        age: frames since flow last succeeded, however wrong it was.
        velocity: mean flow of the last success in pixels a frame.
        flow_features: ``min_eig``, ``ncc``, ``accel`` and ``flow_std`` of the last success.
    """

    track_id: int
    box: Corner
    origin: tuple[int, int]
    confidence: float
    age: int = 0
    velocity: Floats = field(default_factory=lambda: np.zeros(2))
    flow_features: tuple[float, float, float, float] = (0.0, 1.0, 0.0, 0.0)

    @property
    def features(self) -> tuple[float, ...]:
        """In the order of ``flexpatch_train.features.FEATURES``."""
        return (*self.flow_features, self.confidence)

    def follow(self, previous: Gray, current: Gray) -> None:
        """Move the box into the next frame and measure its features, or grow older where flow fails."""
        height, width = previous.shape
        x, y = max(0, self.box[0]), max(0, self.box[1])
        w, h = min(self.box[2], width - x), min(self.box[3], height - y)
        crop = previous[y : y + h, x : x + w] if w > 0 and h > 0 else None
        flow = np.zeros((0, 2)) if crop is None else _flow(previous, current, crop, np.array([x, y], np.float32))
        if crop is None or not len(flow):
            self.age += 1
            return
        mean = flow.mean(axis=0)
        accel = float(np.linalg.norm(mean - self.velocity))
        self.velocity, self.age = mean, 0
        self.box = (int(x + mean[0]), int(y + mean[1]), w, h)
        left, top = min(max(self.box[0], 0), width - w), min(max(self.box[1], 0), height - h)
        now = current[top : top + h, left : left + w]
        ncc = float(cv2.matchTemplate(now, crop, cv2.TM_CCORR_NORMED)[0, 0])
        min_eig = float(cv2.cornerMinEigenVal(crop, _BLOCK_PX).mean())
        self.flow_features = (min_eig, ncc, accel, float(np.abs(flow).std()))


def _flow(previous: Gray, current: Gray, crop: Gray, corner: NDArray[np.float32]) -> Floats:
    """Displacements ``(M, 2)`` of the crop's points that Lucas-Kanade says it found, inside the picture or not."""
    found = cv2.goodFeaturesToTrack(crop, _MAX_CORNERS, _CORNER_QUALITY, _CORNER_DISTANCE_PX, blockSize=_BLOCK_PX)
    if found is None or not len(found):
        return np.zeros((0, 2))
    points = np.asarray(found, np.float32).reshape(-1, 2) + corner
    new, status, _ = cv2.calcOpticalFlowPyrLK(
        previous, current, points, points.copy(), winSize=(15, 15), maxLevel=2, criteria=_CRITERIA
    )
    return np.asarray((new - points)[status.ravel() == 1], np.float64)


def read_boxes(found: Detections, variant: Variant) -> list[Corner]:
    """A detector's corners as the variant reads them."""
    whole = found.boxes.astype(int)
    if variant == "boxes_read_right":
        whole[:, 2:] -= whole[:, :2]
    return [(x, y, w, h) for x, y, w, h in whole.tolist()]


def as_xyxy(boxes: Sequence[Corner]) -> Floats:
    """float64 ``(N, 4)``, corners."""
    array = np.array(boxes, np.float64).reshape(-1, 4)
    array[:, 2:] += array[:, :2]
    return array


class OriginalTracker:
    """Every track of the original trainer."""

    def __init__(self, variant: Variant) -> None:
        self.tracks: list[OriginalTrack] = []
        self._variant = variant
        self._started = 0

    def follow(self, previous: Gray, current: Gray) -> None:
        """Move every track; those without flow for ``MAX_AGE_FRAMES`` frames end."""
        for track in self.tracks:
            track.follow(previous, current)
        self.tracks = [track for track in self.tracks if track.age < MAX_AGE_FRAMES]

    def refresh(self, frame: int, found: Detections) -> None:
        """Put tracks where detections are, and start one on every detection that no track overlaps well."""
        boxes = read_boxes(found, self._variant)
        confirmed = set()
        for row, box in enumerate(boxes):
            overlap = iou_matrix(as_xyxy([box]), as_xyxy([track.box for track in self.tracks]))[0]
            best = int(np.argmax(overlap)) if len(overlap) else None
            score, origin = float(found.scores[row]), (frame, row)
            if best is None or overlap[best] <= REFRESH_IOU:
                self.tracks.append(OriginalTrack(self._started, box, origin, score))
                self._started += 1
                confirmed.add(len(self.tracks) - 1)
                continue
            track = self.tracks[best]
            track.box, track.origin, track.confidence, track.age = box, origin, score, 0
            confirmed.add(best)
        if self._variant == "boxes_read_right":
            self.tracks = [track for index, track in enumerate(self.tracks) if index in confirmed]


def original_table(
    reader: VideoReader, detections: Sequence[Detections], truth: Identities, variant: Variant, clip: str
) -> pd.DataFrame:
    """What the original trainer would write, and beside it what really became of each box.

    Args:
        reader: the video.
        detections: one entry a frame.
        truth: human ground truth over the same frames and detections.
        variant: which of its mistakes are made.
        clip: the video's name.

    Returns:
        One row a box and frame: the five features, ``iou_label`` as the original gives it, ``clip``, ``frame``,
        ``start_frame`` (when a detection last placed the box), ``own_track`` (the tracker's number), ``track_id``
        (the object of the human ground truth that the detection showed; NaN where it showed none), ``true_label`` (by
        the overlap with that object; None where it is not known) and the box ``x1, y1, x2, y2`` as the tracker has it.
    """
    tracker = OriginalTracker(variant)
    previous: Gray | None = None
    rows = []
    for frame in reader.frames(stop=len(detections)):
        found = detections[frame.index]
        if previous is not None:
            tracker.follow(previous, frame.gray)
            best = iou_matrix(
                as_xyxy([track.box for track in tracker.tracks]), as_xyxy(read_boxes(found, variant))
            ).max(axis=1, initial=0.0)
            rows += [
                (*track.features, label_of_iou(iou), clip, frame.index, *_truth(track, frame.index, truth))
                for track, iou in zip(tracker.tracks, best.tolist(), strict=True)
            ]
        previous = frame.gray
        # The first frame always sets tracks out; later an empty frame changes nothing.
        if frame.index % REFRESH_EVERY == 0 and len(found):
            tracker.refresh(frame.index, found)
    columns = ("iou_label", "clip", "frame", "start_frame", "own_track", "track_id", "true_label")
    return pd.DataFrame.from_records(rows, columns=[*FEATURES, *columns, "x1", "y1", "x2", "y2"])


def _truth(track: OriginalTrack, frame: int, truth: Identities) -> tuple[object, ...]:
    """The last columns of a row: start, numbers, what really became of the box, and the box."""
    start, row = track.origin
    object_id = truth.of_detection[start][row]
    box = as_xyxy([track.box])[0]
    result = None if object_id is None else outcome(truth, object_id, frame, box)
    known = (np.nan if object_id is None else object_id, None if result is None else result.label)
    return (start, track.track_id, *known, *box)


def features_of_samples(
    reader: VideoReader, detections: Sequence[Detections], samples: Sequence[Sample]
) -> dict[tuple[int, int, int], tuple[float, ...]]:
    """The features as the original measures them, of boxes that our tracker followed.

    Args:
        reader: the video.
        detections: one entry a frame.
        samples: of our rollouts over the same frames.

    Returns:
        The five features of every sample by ``start_frame``, ``detection`` and ``frame``.
    """
    by_frame: dict[int, list[Sample]] = {}
    for sample in samples:
        by_frame.setdefault(sample.frame, []).append(sample)
    tracks: dict[tuple[int, int], OriginalTrack] = {}
    features = {}
    previous = np.zeros((0, 0), np.uint8)  # no sample lies in the first frame
    for frame in reader.frames(stop=len(detections)):
        for sample in by_frame.get(frame.index, ()):
            origin = (sample.start_frame, sample.detection)
            if origin not in tracks:
                found = detections[sample.start_frame]
                box = read_boxes(found, "boxes_read_right")[sample.detection]
                tracks[origin] = OriginalTrack(len(tracks), box, origin, float(found.scores[sample.detection]))
            track = tracks[origin]
            track.follow(previous, frame.gray)
            features[*origin, frame.index] = track.features
            x0, y0, x1, y1 = (int(side) for side in sample.box)
            track.box = (x0, y0, x1 - x0, y1 - y0)
        previous = frame.gray
    return features


def fit_original(table: pd.DataFrame) -> DecisionTreeClassifier:
    """The tree as the original grows it: rows count alike, however rare their label."""
    tree = DecisionTreeClassifier(max_depth=5, min_samples_split=10, random_state=42)
    tree.fit(table[list(FEATURES)].to_numpy(np.float64), table["iou_label"].to_numpy(np.str_))
    return tree
