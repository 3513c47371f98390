"""What FlexPatch costs beside its detector: 20 objects at 1080p on one core, beside the way of the first trainer.

Run with ``python -m benchmarks.flexpatch_overhead`` from the root of the repository. The process is tied to one core
and OpenCV to one thread. The detector is a stand-in that knows where the objects are; what it finds is recorded in a
first run and replayed in the timed ones, so that it costs next to nothing. Frames are decoded beforehand.

The first trainer's way calls Lucas-Kanade once a box on whole frames, counts edge pixels in a Python loop over the
cells of the whole frame, and asks scikit-learn about one box after the other. It is given the same frames and 20 boxes,
and is not charged for packing, canvas and merging.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2
import numpy as np
from benchmarks import naive_tracking
from benchmarks.clips import CRF, RATE, crowded_scene
from benchmarks.measuring import (
    MILLISECONDS,
    Case,
    Spread,
    as_json,
    conditions,
    measure,
    print_conditions,
    print_table,
)
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier

from flexpatch_train.detections import Detections
from flexpatch_train.features import FEATURES
from flexpatch_train.runtime.fast_tree import FastTree
from flexpatch_train.runtime.new_objects import CANNY_THRESHOLDS, CELL_PX, EDGE_PIXELS
from flexpatch_train.runtime.pipeline import FlexPatch
from footage.persistence.sklearn import save_estimator
from footage.video.reader import open_video

Picture = NDArray[np.uint8]
Floats = NDArray[np.float64]

BOXES = 20
DETECT_EVERY = 10
DEPTH = 5
STEP_SECONDS = float(1 / RATE)
LEAST_SHOWN = 0.3  # of an object's pixels, for the stand-in to find it in a patch
DETECTOR_ERROR_PX = 1.0

OURS = "FlexPatch without its detector"
LK = "Lucas-Kanade, a call a box"
FEATURE_LOOP = "features, a Python loop"
EDGE_LOOP = "Canny and a Python loop, np.sum a cell"
QUICK_LOOP = "the same with np.count_nonzero"
ROW_BY_ROW = "scikit-learn, row by row"
ORIGINAL = (LK, FEATURE_LOOP, EDGE_LOOP, ROW_BY_ROW)
QUICK_ORIGINAL = (LK, FEATURE_LOOP, QUICK_LOOP, ROW_BY_ROW)
FAST_TREE = "20 rows, the runtime's tree"
ONE_CALL = "20 rows, scikit-learn in one call"
STAGES = ("tracking", "recommending", "packing", "merging")


@dataclass(frozen=True, slots=True)
class Footage:
    """Every frame in RGB and in grey, and its true boxes, float64 ``(20, 4)``."""

    frames: list[tuple[Picture, Picture]]
    truth: list[Floats]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        height, width = self.frames[0][1].shape
        return width, height


class KnowingDetector:
    """Finds what a canvas shows enough of, a little beside its place; keeps what it found."""

    name = "knowing"
    class_names = ("object",)
    memory_frames = 0

    def __init__(self, truth: list[Floats], rng: np.random.Generator) -> None:
        self._truth = truth
        self._rng = rng
        self.flexpatch: FlexPatch | None = None
        self.found: list[Detections] = []

    def detect(self, image: Picture, *, frame_index: int) -> Detections:  # noqa: ARG002 - it knows
        """The objects in a picture of this frame."""
        truth = self._truth[frame_index]
        packing = self.flexpatch.packing if self.flexpatch is not None else None
        if packing is None:
            boxes = truth
        else:
            shown = [_onto_canvas(truth, item.source, item.target) for item in packing.placements]
            boxes = np.concatenate([np.zeros((0, 4)), *shown])
        boxes = boxes + self._rng.normal(0, DETECTOR_ERROR_PX, boxes.shape)
        scores = self._rng.uniform(0.5, 0.95, len(boxes)).astype(np.float32)
        self.found.append(Detections(boxes.astype(np.float32), scores, np.zeros(len(boxes), np.int64)))
        return self.found[-1]

    def describe(self) -> dict[str, str | int | float | bool]:
        """Its name."""
        return {"detector": self.name}


class ReplayingDetector:
    """Gives what was found before."""

    name = "replaying"
    class_names = ("object",)
    memory_frames = 0

    def __init__(self, found: list[Detections]) -> None:
        self._found = found

    def detect(self, image: Picture, *, frame_index: int) -> Detections:  # noqa: ARG002 - all is known
        """The objects of this frame."""
        return self._found[frame_index]

    def describe(self) -> dict[str, str | int | float | bool]:
        """Its name."""
        return {"detector": self.name}


def _onto_canvas(boxes: Floats, source: tuple[int, ...], target: tuple[int, ...]) -> Floats:
    """The parts of boxes that a patch shows, where it shows at least ``LEAST_SHOWN`` of them."""
    corner, limit = np.array(source)[[0, 1, 0, 1]], np.array(source)[[2, 3, 2, 3]]
    parts = np.clip(boxes, corner, limit)
    area, whole = ((each[:, 2:] - each[:, :2]).prod(axis=1) for each in (parts, boxes))
    zoom = (np.array(target)[2:] - np.array(target)[:2]) / (limit - corner)[:2]
    return np.asarray((parts[area >= LEAST_SHOWN * whole] - corner) * np.tile(zoom, 2) + np.array(target)[[0, 1, 0, 1]])


@dataclass
class Runs:
    """The runtime from a fresh start, as often as it is timed; beside the time of each run, that of its stages."""

    footage: Footage
    model: Path
    found: list[Detections]
    rounds: int
    stages: dict[str, list[float]] = field(default_factory=dict)
    objects: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Reading the model is no part of a frame.
        detector = ReplayingDetector(self.found)
        self._waiting = [FlexPatch(detector, self.footage.size, self.model) for _ in range(self.rounds)]

    def run(self) -> int:
        """All frames through the next."""
        flexpatch = self._waiting.pop()
        self.objects = [len(flexpatch.process_frame(image, gray=gray)) for image, gray in self.footage.frames]
        for stage in STAGES:
            seconds = flexpatch.costs.seconds[stage] / len(self.footage.frames)
            self.stages.setdefault(stage, []).append(seconds * MILLISECONDS)
        return len(self.footage.frames)


class Original:
    """The work of a frame as the first trainer does it, part by part; what one part needs of another is kept."""

    def __init__(self, footage: Footage, tree: DecisionTreeClassifier) -> None:
        self._footage = footage
        self._tree = tree
        self._states: list[tuple[list[naive_tracking.NaiveTrack], Floats]] = []
        self.tables: list[Floats] = []

    def track(self) -> int:
        """One Lucas-Kanade call a box and frame, and one for the camera; anew on the true boxes every ten frames."""
        grays, tracks = [gray for _, gray in self._footage.frames], list[naive_tracking.NaiveTrack]()
        self._states = []
        for index, gray in enumerate(grays):
            if index:
                camera = naive_tracking.camera_motion(grays[index - 1], gray)
                for track in tracks:
                    naive_tracking.follow(track, grays[index - 1], gray)
                self._states.append(([track.copy() for track in tracks], camera))
            if index % DETECT_EVERY == 0:
                tracks = [naive_tracking.start(gray, box) for box in self._footage.truth[index]]
        return len(grays)

    def features(self) -> int:
        """The five features of one box after the other."""
        self.tables = []
        for (_, gray), (tracks, camera) in zip(self._footage.frames[1:], self._states, strict=True):
            rows = [naive_tracking.features(track, gray, camera, STEP_SECONDS, 0.9) for track in tracks]
            self.tables.append(np.array(rows))
        return len(self._footage.frames)

    def edge_map(self, count: Callable[[Picture], int]) -> int:
        """Which cells have edges, one cell after the other, by what counts a cell's edge pixels."""
        for _, gray in self._footage.frames:
            edges = np.asarray(cv2.Canny(gray, *CANNY_THRESHOLDS), np.uint8)
            height, width = edges.shape
            cells = np.zeros((-(-height // CELL_PX), -(-width // CELL_PX)), bool)
            for row in range(cells.shape[0]):
                for column in range(cells.shape[1]):
                    y, x = row * CELL_PX, column * CELL_PX
                    cells[row, column] = count(edges[y : y + CELL_PX, x : x + CELL_PX]) > EDGE_PIXELS
        return len(self._footage.frames)

    def predict(self) -> int:
        """The tree's answer for one box after the other."""
        for table in self.tables:
            for row in table:
                self._tree.predict_proba(row[None])
        return len(self._footage.frames)


def make_tree(rng: np.random.Generator) -> DecisionTreeClassifier:
    """A tree that asks all the questions its depth allows; what it answers does not matter here."""
    features = rng.normal(0, 1, (4000, len(FEATURES)))
    labels = rng.choice(["high", "medium", "low"], len(features))
    return DecisionTreeClassifier(max_depth=DEPTH, random_state=0).fit(features, labels)


def make_footage(folder: Path, frames: int) -> Footage:
    """Render, encode and decode the scene."""
    scene = crowded_scene(frames, boxes=BOXES)
    path = scene.write_video(folder / "crowd.mp4", RATE, crf=CRF)
    with open_video(path) as reader:
        pictures = [(frame.image, frame.gray) for frame in reader.frames()]
    return Footage(pictures, [scene.boxes_at(index) for index in range(frames)])


def record(footage: Footage, model: Path) -> list[Detections]:
    """What a detector that knows the truth finds on each canvas of a run."""
    detector = KnowingDetector(footage.truth, np.random.default_rng(1))
    detector.flexpatch = FlexPatch(detector, footage.size, model)
    for image, gray in footage.frames:
        detector.flexpatch.process_frame(image, gray=gray)
    return detector.found


def make_cases(original: Original, runs: Runs, tree: DecisionTreeClassifier) -> list[Case]:
    """Everything that is compared."""
    original.track()
    original.features()
    fast, rows = FastTree(tree), original.tables[0]

    def repeated(times: int, answer: Callable[[Floats], object]) -> int:
        for _ in range(times):
            answer(rows)
        return times

    return [
        Case(name=OURS, run=runs.run),
        Case(name=LK, run=original.track),
        Case(name=FEATURE_LOOP, run=original.features),
        Case(name=EDGE_LOOP, run=lambda: original.edge_map(lambda cell: int(np.sum(cell)) // 255)),
        Case(name=QUICK_LOOP, run=lambda: original.edge_map(np.count_nonzero)),
        Case(name=ROW_BY_ROW, run=original.predict),
        Case(name=FAST_TREE, run=lambda: repeated(500, fast.probabilities)),
        Case(name=ONE_CALL, run=lambda: repeated(100, tree.predict_proba), floor=FAST_TREE),
    ]


def tie_to_one_core() -> int:
    """Use one core and one thread from here on; the core's number."""
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    cv2.setNumThreads(1)
    return core


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What FlexPatch costs beside its detector, on one core.")
    parser.add_argument("--frames", type=int, default=60, help="length of the clip (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=9, help="times that each is measured (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables")
    arguments = parser.parse_args()
    if arguments.frames < 2 or arguments.rounds < 1:
        parser.error("at least 2 frames and 1 round are needed")
    tie_to_one_core()
    with tempfile.TemporaryDirectory() as folder:
        footage = make_footage(Path(folder), arguments.frames)
        tree, model = make_tree(np.random.default_rng(0)), Path(folder) / "flexpatch_model.joblib"
        save_estimator(tree, model)
        runs = Runs(footage, model, record(footage, model), arguments.rounds + 1)
        cases = make_cases(Original(footage, tree), runs, tree)
        timings = measure(cases, arguments.rounds)
    # The first round warmed up.
    stages = {stage: Spread.of(times[1:]) for stage, times in runs.stages.items()}
    ratios = {
        "the first trainer's way over all of FlexPatch's": (ORIGINAL, OURS),
        "the same with np.count_nonzero": (QUICK_ORIGINAL, OURS),
        "a tree in one call over the runtime's": (ONE_CALL, FAST_TREE),
    }
    spreads = {name: (timings.ratio(*pair), timings.ratio(*pair, cpu=True)) for name, pair in ratios.items()}
    if arguments.json:
        document = {
            **conditions(timings),
            "frames": arguments.frames,
            "objects": Spread.of(runs.objects),
            "cases": as_json(cases, timings),
            "stages_wall_ms": {stage: asdict(spread) for stage, spread in stages.items()},
            "ratios": {name: {"wall": asdict(wall), "cpu": asdict(cpu)} for name, (wall, cpu) in spreads.items()},
        }
        print(json.dumps(document, indent=2, default=asdict))
        return
    print(
        f"{arguments.frames} frames of 1080p, {Spread.of(runs.objects).text(0)} objects followed; one core, one thread"
    )
    print_conditions(timings)
    print()
    print_table(cases, timings, item="frame, or for 20 rows")
    print()
    print("where FlexPatch's time goes, wall ms a frame")
    for stage, spread in stages.items():
        print(f"  {stage:<42} {spread.text():>24}")
    print()
    print(f"{'ratio, paired by round':<54} {'wall':>24} {'CPU':>24}")
    for name, (wall, cpu) in spreads.items():
        print(f"{name:<54} {wall.text():>24} {cpu.text():>24}")


if __name__ == "__main__":
    main()
