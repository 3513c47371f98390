"""FlexPatch: follow objects by optical flow and show the detector only the patches that need it."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike

import cv2
import numpy as np
from numpy.typing import NDArray

from flexpatch_train.detections import Detections
from flexpatch_train.detectors.protocol import Detector
from flexpatch_train.features import FEATURES
from flexpatch_train.runtime.canvas import compose, map_back
from flexpatch_train.runtime.failure import TrackingFailureRecommender
from flexpatch_train.runtime.follower import FollowOptions, ObjectFollower
from flexpatch_train.runtime.new_objects import NewObjectRecommender
from flexpatch_train.runtime.packing import Packing, pack
from flexpatch_train.runtime.tracked import TrackedObject, Tracks

CANVAS_SIZE = (640, 360)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlexPatchOptions:
    """How the runtime spends its budget.

    Attributes:
        canvas_size: width and height in pixels of the one picture that goes to the detector each frame.
        new_patches: most patches for new objects in one canvas.
        failure_per_new: how many failure patches go before one patch for new objects.
        padding: how far a failure patch reaches past its box on every side, in box widths and heights; a half on every
            side pads a box by its own size.
        ageing_per_frame: priority gained by an object for every frame it was not shown; 1 is certain failure.
        follow: when objects begin and end.
    """

    canvas_size: tuple[int, int] = CANVAS_SIZE
    new_patches: int = 4
    failure_per_new: int = 3
    padding: float = 0.5
    ageing_per_frame: float = 0.03
    follow: FollowOptions = field(default_factory=FollowOptions)


@dataclass(slots=True)
class Costs:
    """What a run has spent so far.

    Attributes:
        frames: frames processed.
        detector_pixels: pixels of all pictures given to the detector.
        detector_failures: frames in which the detector raised or gave something unusable.
        last_failure: what the last of them was; None without one.
        seconds: wall time by stage.
    """

    frames: int = 0
    detector_pixels: int = 0
    detector_failures: int = 0
    last_failure: str | None = None
    seconds: dict[str, float] = field(default_factory=dict)


class Pipeline(ABC):
    """What FlexPatch and its baselines share: one frame after another, a guarded detector, costs, answers.

    Args:
        detector: anything with the detector protocol.
        frame_size: width and height in pixels of all frames.
        follow: when objects begin and end.
        frames_per_second: the video's rate, for frames given without their time.
        feature_names: the features that are measured of every object.

    Attributes:
        costs: what has been spent.
    """

    def __init__(
        self,
        detector: Detector,
        frame_size: tuple[int, int],
        follow: FollowOptions,
        frames_per_second: float,
        feature_names: Sequence[str] = FEATURES,
    ) -> None:
        self.costs = Costs()
        self._detector = detector
        self._frame_size = frame_size
        self._follower = ObjectFollower(frame_size, follow, feature_names)
        self._step_seconds = 1.0 / frames_per_second
        self._last_seconds: float | None = None

    @property
    def objects(self) -> list[TrackedObject]:
        """What is followed at the moment."""
        return self._follower.objects

    def process_frame(
        self, image: NDArray[np.uint8], *, gray: NDArray[np.uint8] | None = None, pts_seconds: float | None = None
    ) -> Tracks:
        """The objects of the next frame.

        Args:
            image: uint8 ``(H, W, 3)``, RGB.
            gray: uint8 ``(H, W)``, its luma where the caller has it already.
            pts_seconds: its presentation time; None counts on at the given rate.

        Raises:
            ValueError: the picture is not of the size given at the start, or its time does not come after the last.
        """
        if image.shape != (self._frame_size[1], self._frame_size[0], 3):
            raise ValueError(f"a frame of shape {image.shape} in a video of {self._frame_size} pixels")
        gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8) if gray is None else gray
        step_seconds = self._elapsed(pts_seconds)
        if self.costs.frames == 0:
            self._show_all(image, gray)
        else:
            with self._timed("tracking"):
                self._follower.follow(gray, step_seconds)
            self._look(image, gray)
        self.costs.frames += 1
        return self._answer()

    @abstractmethod
    def _look(self, image: NDArray[np.uint8], gray: NDArray[np.uint8]) -> None:
        """Show the detector something of a frame that is not the first, or nothing."""

    def _risks(self) -> NDArray[np.float64]:
        """How likely each object's box no longer shows it; nothing is known here."""
        return np.zeros(len(self._follower.objects))

    def _show_all(self, image: NDArray[np.uint8], gray: NDArray[np.uint8]) -> None:
        found = self._detect(image)
        if found is not None:
            with self._timed("merging"):
                self._follower.merge(gray, found, np.array([[0.0, 0.0, *map(float, self._frame_size)]]))

    def _detect(self, picture: NDArray[np.uint8]) -> Detections | None:
        """The detector's answer, None where it gave no usable one."""
        self.costs.detector_pixels += picture.shape[0] * picture.shape[1]
        with self._timed("detection"):
            try:
                found = self._detector.detect(picture, frame_index=self.costs.frames)
                usable = np.isfinite(found.boxes).all(axis=1) & np.isfinite(found.scores)
            except Exception as error:  # noqa: BLE001 - a live pipeline outlives whatever its detector does
                self._note_failure(f"{type(error).__name__}: {error}")
                return None
        if usable.all():
            return found
        self._note_failure(f"{int((~usable).sum())} boxes are not numbers")
        return found.select(usable)

    def _note_failure(self, what: str) -> None:
        self.costs.detector_failures += 1
        self.costs.last_failure = what

    def _elapsed(self, pts_seconds: float | None) -> float:
        last = self._last_seconds
        now = pts_seconds if pts_seconds is not None else 0.0 if last is None else last + self._step_seconds
        if last is not None and now <= last:
            raise ValueError(f"a frame at {now} s after one at {last} s")
        self._last_seconds = now
        return self._step_seconds if last is None else now - last

    def _answer(self) -> Tracks:
        items = self._follower.objects
        boxes = np.clip(self._follower.boxes, 0, [*self._frame_size, *self._frame_size])
        return Tracks(
            boxes=boxes.astype(np.float32),
            scores=np.array([item.score for item in items], np.float32),
            class_ids=np.array([item.class_id for item in items], np.int64),
            object_ids=np.array([item.object_id for item in items], np.int64),
            risks=self._risks().astype(np.float32),
        )

    def _timed(self, stage: str) -> _Timer:
        return _Timer(self.costs.seconds, stage)


