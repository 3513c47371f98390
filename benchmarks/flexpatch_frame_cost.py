"""What following 20 boxes costs a 1080p frame, beside decoding the frame and beside detecting in it.

Run with ``python -m benchmarks.flexpatch_frame_cost`` from the root of the repository. Everything is measured on one
generated H.264 clip, interleaved: see ``benchmarks/measuring.py``. A track starts anew on each object's true box every
ten frames, as after a detection. The detectors are real ones where the folder of real data has them (``../shared/data``
or ``FOOTAGE_TEST_DATA``), else a made-up network of YOLOv8n's size; the table says which.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from benchmarks import naive_tracking
from benchmarks.clips import CRF, NOISE, RATE, crowded_scene, megabits_per_second
from benchmarks.measuring import Case, Spread, Timings, as_json, conditions, measure, print_conditions, print_table
from benchmarks.stand_in_network import write_stand_in
from numpy.typing import NDArray

from flexpatch_train.detectors.onnx import OnnxDetector
from flexpatch_train.features import TrackFeatures
from flexpatch_train.tracker import FlowStep, FlowTracker
from footage.video.reader import open_video

Gray = NDArray[np.uint8]
Floats = NDArray[np.float64]

BOXES = 20
DETECT_EVERY = 10
STEP_SECONDS = float(1 / RATE)
EASY_NOISE = 2.0
EASY_CRF = 23
SCORES = np.full(BOXES, 0.9)
MODELS = ("yolov8n_int8.onnx", "yolox_nano.onnx")

BARE = "decode, pixels not touched"
DECODE = "(a) decode to grey"
DECODE_ONE = "(a) decode to grey, 1 thread"
BOTH = "(b) decode + track + features"
PYRAMIDS = "LK of a single point (whole-frame work)"
TRACK = "(c) track"
FEATURES = "(d) features"
NAIVE_TRACK = "(f) track, an LK call a box"
NAIVE_FEATURES = "(f) features, a Python loop"


@dataclass(frozen=True, slots=True)
class Footage:
    """The clip, its frames in grey, and the true boxes of every frame, float64 ``(20, 4)``."""

    path: Path
    grays: list[Gray]
    truth: list[Floats]


def frames_of(path: Path, threads: int | None, use: Callable[[int, Gray], object]) -> int:
    """Decode a clip to grey and hand every frame on."""
    count = 0
    with open_video(path, threads=threads) as reader:
        for frame in reader.frames():
            use(frame.index, frame.gray)
            count += 1
    return count


def decode_only(path: Path) -> int:
    """Decode a clip and convert nothing."""
    with open_video(path) as reader:
        return sum(1 for _ in reader.frames())


class Follower:
    """What a tool does with each frame: step, measure, and start anew every ten frames."""

    def __init__(self, truth: list[Floats], *, with_features: bool) -> None:
        self._truth = truth
        self._tracker = FlowTracker()
        self._features = TrackFeatures() if with_features else None
        self.steps: list[FlowStep] = []
        self.tables: list[Floats] = []

    def feed(self, index: int, gray: Gray) -> None:
        """Take the next frame."""
        if index:
            step = self._tracker.step(gray)
            self.steps.append(step)
            if self._features is not None:
                self.tables.append(self._features.measure(gray, step, STEP_SECONDS))
        if index % DETECT_EVERY == 0:
            for track_id in self._tracker.track_ids.tolist():
                if self._features is not None:
                    self._features.stop(track_id)
            self._tracker.stop(self._tracker.track_ids)
            ids = self._tracker.start(gray, self._truth[index])
            if self._features is not None:
                self._features.start(gray, ids, self._truth[index], SCORES)


def track_only(footage: Footage) -> int:
    """Follow the boxes through frames that are decoded already."""
    follower = Follower(footage.truth, with_features=False)
    for index, gray in enumerate(footage.grays):
        follower.feed(index, gray)
    return len(footage.grays)


def features_only(footage: Footage, steps: list[FlowStep]) -> int:
    """Measure the features of steps that were made before."""
    features = TrackFeatures()
    for index, gray in enumerate(footage.grays):
        if index:
            features.measure(gray, steps[index - 1], STEP_SECONDS)
        if index % DETECT_EVERY == 0:
            # The tracker numbers tracks in the order they start.
            ids = range(index // DETECT_EVERY * BOXES, (index // DETECT_EVERY + 1) * BOXES)
            features.start(gray, ids, footage.truth[index], SCORES)
    return len(footage.grays)


def whole_frame_work(footage: Footage) -> int:
    """Lucas-Kanade with one point a frame: pyramids and gradients of both frames, and next to nothing else."""
    point = np.array([[960.0, 540.0]], np.float32)
    for previous, current in zip(footage.grays, footage.grays[1:], strict=False):
        cv2.calcOpticalFlowPyrLK(previous, current, point, point.copy(), winSize=(15, 15), maxLevel=3)
    return len(footage.grays)


class Naive:
    """The boxes one after the other. Tracking remembers what the features then need, so that each is timed alone."""

    def __init__(self, footage: Footage) -> None:
        self._footage = footage
        self._states: list[tuple[list[naive_tracking.NaiveTrack], Floats]] = []
        self.tables: list[Floats] = []

    def track(self) -> int:
        """One Lucas-Kanade call a box and frame, and one for the camera."""
        grays, tracks = self._footage.grays, list[naive_tracking.NaiveTrack]()
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
        """One pass of a Python loop a box and frame."""
        self.tables = []
        velocities: list[Floats | None] = [None] * BOXES
        for index, (tracks, camera) in enumerate(self._states, start=1):
            rows = []
            for number, track in enumerate(tracks):
                track.velocity = velocities[number] if (index - 1) % DETECT_EVERY else None
                rows.append(naive_tracking.features(track, self._footage.grays[index], camera, STEP_SECONDS, 0.9))
                velocities[number] = track.velocity
            self.tables.append(np.array(rows))
        return len(self._footage.grays)


def detect_only(images: list[NDArray[np.uint8]], detector: OnnxDetector) -> int:
    """Detect in pictures that are RGB already."""
    for index, image in enumerate(images):
        detector.detect(image, frame_index=index)
    return len(images)


def detect_every_frame(path: Path, detector: OnnxDetector) -> int:
    """Decode a clip to RGB and detect in every frame."""
    count = 0
    with open_video(path) as reader:
        for frame in reader.frames():
            detector.detect(frame.image, frame_index=frame.index)
            count += 1
    return count


def detectors(folder: Path) -> dict[str, OnnxDetector]:
    """Real detectors where they are, else the stand-in; by a name that says which."""
    data = os.environ.get("FOOTAGE_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")
    real = [path for path in (Path(data) / "det" / name for name in MODELS) if path.is_file()]
    if real:
        return {path.stem: OnnxDetector(path, device="cpu") for path in real}
    made_up = write_stand_in(folder / "stand_in.onnx", np.random.default_rng(0))
    return {"made-up network of YOLOv8n's size": OnnxDetector(made_up, device="cpu")}


def make_footage(folder: Path, frames: int, *, easy: bool) -> Footage:
    """Render, encode and decode the clip."""
    scene = crowded_scene(frames, boxes=BOXES, noise=EASY_NOISE if easy else NOISE)
    path = scene.write_video(folder / "crowd.mp4", RATE, crf=EASY_CRF if easy else CRF)
    grays: list[Gray] = []
    frames_of(path, None, lambda _, gray: grays.append(gray))
    return Footage(path, grays, [scene.boxes_at(frame) for frame in range(frames)])


def make_cases(footage: Footage, networks: dict[str, OnnxDetector]) -> list[Case]:
    """Everything that is compared."""
    follower, naive = Follower(footage.truth, with_features=False), Naive(footage)
    for index, gray in enumerate(footage.grays):
        follower.feed(index, gray)
    naive.track()

    def ignore(_index: int, _gray: Gray) -> None:
        return

    def decode_and_follow() -> int:
        return frames_of(footage.path, None, Follower(footage.truth, with_features=True).feed)

    return [
        Case(name=BARE, run=lambda: decode_only(footage.path)),
        Case(name=DECODE, run=lambda: frames_of(footage.path, None, ignore), floor=BARE),
        Case(name=DECODE_ONE, run=lambda: frames_of(footage.path, 1, ignore), floor=BARE),
        Case(name=BOTH, run=decode_and_follow, floor=DECODE),
        Case(name=PYRAMIDS, run=lambda: whole_frame_work(footage)),
        Case(name=TRACK, run=lambda: track_only(footage), floor=PYRAMIDS),
        Case(name=FEATURES, run=lambda: features_only(footage, follower.steps)),
        *(case for name, detector in networks.items() for case in detection_cases(footage, name, detector)),
        Case(name=NAIVE_TRACK, run=naive.track, floor=TRACK),
        Case(name=NAIVE_FEATURES, run=naive.features, floor=FEATURES),
    ]


def detection_cases(footage: Footage, name: str, detector: OnnxDetector) -> list[Case]:
    """A detector in every frame of the clip, and alone on a few pictures."""
    with open_video(footage.path) as reader:
        images = [frame.image for frame in reader.frames(stop=DETECT_EVERY)]
    return [
        Case(name=f"(e) decode + {name}", run=lambda: detect_every_frame(footage.path, detector), floor=DECODE),
        Case(name=f"{name} alone", run=lambda: detect_only(images, detector)),
    ]


def agreement(footage: Footage) -> Floats:
    """Greatest absolute difference of each of the five features between the naive way and ours, in the first step."""
    follower, naive = Follower(footage.truth, with_features=True), Naive(footage)
    for index in (0, 1):
        follower.feed(index, footage.grays[index])
    naive.track()
    naive.features()
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nanmax(np.abs(follower.tables[0] - naive.tables[0]), axis=0, initial=0.0))


def claims(timings: Timings, networks: dict[str, OnnxDetector]) -> dict[str, tuple[Spread, Spread]]:
    """Each ratio that we state, by wall and by CPU time."""
    pairs: dict[str, tuple[str | tuple[str, ...], str | tuple[str, ...]]] = {
        **{f"(e)/(b) {name} every frame over following": (f"(e) decode + {name}", BOTH) for name in networks},
        **{f"{name} alone over (c+d) following alone": (f"{name} alone", (TRACK, FEATURES)) for name in networks},
        "(d)/(a) features over decoding": (FEATURES, DECODE),
        "(d)/(a) features over decoding, 1 thread": (FEATURES, DECODE_ONE),
        "(b)/(a) all of it over decoding alone": (BOTH, DECODE),
        "(f)/(c) a call a box over one call": (NAIVE_TRACK, TRACK),
        "(f)/(c+d) with features": ((NAIVE_TRACK, NAIVE_FEATURES), (TRACK, FEATURES)),
    }
    return {
        name: (timings.ratio(over, under), timings.ratio(over, under, cpu=True))
        for name, (over, under) in pairs.items()
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What following 20 boxes costs a 1080p frame.")
    parser.add_argument("--frames", type=int, default=60, help="length of the clip (default: %(default)s)")
    parser.add_argument("--easy", action="store_true", help="a clean clip of few bits, which is quick to decode")
    parser.add_argument("--rounds", type=int, default=9, help="times that each is measured (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables")
    arguments = parser.parse_args()
    if arguments.frames < DETECT_EVERY or arguments.rounds < 1:
        parser.error(f"at least {DETECT_EVERY} frames and 1 round are needed")
    with tempfile.TemporaryDirectory() as folder:
        footage = make_footage(Path(folder), arguments.frames, easy=arguments.easy)
        networks = detectors(Path(folder))
        cases = make_cases(footage, networks)
        differences = agreement(footage)
        timings = measure(cases, arguments.rounds)
        rate = megabits_per_second(footage.path, arguments.frames)
    ratios = claims(timings, networks)
    if arguments.json:
        document = {
            **conditions(timings),
            "clip": {"frames": arguments.frames, "boxes": BOXES, "megabits_per_second": rate},
            "cases": as_json(cases, timings),
            "ratios": {name: {"wall": asdict(wall), "cpu": asdict(cpu)} for name, (wall, cpu) in ratios.items()},
            "naive_differs_by": differences.tolist(),
        }
        print(json.dumps(document, indent=2))
        return
    print(f"clip: {arguments.frames} frames of 1080p H.264 at {rate:.1f} Mbit/s, {BOXES} boxes a frame")
    print_conditions(timings)
    print()
    print_table(cases, timings, item="frame")
    print()
    print(f"{'ratio, paired by round':<54} {'wall':>24} {'CPU':>24}")
    for name, (wall, cpu) in ratios.items():
        print(f"{name:<54} {wall.text():>24} {cpu.text():>24}")
    print()
    print("naive and batched features of the first step differ by at most", np.array2string(differences, precision=1))


if __name__ == "__main__":
    main()