class FlexPatch(Pipeline):
    """Detection on every frame of a video at a fraction of the pixels.

    ::

        flexpatch = FlexPatch(detector=detector, frame_size=(1920, 1080), tf_model_path="flexpatch_model.joblib")
        for image in video:
            tracks = flexpatch.process_frame(image)

    The first frame goes to the detector whole. From then on every frame costs one detector call on one canvas of
    patches, whatever the frame's size. A detector that raises, or gives no boxes or boxes that are not numbers, costs
    that frame's detections and nothing else; ``costs`` counts it.

    Args:
        detector: anything with the detector protocol.
        frame_size: width and height in pixels of all frames.
        tf_model_path: a ``flexpatch_model.joblib``.
        options: how the budget is spent.
        frames_per_second: the video's rate, for frames given without their time.

    Attributes:
        packing: what was on the last canvas; None where the whole frame was shown.
    """

    def __init__(
        self,
        detector: Detector,
        frame_size: tuple[int, int],
        tf_model_path: str | PathLike[str],
        *,
        options: FlexPatchOptions | None = None,
        frames_per_second: float = 25.0,
    ) -> None:
        self._options = options if options is not None else FlexPatchOptions()
        self._failure = TrackingFailureRecommender(
            tf_model_path, padding=self._options.padding, ageing_per_frame=self._options.ageing_per_frame
        )
        super().__init__(detector, frame_size, self._options.follow, frames_per_second, self._failure.feature_names)
        self.packing: Packing | None = None
        self._new = NewObjectRecommender(frame_size)
        self._owed_to_new = 0.0  # canvas pixels that patches for new objects are behind their share

    def _look(self, image: NDArray[np.uint8], gray: NDArray[np.uint8]) -> None:
        options = self._options
        with self._timed("recommending"):
            patches = self._failure.get_patches(self._follower.objects, image, self._frame_size)
            patches += self._new.recommend(gray, self._follower.boxes, options.new_patches)
        with self._timed("packing"):
            self.packing = pack(
                patches,
                options.canvas_size,
                failure_per_new=options.failure_per_new,
                new_first=self._owed_to_new > 0,
            )
            self._settle(self.packing)
            canvas = compose(image, self.packing)
        found = self._detect(canvas)
        with self._timed("merging"):
            shown = np.array([placement.source for placement in self.packing.placements], np.float64).reshape(-1, 4)
            self._new.looked_at(shown)
            if found is not None:
                seen = map_back(found, self.packing, frame_size=self._frame_size, tracked_boxes=self._follower.boxes)
                self._follower.merge(gray, seen, shown)

    def _settle(self, packing: Packing) -> None:
        """Keep account of the canvas that went to new objects, so that over the frames they get their share.

        In a crowd the failure patches of one frame fill its canvas; turn by turn within a frame, no newcomer would ever
        be seen.
        """
        width, height = packing.canvas_size
        given = sum(
            (x1 - x0) * (y1 - y0) for p in packing.placements if p.patch.kind == "new" for x0, y0, x1, y1 in [p.target]
        )
        share = width * height / (1 + self._options.failure_per_new)
        # What was not used is not saved up: two canvases' worth either way at the most.
        most = 2 * width * height
        self._owed_to_new = min(max(self._owed_to_new + share - given, -most), most)

    def _show_all(self, image: NDArray[np.uint8], gray: NDArray[np.uint8]) -> None:
        super()._show_all(image, gray)
        self._new.looked_at(np.array([[0.0, 0.0, *map(float, self._frame_size)]]))

    def _risks(self) -> NDArray[np.float64]:
        items = self._follower.objects
        risks = np.zeros(len(items))
        aged = np.array([item.frames_since_detection > 0 for item in items], bool)
        if aged.any():
            risks[aged] = self._failure.risks(np.stack([item.features for item in items])[aged])
        return risks


class FullFrameEveryN(Pipeline):
    """The baseline: the whole frame to the detector every ``n`` frames, optical flow between (as FastMOT does)."""

    def __init__(
        self,
        detector: Detector,
        frame_size: tuple[int, int],
        n: int,
        *,
        follow: FollowOptions | None = None,
        frames_per_second: float = 25.0,
    ) -> None:
        # Nobody asks for the risk of its boxes, so it does not pay for their features.
        super().__init__(detector, frame_size, follow if follow is not None else FollowOptions(), frames_per_second, ())
        self._n = n

    def _look(self, image: NDArray[np.uint8], gray: NDArray[np.uint8]) -> None:
        if self.costs.frames % self._n == 0:
            self._show_all(image, gray)


class _Timer:
    """Adds the time of a ``with`` block to a stage."""

    __slots__ = ("_seconds", "_stage", "_started")

    def __init__(self, seconds: dict[str, float], stage: str) -> None:
        self._seconds, self._stage = seconds, stage

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._seconds[self._stage] = self._seconds.get(self._stage, 0.0) + time.perf_counter() - self._started
